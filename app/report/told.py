"""A talk told after its end: the report, and what a practice stopped early changes in it.

Stopping early never costs marks: no total is given, and what was not reached is not a fault.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app import home
from app.report import words
from coach import report
from coach.model_voice import is_unfit
from coach.report import Report, StepResult
from coach.session import Session
from coach.voice import ENGINE as SCRIPTED
from coach.work_order import OrderMark
from grading.result import Verdict

_MISSED = "没有做到："


@dataclass(frozen=True)
class Told:
    """A talk and its report; ``stopped``: the trainee ended the practice early.

    ``orders``: the versions of the order written afterwards, oldest first.
    """

    session: Session
    report: Report
    stopped: bool
    orders: tuple[OrderMark, ...] = ()

    @property
    def how(self) -> str | None:
        """How it ended, as a key of words.ENDS; None while it goes on."""
        return "stopped" if self.stopped else self.report.ended


def is_played(session: Session) -> bool:
    """Whether a language model spoke any line of the talk."""
    return any(turn.engine != SCRIPTED for turn in session.turns)


def verdicts(session: Session) -> list[Verdict]:
    """Give what a judging model said of the replies, oldest first."""
    return [one for turn in session.turns if turn.grade for one in turn.grade.judge]


def is_ai(session: Session) -> bool:
    """Whether a language model made any of it: a line of the talk or an opinion on a reply."""
    return is_played(session) or any(one.status == "scored" for one in verdicts(session))


def made_by(session: Session) -> str:
    """Say who made the other side's lines and the judgement."""
    voice, judged = session.voice, verdicts(session)
    said = "脚本客户（非 AI 生成）、规则评分"
    if is_played(session):
        model = f"{words.ENGINES[voice.engine]} {voice.model}"
        said = f"客户的话由{model} 生成（AI 生成内容）、规则评分"
    if judged:
        said += f"；语言模型 {judged[0].model} 另作评判（AI 生成内容，不计分）"
    if any(one.same_model_plays for one in judged):
        said += "，它也扮演了客户"
    return said


def tell(session: Session, *, stopped: bool = False, orders: Sequence[OrderMark] = ()) -> Told:
    """Write the report of a talk that is over, with the orders written afterwards."""
    made, written = report.make(session), tuple(orders)
    if not stopped or session.state.ended:
        return Told(session, made, stopped=False, orders=written)
    kinder = [
        one.model_copy(update={"why": one.why.replace(_MISSED, "这次还没练到：", 1)})
        for one in made.next
    ]
    return Told(
        session,
        made.model_copy(update={"overall": None, "next": kinder}),
        stopped=True,
        orders=written,
    )


def status(told: Told, step: StepResult) -> str:
    """Say how a step went; a step not reached in a stopped practice is 还没练到."""
    if told.stopped and step.status == "missed":
        return "还没练到"
    return words.STATUSES[step.status]


def content(told: Told) -> dict[str, Any]:
    """Give everything the JSON file holds; the same talk gives the same content and number."""
    body = {
        "made_by": {
            "label": made_by(told.session), "ai_generated": is_ai(told.session),
            "engine": told.session.voice.engine, "model": told.session.voice.model,
            "provider": f"Kefu Coach {home.version()}",
        } | _judged(told.session),
        "unfit_for_exam": is_unfit(told.session.turns),
        "text_only": told.report.text_only,
        "stopped_early": told.stopped,
        "report": told.report.model_dump(mode="json"),
        "orders": [one.model_dump(mode="json") for one in told.orders],
        "turns": [turn.model_dump(mode="json") for turn in told.session.turns],
    }  # fmt: skip
    return {"content_id": number(body)} | body


def _judged(session: Session) -> dict[str, Any]:
    """Say which model judged, if one did, and whether it also played the other side."""
    found = verdicts(session)
    if not found:
        return {}
    same = any(one.same_model_plays for one in found)
    return {"judge": {"model": found[0].model, "same_model_plays": same, "ai_generated": True}}


def number(body: dict[str, Any]) -> str:
    """Give the content number: a digest of the content, so that a change can be seen."""
    text = json.dumps(body, ensure_ascii=False, sort_keys=True)
    return "kefu-" + hashlib.sha256(text.encode()).hexdigest()[:20]
