"""`kefu serve`: the web application on this machine."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import threading
from typing import TYPE_CHECKING, Any

from app import home, judging, out
from coach import voices
from coach.scenario import Scenario
from coach.voice import Voice
from knowledge.datafile import DataError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.pages.evaluation_desk import Desk
    from app.pages.talks import Offer

_LOOPBACK = ("localhost", "127.0.0.1", "::1", "[::1]")


def _check_port(host: str, port: int) -> None:
    """Refuse a port that cannot be listened on.

    Raises:
        DataError: out of range, or taken by another program.
    """
    if not 1 <= port <= 65535:
        raise DataError(f"--port 写成了 {port}，只能是 1 到 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise DataError(f"没有权限用端口 {port}，请换一个大于 1023 的：--port 7861") from None
        except OSError as error:
            other = port + 1 if port < 65535 else port - 1
            raise DataError(
                f"端口 {port} 用不了（已被占用），请换一个：kefu serve --port {other}"
                if error.errno in (48, 98, 10048)
                else f"不能在 {host}:{port} 上监听（{error.strerror}），请换一个：--port {other}"
            ) from None


def _address(host: str, port: int) -> str:
    bare = host.strip("[]")
    return f"http://[{bare}]:{port}" if ":" in bare else f"http://{bare}:{port}"


def _server(app: Any, host: str, port: int) -> Any:  # noqa: ANN401 - uvicorn is imported late
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:  # noqa: ANN401
            await super().startup(sockets=sockets)
            if self.started:
                out.note(f"已启动 {_address(host, port)} ，按 Ctrl+C 停止")
                threading.Thread(target=_warm, daemon=True).start()

        def handle_exit(self, sig: int, frame: Any) -> None:  # noqa: ANN401
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # open pages are cut off
            self.force_exit = True
            super().handle_exit(sig, frame)

    return Server(
        uvicorn.Config(
            app, host=host, port=port, log_level="warning", access_log=False,
            proxy_headers=False, server_header=False, timeout_graceful_shutdown=2,
        )
    )  # fmt: skip


def _warm() -> None:
    """Load words and rules while the first visitor is still choosing; say so if they are wrong."""
    from coach import scenario
    from coach.session import Session

    try:
        for case in scenario.load_all().values():
            Session(case, 0)
        Session(case, 0).say("您好，请问有什么可以帮您？")
    except DataError as error:
        out.note(f"kefu serve：{error}")


def _offer(args: argparse.Namespace) -> Offer | None:
    """Open the model that visitors may talk with, before anybody can.

    Raises:
        DataError: it cannot be had.
    """
    if args.engine == "scripted":
        return None
    from app.commands.draft import generator
    from app.commands.model import chosen
    from app.pages.talks import Offer
    from coach import scenario

    model = chosen(args)
    first = voices.make(args.engine, next(iter(scenario.load_all().values())), model=model)
    away = voices.away(args.engine, model)
    if trouble := voices.problem(args.engine, model):
        out.note(f"{trouble}。页面照常开放，连上以前由脚本顶替")
    else:
        out.note(f"语言模型 {first.model} 已就绪" + (f"，对话会发到 {away}" if away else ""))

    def make(case: Scenario) -> Voice:
        return voices.make(args.engine, case, model=model)

    writes = generator(voices.engine(args.engine, model))
    return Offer(f"语言模型 {first.model}", make, away, writes)


def _evaluators(args: argparse.Namespace, app: FastAPI) -> Desk | None:
    """Open the evaluators' pages if asked for, and tell their passphrase, this once.

    Raises:
        DataError: results cannot be kept.
    """
    if not getattr(args, "evaluation", False):
        return None
    from app.pages import evaluation
    from app.pages.evaluation_desk import Desk
    from app.pages.evaluation_gate import Gate, passphrase
    from app.pages.evaluation_shelf import Shelf

    secret, desk = passphrase(), Desk(Shelf(home.folder()))
    evaluation.mount(app, evaluation.Pages(Gate(secret), desk))
    where = _address(args.host, args.port)
    out.note(f"评测页 {where}/evaluation ，口令 {secret} （只显示这一次）")
    return desk


def run(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl+C.

    Raises:
        DataError: not a loopback address, a busy port, or a database in trouble.
    """
    if args.host not in _LOOPBACK:
        raise DataError(f"还没有账号功能，只能在本机用：--host 不能是 {args.host}，请用 127.0.0.1")
    host = args.host.strip("[]")
    _check_port(host, args.port)
    offer, judge = _offer(args), judging.asked(args)
    if judge and judge.trouble:
        judge = None
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    from app.records import store

    with store.opened() as records:
        from app.web import create_app

        app = create_app(records, offer, judge)
        desk, server = _evaluators(args, app), _server(app, host, args.port)
        try:
            server.run()
        except KeyboardInterrupt:
            out.note("已停止")
        finally:
            if desk:
                desk.close()
            voices.close()
    return out.OK
