"""What the classifiers look at: pieces of a normal text. Shared by training and use.

Knows characters only; no weights.
"""

from __future__ import annotations

from collections.abc import Iterator

_GRAM_SIZES = (1, 2, 3, 4)
GAP_MOST = 5
MAX_CHARS = 80


def marked(norm: str) -> str:
    """Give what is cut up: the first MAX_CHARS characters with both ends marked."""
    return f"^{norm.strip()[:MAX_CHARS]}$"


def pieces(norm: str) -> Iterator[str]:
    """Give n-grams of 1 to 4 characters and pairs of characters up to 5 apart.

    Args:
        norm: normal text; only its first MAX_CHARS characters count.
    """
    text = marked(norm)
    size = len(text)
    for width in _GRAM_SIZES:
        yield from [text[start : start + width] for start in range(size - width + 1)]
    for first, one in enumerate(text):
        yield from [f"{one}~{other}" for other in text[first + 2 : first + GAP_MOST + 1]]
