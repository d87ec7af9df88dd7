"""What the classifiers look at: pieces of a normal text. Shared by training and use.

Knows characters only; no weights.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Mapping

_GRAM_SIZES = (1, 2, 3, 4)
_GAP_MOST = 5
MAX_CHARS = 80


def pieces(norm: str) -> Iterator[str]:
    """Give n-grams of 1 to 4 characters and pairs of characters up to 5 apart.

    Args:
        norm: normal text; only its first MAX_CHARS characters count.
    """
    text = f"^{norm.strip()[:MAX_CHARS]}$"
    size = len(text)
    for width in _GRAM_SIZES:
        for start in range(size - width + 1):
            yield text[start : start + width]
    for first in range(size):
        for second in range(first + 2, min(first + _GAP_MOST + 1, size)):
            yield f"{text[first]}~{text[second]}"


@functools.lru_cache(maxsize=1024)
def counted(norm: str) -> Mapping[str, int]:
    """Count the pieces of a normal text (cached: several models look at the same stretch)."""
    return Counter(pieces(norm))
