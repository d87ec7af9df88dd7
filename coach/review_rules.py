"""The wordings the reviewer looks for, and when a wording counts: not quoted, denied or asked.

Knows data/reviewer.yaml; not scenarios, states or what a fault means.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from coach import bank
from grading.pattern import Pattern, compile_any
from knowledge.datafile import Entry, fingerprint, parse, read_yaml, refuse_repeats

DATA = Path(__file__).parent / "data" / "reviewer.yaml"
Kind = Literal[
    "agent_voice", "ai_voice", "leak", "agreed", "ended", "coaches", "repeats", "degrading",
    "empty", "too_long", "other_language", "markup", "obeys", "thinking",
]  # fmt: skip
Words = tuple[str, ...]
SENTENCE_END = re.compile(r"[。！？；\n]")
_QUOTES = re.compile(r"“[^”]*(?:”|$)|「[^」]*(?:」|$)|‘[^’]*(?:’|$)|\"[^\"]*(?:\"|$)")
WRAPPED = re.compile(r"\s*(?:“[^“”]*”|「[^「」]*」|\"[^\"]*\")\s*")
_LISTS = (
    "agent_words", "reported", "denied", "open_sentence", "resisting", "whole", "part",
    "closing_signs", "still_asking", "orders",
)  # fmt: skip


class Limit(Entry):
    """How long a turn may be in a medium: characters, messages, emoji."""

    chars: int = Field(ge=10)
    messages: int = Field(ge=1)
    emoji: int = Field(ge=0)


class RuleEntry(Entry):
    """One family of wordings. ``always``: holds even when quoted; ``mild``: allowed with abuse."""

    id: str
    kind: Kind
    any: Words
    unless: Words = ()
    only: Literal["customer", "staff"] | None = None
    always: bool = False
    mild: bool = False


Share = Annotated[float, Field(gt=0, le=1)]


class Book(Entry):
    """The whole of reviewer.yaml."""

    version: str
    limits: dict[bank.Medium, Limit]
    message_chars: int
    loop_times: int = Field(ge=2)
    repeat_share: float = Field(gt=0, le=1)
    repeat_chars: int
    string_chars: int
    leak_score: float = Field(gt=0)
    leak_core: float
    leak_side: float
    leak_number: float
    leak_amount: float
    leak_digit: float
    agent_like: float = Field(gt=0, le=1)
    agent_chars: int = Field(ge=1)
    agent_words: Words
    faulty_like: dict[Literal["degrading", "coaches", "obeys"], Share]
    yields_like: Share
    verse_lines: int = Field(ge=2)
    verse_chars: tuple[int, ...]
    latin_words: int
    foreign_chars: int
    accepting_acts: Words
    polite_types: Words
    reported: Words
    denied: Words
    open_sentence: Words
    resisting: Words
    rules: tuple[RuleEntry, ...]
    whole: Words
    part: Words
    nodding: Words
    nodding_must: str
    closing_signs: Words
    still_asking: Words
    orders: Words


@dataclass(frozen=True)
class Rule:
    """An entry with its patterns compiled."""

    entry: RuleEntry
    pattern: Pattern
    unless: Pattern | None


@dataclass(frozen=True)
class Rules:
    """The book with everything compiled."""

    book: Book
    rules: tuple[Rule, ...]
    lists: dict[str, Pattern]
    nodding: re.Pattern[str]
    nodding_must: re.Pattern[str]


@functools.lru_cache(maxsize=2)
def load(path: Path = DATA) -> Rules:
    """Load and compile the reviewer's data (cached).

    Raises:
        DataError: naming the file and the faulty entry.
    """
    book = parse(Book, read_yaml(path), path.name)
    refuse_repeats((rule.id for rule in book.rules), path.name)
    rules = tuple(
        Rule(
            entry,
            compile_any(entry.any, f"{path.name}：{entry.id}"),
            compile_any(entry.unless, f"{path.name}：{entry.id}") if entry.unless else None,
        )
        for entry in book.rules
    )
    lists = {name: compile_any(getattr(book, name), f"{path.name}：{name}") for name in _LISTS}
    # longest first and possessive: a long row of nods must not be tried in every cutting
    nods = "|".join(map(re.escape, sorted(book.nodding, key=len, reverse=True)))
    nodding = re.compile(rf"(?>{nods}|[，。！～ \n])*+")
    return Rules(book, rules, lists, nodding, re.compile(book.nodding_must))


def version(path: Path = DATA) -> str:
    """Give version and digest of the reviewer's data."""
    return f"{load(path).book.version}@{fingerprint(path)}"


@dataclass(frozen=True)
class Line:
    """A text being judged: normal form, its quoted stretches, and how far it is finished."""

    norm: str
    quotes: tuple[tuple[int, int], ...]
    rules: Rules

    def sentence(self, at: int) -> tuple[int, int]:
        """Give the bounds of the sentence around an offset, its end mark included."""
        before = [m.end() for m in SENTENCE_END.finditer(self.norm, 0, at)]
        after = SENTENCE_END.search(self.norm, at)
        return before[-1] if before else 0, after.end() if after else len(self.norm)

    def is_borrowed(self, start: int) -> bool:
        """Say whether the words at an offset are quoted or reported."""
        if any(low <= start < high for low, high in self.quotes):
            return True
        low, _ = self.sentence(start)
        return bool(self.rules.lists["reported"].search(self.norm, max(low, start - 14), start))

    def is_denied(self, start: int) -> bool:
        """Say whether the words at an offset are denied or a condition."""
        low, _ = self.sentence(start)
        return bool(self.rules.lists["denied"].search(self.norm, max(low, start - 10), start))

    def is_open(self, start: int) -> bool:
        """Say whether the sentence at an offset asks, threatens or mocks."""
        return bool(self.rules.lists["open_sentence"].search(self.norm, *self.sentence(start)))

    def find(self, rule: Rule) -> str | None:
        """Find a rule's words that count."""
        for match in rule.pattern.finditer(self.norm):
            bounds = self.sentence(match.start())
            if rule.unless and rule.unless.search(self.norm, *bounds):
                continue
            if not rule.entry.always and self.is_borrowed(match.start()):
                continue
            if rule.entry.kind == "ended" and (
                self.is_denied(match.start()) or self.is_open(match.start())
            ):
                continue
            return match[0].strip()
        return None

    def find_plain(self, name: str) -> str | None:
        """Find words of a list that are meant: neither borrowed, denied nor asked."""
        for match in self.rules.lists[name].finditer(self.norm):
            at = match.start()
            if not (self.is_borrowed(at) or self.is_denied(at) or self.is_open(at)):
                return match[0]
        return None


def read_line(norm: str, rules: Rules) -> Line:
    """Read a normal text; quotes around the whole of it quote nothing."""
    wrapped = WRAPPED.fullmatch(norm)
    quotes = () if wrapped else tuple(m.span() for m in _QUOTES.finditer(norm))
    return Line(norm, quotes, rules)
