"""How two markings in levels 0-4 agree: kappas, exact, within one, bias, rank, by band, nulls.

Works on tables of counts, so that 100,000 rows cost no more memory than ten. The values are
scikit-learn's and scipy's; only their intervals are worked out here, on 1000 tables at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score

from eval.metrics import Drawn, Floats, Measured, Statistic, divided

LEVELS = 5
NULL = 5  # the row and column of those without a level
SIDE = 6
CELLS = SIDE * SIDE
BANDS: dict[str, tuple[int, ...]] = {"low": (0, 1), "middle": (2,), "high": (3, 4)}
_FARTHEST = (4, 4, 0, 0, 0)  # from 2 both ends are as far
_SPREAD = np.arange(LEVELS, dtype=float)
_APART = np.abs(_SPREAD[:, None] - _SPREAD[None, :])


def cell(label: int | None, level: int | None) -> int:
    """Give the place, 0-35, of a pair of levels in a table laid out row by row.

    Raises:
        ValueError: a level that is not 0-4 or None.
    """
    for value in (label, level):
        if value is not None and not 0 <= value < LEVELS:
            raise ValueError(f"cell: level {value}; need 0 to 4 or None")
    return SIDE * (NULL if label is None else label) + (NULL if level is None else level)


def one_hot(pairs: Sequence[tuple[int | None, int | None]]) -> Floats:
    """Give (n, 36), a 1 in the cell of each (label, level)."""
    rows = np.zeros((len(pairs), CELLS))
    rows[np.arange(len(pairs)), [cell(*pair) for pair in pairs]] = 1
    return rows


def filled(flat: Floats) -> Floats:
    """Give (m, 5, 5) of those with a label, from (m, 36); no level counts as the farthest."""
    tables = flat.reshape(-1, SIDE, SIDE)
    whole = tables[:, :LEVELS, :LEVELS].copy()
    for label, far in enumerate(_FARTHEST):
        whole[:, label, far] += tables[:, label, NULL]
    return whole


def _kappa(power: int) -> Statistic:
    weights = _APART**power

    def kappa(flat: Floats) -> Floats:
        tables = filled(flat)
        rows, columns = tables.sum(axis=2), tables.sum(axis=1)
        expected = (rows[:, :, None] * columns[:, None, :] * weights).sum(axis=(1, 2))
        seen = (tables * weights).sum(axis=(1, 2)) * tables.sum(axis=(1, 2))
        return 1 - divided(seen, expected)

    return kappa


def _within(most: int) -> Statistic:
    """Share at most so far apart; a level where the label is null is never near."""

    def near(flat: Floats) -> Floats:
        tables = filled(flat)
        extra = flat.reshape(-1, SIDE, SIDE)[:, NULL, :LEVELS].sum(axis=1)
        return divided((tables * (_APART <= most)).sum(axis=(1, 2)),
                       tables.sum(axis=(1, 2)) + extra)  # fmt: skip

    return near


def _moments(weights: Floats) -> tuple[Floats, Floats]:
    mean = divided(weights @ _SPREAD, weights.sum(axis=1))
    return mean, np.maximum(0, divided(weights @ _SPREAD**2, weights.sum(axis=1)) - mean**2)


def _smd(flat: Floats) -> Floats:
    """Mean level minus mean label, in units of the two's pooled standard deviation."""
    tables = filled(flat)
    label, label_variance = _moments(tables.sum(axis=2))
    level, level_variance = _moments(tables.sum(axis=1))
    return divided(level - label, np.sqrt((label_variance + level_variance) / 2))


def _middle_ranks(weights: Floats) -> Floats:
    return np.cumsum(weights, axis=1) - weights + (weights + 1) / 2


def _spearman(flat: Floats) -> Floats:
    """Correlation of middle ranks, as scipy has it for ties."""
    tables = filled(flat)
    n = tables.sum(axis=(1, 2))
    rows, columns = tables.sum(axis=2), tables.sum(axis=1)
    x = _middle_ranks(rows) - (n[:, None] + 1) / 2
    y = _middle_ranks(columns) - (n[:, None] + 1) / 2
    both = (tables * x[:, :, None] * y[:, None, :]).sum(axis=(1, 2))
    return divided(both, np.sqrt((rows * x**2).sum(axis=1) * (columns * y**2).sum(axis=1)))


def _pairs(flat: Floats) -> tuple[Floats, Floats]:
    """Give the labels and levels, (n,) each, that a table counts."""
    counts = filled(flat[None])[0].round().astype(int)
    labels, levels = np.indices(counts.shape)
    return labels.ravel().repeat(counts.ravel()), levels.ravel().repeat(counts.ravel())


def _real(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _kappas(drawn: Drawn, n: float) -> dict[str, Measured]:
    labels, levels = _pairs(drawn.total)
    values: dict[str, float | None] = {"qwk": None, "linear": None, "spearman": None}
    if len({*labels.tolist(), *levels.tolist()}) > 1:  # else nothing can be told apart
        for name, weights in (("qwk", "quadratic"), ("linear", "linear")):
            values[name] = _real(
                cohen_kappa_score(labels, levels, labels=range(LEVELS), weights=weights)
            )
    if len(set(labels.tolist())) > 1 and len(set(levels.tolist())) > 1:
        values["spearman"] = _real(spearmanr(labels, levels).statistic)
    ways = {"qwk": _kappa(2), "linear": _kappa(1), "spearman": _spearman}
    return {name: drawn.around(values[name], way, n) for name, way in ways.items()}


def _banded(levels: Iterable[int]) -> list[int]:
    return [SIDE * level + other for level in levels for other in range(SIDE)]


def _bands(drawn: Drawn) -> dict[str, Measured]:
    """Exact, within one and mean difference where the label lies in a band."""
    found = {}
    for band, levels in BANDS.items():
        kept = np.zeros(CELLS)
        kept[_banded(levels)] = 1
        part = Drawn(drawn.total * kept, drawn.draws * kept)
        n = part.total.sum()
        found[f"{band}.exact"] = part.measure(_within(0), n)
        found[f"{band}.within_one"] = part.measure(_within(1), n)
        found[f"{band}.bias"] = part.measure(_bias, n)
    return found


def _bias(flat: Floats) -> Floats:
    tables = filled(flat)
    return _moments(tables.sum(axis=1))[0] - _moments(tables.sum(axis=2))[0]


def _columns(flat: Floats) -> Floats:
    """Give (m, 5): labelled, of these graded, of these two off; null labels, of these graded."""
    tables = flat.reshape(-1, SIDE, SIDE)
    named, void = tables[:, :LEVELS], tables[:, NULL]
    parts = [
        named.sum(axis=(1, 2)), named[:, :, :LEVELS].sum(axis=(1, 2)),
        (filled(flat) * (_APART >= 2)).sum(axis=(1, 2)),
        void.sum(axis=1), void[:, :LEVELS].sum(axis=1),
    ]  # fmt: skip
    return np.stack(parts, axis=1)


def _part(top: int, bottom: int) -> Statistic:
    return lambda flat: divided(_columns(flat)[:, top], _columns(flat)[:, bottom])


def agreement(drawn: Drawn) -> dict[str, Measured]:
    """Give the figures of levels against labels.

    Args:
        drawn: 36 counts, see ``cell``: label by row, level by column.

    Returns:
        ``qwk``, ``linear`` and ``spearman`` (-1 to 1), ``smd`` (standard deviations, above 0 where
        levels are too high), all over items with a label, no level counting as the farthest one;
        ``exact`` and ``within_one`` over these and the levels given to a null label, which are
        errors; ``two_off``: share of the labelled two or more off; ``coverage``: share of the
        labelled with a level; ``false_scores``: share of null labels with one; by band of the
        label ``low.exact``, ``low.within_one`` and ``low.bias`` (levels).
    """
    labelled, _, _, void, scored = _columns(drawn.total[None])[0]
    found = _kappas(drawn, labelled)
    found["exact"] = drawn.measure(_within(0), labelled + scored)
    found["within_one"] = drawn.measure(_within(1), labelled + scored)
    found["smd"] = drawn.measure(_smd, labelled)
    found["two_off"] = drawn.measure(_part(2, 0), labelled)
    found["coverage"] = drawn.measure(_part(1, 0), labelled)
    found["false_scores"] = drawn.measure(_part(4, 3), void)
    return found | _bands(drawn)


def passes(drawn: Drawn) -> dict[str, Measured]:
    """Give how two label passes agree: over items to which both gave a level.

    ``null_apart`` is the share of all items to which only one of them gave a level.
    """
    kept = np.ones((SIDE, SIDE))
    kept[NULL, :] = kept[:, NULL] = 0
    both = Drawn(drawn.total * kept.ravel(), drawn.draws * kept.ravel())
    n = both.total.sum()
    found = _kappas(both, n)
    found["exact"] = both.measure(_within(0), n)
    found["within_one"] = both.measure(_within(1), n)
    alone = np.zeros((SIDE, SIDE))
    alone[NULL, :LEVELS] = alone[:LEVELS, NULL] = 1
    found["null_apart"] = drawn.measure(
        lambda flat: divided(flat @ alone.ravel(), flat.sum(axis=1)), drawn.total.sum()
    )
    return found
