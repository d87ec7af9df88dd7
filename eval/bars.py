"""The bars a figure must reach, and what moved against an earlier report.

Knows bars.yaml and figures by path; not how a figure is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import model_validator

from eval.metrics import Measured
from eval.suites import SUITES, Shape, Suite
from knowledge.datafile import Entry, read_entries

BARS = Path(__file__).parent / "bars.yaml"


class Below(Entry):
    """Another figure of the suite; the bar may sink to it less ``by``."""

    figure: str
    by: float


class Bar(Entry):
    """One bar: exactly one of ``least`` and ``most`` is set."""

    id: str
    suite: str
    figure: str
    least: float | None = None
    most: float | None = None
    below: Below | None = None
    note: str = ""

    @model_validator(mode="after")
    def _check(self) -> Bar:
        if (self.least is None) == (self.most is None):
            raise ValueError("least 和 most 要写一个，也只能写一个")
        if self.below and self.least is None:
            raise ValueError("below 只能和 least 一起用")
        if self.suite not in SUITES:
            raise ValueError(f"suite 写成了“{self.suite}”，只能是 {'、'.join(SUITES)}")
        return self


class Held(Shape):
    """A bar against its figure; ``limit`` is the bar as it applied; ``value`` null: no figure."""

    id: str
    suite: str
    figure: str
    way: str
    limit: float
    value: float | None
    is_met: bool
    note: str


class Move(Shape):
    """A figure then and now; ``is_outside``: the earlier value lies outside today's interval."""

    suite: str
    figure: str
    before: float | None
    now: float | None
    change: float | None
    is_outside: bool


def load(path: Path = BARS) -> list[Bar]:
    """Load the bars.

    Raises:
        DataError: unreadable, an unknown key, suite or field, or a repeated id.
    """
    return read_entries(Bar, path)


def held(bars: Sequence[Bar], suites: Sequence[Suite]) -> list[Held]:
    """Hold the bars of the suites that were measured against their figures.

    A figure that is missing or null falls short: nothing measured is not passed.
    """
    by_name = {suite.name: suite.figures for suite in suites}
    return [_held(bar, by_name[bar.suite]) for bar in bars if bar.suite in by_name]


def _value(figures: dict[str, Measured], path: str) -> float | None:
    return figures[path].value if path in figures else None


def _held(bar: Bar, figures: dict[str, Measured]) -> Held:
    value = _value(figures, bar.figure)
    if bar.most is not None:
        way, limit = "most", bar.most
    else:
        way, limit = "least", bar.least or 0.0
        other = _value(figures, bar.below.figure) if bar.below else None
        if bar.below and other is not None:
            limit = min(limit, round(other - bar.below.by, 4))
    met = value is not None and (value <= limit if way == "most" else value >= limit)
    return Held(
        id=bar.id, suite=bar.suite, figure=bar.figure, way=way, limit=limit, value=value,
        is_met=met, note=bar.note,
    )  # fmt: skip


def moved(before: Sequence[Suite], now: Sequence[Suite]) -> list[Move]:
    """Give every figure of the suites in both that is not what it was, or is in one only."""
    earlier = {suite.name: suite.figures for suite in before}
    found = []
    for suite in now:
        if suite.name not in earlier:
            continue
        old = earlier[suite.name]
        for path in dict.fromkeys((*suite.figures, *old)):
            move = _move(suite.name, path, old.get(path), suite.figures.get(path))
            if move.before != move.now:
                found.append(move)
    return found


def _move(suite: str, path: str, old: Measured | None, new: Measured | None) -> Move:
    before, now = (one.value if one else None for one in (old, new))
    change = None if before is None or now is None else round(now - before, 4)
    outside = (before is None) != (now is None)
    if before is not None and new and new.low is not None and new.high is not None:
        outside = not new.low <= before <= new.high
    return Move(
        suite=suite, figure=path, before=before, now=now, change=change, is_outside=outside
    )  # fmt: skip
