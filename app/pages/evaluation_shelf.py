"""Where evaluations are kept: a folder a run under the home folder, there whole or not at all.

Knows files; not how a run is measured or shown.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil
from pydantic import ValidationError

from eval import report
from eval.report import Report
from knowledge.datafile import DataError, Entry, read_text

FOLDER = "evaluations"
RECORD = "run.json"
_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")
_PART = ".part"


class Record(Entry):
    """One run: who asked for what and when; the last three are of a finished one.

    ``data`` and ``digest``: name and SHA-256 of a centre's own marks; ``pid``: of the server.
    """

    id: str
    by: str
    started: str
    suites: tuple[str, ...]
    split: str
    seed: int
    data: str | None = None
    digest: str | None = None
    pid: int = 0
    seconds: float = 0.0
    bars: int = 0
    met: int = 0


def now() -> str:
    """Give the local time to the second, as people write it."""
    return datetime.now().strftime("%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True)
class Listed:
    """What lies on the shelf: finished runs, newest first, and how many cannot be read."""

    records: list[Record]
    broken: int


class Shelf:
    """The runs under one folder.

    Args:
        home: the home folder; ``evaluations`` is made in it.
    """

    def __init__(self, home: Path) -> None:
        """Make the folder.

        Raises:
            DataError: it cannot be made.
        """
        self.folder = home / FOLDER
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(
                f"不能建 {self.folder}（{error.strerror}），请换一个目录：设置 KEFU_HOME"
            ) from None

    def begin(self) -> tuple[str, Path]:
        """Give a fresh id and an empty folder to work in.

        Raises:
            DataError: the folder cannot be made.
        """
        name = f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        part = self.folder / (name + _PART)
        try:
            part.mkdir(mode=0o700)
        except OSError as error:
            raise DataError(f"写不了 {part}（{error.strerror}），请看磁盘是否已满") from None
        return name, part

    def listed(self) -> Listed:
        """Give the finished runs."""
        records, broken = [], 0
        for path in sorted(self.folder.iterdir(), reverse=True):
            if not _ID.fullmatch(path.name):
                continue
            try:
                records.append(record_in(path))
            except DataError:
                broken += 1
        return Listed(records, broken)

    def at(self, name: str) -> Path:
        """Give the folder of a finished run.

        Raises:
            DataError: there is none of that id.
        """
        path = self.folder / name
        if not _ID.fullmatch(name) or not path.is_dir():
            raise DataError("没有这次评测，可能已经删掉了，请回到评测页")
        return path

    def read(self, name: str) -> tuple[Record, Report]:
        """Read a finished run.

        Raises:
            DataError: there is none of that id, or its files are broken.
        """
        path = self.at(name)
        return record_in(path), report.read(path)

    def left(self) -> Iterator[Record]:
        """Give the runs whose server is gone, each once, and clear what they left behind."""
        for path in self.folder.iterdir():
            if not path.name.endswith(_PART):
                continue
            try:
                record = record_in(path)
            except DataError:  # stopped before it was written
                record = None
            if record is not None and psutil.pid_exists(record.pid):
                continue
            shutil.rmtree(path, ignore_errors=True)
            if record is not None:
                yield record


def put(record: Record, folder: Path) -> None:
    """Write a run's record into its folder, whole or not at all."""
    half = folder / (RECORD + ".half")
    half.write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
    os.replace(half, folder / RECORD)


def record_in(folder: Path) -> Record:
    """Read a run's record.

    Raises:
        DataError: missing or broken.
    """
    try:
        return Record.model_validate_json(read_text(folder / RECORD))
    except ValidationError:
        raise DataError(f"{folder / RECORD} 坏了，这次评测看不了") from None


def finish(part: Path, made: Report, page: str) -> None:
    """Write report and page of a finished run, then put its folder on the shelf under its id."""
    record = record_in(part)
    report.write(made, part, page)
    done = {"seconds": made.about.seconds, "bars": len(made.bars)}
    put(record.model_copy(update=done | {"met": len(made.bars) - len(made.short)}), part)
    os.replace(part, part.with_name(record.id))
