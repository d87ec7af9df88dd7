"""A marked work order as HTML: each field as typed with its faults marked, and how to mend it.

Everything a person typed is escaped here. Scores nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from app.report import marks
from coach import order_words
from coach.work_order import FieldMark, Mark, OrderMark


def title(order: OrderMark) -> str:
    """Give what it is called: 工单, or 辅导记录 after a staff talk."""
    return "辅导记录" if order.kind == "coaching_record" else "工单"


def section(orders: Sequence[OrderMark]) -> str:
    """Give the latest version in full and the earlier ones folded; "" without any."""
    if not orders:
        return ""
    older = "".join(
        f'<details class="older"><summary>第 {at} 稿 · {_points(one.score)} 分</summary>'
        f"{marked(one)}</details>"
        for at, one in enumerate(orders[:-1], 1)
    )
    return marked(orders[-1], len(orders)) + older


def marked(order: OrderMark, number: int | None = None) -> str:
    """Give one order with its score, field by field."""
    draft = f"第 {number} 稿 · " if number else ""
    rows = "".join(_field(one) for one in order.fields)
    return (
        f'<div class="order"><p class="order-score"><b>{_points(order.score)}</b>'
        f"<span>{draft}{escape(order.label)}，不计入总分</span></p>{rows}"
        f'<p class="small">工单规则 {escape(order.versions.order)}</p></div>'
    )


def _points(score: float | None) -> str:
    return "—" if score is None else f"{score:.0f}"


def _field(field: FieldMark) -> str:
    status = {"complete": "完整", "faulty": "要改", "not_due": "不评"}[field.status]
    faults = "".join(_fault(one) for one in field.marks)
    listed = f'<ul class="breaches">{faults}</ul>' if faults else ""
    score = "" if field.score is None else f" {field.score:.0f}"
    return (
        f'<div class="order-field"><h3>{escape(field.name)}'
        f'<span class="tag {"asked" if field.status == "complete" else "unasked"}">'
        f"{status}{score}</span></h3>"
        f'<p class="quoted">{_highlighted(field)}</p>{listed}</div>'
    )


def _highlighted(field: FieldMark) -> str:
    if not field.text.strip():
        return '<span class="small">（没有填）</span>'
    if field.id == "type":
        return escape(order_words.load().book.types.get(field.text, field.text))  # type: ignore[call-overload]
    spans = [(m.start, m.end, m.what) for m in field.marks if m.start is not None and m.end]
    cuts = sorted({0, len(field.text), *(cut for a, b, _ in spans for cut in (a, b))})
    pieces = []
    for start, end in zip(cuts, cuts[1:], strict=False):
        text = escape(field.text[start:end]).replace("\n", "<br>")
        over = [what for a, b, what in spans if a <= start and end <= b]
        pieces.append(
            f'<mark class="e-breach" title="{escape("；".join(over))}">{text}</mark>'
            if over
            else text
        )
    return "".join(pieces)


def _fault(one: Mark) -> str:
    name = order_words.load().book.verdicts[one.verdict].name
    shown = (
        f'<p class="small">第 {one.because.turn} 句：「{escape(one.because.text)}」</p>'
        if one.because
        else ""
    )
    return (
        f'<li><p><span class="sev sev-minor">{name}</span>{escape(one.what)}</p>{shown}'
        f'<p class="better"><span>怎么改</span>{escape(one.mend)}</p>'
        f"{marks.citation(one.requirement)}</li>"
    )
