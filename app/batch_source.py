"""The rows of a batch: JSON lines or xlsx, from a file or standard input, one by one.

Knows where rows come from; not what is done with them.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eval import row_files
from eval.row_files import Wanted
from knowledge.datafile import DataError

WANTED = Wanted(known=("id", "channel", "history", "reply", "card", "scenario", "level"))
_STDIN = "-"
_REFUSED = {".xls": "另存为 .xlsx", ".csv": "另存为 .xlsx", ".ods": "另存为 .xlsx"}


@dataclass(frozen=True)
class Row:
    """One row: its line, from 1; a line of JSON or the fields of a sheet; what is wrong with it."""

    line: int
    value: object
    trouble: str | None = None

    def parsed(self) -> object:
        """Give the row's value, a DataError where its line is no JSON."""
        return (
            row_files.parsed(self.line, self.value) if isinstance(self.value, str) else self.value
        )


@dataclass(frozen=True)
class Source:
    """Where rows come from, None being standard input, which can be read only once.

    ``total``: how many rows, where that is known; ``digest``: SHA-256 of the file's bytes;
    ``unused``: columns of a sheet that nobody asked for.
    """

    path: Path | None
    total: int | None = None
    digest: str | None = None
    unused: tuple[str, ...] = ()

    def rows(self) -> Iterator[Row]:
        """Give the rows that are not blank, in order.

        Raises:
            DataError: not UTF-8.
        """
        if self.path and _is_sheet(self.path):
            yield from _sheet(self.path)
            return
        for line, text in row_files.lines(self.path or sys.stdin.buffer):
            yield Row(line, text)


def opened(name: str) -> Source:
    """Look a batch file through once: whether it can be read, how many rows, its digest.

    Raises:
        DataError: missing, another kind of file, not UTF-8, or a sheet without a needed column.
    """
    if name == _STDIN:
        return Source(None)
    path = Path(name)
    kind = path.suffix.lower()
    if kind in _REFUSED:
        raise DataError(f"{name}：只认 JSON Lines 和 .xlsx，请先{_REFUSED[kind]}")
    row_files.kind_of(path, (kind,))
    if _is_sheet(path):
        first = next(row_files.sheet(path, WANTED), None)
        return Source(path, None, row_files.digest(path), first.unused if first else ())
    total = sum(1 for _ in row_files.lines(path))
    return Source(path, total, row_files.digest(path))


def at_row(source: Source, number: int) -> Row | None:
    """Give row ``number``, from 1; None past the end."""
    return next(itertools.islice(source.rows(), number - 1, number), None)


def _is_sheet(path: Path) -> bool:
    return path.suffix.lower() == ".xlsx"


def _sheet(path: Path) -> Iterator[Row]:
    for raw in row_files.sheet(path, WANTED):
        try:
            yield Row(raw.line, row_files.fields(raw))
        except DataError as error:
            yield Row(raw.line, {"id": str(_id_of(raw))}, str(error))


def _id_of(raw: row_files.Raw) -> object:
    return raw.value.get("id") if isinstance(raw.value, dict) else None
