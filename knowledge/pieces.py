"""What the search and the sentence encoder see in a text: characters, pairs of them, words.

Knows how a text is cut; nothing of weights. Shared by training and use, so that both see alike.
"""

from __future__ import annotations

from knowledge.text import ngrams, plain, words

WORD_MARK = "词:"
SIZES = (1, 2)


def pieces(text: str, sizes: tuple[int, ...] = SIZES) -> list[str]:
    """Cut a text as typed into character n-grams and (marked) words, in the order of the text."""
    norm = plain(text)
    return [*ngrams(norm, sizes), *(WORD_MARK + word for word in words(norm))]
