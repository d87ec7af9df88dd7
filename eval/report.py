"""The report of a run: what was measured, on what, and how it stands; as JSON on disk.

Knows the report's shape and its files; not how it looks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from eval.bars import Held, Move
from eval.suites import Shape, Suite
from knowledge.datafile import DataError, explain, read_text

JSON, HTML = "report.json", "report.html"
CONSTRUCTED = (
    "用例和标签都是自拟的（labels are constructed）：没有真实客户的话；分数是训练分，非官方权重。"
)


class About(Shape):
    """What was measured on: the day, the split, the seed, the machine and all versions."""

    date: str
    split: str
    seed: int
    resamples: int
    labels: Literal["constructed", "human"]
    label_note: str
    seconds: float
    machine: dict[str, str]
    versions: dict[str, str]


class Report(Shape):
    """One run; ``moves`` is null where no earlier report was given."""

    about: About
    suites: list[Suite]
    bars: list[Held]
    moves: list[Move] | None = None
    baseline: str | None = None

    @property
    def short(self) -> list[Held]:
        """The bars that are not reached."""
        return [bar for bar in self.bars if not bar.is_met]


def read(folder: Path) -> Report:
    """Read the report of an earlier run.

    Raises:
        DataError: no report there, or not one of ours.
    """
    path = folder / JSON
    text = read_text(path)
    try:
        return Report.model_validate_json(text)
    except ValidationError as error:
        raise DataError(
            f"{path} 不是 kefu eval 写的报告（{explain(error)}），请换一个目录"
        ) from None


def write(report: Report, folder: Path, page: str) -> None:
    """Write ``report.json`` and ``report.html``.

    Raises:
        DataError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / JSON).write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
        (folder / HTML).write_text(page, encoding="utf-8")
    except OSError as error:
        raise DataError(f"写不了 {folder}（{error.strerror}），请换一个目录") from None
