"""What every request passes: whose machine, which page, which path, whose session.

Knows addresses, headers and cookies; nothing of talks.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections import OrderedDict
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from fastapi.responses import PlainTextResponse, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "kefu_visitor"
_TOKEN = re.compile(r"[0-9a-f]{32}")
_HASH = re.compile(rb'"session_hash"\s*:\s*"([^"\\]{1,64})"')
_MAX_BODY_BYTES = 256 * 1024
_MOST_OWNERS = 20_000
_COOKIE_SECONDS = 60 * 60 * 24 * 60
_OPEN = re.compile(
    r"/|/report\.(html|json)|/(assets|static|svelte)/.+|/(theme\.css|favicon\.ico|config)/?"
    r"|/gradio_api/(queue/(join|data)|heartbeat/[^/]+|startup-events|app_id|cancel|reset|theme\.css)/?"
)
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
# A link from another site brings no SameSite=Strict cookie; loading once more from here does.
_RELOAD = '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/">'


def is_loopback(name: str) -> bool:
    """Say whether a host name or address means this machine."""
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name.lower() == "localhost"


def _host(value: str) -> str:
    """Give the name in a Host header without its port; empty if it is malformed."""
    try:
        return urlsplit(f"//{value}").hostname or ""
    except ValueError:
        return ""


def visitor_in(headers: Headers) -> str:
    """Give the visitor's token in a request's cookies; empty when missing or malformed."""
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(headers.get("cookie", ""))
    except CookieError:
        return ""
    value = jar[COOKIE].value if COOKIE in jar else ""
    return value if _TOKEN.fullmatch(value) else ""


class Guard:
    """What every request passes: whose machine, which page, which path, whose session."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before ``app``."""
        self.app = app
        self._owners: OrderedDict[str, str] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with one Chinese sentence."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers, path = Headers(scope=scope), scope["path"]
        visitor = visitor_in(headers)
        refusal, body, fresh = refusal_of(scope, headers), b"", ""
        if refusal is None and scope["method"] == "POST":
            body, refusal = await _read(receive)
            receive = _again(body, receive)
        if refusal is None and not self._owns(scope, body, visitor):
            refusal = PlainTextResponse("这个会话属于另一位访客", 403)
        if refusal is None and path == "/" and not visitor:
            if headers.get("sec-fetch-site") == "cross-site":
                refusal = Response(_RELOAD, media_type="text/html")
            else:
                fresh = secrets.token_hex(16)
        private = not path.startswith(("/assets/", "/static/", "/svelte/"))
        await (refusal or self.app)(scope, receive, dressed(send, fresh, private=private))

    def _owns(self, scope: Scope, body: bytes, visitor: str) -> bool:
        """Say whether a Gradio session is this visitor's; the first to use it owns it."""
        path = scope["path"]
        names = {name.decode("utf-8", "replace") for name in _HASH.findall(body)}
        names |= set(parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", []))
        if path.startswith("/gradio_api/heartbeat/"):
            names.add(path.rsplit("/", 1)[1])
        for name in names:
            if self._owners.setdefault(name, visitor) != visitor:
                return False
            self._owners.move_to_end(name)
        while len(self._owners) > _MOST_OWNERS:
            self._owners.popitem(last=False)
        return True


def refusal_of(scope: Scope, headers: Headers) -> Response | None:
    """Give what to answer a request that may not come in; None where it may."""
    host, origin = headers.get("host", ""), headers.get("origin")
    if not is_loopback(_host(host)):
        return PlainTextResponse("请用 http://127.0.0.1 或 http://localhost 打开", 421)
    if origin is not None and origin != f"http://{host}":
        return PlainTextResponse("不接受别的网站发来的请求", 403)
    if scope["method"] not in ("GET", "HEAD", "POST"):
        return PlainTextResponse("不支持这种请求", 405)
    if not _OPEN.fullmatch(scope["path"]):
        return PlainTextResponse("没有这个地址，请回到首页", 404)
    return None


async def _read(receive: Receive) -> tuple[bytes, Response | None]:
    """Read a whole body; one past the limit is refused."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > _MAX_BODY_BYTES:
            return b"", PlainTextResponse("内容太长，请删减或分几次发送", 413)
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return body, None


def _again(body: bytes, receive: Receive) -> Receive:
    """Hand out a body already read, then whatever comes after it."""
    left = [body]

    async def read() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return read


def dressed(send: Send, fresh: str, *, private: bool) -> Send:
    """Add the security headers and, for a newcomer, the cookie ``fresh``."""
    cookie = (
        f"{COOKIE}={fresh}; Path=/; Max-Age={_COOKIE_SECONDS}; HttpOnly; SameSite=Strict"
        if fresh
        else ""
    )

    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            if private:
                headers["Cache-Control"] = "no-store"
            if cookie:
                headers.append("Set-Cookie", cookie)
        await send(message)

    return dressed
