"""One finding on one field of a work order, and the field as it is read. No rule stands here."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from coach import masking
from coach.order_figures import Figure, figures
from coach.order_record import Record
from coach.order_words import FieldSpec, VerdictKind, Words
from knowledge.encoder import embedded
from knowledge.postings import Floats
from knowledge.text import Text, clauses, normalise, words

_CJK = re.compile(r"[㐀-鿿a-z0-9]")


@dataclass(frozen=True)
class Found:
    """A fault: ``start``, ``end`` into the normal form, None for what is missing.

    ``because``: the line of the talk that shows it. ``share``: of the field's loss, 0-1.
    ``right``: what a wrong figure should have been.
    """

    verdict: VerdictKind
    what: str
    start: int | None = None
    end: int | None = None
    because: tuple[int, str] | None = None
    share: float = 1.0
    right: Figure | None = None


@dataclass(frozen=True)
class Typed:
    """A field as typed, with what is needed to read it; ``whole``: all fields' normal texts."""

    spec: FieldSpec
    text: Text
    whole: dict[str, str]
    record: Record
    words: Words

    @property
    def norm(self) -> str:
        """The normal form."""
        return self.text.norm

    @functools.cached_property
    def private(self) -> list[tuple[int, int]]:
        """Where personal data stands unmasked, as spans of the normal form."""
        found = [m.span() for m in self.words.private.finditer(self.norm)]
        rules = self.words.book.masked_rules
        for start, end in masking.spots(self.text.raw, rules):
            inside = [at for at, raw in enumerate(self.text.origin[:-1]) if start <= raw < end]
            if inside:
                found.append((inside[0], inside[-1] + 1))
        found.sort(key=lambda span: (span[0], -span[1]))
        kept: list[tuple[int, int]] = []
        for span in found:
            if not kept or span[0] >= kept[-1][1]:
                kept.append(span)
        return kept

    @functools.cached_property
    def figures(self) -> list[Figure]:
        """The figures, unmasked personal numbers left out."""
        return figures(self.norm, self.private)


def typed(spec: FieldSpec, raw: str, whole: dict[str, str], record: Record, words: Words) -> Typed:
    """Read a field."""
    return Typed(spec, normalise(raw), whole, record, words)


def visible(norm: str) -> int:
    """Count the characters that say something."""
    return len(_CJK.findall(norm))


def content(norm: str, ordinary: frozenset[str]) -> list[str]:
    """Give the words of two or more characters that are not ordinary in an order."""
    return [word for word in words(norm) if len(word) >= 2 and word not in ordinary]


def pairs(norm: str) -> set[str]:
    """Give the pairs of neighbouring Chinese characters, letters or digits."""
    return {
        norm[at : at + 2]
        for at in range(len(norm) - 1)
        if _CJK.match(norm[at]) and _CJK.match(norm[at + 1])
    }


def likeness(clause: str, source: str) -> float:
    """Give the highest likeness, -1 to 1, of a clause to any clause of a normal text."""
    rows = _encoded(source)
    return float((rows @ embedded().encode([clause])[0]).max()) if len(rows) else 0.0


@functools.lru_cache(maxsize=32)
def _encoded(source: str) -> Floats:
    return embedded().encode([clause.text for clause in clauses(source)])
