"""The web application: the page mounted in FastAPI, the visitor's cookie, headers, downloads.

Knows HTTP; nothing of the conversation or of layout.
"""

from __future__ import annotations

import re
import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.pages import practice
from app.pages.practice import COOKIE
from app.pages.talks import Talk, Talks
from app.records.store import Store
from app.report import html, told
from knowledge.datafile import DataError

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_TOKEN = re.compile(r"[0-9a-f]{32}")
_CLOSED = (
    "/gradio_api/upload", "/gradio_api/file", "/gradio_api/proxy", "/gradio_api/stream",
    "/gradio_api/mcp", "/gradio_api/deep_link", "/gradio_api/component_server",
    "/gradio_api/openapi", "/file", "/proxy", "/upload", "/monitoring", "/docs", "/redoc",
)  # fmt: skip
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self'; worker-src 'self' blob:; object-src 'none'; frame-src 'none'; "
        "frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_WRONG_HOST = "请用 http://127.0.0.1 或 http://localhost 打开"
_NONE_YET = "还没有可下载的报告：请先在这个浏览器里练完一次，或点“结束并看报告”"


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    return host.strip("[]").lower() in LOOPBACK


def _name(netloc: str) -> str:
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""


def _cookie(headers: Headers) -> str | None:
    """Give the visitor's secret, None when there is none or it is not one of ours."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return found.value if found and _TOKEN.fullmatch(found.value) else None


class Doorkeeper:
    """Lets in only this machine's own pages, gives every visitor a secret, adds the headers."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before an application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check and pass on one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        fresh = None if _cookie(headers) else secrets.token_hex(16)

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                _dress(MutableHeaders(scope=message), fresh)
            await send(message)

        refusal = _refusal(scope["path"], headers)
        await (refusal or self.app)(scope, receive, dressed)


def _dress(headers: MutableHeaders, fresh: str | None) -> None:
    for name, value in _HEADERS.items():
        headers[name] = value
    if headers.get("content-type", "").startswith(("text/html", "application/json")):
        headers["Cache-Control"] = "no-store"
    if fresh:
        headers.append("Set-Cookie", f"{COOKIE}={fresh}; HttpOnly; SameSite=Strict; Path=/")


def _refusal(path: str, headers: Headers) -> Response | None:
    host, origin = headers.get("host", ""), headers.get("origin")
    if not is_loopback(_name(host)):
        return PlainTextResponse("请用 http://127.0.0.1 或 http://localhost 打开", status_code=421)
    if origin is not None and urlsplit(origin).netloc != host:
        return PlainTextResponse("不接受别的网站发来的请求", status_code=403)
    if path.startswith(_CLOSED):
        return PlainTextResponse("没有这个页面", status_code=404)
    return None


def create_app(store: Store) -> FastAPI:
    """Build the application over one database."""
    app = FastAPI(title="客服陪练", docs_url=None, redoc_url=None, openapi_url=None)
    talks = Talks(store)

    def over(request: Request) -> Talk | None:
        visitor = _cookie(request.headers)
        talk = talks.of(visitor) if visitor else None
        return talk if talk and talk.is_over else None

    @app.exception_handler(DataError)
    async def _explain(_: Request, error: DataError) -> Response:
        return PlainTextResponse(str(error), status_code=409)

    @app.get("/report.html")
    def report_html(request: Request) -> Response:
        talk = over(request)
        if talk is None:
            return PlainTextResponse(_NONE_YET, status_code=404)
        page = html.page(told.tell(talk.session, stopped=talk.stopped))
        return HTMLResponse(page, headers=_attached("kefu-report.html"))

    @app.get("/report.json")
    def report_json(request: Request) -> Response:
        talk = over(request)
        if talk is None:
            return PlainTextResponse(_NONE_YET, status_code=404)
        text = html.as_json(told.tell(talk.session, stopped=talk.stopped))
        return Response(text, media_type="application/json", headers=_attached("kefu-report.json"))

    practice.mount(app, talks)
    app.add_middleware(Doorkeeper)
    return app


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
