"""A talk told after its end: the report, and what a practice stopped early changes in it.

Stopping early never costs marks: no total is given, and what was not reached is not a fault.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from app import home
from app.report import words
from coach import report
from coach.model_voice import is_unfit
from coach.report import Report, StepResult
from coach.session import Session
from coach.voice import ENGINE as SCRIPTED

_MISSED = "没有做到："


@dataclass(frozen=True)
class Told:
    """A talk and its report; ``stopped``: the trainee ended the practice early."""

    session: Session
    report: Report
    stopped: bool

    @property
    def how(self) -> str | None:
        """How it ended, as a key of words.ENDS; None while it goes on."""
        return "stopped" if self.stopped else self.report.ended


def is_ai(session: Session) -> bool:
    """Whether a language model spoke any line of the talk."""
    return any(turn.engine != SCRIPTED for turn in session.turns)


def made_by(session: Session) -> str:
    """Say who made the other side's lines and the judgement."""
    if not is_ai(session):
        return "脚本客户（非 AI 生成）、规则评分"
    voice = session.voice
    return f"客户的话由{words.ENGINES[voice.engine]} {voice.model} 生成（AI 生成内容）、规则评分"


def tell(session: Session, *, stopped: bool = False) -> Told:
    """Write the report of a talk that is over."""
    made = report.make(session)
    if not stopped or session.state.ended:
        return Told(session, made, stopped=False)
    kinder = [
        one.model_copy(update={"why": one.why.replace(_MISSED, "这次还没练到：", 1)})
        for one in made.next
    ]
    return Told(session, made.model_copy(update={"overall": None, "next": kinder}), stopped=True)


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
        },
        "unfit_for_exam": is_unfit(told.session.turns),
        "text_only": told.report.text_only,
        "stopped_early": told.stopped,
        "report": told.report.model_dump(mode="json"),
        "turns": [turn.model_dump(mode="json") for turn in told.session.turns],
    }  # fmt: skip
    return {"content_id": number(body)} | body


def number(body: dict[str, Any]) -> str:
    """Give the content number: a digest of the content, so that a change can be seen."""
    text = json.dumps(body, ensure_ascii=False, sort_keys=True)
    return "kefu-" + hashlib.sha256(text.encode()).hexdigest()[:20]
