"""Comparing words of two speakers: what was copied, what a customer's words hold.

Knows characters; not meanings.
"""

from __future__ import annotations

import functools
import re

from grading.lexicon import FOLDER
from knowledge.datafile import read_text

_MIN_COPY = 10
_MARKS = frozenset("，。！？；、\n ")


@functools.lru_cache(maxsize=1)
def _stop_pairs() -> frozenset[str]:
    lines = read_text(FOLDER / "stop_pairs.txt").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def copied_places(norm: str, other: str, run: int = _MIN_COPY) -> bytearray:
    """Mark, by a 1 at its place, every character of a text in a run copied from another.

    Args:
        norm: the text.
        other: where the copies come from.
        run: the shortest run that counts, marks and blanks left out.
    """
    marked = bytearray(len(norm))
    places = [at for at, char in enumerate(norm) if char not in _MARKS]
    compact = "".join(norm[at] for at in places)
    source = "".join(char for char in other if char not in _MARKS)
    runs = {source[i : i + run] for i in range(len(source) - run + 1)}
    for at in range(len(compact) - run + 1):
        if compact[at : at + run] in runs:
            for place in places[at : at + run]:
                marked[place] = 1
    return marked


def copied_ratio(norm: str, other: str) -> float:
    """Give the share of a reply that is copied from the other side in runs of 10 or more."""
    size = sum(char not in _MARKS for char in norm)
    return sum(copied_places(norm, other)) / size if size >= _MIN_COPY else 0.0


def case_words(said: str) -> set[str]:
    """Give pairs of characters and numbers in the other side's words that can show listening."""
    found: set[str] = set(re.findall(r"[0-9]+(?:\.[0-9]+)?", said))
    for run in re.findall(r"[㐀-鿿]{2,}", said):
        found |= {run[i : i + 2] for i in range(len(run) - 1)}
    return found - _stop_pairs()
