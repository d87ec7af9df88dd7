"""What is kept of a centre's rows while they are graded: tables of counts, never the rows.

They can be put on disk and taken up again, so that a long run goes on where it stopped. Knows
counts and files; not how a reply is graded.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from eval import metrics_levels
from eval.metrics import Floats
from knowledge.datafile import DataError, Entry, read_text

PART = "human.part.json"
SHOWN = 20
Level = int | None


class Basis(Entry):
    """What counts rest on; they are taken up again only by a run that rests on the same."""

    input: str
    scale: str
    versions: dict[str, str]


class _Kept(Entry):
    """A file of counts; ``tables`` by "mark who"."""

    basis: Basis
    replies: int
    lost: int
    review: list[float]
    tables: dict[str, list[float]]


@dataclass
class Counts:
    """Tables by mark and by who is compared, and what went wrong.

    ``replies``: that were graded; ``lost``: whose process died; ``bad``: rows that cannot be used.
    """

    tables: dict[tuple[str, str], Floats] = field(default_factory=dict)
    review: Floats = field(default_factory=lambda: np.zeros(4))
    replies: int = 0
    lost: int = 0
    bad: int = 0
    told: list[str] = field(default_factory=list)
    unused: set[str] = field(default_factory=set)

    @property
    def seen(self) -> int:
        """How many replies were dealt with, one way or the other."""
        return self.replies + self.lost

    def add(self, name: str, who: str, pair: tuple[Level, Level]) -> None:
        """Count one (label, level)."""
        table = self.tables.setdefault((name, who), np.zeros(metrics_levels.CELLS))
        table[metrics_levels.cell(*pair)] += 1

    def refuse(self, why: DataError) -> None:
        """Count a row that cannot be used, and keep the first reasons."""
        self.bad += 1
        if len(self.told) < SHOWN:
            self.told.append(str(why))

    def save(self, path: Path, basis: Basis) -> None:
        """Put what was graded on disk; bad rows are met again when the file is read again."""
        kept = _Kept(
            basis=basis, replies=self.replies, lost=self.lost, review=self.review.tolist(),
            tables={f"{name} {who}": table.tolist() for (name, who), table in self.tables.items()},
        )  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(path.name + ".half")
        half.write_text(kept.model_dump_json(), encoding="utf-8")
        os.replace(half, path)


def load(path: Path, basis: Basis) -> Counts:
    """Take up the counts of an earlier run.

    Raises:
        DataError: they rest on something else, or the file is broken.
    """
    try:
        kept = _Kept.model_validate_json(read_text(path))
    except ValidationError:
        raise DataError(f"{path} 坏了，不能接着做，请删掉它重做") from None
    if kept.basis != basis:
        raise DataError(f"{path} 是另一份数据或另一个版本的，不能接着做，请删掉它重做")
    tables = {}
    for key, table in kept.tables.items():
        name, _, who = key.partition(" ")
        tables[name, who] = np.array(table)
    return Counts(tables, np.array(kept.review), kept.replies, kept.lost)
