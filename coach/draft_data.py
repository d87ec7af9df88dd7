"""The parts a scenario is composed of: matters, persons, phrases; loaded from data and checked.

Knows the shape of the parts; not how they are put together.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from coach.scenario import CustomerType, Limit, Lines, Patterns, Slots, Trap
from grading.pattern import Pattern, compile_any
from grading.result import Channel
from knowledge import standard
from knowledge.datafile import DataError, Entry, fingerprint, parse, read_entries, read_yaml

_DATA = Path(__file__).parent / "data"
BOOK, PERSONS, MATTERS = _DATA / "draft.yaml", _DATA / "persons.yaml", _DATA / "matters"
Need = Annotated[tuple[Patterns, ...], Field(min_length=1)]
Some = Annotated[tuple[str, ...], Field(min_length=1)]


class Limits(Entry):
    """Numbers: characters of a wish, bytes of a file, repairs, how many near ones are shown."""

    wish_chars: int = Field(ge=10, le=1000)
    wish_least: int = Field(ge=1)
    file_bytes: int = Field(ge=4096)
    repairs: int = Field(ge=0, le=5)
    near: int = Field(ge=1, le=10)
    requirements: int = Field(ge=2, le=12)


class Plan(Entry):
    """What a level trains: its work content, the requirement behind each step, common parts."""

    work: str
    difficulty: int = Field(ge=1, le=5)
    requirements: Some
    feel: str
    ask: str
    solve: str
    close: str
    parts: tuple[Literal["before", "improve"], ...]


class PartFact(Entry):
    """A fact common to many scenarios."""

    what: str
    asked: Patterns
    say: Lines


class PartGoal(Entry):
    """A goal common to many scenarios."""

    what: str
    need: Need
    ask: Lines
    met: Lines


class Ident(PartFact):
    """The identity check; ``reply`` is the agent's question on the right path."""

    reply: str
    step: str


class Owner(PartGoal):
    """Somebody sees to it; ``reply`` by channel."""

    reply: dict[Channel, str]
    step: str


class Earlier(Entry):
    """An earlier contact that led nowhere."""

    fact: PartFact
    goal: PartGoal
    question: str
    reply: str
    ask_step: str
    step: str


class Improve(Entry):
    """What is changed afterwards."""

    goal: PartGoal
    reply: str
    step: str


class Mood(Entry):
    """Where a type starts, 0-100, before the difficulty."""

    anger: int
    trust: int
    patience: int


class TypePart(Entry):
    """What a customer type adds; ``before`` and ``after`` may be lists by dialect."""

    mood: Mood
    manner: str
    harder: int = Field(ge=0, le=2)
    before: tuple[str, ...] | dict[str, tuple[str, ...]]
    after: tuple[str, ...] | dict[str, tuple[str, ...]] = ()
    typed: tuple[str, ...] = ()
    trap: Trap
    hint: str
    hello: str


class Book(Entry):
    """The whole of draft.yaml."""

    version: str
    limits: Limits
    levels: dict[standard.Level, Some]
    channels: dict[Channel, Some]
    harder: Some
    easier: Some
    customer_types: dict[CustomerType, Some]
    dialects: dict[str, Some]
    calls: dict[str, Some]
    insults: Some
    staff: Some
    regular_words: Some
    focus: dict[str, Some]
    plan: dict[standard.Level, Plan]
    channel_requirements: dict[Channel, str]
    macros: dict[str, Patterns]
    ident: Ident
    owner: Owner
    before: Earlier
    improve: Improve
    leads: dict[Channel, Some]
    short_leads: dict[Channel, Some]
    callback: str
    ending: dict[Channel, str]
    wrong: Some
    hints: Some
    difficulty_step: Mood
    regular_about: str
    types: dict[CustomerType, TypePart]


class Person(Entry):
    """Somebody made up; ``dialect`` is a region of the bank, ``elder`` from 62 on."""

    id: str
    name: str
    call: str
    age: int = Field(ge=18, le=85)
    place: str
    job: str
    way: str
    dialect: str | None = None
    elder: bool = False


class MatterFact(PartFact):
    """A fact of a matter; ``topic`` says what to ask without giving it away."""

    id: str
    topic: str
    open: bool = False


class MatterGoal(PartGoal):
    """A goal of a matter."""

    id: str
    after: tuple[str, ...] = ()


class Right(Entry):
    """The agent's good replies: the first asks the first fact, the second the other one."""

    first: str
    second: str
    goals: tuple[str, str]


class Matter(Entry):
    """What a case is about, for any person, type, channel and level; ``$name`` are slots."""

    id: str
    name: str
    words: Patterns
    channel: Channel
    level_extra: tuple[str, ...]
    variants: Annotated[tuple[dict[str, str], ...], Field(min_length=2)]
    titles: Lines
    trains: str
    slots: Slots
    case_words: Annotated[tuple[str, ...], Field(min_length=4)]
    short: Lines
    opening: Lines
    background: str
    wants: str
    facts: tuple[MatterFact, MatterFact]
    card: Annotated[tuple[str, ...], Field(min_length=3)]
    limits: tuple[Limit, ...]
    goals: tuple[MatterGoal, MatterGoal]
    worse: Trap
    hints: Lines
    right: Right
    wrong: Annotated[tuple[str, ...], Field(min_length=3)]
    source: str


@functools.lru_cache(maxsize=2)
def book(path: Path = BOOK) -> Book:
    """Load draft.yaml (cached)."""
    return parse(Book, read_yaml(path), path.name)


@functools.lru_cache(maxsize=2)
def persons(path: Path = PERSONS) -> tuple[Person, ...]:
    """Load the persons (cached)."""
    return tuple(read_entries(Person, path))


@functools.lru_cache(maxsize=2)
def matters(folder: Path = MATTERS) -> dict[str, Matter]:
    """Load the matters by id (cached).

    Raises:
        DataError: naming file and field; also for an id that is not the file's name.
    """
    found: dict[str, Matter] = {}
    for path in sorted(folder.glob("*.yaml")):
        matter = parse(Matter, read_yaml(path), path.name)
        if matter.id != path.stem:
            raise DataError(f"{path.name}：id 写成了“{matter.id}”，应与文件名一致")
        found[matter.id] = matter
    return found


@functools.lru_cache(maxsize=256)
def pattern(words: tuple[str, ...], where: str) -> Pattern:
    """Compile words of the data (cached)."""
    return compile_any(words, where)


def version() -> str:
    """Give the digest of all parts, for version fields."""
    return fingerprint(BOOK, PERSONS, *MATTERS.glob("*.yaml"))
