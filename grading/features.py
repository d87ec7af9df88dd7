"""What the classifiers look at: pieces of a normal text, numbered. Shared by training and use.

Knows characters only; no weights.
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_GRAM_SIZES = (1, 2, 3, 4)
_GAP_MOST = 5
MAX_CHARS = 80
Places = npt.NDArray[np.int64]


def pieces(norm: str) -> Iterator[str]:
    """Give n-grams of 1 to 4 characters and pairs of characters up to 5 apart.

    Args:
        norm: normal text; only its first MAX_CHARS characters count.
    """
    text = f"^{norm.strip()[:MAX_CHARS]}$"
    size = len(text)
    for width in _GRAM_SIZES:
        yield from [text[start : start + width] for start in range(size - width + 1)]
    for first, one in enumerate(text):
        yield from [f"{one}~{other}" for other in text[first + 2 : first + _GAP_MOST + 1]]


@dataclass(frozen=True)
class Counted:
    """The pieces of a text.

    ``found``: all of them, counted. Of those that some model knows, ``numbers``: (n_known,) and
    ``counts``: (n_known,) float32.
    """

    found: Mapping[str, int]
    numbers: Places
    counts: npt.NDArray[np.float32]


class Numbering:
    """Numbers for pieces, given out as models name theirs, so that a text is looked up only once.

    Most of the time a reply takes is spent looking up its pieces, and several models know the same.
    """

    def __init__(self) -> None:
        """Start with no piece numbered."""
        self._numbers: dict[str, int] = {}
        self._lock = threading.Lock()

    def places(self, vocabulary: Mapping[str, int]) -> Places:
        """Give where each numbered piece stands in a vocabulary, -1 where it does not.

        Returns:
            (n_numbers,), every piece of the vocabulary numbered.
        """
        with self._lock:
            for piece in vocabulary:
                self._numbers.setdefault(piece, len(self._numbers))
            table = np.full(len(self._numbers), -1, dtype=np.int64)
            named = np.fromiter(map(self._numbers.__getitem__, vocabulary), dtype=np.int64)
        table[named] = np.fromiter(vocabulary.values(), dtype=np.int64)
        return table

    def count(self, norm: str) -> Counted:
        """Count the pieces of a normal text (cached until another model names pieces)."""
        return self._count(norm, len(self._numbers))

    @functools.lru_cache(maxsize=1024)  # noqa: B019 - there is one numbering a process
    def _count(self, norm: str, known: int) -> Counted:
        found = Counter(pieces(norm))
        every = np.fromiter(map(self._numbers.get, found, itertools.repeat(-1)), dtype=np.int64)
        counts = np.fromiter(found.values(), dtype=np.float32)
        return Counted(found, every[every >= 0], counts[every >= 0])


NUMBERS = Numbering()


def within(places: Places, counted: Counted) -> tuple[Places, npt.NDArray[np.float32]]:
    """Give where a text's pieces stand in a model's vocabulary, and how often each.

    Args:
        places: of that vocabulary, see Numbering.places.
        counted: the text.
    """
    numbers, counts = counted.numbers, counted.counts
    if len(numbers) and numbers.max() >= len(places):  # named by models that came later
        counts, numbers = counts[numbers < len(places)], numbers[numbers < len(places)]
    found = places[numbers]
    return found[found >= 0], counts[found >= 0]
