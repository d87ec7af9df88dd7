"""What a suite is asked and what it answers, and the list of all suites.

Knows names and shapes; the measuring is done in the ``suites_*`` modules, imported when asked.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from eval.grading import CASES
from eval.metrics import Measured

SEED = 7
# where each suite is measured, and its Chinese title; ``human`` needs a file and is not in "all"
SUITES: dict[str, tuple[str, str, str]] = {
    "levels": ("eval.suites_levels", "replies", "回复档位"),
    "sessions": ("eval.suites_sessions", "sessions", "整场对话"),
    "pairs": ("eval.suites_found", "pairs", "好坏对比"),
    "signals": ("eval.suites_found", "signals", "信号"),
    "violations": ("eval.suites_found", "violations", "违规"),
    "gaming": ("eval.suites_gaming", "gaming", "骗分与注入"),
    "retrieval": ("eval.suites_found", "requirements", "检索"),
    "customer": ("eval.suites_customer", "customer", "模拟客户"),
    "speed": ("eval.suites_speed", "speed", "速度"),
    "human": ("eval.human", "human", "本单位的人工评分"),
}
NAMES = tuple(SUITES)
ALL = tuple(name for name in NAMES if name != "human")
Track = Callable[[Iterable[Any], str, int], Iterable[Any]]


def untracked(rows: Iterable[Any], title: str, total: int) -> Iterable[Any]:
    """Go through rows without showing progress."""
    return rows


@dataclass(frozen=True)
class Ask:
    """How to measure.

    ``split``: dev or test; ``folder``: where the cases lie; ``track`` wraps rows to show progress,
    given a title and how many there are. The rest belongs to ``human``, whose rows are graded by
    ``workers`` processes, or through Ray at that address, "" being this machine: ``part`` is the
    file that holds its counts while it runs, ``resume`` whether to go on from there.
    """

    split: str = "test"
    folder: Path = CASES
    seed: int = SEED
    track: Track = untracked
    data: Path | None = None
    scale: Literal["levels", "points"] | None = None
    workers: int = 1
    ray: str | None = None
    part: Path | None = None
    resume: bool = False


class Shape(BaseModel):
    """Base of what a report is made of."""

    model_config = ConfigDict(extra="forbid")


class Worst(Shape):
    """A case that went wrong, without its text: nothing is to be tuned on the test split."""

    id: str
    what: str
    expected: str
    found: str


class Suite(Shape):
    """What one suite found.

    ``figures`` by path, such as ``empathy.qwk``; ``tables``: 6x6 counts, label by row, level by
    column, the sixth being none; ``notes``: what to know when reading; ``worst``: ids of the cases
    furthest off, with what was expected and found; ``cases``: files and their digests.
    """

    name: str
    title: str
    n: int
    unit: str
    figures: dict[str, Measured]
    tables: dict[str, list[list[int]]] = {}
    notes: list[str] = []
    worst: list[Worst] = []
    cases: dict[str, str] = {}


def measure(name: str, ask: Ask) -> Suite:
    """Measure one suite.

    Raises:
        DataError: its cases are missing or broken.
        KeyError: no suite has that name.
    """
    module, function, _ = SUITES[name]
    suite: Suite = getattr(importlib.import_module(module), function)(ask)
    return suite


def title(name: str) -> str:
    """Give a suite's Chinese title."""
    return SUITES[name][2]
