"""One measured figure with its bar, and a table of them. Knows looks, not where they come from."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

_NAME_WIDTH = 64


@dataclass(frozen=True)
class Figure:
    """A figure in a unit; at most one of the bars is set, ``digits`` are shown after the point."""

    name: str
    value: float
    unit: str = ""
    digits: int = 2
    at_most: float | None = None
    at_least: float | None = None

    @property
    def ok(self) -> bool | None:
        """Whether the bar is met; None without one."""
        if self.at_most is not None:
            return self.value <= self.at_most
        return None if self.at_least is None else self.value >= self.at_least

    @property
    def bar(self) -> str:
        """The bar in words, "" without one."""
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return "" if self.at_least is None else f"≥ {self.at_least:g}"


def milliseconds(work: Callable[[], object]) -> float:
    """Time one call."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def percentile(values: list[float], share: float) -> float:
    """Give the value below which a share (0-1) of the values lie."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def row(figure: Figure) -> str:
    """Give one line of the table: name, figure, bar, and whether it is met."""
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in figure.name)
    name = figure.name + " " * max(0, _NAME_WIDTH - len(figure.name) - wide)
    mark = {True: "✓", False: "✗ 未达到", None: ""}[figure.ok]
    bar = f"  {figure.bar} {mark}" if figure.bar else ""
    unit = f"{'' if figure.unit == '%' else ' '}{figure.unit}"
    return f"  {name}{figure.value:>10.{figure.digits}f}{unit:<7}{bar}".rstrip()
