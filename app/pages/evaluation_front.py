"""What every request to the evaluators' pages passes: whose machine, which site, which headers.

The same checks as for the practice page, and a stricter policy: these pages run no inline script.
Knows addresses and headers; who may enter is ``evaluation_gate``'s.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import guard

ROOT = "/evaluation"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Front:
    """Sends requests under /evaluation to its pages, and all others on."""

    def __init__(self, app: ASGIApp, pages: ASGIApp) -> None:
        """Stand before ``app``, whose own guard comes after."""
        self.app, self.pages = app, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let another answer."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path == ROOT or path.startswith(ROOT + "/")):
            await self.app(scope, receive, send)
            return
        # host, origin and method are looked at as for the first page; its paths are not these
        refusal = guard.refusal_of({**scope, "path": "/"}, Headers(scope=scope))
        dressed_up = guard.dressed(_strict(send), "", private=True)
        await (refusal or self.pages)(scope, receive, dressed_up)


def _strict(send: Send) -> Send:
    async def strict(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = _POLICY
            # a form's request names its site only under this policy, and the guard asks for it
            headers["Referrer-Policy"] = "same-origin"
        await send(message)

    return strict


class TooLong(ValueError):
    """A body past its limit."""


async def limited(stream: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    """Give the pieces of a body.

    Args:
        stream: of a request.
        most: bytes.

    Raises:
        TooLong: there are more.
    """
    size = 0
    async for piece in stream:
        size += len(piece)
        if size > most:
            raise TooLong
        yield piece
