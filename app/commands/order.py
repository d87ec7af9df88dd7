"""The work order of ``kefu play --order``: read from a file, marked, told."""

from __future__ import annotations

import json

from app import out
from app.commands import rows
from coach import order_words, work_order
from coach.scenario import Scenario
from coach.session import Session
from coach.work_order import OrderMark
from knowledge.datafile import DataError


def read(path: str, case: Scenario) -> dict[str, str]:
    """Read an order's file.

    Raises:
        DataError: unreadable, not one JSON object, or not the form of this scenario.
    """
    text = rows.read(path)
    try:
        value = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise DataError(f"{path} 第 {line} 行：不是合法的 JSON，应为一个对象") from None
    return work_order.read(value, case, path)


def tell(session: Session, order: dict[str, str], *, as_json: bool) -> OrderMark:
    """Mark an order and print it: one JSON line, or text for people."""
    made = work_order.mark(session, order)
    if as_json:
        out.text(json.dumps({"order": made.model_dump(mode="json")}, ensure_ascii=False))
        return made
    if made.score is None:
        out.text(f"工单 未评分：{made.reason}")
        return made
    out.text(f"工单 {made.score:g}（{made.label}）")
    names = order_words.load().book.verdicts
    for field in made.fields:
        score = "—" if field.score is None else f"{field.score:g}"
        out.text(f"  {field.name} {score}")
        for one in field.marks:
            out.text(f"    ✗ {names[one.verdict].name}：{one.what} → {one.mend}（{one.citation}）")
    return made
