"""The web application: one FastAPI app with the practice page and two downloads, behind the guard.

Knows HTTP; nothing of the conversation or of layout.
"""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from app.guard import Guard, visitor_in
from app.pages import practice
from app.pages.talks import Offer, Talk, Talks
from app.records.store import Store
from app.report import html, told
from app.report.told import Told
from coach.judging import Judging
from knowledge.datafile import DataError

_NONE_YET = "还没有可下载的报告：请先在这个浏览器里练完一次，或点“结束并看报告”"


def create_app(store: Store, offer: Offer | None = None, judging: Judging | None = None) -> FastAPI:
    """Build the application over one database.

    Args:
        store: where talks are kept.
        offer: the model the operator lets visitors talk with.
        judging: the model the operator lets judge their replies.
    """
    app = FastAPI(title="客服陪练", docs_url=None, redoc_url=None, openapi_url=None)
    talks = Talks(store, offer=offer, judging=judging)

    def over(request: Request) -> Talk | None:
        visitor = visitor_in(request.headers)
        talk = talks.of(visitor) if visitor else None
        return talk if talk and talk.is_over else None

    def tell(talk: Talk) -> Told:
        orders = store.orders(talk.token)
        return told.tell(talk.session, stopped=talk.stopped, orders=orders)

    @app.exception_handler(DataError)
    async def _explain(_: Request, error: DataError) -> Response:
        return PlainTextResponse(str(error), status_code=409)

    @app.get("/report.html")
    def report_html(request: Request) -> Response:
        talk = over(request)
        if talk is None:
            return PlainTextResponse(_NONE_YET, status_code=404)
        page = html.page(tell(talk))
        return HTMLResponse(page, headers=_attached("kefu-report.html"))

    @app.get("/report.json")
    def report_json(request: Request) -> Response:
        talk = over(request)
        if talk is None:
            return PlainTextResponse(_NONE_YET, status_code=404)
        text = html.as_json(tell(talk))
        return Response(text, media_type="application/json", headers=_attached("kefu-report.json"))

    practice.mount(app, talks)
    app.add_middleware(Guard)
    return app


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
