"""The work order after a talk, or the coaching record after a staff talk: read and marked.

The host counts the score from data; an item of its own, never mixed with a reply's dimensions.
Stores nothing and shows nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from coach import order_due, order_record, order_truth, order_words, scenario
from coach.order_figures import figures
from coach.order_found import Found, Typed, typed
from coach.order_record import Record
from coach.order_words import FieldSpec, VerdictKind, Words
from coach.scenario import Scenario
from coach.session import Session
from grading.result import Because
from knowledge import standard
from knowledge.datafile import DataError, fingerprint
from knowledge.text import plain

EMPTY = "工单是空的，没有可评的内容"
NO_TALK = "这次谈话没有一句回复，没有可对照的内容"


class Shape(BaseModel):
    """Base of the shapes: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Mark(Shape):
    """One fault of a field: ``text == field[start:end]``, null and "" for what is missing."""

    verdict: VerdictKind
    what: str
    mend: str
    text: str
    start: int | None
    end: int | None
    because: Because | None
    requirement: str
    citation: str


class FieldMark(Shape):
    """One field as typed with its marks; score 0-100, null where nothing was due."""

    id: str
    name: str
    text: str
    status: Literal["complete", "faulty", "not_due"]
    score: float | None
    weight: int
    requirement: str
    citation: str
    marks: list[Mark]


class OrderVersions(Shape):
    """What made a result; never a time."""

    order: str
    scenario: str


class OrderMark(Shape):
    """A marked order; ``score`` 0-100, null with ``reason`` where it cannot be judged."""

    kind: Literal["work_order", "coaching_record"]
    scenario: str
    label: str
    status: Literal["scored", "unscored"]
    reason: str | None
    score: float | None
    fields: list[FieldMark]
    versions: OrderVersions


def form(case: Scenario) -> tuple[FieldSpec, ...]:
    """Give the fields of a scenario's order, in order."""
    return order_words.load().fields(case)


def read(value: object, case: Scenario, where: str) -> dict[str, str]:
    """Check an order as it came from outside.

    Args:
        value: a mapping from field ids to texts; 类型 by id or by Chinese name.
        case: whose form it is.
        where: file or page, for the errors.

    Returns:
        Every field of the form; "" for what was left out.

    Raises:
        DataError: not a mapping, an unknown field, no text, an unknown type, or too long.
    """
    specs = form(case)
    if not isinstance(value, Mapping):
        raise DataError(f'{where}：应为一组字段，例如 {{"{specs[0].id}": "…"}}')
    known = {spec.id for spec in specs}
    for key in value:
        if key not in known:
            raise DataError(
                f"{where}：没有字段“{str(key)[:40]}”，只能是 {'、'.join(sorted(known))}"
            )
    return {spec.id: _text(value.get(spec.id) or "", spec, where) for spec in specs}


def _text(value: object, spec: FieldSpec, where: str) -> str:
    book = order_words.load().book
    if not isinstance(value, str):
        raise DataError(f"{where}：{spec.id} 应为文字")
    if len(value) > book.most_chars:
        raise DataError(f"{where}：“{spec.name}”有 {len(value)} 个字，最多 {book.most_chars} 个")
    if spec.check != "type" or not value.strip():
        return value
    names = {name: key for key, name in book.types.items()}
    chosen = names.get(value.strip(), value.strip())
    if chosen not in book.types:
        raise DataError(
            f"{where}：{spec.id} 写成了“{value[:20]}”，只能是 {'、'.join(book.types.values())}"
        )
    return chosen


def mark(session: Session, order: Mapping[str, str]) -> OrderMark:
    """Mark an order against what was revealed and promised in its talk.

    Args:
        session: the talk, ended or stopped.
        order: as ``read`` gives it; missing fields count as empty.
    """
    words, case = order_words.load(), session.scenario
    specs = words.fields(case)
    texts = {spec.id: order.get(spec.id, "") for spec in specs}
    written = any(plain(texts[s.id]).strip() for s in specs if s.check != "type")
    talked = any(turn.reply is not None for turn in session.turns)
    reason = EMPTY if not written else None if talked else NO_TALK
    fields = [] if reason else _fields(order_record.read(session), texts, words)
    return OrderMark(
        kind="coaching_record" if case.kind == "staff" else "work_order",
        scenario=case.id, label=words.book.label,
        status="unscored" if reason else "scored", reason=reason,
        score=None if reason else _total(fields), fields=fields,
        versions=OrderVersions(order=version(), scenario=scenario.version(case)),
    )  # fmt: skip


def version() -> str:
    """Give version and digest of the rules."""
    return f"{order_words.load().book.version}@{fingerprint(order_words.FILE)}"


def _fields(record: Record, texts: dict[str, str], words: Words) -> list[FieldMark]:
    whole = {key: plain(text) for key, text in texts.items()}
    return [
        _field(typed(spec, texts[spec.id], whole, record, words))
        for spec in words.fields(record.case)
    ]


def _field(field: Typed) -> FieldMark:
    due = order_due.find(field)
    untrue = order_truth.find(field)
    found = [*untrue, *_unechoed(due or [], untrue)]
    spec, cite = field.spec, standard.load().cite
    lost = sum(field.words.book.verdicts[one.verdict].loses * one.share for one in found)
    score = None if due is None else round(100 * max(0.0, 1 - lost), 1)
    if field.spec.check == "type" and field.record.case.order is None:
        score = None
    status: Literal["complete", "faulty", "not_due"] = "faulty" if found else "complete"
    return FieldMark(
        id=spec.id, name=spec.name, text=field.text.raw,
        status="not_due" if score is None and not found else status, score=score,
        weight=spec.weight, requirement=spec.requirement, citation=cite(spec.requirement),
        marks=[_mark(field, one) for one in found],
    )  # fmt: skip


def _unechoed(due: list[Found], untrue: list[Found]) -> list[Found]:
    """Leave out what is missing only because it was written down wrong: one fault, told once."""
    rights = [one.right for one in untrue if one.right]

    def is_echo(one: Found) -> bool:
        if one.verdict != "missing" or one.because is None:
            return False
        said = figures(plain(one.because[1]))
        return any(right.same(other, None) for right in rights for other in said)

    return [one for one in due if not is_echo(one)]


def _mark(field: Typed, one: Found) -> Mark:
    rule = field.words.book.verdicts[one.verdict]
    requirement = rule.requirement or field.spec.requirement
    start, end, text = None, None, ""
    if one.start is not None and one.end is not None and one.end > one.start:
        start, end = field.text.span(one.start, one.end)
        text = field.text.raw[start:end]
    return Mark(
        verdict=one.verdict, what=one.what, mend=rule.mend, text=text, start=start, end=end,
        because=Because(turn=one.because[0], text=one.because[1]) if one.because else None,
        requirement=requirement, citation=standard.load().cite(requirement),
    )  # fmt: skip


def _total(fields: list[FieldMark]) -> float | None:
    scored = [(one.weight, one.score) for one in fields if one.score is not None]
    if not scored:
        return None
    return round(sum(w * s for w, s in scored) / sum(w for w, _ in scored), 1)
