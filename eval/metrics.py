"""Figures with bootstrap intervals: whole cases are drawn, so their rows stay together.

Knows counts and how to draw them; not what is counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Floats = NDArray[np.float64]
# (m, k) counts, one row a draw -> (m,) figures, NaN where a draw has no figure
Statistic = Callable[[Floats], Floats]
RESAMPLES = 1000
_LEAST_CASES = 2  # an interval over one case would be a point
_MEMBER = re.compile(r"-[a-z]$")


class Measured(BaseModel):
    """One figure with its 95 % interval; null where it has no meaning; ``n``: items it rests on."""

    model_config = ConfigDict(extra="forbid")
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int


@dataclass(frozen=True)
class Drawn:
    """Counts of all cases, (k,), and of every resample of the cases, (RESAMPLES, k)."""

    total: Floats
    draws: Floats

    def take(self, columns: Sequence[int]) -> Drawn:
        """Keep some of the counts, in the order given."""
        return Drawn(self.total[list(columns)], self.draws[:, list(columns)])

    def measure(self, statistic: Statistic, n: float) -> Measured:
        """Give a statistic of the counts with its interval; no interval where any draw lacks one.

        Args:
            statistic: of counts, see ``Statistic``.
            n: how many items it rests on.
        """
        value = float(statistic(self.total[None])[0])
        return self.around(None if np.isnan(value) else value, statistic, n)

    def around(self, value: float | None, statistic: Statistic, n: float) -> Measured:
        """Give a value worked out elsewhere with the interval of the same statistic."""
        if value is None or not len(self.draws):
            return Measured(value=_short(value), n=round(n))
        drawn = statistic(self.draws)
        drawn = drawn[~np.isnan(drawn)]
        if not len(drawn):
            return Measured(value=_short(value), n=round(n))
        low, high = np.percentile(drawn, [2.5, 97.5])
        return Measured(value=_short(value), low=_short(low), high=_short(high), n=round(n))


def _short(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)


def case_of(row_id: str) -> str:
    """Give the case of a row: its id without a last ``-a``, ``-b`` … ."""
    return _MEMBER.sub("", row_id)


def by_case(cases: Sequence[Hashable], counts: Floats, *, seed: int) -> Drawn:
    """Draw cases with all their rows.

    Args:
        cases: (n,) the case of each row.
        counts: (n, k) counts of each row.
        seed: the same seed draws the same cases.

    Raises:
        ValueError: no row, or not one case a row.
    """
    if not len(counts) or len(cases) != len(counts):
        raise ValueError(f"by_case: {len(cases)} cases, {len(counts)} rows; need the same, > 0")
    places = {case: at for at, case in enumerate(dict.fromkeys(cases))}
    sums = np.zeros((len(places), counts.shape[1]))
    np.add.at(sums, [places[case] for case in cases], counts)
    total = sums.sum(axis=0)
    if len(places) < _LEAST_CASES:
        return Drawn(total, np.empty((0, counts.shape[1])))
    # how often each case comes up when as many are drawn with replacement
    dice = np.random.default_rng(seed)
    times = dice.multinomial(len(places), np.full(len(places), 1 / len(places)), size=RESAMPLES)
    return Drawn(total, times @ sums)


def by_row(total: Floats, *, seed: int) -> Drawn:
    """Draw rows that are each a case of their own, knowing only how many fell into which cell.

    Args:
        total: (k,) counts of cells that exclude one another: a row is in exactly one.
        seed: the same seed draws the same rows.

    Raises:
        ValueError: no row.
    """
    rows = int(total.sum())
    if not rows:
        raise ValueError("by_row: no rows")
    dice = np.random.default_rng(seed)
    return Drawn(total, dice.multinomial(rows, total / rows, size=RESAMPLES).astype(float))


def ratio(above: Sequence[int], below: Sequence[int]) -> Statistic:
    """Give the statistic that divides one sum of columns by another; NaN where that is 0."""
    return lambda counts: divided(
        counts[:, list(above)].sum(axis=1), counts[:, list(below)].sum(axis=1)
    )


def divided(top: Floats, bottom: Floats) -> Floats:
    """Divide place by place; NaN where the lower is not above 0."""
    whole = np.full(len(top), np.nan)
    np.divide(top, bottom, out=whole, where=bottom > 0)
    return whole


def f1(counts: Floats) -> Floats:
    """Give F1 of columns hit, missed, false; NaN where there is nothing."""
    hit, missed, false = counts.T
    return divided(2 * hit, 2 * hit + missed + false)


def share(cases: Sequence[Hashable], flags: Sequence[float], *, seed: int) -> Measured:
    """Give the mean of one number a row, such as a share of true flags, drawn by case."""
    if not flags:
        return Measured(value=None, n=0)
    counts = np.array([[float(flag), 1.0] for flag in flags])
    return by_case(cases, counts, seed=seed).measure(ratio([0], [1]), len(flags))
