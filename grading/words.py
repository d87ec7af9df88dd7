"""Comparing words of two speakers: what was copied, what a customer's words hold.

Knows characters; not meanings.
"""

from __future__ import annotations

import functools
import re

from grading.lexicon import FOLDER
from knowledge.datafile import read_text

_MIN_COPY = 10


@functools.lru_cache(maxsize=1)
def _stop_pairs() -> frozenset[str]:
    lines = read_text(FOLDER / "stop_pairs.txt").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def copied_ratio(norm: str, other: str) -> float:
    """Give the share of a reply that is copied from the other side in runs of 10 or more."""
    compact, source = (
        re.sub(r"[，。！？；、\n ]", "", norm),
        re.sub(r"[，。！？；、\n ]", "", other),
    )
    if len(compact) < _MIN_COPY or len(source) < _MIN_COPY:
        return 0.0
    runs = {source[i : i + _MIN_COPY] for i in range(len(source) - _MIN_COPY + 1)}
    covered = bytearray(len(compact))
    for at in range(len(compact) - _MIN_COPY + 1):
        if compact[at : at + _MIN_COPY] in runs:
            covered[at : at + _MIN_COPY] = b"\x01" * _MIN_COPY
    return sum(covered) / len(compact)


def case_words(said: str) -> set[str]:
    """Give pairs of characters and numbers in the other side's words that can show listening."""
    found: set[str] = set(re.findall(r"[0-9]+(?:\.[0-9]+)?", said))
    for run in re.findall(r"[㐀-鿿]{2,}", said):
        found |= {run[i : i + 2] for i in range(len(run) - 1)}
    return found - _stop_pairs()
