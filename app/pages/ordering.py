"""写工单 after a talk, as plain functions: what the form shows, and handing one in.

Knows talks and records; nothing of Gradio. Whose talk it is, the caller has settled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.pages.talks import Talk, Talks
from app.report import orders
from coach import work_order
from coach.work_order import OrderMark
from knowledge.datafile import DataError

MOST_DRAFTS = 20


@dataclass(frozen=True)
class Form:
    """What the form shows: which one, its texts by field id, and the marked result as HTML."""

    is_staff: bool = False
    texts: Mapping[str, str] = field(default_factory=dict)
    result: str = ""


def form(talk: Talk, written: Sequence[OrderMark]) -> Form:
    """Give a talk's form with what was last handed in."""
    last = written[-1] if written else None
    texts = {one.id: one.text for one in last.fields} if last else {}
    shown = f'<div class="kefu sheet">{orders.marked(last, len(written))}</div>' if last else ""
    return Form(talk.session.scenario.kind == "staff", texts, shown)


def hand_in(talks: Talks, talk: Talk, values: Mapping[str, str]) -> list[OrderMark]:
    """Mark an order, keep it, and give all versions; it is in the database before it is shown.

    Args:
        talks: where they are kept.
        talk: the visitor's own.
        values: texts by field id; those of another form are left out.

    Raises:
        DataError: the talk goes on, the order is empty, too long, or one too many.
    """
    if not talk.is_over:
        raise DataError("对话还没有结束，先结束练习再写")
    case = talk.session.scenario
    known = {spec.id for spec in work_order.form(case)}
    name = "辅导记录" if case.kind == "staff" else "工单"
    texts = work_order.read({k: v for k, v in values.items() if k in known}, case, name)
    with talk.lock:
        before = talks.store.orders(talk.token)
        if len(before) >= MOST_DRAFTS:
            raise DataError(f"已经交了 {MOST_DRAFTS} 稿，请换一次对话再写")
        made = work_order.mark(talk.session, texts)
        if made.status == "unscored":
            raise DataError(f"{made.reason}，填好再提交")
        talks.store.add_order(talk.token, made)
        return [*before, made]
