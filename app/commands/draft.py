"""`kefu draft`: a wish to a scenario of one's own; checks and keeps edited ones."""

from __future__ import annotations

import argparse
import secrets
import threading
from collections.abc import Sequence
from pathlib import Path

from app import out, private_scenarios
from app.commands.model import chosen
from coach import draft, voices
from coach.draft import Draft
from coach.draft_model import Generate
from coach.engine import Engine, EngineError, Message, Sampling
from coach.scenario import Scenario
from knowledge.datafile import DataError, read_text

_MOST_TOKENS = 6000


def generator(engine: Engine) -> Generate:
    """Make a plain function of an engine: messages in, the whole text out.

    Raises (when called):
        DataError: the engine fails; says the remedy.
    """

    def generate(messages: Sequence[Message]) -> str:
        session = f":{secrets.token_hex(8)}"  # no scenario of ours: no names to mask
        sampling = Sampling(max_tokens=_MOST_TOKENS, temperature=0.7)
        try:
            stop = threading.Event()
            return "".join(engine.stream(messages, sampling, session=session, cancel=stop))
        except EngineError as error:
            raise DataError(f"{error}。也可以不写 --engine，用现有部件拼配") from error
        finally:
            engine.forget(session)

    return generate


def run(args: argparse.Namespace) -> int:
    """Draft, check or keep one scenario."""
    if args.check is not None:
        return _check(args, args.check)
    if args.file is not None:
        if not args.keep:
            raise DataError("--file 要和 --keep 一起用；只检查请用 --check 文件")
        return _keep(args, read_text(Path(args.file)), Path(args.file).name)
    if not args.wish:
        raise DataError("缺少愿望，例如：kefu draft 暴躁的老客户，七天无理由退货被拒，中级")
    made = _drafted(args)
    text = draft.as_yaml(made.scenario)
    if args.out:
        _write(Path(args.out), text)
    for note in made.notes:
        out.note(note)
    if args.json:
        out.as_json(made)
    elif not args.out:
        out.text(text.rstrip("\n"))
    if args.keep:
        private_scenarios.keep(private_scenarios.LOCAL, text, made.id)
        out.note(f"已保存（{made.status}），开始练：kefu play {made.id}")
    elif not args.out:
        out.note(f"{made.status}；加 --keep 保存，加 --out 文件 写出来改")
    return out.OK


def _drafted(args: argparse.Namespace) -> Draft:
    try:
        generate = _generate(args)
        return draft.draft(args.wish, level=args.level, generate=generate, seed=args.seed)
    finally:
        voices.close()


def _generate(args: argparse.Namespace) -> Generate | None:
    if args.engine == "scripted":
        return None
    try:
        return generator(voices.engine(args.engine, chosen(args)))
    except EngineError as error:
        raise DataError(f"{error}。也可以不写 --engine，用现有部件拼配") from error


def _check(args: argparse.Namespace, name: str) -> int:
    case = draft.check(read_text(Path(name)), Path(name).name)
    return _told(args, case, "检查通过：照 paths.right 能谈妥，照 paths.wrong 谈不妥")


def _keep(args: argparse.Namespace, text: str, where: str) -> int:
    case = private_scenarios.keep(private_scenarios.LOCAL, text, where)
    return _told(args, case, f"已保存，开始练：kefu play {case.id}")


def _told(args: argparse.Namespace, case: Scenario, what: str) -> int:
    if args.json:
        out.as_json({"id": case.id, "status": case.source, "ok": True})
    else:
        out.text(what)
    return out.OK


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"写不了 {path}（{error.strerror}），请换个地方") from None
    out.note(f"已写到 {path}，改完用 kefu draft --check {path} 检查")
