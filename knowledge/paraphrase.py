"""Paraphrase groups: one thing said to one customer in many wordings, and what only looks alike.

Knows the files; nothing of the model that learns from them.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from knowledge.datafile import (
    DataError,
    Entry,
    json_lines,
    parse,
    read_text,
    read_yaml,
    refuse_repeats,
)
from knowledge.text import DATA

FOLDER = DATA / "paraphrases"
_FUNCTIONS = "functions.yaml"
_Filled = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Group(Entry):
    """Wordings that mean the same; ``apart`` share words with them and mean something else.

    ``split`` says whether a model may learn from the group (train) or is measured on it (test).
    """

    id: _Filled
    split: Literal["train", "test"]
    function: _Filled
    texts: tuple[_Filled, ...] = Field(min_length=2)
    apart: tuple[_Filled, ...] = Field(min_length=1)
    source: _Filled


def read(folder: Path) -> tuple[Group, ...]:
    """Read and check all files of a folder.

    Raises:
        DataError: no file, a broken line, an unknown function or key, a repeated id, a wording
            that stands in its group twice; the message names file and id.
    """
    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        raise DataError(f"{folder} 里没有同义句组（*.jsonl），请把文件放回去")
    functions = read_yaml(folder / _FUNCTIONS)
    found: list[Group] = []
    for path in paths:
        for number, row in json_lines(read_text(path)):
            if isinstance(row, DataError):
                raise DataError(f"{path.name}：{row}")
            group = parse(Group, row, f"{path.name} 第 {number} 行")
            if group.function not in functions:
                raise DataError(
                    f"{path.name}：{group.id} 的 function 写成了“{group.function}”，"
                    f"只能是 {_FUNCTIONS} 里列出的"
                )
            every = [*group.texts, *group.apart]
            if len(set(every)) < len(every):
                raise DataError(f"{path.name}：{group.id} 里有一句写了两次")
            found.append(group)
    refuse_repeats((group.id for group in found), folder.name)
    return tuple(found)


@functools.lru_cache(maxsize=1)
def load() -> tuple[Group, ...]:
    """Load the project's own groups (cached)."""
    return read(FOLDER)
