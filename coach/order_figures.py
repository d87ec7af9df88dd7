"""Figures of a work order held against those of the talk: said, changed, or from nowhere.

Adds to knowledge.quantity what such texts hold besides: days by name and bare numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from knowledge.quantity import Quantity, numeral, quantities

_NAMED = {"今天": 0, "今日": 0, "今晚": 0, "今早": 0, "当天": 0, "当日": 0, "当晚": 0,
          "明天": 1, "明日": 1, "明早": 1, "明晚": 1, "次日": 1, "后天": 2}  # fmt: skip
_DAYS = re.compile("|".join(_NAMED))
_BARE = re.compile(r"[0-9]+(?:\.[0-9]+)?|[一二两三四五六七八九十百千零]{2,}")
_COUNTED = re.compile(r"(?P<n>[0-9]+|[一二两三四五六七八九十百]+)个?(?P<unit>班次|通|星级|页)")
_TODAY = re.compile(r"今天(?:是)?(?P<month>[0-9]{1,2})月(?P<dom>[0-9]{1,2})[日号]")
_WEEKDAY_CLOCK = re.compile(
    r"(?:周|星期|礼拜)(?P<w>[一二三四五六日天])(?=[一二两三四五六七八九十]{1,3}点)"
)
_ONE_UNIT = {"位": "人", "单": "单", "笔": "笔"}
_TIMES = {"duration", "workdays", "clock", "date", "weekday", "day", "months"}
_YEAR = 2026
_MOST_BARE = 999_999


@dataclass(frozen=True)
class Figure:
    """One figure of a normal text; ``kind`` as in Quantity, or ``day`` or ``bare``.

    ``day``: days from today. ``bare``: a number whose unit is not written.
    """

    kind: str
    value: float
    start: int
    end: int
    unit: str = ""
    half: bool = False

    @property
    def is_time(self) -> bool:
        """Whether it says when or how long."""
        return self.kind in _TIMES

    def same(self, other: Figure, today: date | None) -> bool:
        """Say whether both are the same figure, however written."""
        if "bare" in (self.kind, other.kind):
            return abs(self.value - other.value) < 1e-6 and "clock" not in (self.kind, other.kind)
        if {self.kind, other.kind} <= {"date", "weekday", "day"} and self.kind != other.kind:
            return _same_day(self, other, today)
        return self._quantity().same(other._quantity())

    def _quantity(self) -> Quantity:
        return Quantity(self.kind, self.value, 0, 1, self.unit, self.half)  # type: ignore[arg-type]


def _same_day(one: Figure, other: Figure, today: date | None) -> bool:
    """Compare a date, a weekday and 明天 by the calendar; without one, nothing speaks against."""
    if today is None:
        return True
    first, second = _weekday_or_day(one, today), _weekday_or_day(other, today)
    if "weekday" in (one.kind, other.kind):
        return first[1] == second[1]
    return first[0] == second[0]


def _weekday_or_day(one: Figure, today: date) -> tuple[int, int]:
    """Give (day of the month or -1, weekday or -1)."""
    if one.kind == "weekday":
        return -1, int(one.value)
    if one.kind == "day":
        day = date.fromordinal(today.toordinal() + int(one.value))
        return day.day, day.weekday()
    month, dom = int(one.value) // 100 or today.month, int(one.value) % 100
    try:
        return dom, date(today.year, month, dom).weekday()
    except ValueError:
        return dom, -1


def today_of(norms: Iterable[str]) -> date | None:
    """Find the day a card names as today."""
    for norm in norms:
        if found := _TODAY.search(norm.replace(" ", "")):
            try:
                return date(_YEAR, int(found["month"]), int(found["dom"]))
            except ValueError:
                return None
    return None


def figures(norm: str, hidden: Sequence[tuple[int, int]] = ()) -> list[Figure]:
    """Find the figures of a normal text, in order.

    Args:
        norm: normal text (knowledge.text.plain).
        hidden: spans to leave alone, such as personal numbers that are dealt with elsewhere.
    """
    found = []
    for match in _WEEKDAY_CLOCK.finditer(norm):  # 周五六点 is a day and an hour
        weekday = "一二三四五六日".index(match["w"].replace("天", "日"))
        found.append(Figure("weekday", float(weekday), *match.span()))
    apart = _WEEKDAY_CLOCK.sub(lambda match: "，" * len(match[0]), norm)
    found += [
        Figure(q.kind, q.value, q.start, q.end, _ONE_UNIT.get(q.unit, q.unit), q.half)
        for q in quantities(apart)
        if not (q.kind == "months" and q.value == 1)  # 一个月十八: how often, not how long
    ]
    taken = [(f.start, f.end) for f in found]
    for match in _DAYS.finditer(norm):
        if not _touches(match.span(), taken):
            found.append(Figure("day", float(_NAMED[match[0]]), *match.span()))
    for match in _COUNTED.finditer(norm):
        span, number = match.span(), numeral(match["n"])
        if number is not None and not _touches(span, taken):
            found.append(Figure("count", number, *span, match["unit"]))
            taken.append(span)
    for match in _BARE.finditer(norm):
        if _touches(match.span(), taken) or _is_masked(norm, *match.span()):
            continue
        value = numeral(match[0])
        if value is not None and 10 <= value <= _MOST_BARE:
            found.append(Figure("bare", value, *match.span()))
    kept = [f for f in found if not _touches((f.start, f.end), hidden)]
    return sorted(kept, key=lambda one: one.start)


def _touches(span: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in others)


def _is_masked(norm: str, start: int, end: int) -> bool:
    """Say whether a number stands beside a star, as in 138****0417, or inside a word of letters."""
    around = norm[max(0, start - 1) : start] + norm[end : end + 1]
    return "*" in around or any("a" <= char <= "z" for char in around)


def is_said(one: Figure, said: Sequence[Sequence[Figure]], today: date | None) -> bool:
    """Say whether a figure was said, or is the sum or difference of two sums of one text.

    Args:
        one: the figure.
        said: the figures of each text.
        today: the day of the talk, where it is known.
    """
    if one.kind == "day" and one.value == 0:
        return True
    if any(one.same(other, today) for text in said for other in text):
        return True
    if one.kind not in ("money", "bare"):
        return False
    for text in said:
        sums = {other.value for other in text if other.kind == "money" and other.value >= 10}
        if any(one.value in (a + b, a - b) for a in sums for b in sums if a != b):
            return True
    return False


def alike(one: Figure, other: Figure) -> bool:
    """Say whether one could be the other told wrongly: the same kind and unit."""
    days = {"date", "weekday", "day"}
    if "bare" in (one.kind, other.kind):
        kinds = {one.kind, other.kind}
        return kinds <= {"bare", "money"} or (one.kind, other.kind) == ("bare", "date")
    if one.kind == "count" or other.kind == "count":
        return (one.kind, one.unit) == (other.kind, other.unit)
    return (
        one.kind == other.kind
        or {one.kind, other.kind} <= days
        or ({one.kind, other.kind} <= {"workdays", "duration"})
    )
