"""The pieces of ``features.pieces`` as numbers, so that a whole stretch is looked up at once.

A piece of up to four characters is one 64-bit number, 16 bits a character. Looking pieces up one by
one in a dictionary of strings was most of the time a reply took. Knows numbers; no weights.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grading.features import GAP_MOST, marked, pieces

Codes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.intp]
_BITS = np.uint64(16)
_APART = np.uint64(ord("~") << 16)
_LONGEST = 4
_TOP = 0xFFFF
_NONE = np.uint64(2**64 - 1)  # four times what is no character: stands in no text


@dataclass(frozen=True)
class Counted:
    """The pieces of a stretch: ``codes`` (n,) rising, and how often each stands."""

    codes: Codes
    counts: Places


def is_coded(norm: str) -> bool:
    """Say whether every character fits in 16 bits: emoji do not."""
    return not norm or ord(max(norm)) <= _TOP


@functools.lru_cache(maxsize=256)
def count(norm: str) -> Counted:
    """Count the pieces of a normal text all of whose characters fit in 16 bits (cached)."""
    raw = marked(norm).encode("utf-16-le", "surrogatepass")
    one = np.frombuffer(raw, dtype="<u2").astype(np.uint64)
    runs = [one]
    for width in range(1, _LONGEST):
        runs.append((runs[-1][:-1] << _BITS) | one[width:])
    first, second = _gaps(len(one))
    runs.append((one[first] << (_BITS + _BITS)) | _APART | one[second])
    return Counted(*np.unique(np.concatenate(runs), return_counts=True))


@functools.lru_cache(maxsize=256)
def _gaps(size: int) -> tuple[Places, Places]:
    """Give the places of both characters of every pair that stands a little apart."""
    pairs = [
        (first, second)
        for first in range(size)
        for second in range(first + 2, min(first + GAP_MOST + 1, size))
    ]
    made = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return made[:, 0], made[:, 1]


def known(vocabulary: Mapping[str, int], found: Mapping[str, int]) -> tuple[Places, Places]:
    """Give the place and the count of each feature that a vocabulary knows."""
    every = np.fromiter(map(vocabulary.get, found, itertools.repeat(-1)), dtype=np.intp)
    counts = np.fromiter(found.values(), dtype=np.intp)
    return every[every >= 0], counts[every >= 0]


@functools.lru_cache(maxsize=128)
def log_counts(most: int) -> npt.NDArray[np.float32]:
    """Give (most + 1,): what a piece that stands so often weighs; nothing for none."""
    return np.array([0.0, *(1.0 + math.log(n) for n in range(1, most + 1))], dtype=np.float32)


@dataclass(frozen=True)
class Book:
    """A vocabulary: ``codes`` (n,) rising, and the ``places`` of their pieces in it."""

    vocabulary: Mapping[str, int]
    codes: Codes
    places: Places

    @classmethod
    def of(cls, vocabulary: Mapping[str, int]) -> Book:
        """Make the book of a vocabulary that is not empty."""
        codes = np.array([_code(piece) for piece in vocabulary], dtype=np.uint64)
        order = np.argsort(codes, kind="stable")
        places = np.fromiter(vocabulary.values(), dtype=np.intp)
        return cls(vocabulary, codes[order], places[order])

    def look_up(self, norm: str) -> tuple[Places, Places]:
        """Give place and count of each piece of a normal text that is known."""
        if not is_coded(norm):
            return known(self.vocabulary, Counter(pieces(norm)))
        return self._find(count(norm))

    def _find(self, counted: Counted) -> tuple[Places, Places]:
        at = np.searchsorted(self.codes, counted.codes)
        at[at == len(self.codes)] = 0
        same = self.codes[at] == counted.codes
        return self.places[at[same]], counted.counts[same]


def _code(piece: str) -> np.uint64:
    if not piece or len(piece) > _LONGEST or not is_coded(piece):
        return _NONE
    code = 0
    for char in piece:
        code = (code << 16) | ord(char)
    return np.uint64(code)
