"""The agent's card against the reply: figures that contradict it, figures it does not hold.

Knows quantities and shared words; not which breach it is, nor what it costs.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from grading.detect import Reading
from knowledge.quantity import Quantity, quantities
from knowledge.text import ngrams, plain

_CHECKED = ("duration", "workdays", "months", "clock", "date", "weekday", "money", "share")
_ALIKE = {"workdays": "duration"}
_WORD = 2  # characters in a row that make a shared word


@dataclass(frozen=True)
class CardHit:
    """One figure of the reply; ``fact`` is the line of the card it goes against, else None."""

    kind: Literal["contradicts", "unsupported"]
    start: int
    end: int
    fact: str | None = None


@dataclass(frozen=True)
class _Fact:
    text: str
    figures: tuple[Quantity, ...]
    words: frozenset[str]


def _words(norm: str) -> frozenset[str]:
    return frozenset(
        gram for gram in ngrams(norm, (_WORD,)) if not any(char.isdigit() for char in gram)
    )


def _fact(text: str) -> _Fact:
    norm = plain(text)
    return _Fact(text, tuple(quantities(norm)), _words(norm))


def _supported(figure: Quantity, known: Sequence[Quantity]) -> bool:
    """Say whether a figure stands in what is known, or follows from two sums of it."""
    if any(figure.same(one) for one in known):
        return True
    if figure.kind != "money":
        return False
    sums = [one.value for one in known if one.kind == "money"]
    plain_numbers = [one.value for one in known if one.kind in ("count", "months")]
    made = [a + b for a, b in itertools.combinations(sums, 2)]
    made += [abs(a - b) for a, b in itertools.combinations(sums, 2)]
    made += [a * n for a in sums for n in plain_numbers]
    return any(abs(figure.value - value) < 0.005 for value in made)


def check(reading: Reading, card: Sequence[str], heard: Sequence[str]) -> list[CardHit]:
    """Hold a reply's figures against the card.

    Args:
        reading: of the reply.
        card: what the agent has before her, one fact a line; nothing is checked without one.
        heard: what was said before, by anybody: figures may come from there.

    Returns:
        At most one hit a figure, in order; figures that the card or the talk bears out give none.
    """
    if not card:
        return []
    facts = [_fact(text) for text in card]
    known = [figure for fact in facts for figure in fact.figures]
    known += [figure for text in heard for figure in quantities(plain(text))]
    found: list[CardHit] = []
    for figure in quantities(reading.norm):
        if figure.kind not in _CHECKED or _supported(figure, known):
            continue
        if reading.is_quoted(figure.start, figure.end):
            continue
        against = _against(figure, facts, reading)
        kind: Literal["contradicts", "unsupported"] = "contradicts" if against else "unsupported"
        found.append(CardHit(kind, figure.start, figure.end, against))
    return found


def _against(figure: Quantity, facts: Sequence[_Fact], reading: Reading) -> str | None:
    """Give the fact that says another figure of the same kind about the same thing."""
    low, high = reading.sentence(figure.start)
    words = _words(reading.norm[low:high])
    kind = _ALIKE.get(figure.kind, figure.kind)
    rivals = [
        fact for fact in facts if any(_ALIKE.get(q.kind, q.kind) == kind for q in fact.figures)
    ]
    shared = [(len(words & fact.words), fact.text) for fact in rivals]
    most, text = max(shared, default=(0, ""))
    return text if most else None
