"""Chinese names of figures, and numbers as people read them. Knows report_words.yaml only."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from eval.metrics import Measured
from knowledge.datafile import Entry, parse, read_yaml

WORDS = Path(__file__).parent / "report_words.yaml"
Namer = Callable[[str], str]


class Words(Entry):
    """The whole of report_words.yaml."""

    parts: dict[str, str]
    percent: tuple[str, ...]


@functools.lru_cache(maxsize=2)
def load(path: Path = WORDS) -> Words:
    """Load the names (cached).

    Raises:
        DataError: unreadable, or an unknown key.
    """
    return parse(Words, read_yaml(path), path.name)


def part(name: str, kind: Namer) -> str:
    """Give the Chinese of one part of a path; ``kind`` names signals and breaches."""
    return load().parts.get(name) or kind(name)


def figure(path: str, kind: Namer) -> str:
    """Give the Chinese name of a figure."""
    pieces = path.split(".")
    named = [kind(piece) if pieces[at - 1] == "kind" and at else part(piece, kind)
             for at, piece in enumerate(pieces)]  # fmt: skip
    plain = [
        shown if shown != "其他" else load().parts.get(piece, piece)
        for shown, piece in zip(named, pieces, strict=True)
    ]  # a kind of attack, or a word of the reviewer's, is no breach
    return " · ".join(shown for shown, piece in zip(plain, pieces, strict=True) if piece != "kind")


def is_percent(path: str) -> bool:
    """Whether a figure is a share."""
    return path.rpartition(".")[2] in load().percent


def number(path: str, value: float | None, *, signed: bool = False) -> str:
    """Give a value as people read it: a share in percent, a time in two digits, — for none."""
    if value is None:
        return "—"
    sign = "+" if signed else ""
    if is_percent(path):
        return f"{100 * value:{sign}.1f} %"
    return f"{value:{sign}.2f}"


def interval(path: str, one: Measured) -> str:
    """Give the interval in brackets, "" where there is none."""
    if one.low is None or one.high is None:
        return ""
    return f"[{number(path, one.low)}，{number(path, one.high)}]"
