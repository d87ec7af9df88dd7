"""Levels against labels, as replies and sessions share it: passes, baselines, grader, review.

Knows items with labels and levels; not how they were graded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval import metrics, metrics_levels
from eval.baseline import Baseline, fit
from eval.metrics import Measured
from eval.suites import Worst
from eval.suites_cases import Levels
from grading.result import DIMENSIONS, DimensionName

Level = int | None
_WORST = 20


@dataclass(frozen=True)
class Item:
    """One thing marked: its text, labels, what the grader gave, and whether a human must look."""

    id: str
    text: str
    labels: Levels
    passes: tuple[Levels, Levels]
    levels: dict[DimensionName, Level]
    to_human: bool = False
    is_staff: bool = False


@dataclass(frozen=True)
class Marks:
    """The figures and tables of some items."""

    figures: dict[str, Measured]
    tables: dict[str, list[list[int]]]
    worst: list[Worst]


Pairs = list[tuple[Level, Level]]


def _drawn(items: Sequence[Item], pairs: Pairs, seed: int) -> metrics.Drawn:
    cases = [metrics.case_of(item.id) for item in items]
    return metrics.by_case(cases, metrics_levels.one_hot(pairs), seed=seed)


def _prefixed(prefix: str, figures: dict[str, Measured]) -> dict[str, Measured]:
    return {f"{prefix}.{name}": figure for name, figure in figures.items()}


def _baselines(
    name: DimensionName, items: Sequence[Item], fitted: Baseline | None
) -> dict[str, Pairs]:
    """Give (label, level) pairs of the constant and of the words; neither knows what null is."""
    if fitted is None:
        return {}
    wanted = [item.labels.of(name) for item in items]
    kinds: dict[str, Pairs] = {"constant": [(label, fitted.constant) for label in wanted]}
    if fitted.model is not None:
        guessed = fitted.by_words([item.text for item in items])
        kinds["words"] = list(zip(wanted, guessed, strict=True))
    return kinds


_BASE_FIGURES = ("qwk", "linear", "exact", "within_one", "spearman", "smd")


def _one(
    name: DimensionName, items: Sequence[Item], fitted: Baseline | None, seed: int
) -> tuple[dict[str, Measured], list[list[int]]]:
    both = [(one.passes[0].of(name), one.passes[1].of(name)) for one in items]
    agreed = metrics_levels.passes(_drawn(items, both, seed))
    found = _prefixed(f"{name}.passes", agreed)
    pairs: Pairs = [(item.labels.of(name), item.levels[name]) for item in items]
    drawn = _drawn(items, pairs, seed)
    found |= _prefixed(name, metrics_levels.agreement(drawn))
    for kind, guesses in _baselines(name, items, fitted).items():
        figures = metrics_levels.agreement(_drawn(items, guesses, seed))
        kept = {which: figures[which] for which in _BASE_FIGURES}
        found |= _prefixed(f"{name}.{kind}", kept)
    for group, is_staff in (("staff", True), ("customers", False)):
        part = [item for item in items if item.is_staff == is_staff]
        if part and len(part) < len(items):
            pairs = [(item.labels.of(name), item.levels[name]) for item in part]
            figures = metrics_levels.agreement(_drawn(part, pairs, seed))
            kept = {which: figures[which] for which in ("qwk", "exact", "within_one", "coverage")}
            found |= _prefixed(f"{name}.{group}", kept)
    table = drawn.total.reshape(metrics_levels.SIDE, -1).astype(int)
    return found, [[int(count) for count in row] for row in table]


def two_off(label: Level, level: Level) -> bool:
    """Say whether a level is two or more from the label; none at all is as far as can be."""
    return label is not None and (level is None or abs(level - label) > 1)


def _reviewed(items: Sequence[Item], seed: int) -> dict[str, Measured]:
    """Share of items sent to a human, and of the errors of two levels or more those hold."""
    cases = [metrics.case_of(item.id) for item in items]
    sent = [item.to_human for item in items]
    found = {"review.sent": metrics.share(cases, sent, seed=seed)}
    every = np.zeros((len(items), 2))
    for name in DIMENSIONS:
        wrong = [two_off(item.labels.of(name), item.levels[name]) for item in items]
        counts = np.array([[w and s, w] for w, s in zip(wrong, sent, strict=True)], dtype=float)
        every += counts
        drawn = metrics.by_case(cases, counts, seed=seed)
        found[f"review.{name}.held"] = drawn.measure(metrics.ratio([0], [1]), counts[:, 1].sum())
    drawn = metrics.by_case(cases, every, seed=seed)
    found["review.held"] = drawn.measure(metrics.ratio([0], [1]), every[:, 1].sum())
    return found


def _worst(items: Sequence[Item]) -> list[Worst]:
    def gap(label: Level, level: Level) -> float:
        if label is None:
            return 0.0 if level is None else 2.0
        return float(max(label, 4 - label)) if level is None else float(abs(label - level))

    ranked = sorted(
        ((gap(item.labels.of(name), item.levels[name]), item, name)
         for item in items for name in DIMENSIONS),
        key=lambda found: -found[0],
    )  # fmt: skip
    return [
        Worst(id=item.id, what=name, expected=shown(item.labels.of(name)),
              found=shown(item.levels[name]))
        for far, item, name in ranked[:_WORST] if far >= 2
    ]  # fmt: skip


def shown(level: Level) -> str:
    """Give a level as text; 不评 for none."""
    return "不评" if level is None else f"{level} 档"


def marks(items: Sequence[Item], learnt: Sequence[tuple[str, Levels]], *, seed: int) -> Marks:
    """Give all figures of levels against labels.

    Args:
        items: what was marked.
        learnt: texts with their labels that the baselines are fitted on.
        seed: of the resampling.
    """
    figures: dict[str, Measured] = {}
    tables: dict[str, list[list[int]]] = {}
    for name in DIMENSIONS:
        fitted = fit([text for text, _ in learnt], [labels.of(name) for _, labels in learnt])
        found, tables[name] = _one(name, items, fitted, seed)
        figures |= found
    return Marks(figures | _reviewed(items, seed), tables, _worst(items))
