"""Measures the grader on labelled cases: signals, breaches, better-worse pairs.

`python -m eval.grading [--split test]` prints a table. Labels are constructed, not real customers'.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grading.grade import grade
from grading.result import GradeRow
from knowledge.datafile import DataError, json_lines, read_text

CASES = Path(__file__).parent / "cases"
SIGNALS = frozenset(
    "greeting self_intro apology thanks please empathy verify_identity question restate solution "
    "timeframe confirm_satisfaction closing hold transfer".split()
)


@dataclass(frozen=True)
class Score:
    """Counts of one kind, or of all kinds together."""

    hit: int
    missed: int
    false: int

    @property
    def precision(self) -> float:
        """Share of what was found that is right, 0-1."""
        return self.hit / (self.hit + self.false) if self.hit + self.false else 0.0

    @property
    def recall(self) -> float:
        """Share of what is there that was found, 0-1."""
        return self.hit / (self.hit + self.missed) if self.hit + self.missed else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0-1."""
        total = 2 * self.hit + self.missed + self.false
        return 2 * self.hit / total if total else 0.0


def load_cases(name: str, split: str) -> list[dict[str, Any]]:
    """Load one case file.

    Raises:
        DataError: no case, a broken line, or a row of another split.
    """
    path = CASES / f"{name}.{split}.jsonl"
    rows: list[dict[str, Any]] = []
    for number, value in json_lines(read_text(path)):
        if isinstance(value, DataError) or not isinstance(value, dict):
            raise DataError(f"{path.name} 第 {number} 行不是合法的 JSON 对象")
        if value.get("split") != split:
            raise DataError(f"{path.name} 第 {number} 行的 split 不是 {split}")
        rows.append(value)
    if not rows:
        raise DataError(f"{path.name} 里没有用例")
    return rows


def _row(case: dict[str, Any], reply: str) -> GradeRow:
    return GradeRow.model_validate(
        {"id": case["id"], "channel": case["channel"], "history": case["history"], "reply": reply}
    )


def count_kinds(pairs: Iterable[tuple[set[str], set[str]]]) -> dict[str, Score]:
    """Count hits, misses and false finds by kind, ``all`` being their sum.

    Args:
        pairs: (expected kinds, found kinds) of each case.
    """
    hit, missed, false = Counter[str](), Counter[str](), Counter[str]()
    for expected, found in pairs:
        hit.update(expected & found)
        missed.update(expected - found)
        false.update(found - expected)
    kinds = sorted(set(hit) | set(missed) | set(false))
    table = {kind: Score(hit[kind], missed[kind], false[kind]) for kind in kinds}
    table["all"] = Score(hit.total(), missed.total(), false.total())
    return table


def measure_signals(cases: Sequence[dict[str, Any]]) -> dict[str, Score]:
    """Measure signal detection, a kind counting once a reply."""
    pairs = []
    for case in cases:
        found = {s.kind for s in grade(_row(case, case["reply"])).signals} & SIGNALS
        pairs.append((set(case["signals"]), found))
    return count_kinds(pairs)


def measure_violations(cases: Sequence[dict[str, Any]]) -> dict[str, Score]:
    """Measure breach detection, a kind counting once a reply."""
    pairs = []
    for case in cases:
        found = {v.kind for v in grade(_row(case, case["reply"])).violations}
        pairs.append(({v["kind"] for v in case["violations"]}, found))
    return count_kinds(pairs)


@dataclass(frozen=True)
class Wins:
    """How often the better reply of a pair got the higher score."""

    won: int
    tied: int
    lost: int

    @property
    def rate(self) -> float:
        """Share of pairs won outright; a tie is not a win."""
        return self.won / (self.won + self.tied + self.lost)


def measure_pairs(cases: Sequence[dict[str, Any]]) -> dict[str, Wins]:
    """Measure pairs by dimension, ``all`` being their sum; null counts as below any score."""
    tally: dict[str, list[int]] = {}
    for case in cases:
        name = case["dimension"]
        scores = []
        for reply in (case["better"], case["worse"]):
            value = getattr(grade(_row(case, reply)).dimensions, name).score
            scores.append(-1.0 if value is None else value)
        place = 0 if scores[0] > scores[1] else 1 if scores[0] == scores[1] else 2
        for key in (name, "all"):
            tally.setdefault(key, [0, 0, 0])[place] += 1
    return {name: Wins(*counts) for name, counts in tally.items()}


def table(split: str) -> str:
    """Give the whole table as text, Chinese headings."""
    lines = [f"评分器离线测评（{split}，用例均为自拟）", "", "信号            P     R     F1    n"]
    for kind, score in measure_signals(load_cases("signals", split)).items():
        lines.append(_line(kind, score))
    lines += ["", "违规            P     R     F1    n"]
    for kind, score in measure_violations(load_cases("violations", split)).items():
        lines.append(_line(kind, score))
    lines += ["", "对比            胜    平    负    胜率"]
    for name, wins in measure_pairs(load_cases("pairs", split)).items():
        lines.append(f"{name:<14}{wins.won:>5}{wins.tied:>6}{wins.lost:>6}{wins.rate:>8.1%}")
    return "\n".join(lines)


def _line(kind: str, score: Score) -> str:
    count = score.hit + score.missed
    return f"{kind:<14}{score.precision:>6.2f}{score.recall:>6.2f}{score.f1:>6.2f}{count:>5}"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table of one split."""
    parser = argparse.ArgumentParser(prog="python -m eval.grading", description="评分器离线测评")
    parser.add_argument("--split", choices=("dev", "dev2", "test"), default="test", help="用例分组")
    sys.stdout.write(table(parser.parse_args(argv).split) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
