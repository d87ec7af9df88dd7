"""Finding signals and breaches in a reply, with the checks that void a match.

Knows words and their surroundings; not scores.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from grading import triggers
from grading.lexicon import Lexicon, Rule
from grading.result import Severity
from knowledge.text import Clause, Text, clauses, normalise

_BEFORE_CHARS = 10
_WINDOW_CHARS = 12
_QUOTES = re.compile(
    r"“([^”\n]{1,80})”|「([^」\n]{1,80})」|『([^』\n]{1,80})』|\"([^\"\n]{1,80})\""
)
_STOP = re.compile(r"[，。！？；、…～\n ]")


@dataclass(frozen=True)
class Hit:
    """A found signal or breach; offsets into the normal text."""

    kind: str
    rule: str
    start: int
    end: int
    strength: float = 1.0
    severity: Severity | None = None
    sure: bool = False


@dataclass(frozen=True)
class Reading:
    """A reply cut up once, for all detectors."""

    text: Text
    clauses: tuple[Clause, ...]
    quotes: tuple[tuple[int, int], ...]
    void: tuple[tuple[int, int], ...]

    @property
    def norm(self) -> str:
        """The normal text."""
        return self.text.norm

    @functools.cached_property
    def kept(self) -> str:
        """The normal text with what earns nothing blanked out, offsets unchanged."""
        text = self.norm
        for start, end in self.void:
            text = text[:start] + " " * (end - start) + text[end:]
        return text

    @functools.cached_property
    def grams(self) -> frozenset[str]:
        """What the normal text holds, to tell which rules are worth a search."""
        return triggers.grams(self.norm)

    def sentence(self, at: int) -> tuple[int, int]:
        """Give the start and end of the sentence that holds offset ``at``."""
        return self.sentences(at, 0)

    def sentences(self, at: int, after: int) -> tuple[int, int]:
        """Give start and end of the sentence at ``at`` together with ``after`` further ones."""
        here = next((c.sentence for c in self.clauses if at < c.end), None)
        if here is None:
            return 0, len(self.norm)
        inside = [c for c in self.clauses if here <= c.sentence <= here + after]
        return inside[0].start, inside[-1].end + len(inside[-1].tail)

    def is_quoted(self, start: int, end: int) -> bool:
        """Say whether a stretch lies inside quotation marks."""
        return any(a <= start and end <= b for a, b in self.quotes)

    def own(self, start: int, end: int) -> str:
        """Give a stretch without what is quoted in it: those are not the speaker's own words."""
        if not any(start < b and a < end for a, b in self.quotes):
            return self.norm[start:end]
        kept = (at for at in range(start, end) if not any(a <= at < b for a, b in self.quotes))
        return "".join(self.norm[at] for at in kept)

    def is_void(self, start: int, end: int) -> bool:
        """Say whether a stretch lies in a sentence that earns nothing."""
        return any(a <= start and end <= b for a, b in self.void)


def read(raw: str, void: Iterable[tuple[int, int]] = ()) -> Reading:
    """Cut a reply up; ``void`` are stretches (of the normal text) that earn nothing."""
    text = normalise(raw)
    quotes = tuple((m.start(), m.end()) for m in _QUOTES.finditer(text.norm))
    return Reading(text, tuple(clauses(text.norm)), quotes, tuple(void))


def _voided(rule: Rule, start: int, end: int, reading: Reading, lexicon: Lexicon) -> bool:
    norm = reading.norm
    if "quoted" in rule.guards and reading.is_quoted(start, end):
        return True
    low, high = reading.sentence(start)
    clause_start = max((m.end() for m in _STOP.finditer(norm, low, start)), default=low)
    before = norm[max(clause_start, start - _BEFORE_CHARS) : start]
    for name in rule.guards - {"quoted"}:
        guard = lexicon.guards[name]
        if guard.before and before and guard.before.search(before):
            return True
        if guard.around and guard.around.search(norm, low, max(high, end)):
            return True
    return False


def _excused(rule: Rule, start: int, end: int, reading: Reading) -> bool:
    if rule.unless is None:
        return False
    if rule.severity is None:
        low = max(0, start - _WINDOW_CHARS)
        return bool(rule.unless.search(reading.norm, low, end + _WINDOW_CHARS))
    low, high = reading.sentences(start, 1)
    earlier = max(0, low - 40)
    return bool(rule.unless.search(reading.norm, earlier, max(high, end)))


def _merge(hits: list[Hit]) -> list[Hit]:
    """Keep one hit where hits of a kind overlap: the stronger, then the longer."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda h: (not h.sure, -h.strength, h.start - h.end, h.start)):
        if not any(k.kind == hit.kind and k.start < hit.end and hit.start < k.end for k in kept):
            kept.append(hit)
    return sorted(kept, key=lambda h: (h.start, h.end, h.kind))


@dataclass(frozen=True)
class Found:
    """Signals that count, and matches voided by a guard (negated, sarcastic, quoted …)."""

    hits: list[Hit]
    voided: list[Hit]


def find_signals(reading: Reading, lexicon: Lexicon) -> Found:
    """Find what a reply does, in text order."""
    hits: list[Hit] = []
    voided: list[Hit] = []
    for rule in lexicon.signals:
        if not rule.may_match(reading.grams):
            continue
        for match in rule.pattern.finditer(reading.norm):
            start, end = match.span()
            if start == end or reading.is_void(start, end):
                continue
            hit = Hit(rule.kind, rule.id, start, end, rule.strength)
            if _excused(rule, start, end, reading):
                continue
            (voided if _voided(rule, start, end, reading, lexicon) else hits).append(hit)
    return Found(_merge(hits), voided)


def find_violations(reading: Reading, lexicon: Lexicon, flags: frozenset[str]) -> list[Hit]:
    """Find breaches of service language that count; ``flags`` are those of the moment."""
    return scan_violations(reading, lexicon, flags).hits


def scan_violations(reading: Reading, lexicon: Lexicon, flags: frozenset[str]) -> Found:
    """Find breaches, and matches that a guard or an excuse voids."""
    hits: list[Hit] = []
    voided: list[Hit] = []
    for rule in lexicon.violations:
        if not rule.needs <= flags or rule.forbids & flags or not rule.may_match(reading.grams):
            continue
        for match in rule.pattern.finditer(reading.norm):
            start, end = match.span()
            if start == end:
                continue
            hit = Hit(rule.kind, rule.id, start, end, 1.0, rule.severity, rule.sure)
            void = _voided(rule, start, end, reading, lexicon)
            (voided if void or _excused(rule, start, end, reading) else hits).append(hit)
    return Found(_merge(hits), voided)
