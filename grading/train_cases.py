"""The graded replies that training learns from: loading, their sentences, attacked copies.

Used by builders only; knows files and texts, not models.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from grading.detect import read
from grading.result import DIMENSIONS, Channel, GradeRow, Severity, Turn
from grading.stretches import stretches
from knowledge.datafile import Entry, json_lines, parse, read_text
from knowledge.text import has_chinese, plain

Level = int | None
_ATTACKED = 0.5  # of the replies are learned a second time, with a trick added
_COST = 0.5  # levels an attacked copy is worth less than the reply it was made of


class Breach(Entry):
    """Words of a reply that are a breach."""

    kind: str
    severity: Severity
    text: str


class Levels(Entry):
    """The levels of one reading."""

    empathy: Level = Field(ge=0, le=4)
    politeness: Level = Field(ge=0, le=4)
    procedure: Level = Field(ge=0, le=4)


class Graded(Entry):
    """One reply with its constructed levels.

    ``breaches`` None: not marked, ``faults`` tells. ``again``: a second reading, by another who
    saw the anchors only.
    """

    text: str
    empathy: Level = Field(ge=0, le=4)
    politeness: Level = Field(ge=0, le=4)
    procedure: Level = Field(ge=0, le=4)
    faults: tuple[str, ...] = ()
    breaches: tuple[Breach, ...] | None = None
    again: Levels | None = None

    @property
    def is_clean(self) -> bool:
        """Whether nothing in it is a breach, as far as its marks tell."""
        if self.breaches is not None:
            return not self.breaches
        return not self.faults and (self.politeness or 0) >= 3 and (self.procedure or 0) >= 2


class Case(Entry):
    """One history with its replies."""

    id: str
    channel: Channel
    trade: str
    history: tuple[Turn, ...]
    card: tuple[str, ...]
    replies: tuple[Graded, ...]
    source: str

    @property
    def staff(self) -> bool:
        """Whether a team leader speaks with a member of the team."""
        return any(turn.role == "staff" for turn in self.history)

    def row(self, reply: str) -> GradeRow:
        """Give what the grader is asked about one reply."""
        return GradeRow(
            channel=self.channel, history=list(self.history), reply=reply, card=list(self.card)
        )


class Snippet(Entry):
    """Words that must never raise a mark, and where they are put."""

    id: str
    kind: str
    where: str = Field(pattern="^(before|after|both)$")
    text: str
    source: str


def load(folder: Path) -> Iterator[Case]:
    """Load the cases of a folder's ``levels_*.jsonl``.

    Raises:
        DataError: a broken line.
    """
    for path in sorted(folder.glob("levels_*.jsonl")):
        for number, value in json_lines(read_text(path)):
            yield parse(Case, value, f"{path.name} 第 {number} 行")


def snippets(folder: Path) -> list[Snippet]:
    """Load the tricks of a folder's ``tricks_*.jsonl``.

    Raises:
        DataError: a broken line.
    """
    return [
        parse(Snippet, value, f"{path.name} 第 {number} 行")
        for path in sorted(folder.glob("tricks_*.jsonl"))
        for number, value in json_lines(read_text(path))
    ]


def cut(text: str) -> Iterator[str]:
    """Cut a text into stretches as the grader does."""
    reading = read(text)
    for start, end in stretches(reading):
        if has_chinese(reading.norm[start:end]):
            yield reading.norm[start:end]


def stretches_of(found: Iterable[Case]) -> Iterator[Sentence]:
    """Give every stretch of every reply, whatever it is worth."""
    for case in found:
        for reply in case.replies:
            for text in cut(reply.text):
                yield Sentence(text, "any", case.id)


@dataclass(frozen=True)
class Sentence:
    """A stretch of a reply, what breach it is ("clean": none), and its case."""

    text: str
    kind: str
    case: str


def sentences(found: Iterable[Case]) -> Iterator[Sentence]:
    """Cut replies to customers as the grader does, and name the breach that fills each stretch."""
    for case in found:
        if case.staff:
            continue
        for reply in case.replies:
            if reply.breaches is None and not reply.is_clean:
                continue
            reading = read(reply.text)
            spots = list(_spots(reading.norm, reply.breaches or ()))
            for start, end in stretches(reading):
                if not has_chinese(reading.norm[start:end]):
                    continue
                kinds = {kind for kind, a, b in spots if min(end, b) - max(start, a) >= 4}
                if len(kinds) < 2:
                    kind = next(iter(kinds), "clean")
                    yield Sentence(reading.norm[start:end], kind, case.id)


def _spots(norm: str, breaches: Iterable[Breach]) -> Iterator[tuple[str, int, int]]:
    for breach in breaches:
        words = plain(breach.text)
        at = norm.find(words)
        if at >= 0:
            yield breach.kind, at, at + len(words)


def attacked(found: Iterable[Case], tricks: list[Snippet], seed: int) -> Iterator[Case]:
    """Give copies of cases with a trick put before or after some replies, worth a little less."""
    dice = random.Random(seed)
    for case in found:
        made = []
        for reply in case.replies:
            if dice.random() >= _ATTACKED:
                continue
            trick = dice.choice(tricks)
            before = trick.where == "before" or (trick.where == "both" and dice.random() < 0.5)
            joint = "" if trick.text[-1:] in "。！？!?~～" else "。"
            text = trick.text + joint + reply.text if before else reply.text + trick.text
            made.append(reply.model_copy(update={"text": text}))
        yield case.model_copy(update={"replies": tuple(made)})


def levels(reply: Graded, *, is_attacked: bool) -> dict[str, float | None]:
    """Give what a reply is worth in each dimension; None where it carries no level.

    Two readings are averaged; whether a dimension is called for is the second one's word.
    """
    cost = _COST if is_attacked else 0.0
    worth: dict[str, float | None] = {}
    for name in DIMENSIONS:
        level: float | None = getattr(reply, name)
        if reply.again is not None:
            second: Level = getattr(reply.again, name)
            both = level is not None and second is not None
            level = (level + second) / 2 if both else second  # type: ignore[operator]
        worth[name] = None if level is None else max(0.0, level - cost)
    return worth
