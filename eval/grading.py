"""Loads cases and counts kinds; `python -m eval.grading` prints the grader's figures.

Signals, breaches and better-worse pairs of a split, as `kefu eval` has them. Constructed labels.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


def main(argv: Sequence[str] | None = None) -> int:
    """Print the three suites of one split, as `kefu eval` does."""
    from eval import report_text, suites

    parser = argparse.ArgumentParser(prog="python -m eval.grading", description="评分器离线测评")
    parser.add_argument("--split", choices=("dev", "dev2", "test"), default="test", help="用例分组")
    split = parser.parse_args(argv).split
    # dev2 has no signals of its own
    names = [name for name in ("signals", "violations", "pairs")
             if (CASES / f"{name}.{split}.jsonl").exists()]  # fmt: skip
    sys.stdout.write(f"评分器离线测评（{split}，用例均为自拟）\n")
    for name in names:
        for line in report_text.suite_lines(
            suites.measure(name, suites.Ask(split=split)), brief=False
        ):
            sys.stdout.write(line + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
