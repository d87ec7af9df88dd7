"""The terms: words and short phrases people use when they talk about a requirement.

Knows the file and the ids; nothing of how they are searched.
"""

from __future__ import annotations

import functools
from collections.abc import Container
from pathlib import Path

from knowledge import standard
from knowledge.datafile import DataError, read_yaml
from knowledge.text import DATA

FILE = DATA / "terms.yaml"
_TOGETHER = 3


def read(path: Path, known: Container[str]) -> dict[str, tuple[str, ...]]:
    """Read and check a file of terms: requirement id to its terms, joined by 、.

    Raises:
        DataError: not a mapping, an id that is not known, a line without terms, a repeated term.
    """
    rows = read_yaml(path)
    if not isinstance(rows, dict):
        raise DataError(f"{path.name}：应是“编号: 词、词、词”，现在不是")
    found: dict[str, tuple[str, ...]] = {}
    for of, line in rows.items():
        if of not in known:
            raise DataError(f"{path.name}：编号写成了“{of}”，标准里没有这个编号")
        terms = tuple(part.strip() for part in str(line or "").split("、") if part.strip())
        if not terms:
            raise DataError(f"{path.name}：{of} 后面没有词，请写上或删掉这一行")
        twice = next((term for at, term in enumerate(terms) if term in terms[:at]), None)
        if twice is not None:
            raise DataError(f"{path.name}：{of} 的“{twice}”写了两次")
        found[of] = terms
    return found


@functools.lru_cache(maxsize=1)
def load() -> dict[str, tuple[str, ...]]:
    """Load the project's own terms (cached)."""
    return read(FILE, standard.load().requirements)


def lines(terms: tuple[str, ...]) -> list[str]:
    """Give the terms a few at a time, each few as one short text."""
    return ["，".join(terms[at : at + _TOGETHER]) for at in range(0, len(terms), _TOGETHER)]
