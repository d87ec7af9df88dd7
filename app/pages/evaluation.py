"""The evaluators' pages: the door, choosing and watching a run, its result, a centre's own marks.

Routes only; every one but the door and the page's own style and script asks for the session first.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from app.pages import evaluation_front as front
from app.pages import evaluation_gate, evaluation_marks, evaluation_view
from app.pages.evaluation_desk import Desk, Wish
from app.pages.evaluation_gate import Gate
from app.report import html
from eval import report, suites
from knowledge.datafile import DataError

COOKIE = "kefu_evaluator"
_FOLDER = Path(__file__).parent
_MOST_FORM = 16 * 1024
_MOST_SEED = 2**31 - 1
_FILES = {"report.html": report.HTML, "report.json": report.JSON}
_TYPES = {
    "jsonl": "application/x-ndjson; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
Form = dict[str, list[str]]


class Outside(DataError):
    """Nobody who may be here."""


@dataclass(frozen=True)
class Pages:
    """What the routes work on: who may enter, and the place where runs are asked for."""

    gate: Gate
    desk: Desk


def application(pages: Pages) -> FastAPI:
    """Build the pages; they answer under /evaluation."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.exception_handler(Outside)
    async def _outside(_: Request, error: Outside) -> Response:
        return _page("door", 401, said=str(error))

    @app.exception_handler(DataError)
    async def _explain(_: Request, error: DataError) -> Response:
        return _page("told", 404, said=str(error))

    @app.exception_handler(front.TooLong)
    async def _too_long(_: Request, __: front.TooLong) -> Response:
        return _page("told", 413, said="内容太长，请删减后再试")

    app.include_router(_door(pages))
    app.include_router(_inside(pages))
    return app


def mount(app: FastAPI, pages: Pages) -> None:
    """Open the pages beside those of an application that has its own guard already."""
    app.add_middleware(front.Front, pages=application(pages))


def _page(name: str, status: int = 200, **values: Any) -> Response:  # noqa: ANN401
    folder = FileSystemLoader(_FOLDER)
    found = Environment(loader=folder, autoescape=True, undefined=StrictUndefined)
    page = found.get_template(f"evaluation_{name}.html").render(view=evaluation_view, **values)
    return HTMLResponse(page, status_code=status)


async def _form(request: Request) -> Form:
    body = b"".join([piece async for piece in front.limited(request.stream(), _MOST_FORM)])
    return parse_qs(body.decode("utf-8", "replace"))


Asked = Annotated[Form, Depends(_form)]


def _one(form: Form, name: str) -> str:
    return form.get(name, [""])[0]


# The door -------------------------------------------------------------------------------------


def _door(pages: Pages) -> APIRouter:
    router = APIRouter(prefix=front.ROOT)

    @router.post("/door")
    def enter(form: Asked) -> Response:
        try:
            token = pages.gate.enter(_one(form, "passphrase"), _one(form, "name"))
        except evaluation_gate.TooMany as error:
            return _page("door", 429, said=str(error))
        except DataError as error:
            return _page("door", 401, said=str(error))
        answer = _home()
        answer.set_cookie(
            COOKIE, token, max_age=evaluation_gate.SESSION_SECONDS, path=front.ROOT,
            httponly=True, samesite="strict",
        )  # fmt: skip
        return answer

    @router.get("/page.css")
    def style() -> Response:
        shared = html.style().strip().removeprefix("<style>").removesuffix("</style>")
        own = (_FOLDER / "evaluation.css").read_text(encoding="utf-8")
        return Response(shared + own, media_type="text/css")

    @router.get("/page.js")
    def script() -> Response:
        own = (_FOLDER / "evaluation.js").read_text(encoding="utf-8")
        return Response(own, media_type="text/javascript")

    return router


def _home() -> Response:
    return RedirectResponse(front.ROOT, status_code=303)


# Inside ---------------------------------------------------------------------------------------


def _inside(pages: Pages) -> APIRouter:
    def evaluator(request: Request) -> None:
        request.state.who = pages.gate.who(request.cookies.get(COOKIE, ""))
        if request.state.who is None:
            raise Outside("")

    router = APIRouter(prefix=front.ROOT, dependencies=[Depends(evaluator)])

    @router.post("/leave")
    def leave(request: Request) -> Response:
        pages.gate.leave(request.cookies.get(COOKIE, ""))
        answer = _home()
        answer.delete_cookie(COOKIE, path=front.ROOT, httponly=True, samesite="strict")
        return answer

    _runs(router, pages.desk)
    _results(router, pages.desk)
    _marks(router, pages.desk)
    return router


def _overview(desk: Desk, who: str, said: str = "", status: int = 200) -> Response:
    return _page(
        "home", status, who=who, said=said, running=desk.running, last=desk.last,
        listed=desk.shelf.listed(), choices=suites.ALL, title=suites.title,
        label=report.CONSTRUCTED, most=evaluation_marks.MOST_BYTES,
    )  # fmt: skip


def _runs(router: APIRouter, desk: Desk) -> None:
    """Choose, watch and stop."""

    @router.get("")
    def show_home(request: Request) -> Response:
        return _overview(desk, request.state.who)

    @router.get("/state")
    def state() -> Response:
        now = desk.running
        if now is None:
            return JSONResponse({"id": None})
        return JSONResponse({"id": now.record.id, **vars(evaluation_view.progress(now))})

    @router.post("/runs")
    def start(request: Request, form: Asked) -> Response:
        who = request.state.who
        try:
            desk.start(_wish(form), who)
        except DataError as error:
            return _overview(desk, who, str(error), 409)
        return _home()

    @router.post("/stop")
    def stop(request: Request, form: Asked) -> Response:
        desk.stop(request.state.who, _one(form, "id"))
        return _home()


def _wish(form: Form) -> Wish:
    """Read what was asked for.

    Raises:
        DataError: no suite, an unknown one, another split, or a seed that is none.
    """
    names, split, seed = form.get("suite", []), _one(form, "split"), _one(form, "seed").strip()
    if not names:
        raise DataError("还没有选评测，请至少选一项")
    if set(names) - set(suites.ALL) or split not in evaluation_view.SPLITS:
        raise DataError("没有这项评测或这部分用例，请刷新页面再选")
    if not (seed.isascii() and seed.isdigit() and int(seed[:12]) <= _MOST_SEED):
        raise DataError(f"种子写成了“{seed[:20]}”，应是 0 到 {_MOST_SEED} 的整数")
    return Wish(tuple(name for name in suites.ALL if name in names), split, int(seed))


def _results(router: APIRouter, desk: Desk) -> None:
    @router.get("/runs/{name}")
    def show(name: str, against: str = "") -> Response:
        record, made = desk.shelf.read(name)
        others = evaluation_view.comparable(record, desk.shelf.listed().records)
        earlier = [one for one in others if one.id < record.id]
        picked = next((one for one in others if one.id == against), None)
        picked = picked or (earlier[0] if earlier and not against else None)
        before = desk.shelf.read(picked.id)[1] if picked else None
        return _page(
            "run", record=record, report=made, others=others, picked=picked, before=before,
            sections=[evaluation_view.section(suite) for suite in made.suites],
        )  # fmt: skip

    @router.get("/runs/{name}/{file}")
    def download(name: str, file: str) -> Response:
        folder = desk.shelf.at(name)
        if file not in _FILES or not (folder / _FILES[file]).is_file():
            raise DataError("没有这个文件，请回到评测页")
        return FileResponse(folder / _FILES[file], filename=f"kefu-eval-{name}.{file[7:]}")

    @router.get("/example.{kind}")
    def example(kind: str) -> Response:
        if kind not in _TYPES:
            raise DataError("没有这个文件，请回到评测页")
        made = {"jsonl": evaluation_marks.example_jsonl, "xlsx": evaluation_marks.example_xlsx}
        attached = f'attachment; filename="kefu-marks-example.{kind}"'
        return Response(
            made[kind](), media_type=_TYPES[kind], headers={"Content-Disposition": attached}
        )


def _marks(router: APIRouter, desk: Desk) -> None:
    """Take a file as the request's body, straight to disk."""

    @router.post("/marks")
    async def upload(request: Request, name: str = "") -> Response:
        try:
            await _take(request, desk, name)
        except front.TooLong:
            return JSONResponse({"said": str(evaluation_marks.too_large())}, status_code=413)
        except DataError as error:
            return JSONResponse({"said": str(error)}, status_code=409)
        except ClientDisconnect:
            return JSONResponse({"said": "没有传完"}, status_code=400)
        return JSONResponse({"said": ""})


async def _take(request: Request, desk: Desk, name: str) -> None:
    kind = evaluation_marks.kind_of(name)
    desk.check_free()
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > evaluation_marks.MOST_BYTES:
        raise front.TooLong
    _, part = desk.shelf.begin()
    saved, kept = part / f"{evaluation_marks.SAVED}{kind}", False
    try:
        with saved.open("wb") as file:
            async for piece in front.limited(request.stream(), evaluation_marks.MOST_BYTES):
                file.write(piece)
        if not saved.stat().st_size:
            raise DataError("文件是空的，请看看选对了没有")
        wish = Wish((evaluation_view.HUMAN,), "dev", suites.SEED, saved, Path(name).name[:80])
        await run_in_threadpool(desk.start, wish, request.state.who, part=part)
        kept = True
    except OSError as error:
        raise DataError(f"没有存下来（{error.strerror}），请看磁盘是否已满") from None
    finally:
        if not kept:
            shutil.rmtree(part, ignore_errors=True)
