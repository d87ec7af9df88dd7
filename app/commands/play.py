"""`kefu play`: a practice talk in the terminal, or from a file of replies."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from app import judging, out, waiting
from app.commands import order, rows
from app.commands.model import chosen
from app.report import opinions
from coach import report, scenario, voices
from coach.judging import JudgedSession
from coach.scenario import Scenario
from coach.session import PlayTurn, Session
from knowledge.datafile import DataError

if TYPE_CHECKING:
    from app.records.store import Store
    from coach.work_order import OrderMark

_ENDS = {
    "resolved": "问题解决，对方满意地结束了对话",
    "hung_up": "对方挂断了",
    "escalated": "对方去别处投诉了",
    "timed_out": "对方等不下去，离开了",
    "closed_by_agent": "你先结束了对话，问题没有解决",
}


def _say(case: Scenario, turn: PlayTurn) -> None:
    if turn.slips:
        how = "改由脚本客户说" if turn.engine == "scripted" else "重来后合格"
        out.note(
            f"  （模型这一轮有 {len(turn.slips)} 处不合格：{turn.slips[-1].text[:40]}；{how}）"
        )
    for line in turn.customer.split("\n"):
        if line:
            out.text(f"{case.person.call if case.kind == 'staff' else '客户'}：{line}")
    if turn.ended:
        out.text(f"—— {_ENDS[turn.ended]}")


def _number(score: float | None) -> str:
    return "—" if score is None else f"{score:g}"


def _feedback(turn: PlayTurn) -> None:
    grade = turn.grade
    if grade is None:
        return
    parts = [
        f"{shown} {_number(getattr(grade.dimensions, name).score)}"
        for name, shown in report.DIMENSION_NAMES.items()
    ]
    total = "未评分" if grade.overall is None else f"{grade.overall:g}"
    out.text(f"  [{total}] {' · '.join(parts)}")
    for breach in grade.violations:
        out.text(f"  ✗「{breach.text}」→ {breach.instead}")
    if grade.reason:
        out.text(f"  {grade.reason}")
    for line in opinions.lines(grade):
        out.text(line)


def _interactive(session: Session, records: Store) -> None:
    """Talk in the terminal; a turn is in the database before it is on the screen."""
    case = session.scenario
    token = records.begin(session)
    out.text(f"{case.title}（{case.level}，{case.trade}）  空行跳过，输入 /结束 退出")
    out.text("资料卡：")
    for line in case.card:
        out.text(f"  · {line}")
    _say(case, session.turns[0])
    while not session.state.ended:
        try:
            reply = input("你：")
        except EOFError:
            break
        if reply.strip() == "/结束":
            break
        if reply.strip():
            try:
                turn = waiting.say(session, reply)
            except DataError as error:
                out.note(str(error))
                continue
            records.add(token, turn)
            _feedback(turn)
            _say(case, turn)
    made = report.make(session)
    total = "未评分" if made.overall is None else f"{made.overall:g}"
    out.text(f"本次 {total}（{made.label}）。{made.text_only}。")
    for step in made.steps:
        mark = {"done": "✓", "missed": "✗", "out_of_order": "△"}[step.status]
        out.text(f"  {mark} {step.what}（{step.citation}）")
    out.note(f"已存为 {token[:8]}…")


def _replies(text: str) -> list[str]:
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    return [line.rstrip("\r").replace("\\n", "\n") for line in lines]


def _batch(session: Session, args: argparse.Namespace) -> None:
    replies = _replies(rows.read(args.replies))
    used = 0
    shown = [session.turns[0]]
    for line, reply in enumerate(replies, 1):
        if session.state.ended:
            break
        try:
            shown.append(waiting.say(session, reply))
        except DataError as error:
            raise DataError(f"第 {line} 行 {error}") from None
        used += 1
    for turn in shown:
        if args.json:
            out.as_json(turn)
        else:
            if turn.reply is not None:
                out.text(f"座席：{turn.reply}")
                _feedback(turn)
            _say(session.scenario, turn)
    if used < len(replies):
        out.note(f"对话已结束，还有 {len(replies) - used} 条回复没有用上")


def run(args: argparse.Namespace) -> int:
    """Play one scenario."""
    case = _case(args)
    if args.temperature is not None and not 0 <= args.temperature <= 2:
        raise DataError(f"--temperature 写成了 {args.temperature:g}，应在 0 到 2 之间")
    model = chosen(args)
    waiting.loading(args.engine, model)
    voice = voices.make(args.engine, case, model=model, temperature=args.temperature)
    try:
        if judge := judging.asked(args):
            return _play(JudgedSession(case, args.seed, voice, judging=judge), args)
        return _play(Session(case, args.seed, voice), args)
    finally:
        voices.close()


def _case(args: argparse.Namespace) -> Scenario:
    """Give the scenario of an id, of one's own draft, or of a draft's file."""
    named = args.scenario
    if not named.startswith(scenario.DRAFT) and not named.endswith((".yaml", ".yml")):
        return scenario.get(named)
    from app import private_scenarios

    if named.endswith((".yaml", ".yml")):
        case = private_scenarios.from_file(named)
    else:
        case = private_scenarios.get(private_scenarios.LOCAL, named)
    out.note(f"{case.id}：{case.source}")
    return case


def _play(session: Session, args: argparse.Namespace) -> int:
    waiting.announce(session, chosen(args))
    if args.order is not None and args.replies is None:
        raise DataError("--order 要和 --replies 一起用")
    if args.replies is not None:
        written = order.read(args.order, session.scenario) if args.order is not None else None
        _batch(session, args)
        made = None if written is None else order.tell(session, written, as_json=args.json)
        if args.save:
            _save(session, made)
        return out.OK
    if args.json or not sys.stdin.isatty():
        out.note("kefu play：不在终端里时，请用 --replies 给出座席的话")
        return out.BAD_INPUT
    from app.records import store

    with store.opened() as records:
        _interactive(session, records)
    return out.OK


def _save(session: Session, made: OrderMark | None) -> None:
    from app.records import store

    with store.opened() as records:
        token = records.keep(session)
        if made is not None and made.status == "scored":
            records.add_order(token, made)
    out.note(f"已存为 {token[:8]}…")
