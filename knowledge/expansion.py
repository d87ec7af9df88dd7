"""The expansions: how people put each requirement in their own words.

Knows the files and the ids; nothing of how they are searched.
"""

from __future__ import annotations

import functools
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import StringConstraints

from knowledge import standard
from knowledge.datafile import DataError, Entry, json_lines, parse, read_text, refuse_repeats
from knowledge.text import DATA

Voice = Literal["trainee", "assessor", "leader", "customer"]
FOLDER = DATA / "expansions"
_Filled = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Expansion(Entry):
    """One way of putting the requirement ``of``, by one kind of speaker."""

    id: _Filled
    of: str
    voice: Voice
    text: _Filled
    source: _Filled


def files(folder: Path = FOLDER) -> list[Path]:
    """Give the expansion files in the order of their names."""
    return sorted(folder.glob("*.jsonl"))


def read(folder: Path, known: Container[str]) -> tuple[Expansion, ...]:
    """Read and check all expansion files of a folder.

    Args:
        folder: holds ``*.jsonl``, one expansion a line.
        known: the ids of requirements that may be referred to.

    Raises:
        DataError: no file, a broken line, an unknown key, an empty text, a repeated id or an
            ``of`` that is not known; the message names file and id.
    """
    paths = files(folder)
    if not paths:
        raise DataError(f"{folder} 里没有检索说法（*.jsonl），请把文件放回去")
    found = [entry for path in paths for entry in _rows(path, known)]
    refuse_repeats((entry.id for entry in found), folder.name)
    return tuple(found)


@functools.lru_cache(maxsize=1)
def load() -> tuple[Expansion, ...]:
    """Load the project's own expansions (cached)."""
    return read(FOLDER, standard.load().requirements)


def _rows(path: Path, known: Container[str]) -> Iterator[Expansion]:
    for number, row in json_lines(read_text(path)):
        if isinstance(row, DataError):
            raise DataError(f"{path.name}：{row}")
        named = isinstance(row, dict) and row.get("id")
        entry = parse(Expansion, row, f"{path.name}：{named or f'第 {number} 行'}")
        if entry.of not in known:
            raise DataError(f"{path.name}：{entry.id} 的 of 写成了“{entry.of}”，标准里没有这个编号")
        yield entry
