"""The labelled work orders and the finished talks they were written after, frozen as they went.

A replay would change with the grader; the orders were written after what was said then.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coach import scenario
from coach.scenario import Scenario
from coach.session import PlayTurn
from grading.result import Span, Versions, unscored

FOLDER = Path(__file__).parent


@dataclass
class Talk:
    """What marking an order reads of a session."""

    scenario: Scenario
    turns: list[PlayTurn] = field(default_factory=list)


def _turn(row: dict[str, Any], scripted: str = "scripted") -> PlayTurn:
    grade = None
    if row["reply"] is not None:
        grade = unscored(None, "", Versions())
        grade.signals = [
            Span(kind=kind, text=row["reply"][start:end], start=start, end=end)
            for kind, start, end in row["signals"]
        ]
    state = {"stage": "calm", "anger": 0.0, "trust": 0.0, "patience": 0.0}
    return PlayTurn(
        turn=row["turn"], reply=row["reply"], grade=grade, customer=row["customer"], act="",
        state=state, revealed=row["told"], ended=None, engine=scripted, versions=Versions(),
    )  # type: ignore[arg-type]  # fmt: skip


def talks() -> dict[str, Talk]:
    """Give the frozen talks by id."""
    rows = map(json.loads, (FOLDER / "order_talks.jsonl").read_text(encoding="utf-8").splitlines())
    return {
        row["id"]: Talk(scenario.get(row["scenario"]), [_turn(one) for one in row["turns"]])
        for row in rows
    }


def orders(split: str) -> list[dict[str, Any]]:
    """Give the labelled orders of a split, dev or test."""
    rows = map(json.loads, (FOLDER / "orders.jsonl").read_text(encoding="utf-8").splitlines())
    return [row for row in rows if row["split"] == split]
