"""The words of better wordings: loaded from data, chosen by a stable hash of the case.

Knows how the files are written; not what a reply lacks.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, TypeVar
from zlib import crc32

from pydantic import Field

from grading.lexicon import FOLDER
from grading.result import Severity
from knowledge.datafile import DataError, Entry, parse, read_entries, read_yaml
from knowledge.quantity import Kind

Swaps = tuple[tuple[re.Pattern[str], str], ...]
_Choice = TypeVar("_Choice")


class Mood(Entry):
    """A kind of event; ``say`` are sentences around the customer's own clause ``$fact``."""

    id: str
    cue: str
    say: tuple[str, ...] = Field(min_length=1)


class Openers(Entry):
    """How the customer's own words are taken up."""

    moods: tuple[Mood, ...] = Field(min_length=1)
    unsure: tuple[str, ...] = Field(min_length=1)
    staff: tuple[Mood, ...] = Field(min_length=1)
    staff_unsure: tuple[str, ...] = Field(min_length=1)
    lead: tuple[str, ...] = Field(min_length=1)
    staff_lead: tuple[str, ...] = Field(min_length=1)
    topic: tuple[str, ...] = Field(min_length=1)
    no_topic: tuple[str, ...] = Field(min_length=1)
    also: tuple[str, ...] = Field(min_length=1)


class Where(Entry):
    """Wordings for one kind of matter, told by a cue in the customer's words."""

    cue: str
    say: tuple[str, ...] = Field(min_length=1)


class Step(Entry):
    """What is said for one thing that is due.

    ``where`` goes before the channel, that before ``say``; ``bare`` where no matter is named.
    """

    id: str
    say: tuple[str, ...] = Field(min_length=1)
    phone: tuple[str, ...] = ()
    chat: tuple[str, ...] = ()
    in_person: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    where: tuple[Where, ...] = ()
    staff: bool = False


class AskedEntry(Entry):
    """A kind of question: its cue, the slot where the answer is missing, figures that answer."""

    id: str
    cue: str
    slot: str
    kinds: tuple[Kind, ...]


class TurnsEntry(Entry):
    """The contents of rewrite_turns.yaml; see the comments there."""

    heads: str
    tails: str
    turned: tuple[tuple[str, str], ...]
    staff_turned: tuple[tuple[str, str], ...]
    refused: tuple[str, ...]
    insulting: str
    requests: tuple[tuple[str, str], ...]
    softened: tuple[tuple[str, str], ...]
    junk: str
    empty: str
    connectives: str
    card_inside: str
    card_personal: str
    asks_about: str
    secret_ask: str
    secret_kept: str
    card_words: tuple[tuple[str, str], ...]
    card_words_staff: tuple[tuple[str, str], ...]
    card_against: str
    card_offer: str
    asks: tuple[AskedEntry, ...]
    glad: str
    glad_not: str
    greeted: str
    hands_back: str
    secrets: str
    waits: str
    handed: str
    figure: str
    nouns: str
    nouns_staff: str
    useful_ask: str
    keep: KeepEntry


class KeepEntry(Entry):
    """When the agent's own words stay: likelihoods 0-1 and what each trait adds (log odds)."""

    whole_from: float = Field(ge=0, le=1)
    part_from: float = Field(ge=0, le=1)
    ask_from: float = Field(ge=0, le=1)
    spare_from: float = Field(ge=0, le=1)
    traits: dict[str, float]
    stricter: dict[Severity, float]


@dataclass(frozen=True)
class Turns:
    """rewrite_turns.yaml, compiled."""

    heads: re.Pattern[str]
    tails: re.Pattern[str]
    turned: Swaps
    staff_turned: Swaps
    refused: re.Pattern[str]
    insulting: re.Pattern[str]
    requests: Swaps
    softened: Swaps
    junk: re.Pattern[str]
    empty: re.Pattern[str]
    connectives: re.Pattern[str]
    card_inside: re.Pattern[str]
    card_personal: re.Pattern[str]
    asks_about: re.Pattern[str]
    secret_ask: re.Pattern[str]
    secret_kept: re.Pattern[str]
    card_words: Swaps
    card_words_staff: Swaps
    card_against: re.Pattern[str]
    card_offer: re.Pattern[str]
    asks: tuple[tuple[AskedEntry, re.Pattern[str]], ...]
    glad: re.Pattern[str]
    glad_not: re.Pattern[str]
    greeted: re.Pattern[str]
    hands_back: re.Pattern[str]
    secrets: re.Pattern[str]
    waits: re.Pattern[str]
    handed: re.Pattern[str]
    figure: re.Pattern[str]
    nouns: re.Pattern[str]
    nouns_staff: re.Pattern[str]
    useful_ask: re.Pattern[str]
    keep: KeepEntry


TurnsEntry.model_rebuild()
_PATTERNS = (
    "tails", "insulting", "junk", "empty", "connectives", "card_inside", "card_against",
    "card_offer", "nouns", "nouns_staff", "useful_ask", "card_personal", "asks_about",
    "secret_ask", "secret_kept", "glad", "glad_not", "greeted", "hands_back", "secrets", "waits",
    "handed", "figure",
)  # fmt: skip
_SWAPS = (
    "turned", "staff_turned", "requests", "softened", "card_words", "card_words_staff",
)  # fmt: skip
_TURNS, _OPENERS, _STEPS = "rewrite_turns.yaml", "rewrite_openers.yaml", "additions.yaml"


def _compiled(pattern: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise DataError(f"{where}：“{pattern}”不是合法的句式（{error.msg}）") from None


def _swaps(pairs: Sequence[tuple[str, str]], where: str) -> Swaps:
    return tuple((_compiled(pattern, where), new) for pattern, new in pairs)


@functools.lru_cache(maxsize=2)
def turns(folder: Path = FOLDER) -> Turns:
    """Load how words change sides (cached).

    Raises:
        DataError: unknown or missing keys, or a pattern that is none.
    """
    entry = parse(TurnsEntry, read_yaml(folder / _TURNS), _TURNS)
    one = {name: _compiled(getattr(entry, name), f"{_TURNS}：{name}") for name in _PATTERNS}
    swaps = {name: _swaps(getattr(entry, name), f"{_TURNS}：{name}") for name in _SWAPS}
    more: dict[str, Any] = {**one, **swaps}
    return Turns(
        heads=_compiled(f"^{entry.heads}", f"{_TURNS}：heads"),
        refused=_compiled("|".join(entry.refused), f"{_TURNS}：refused"),
        asks=tuple((ask, _compiled(ask.cue, f"{_TURNS}：{ask.id}")) for ask in entry.asks),
        keep=entry.keep,
        **more,
    )


@functools.lru_cache(maxsize=2)
def openers(folder: Path = FOLDER) -> Openers:
    """Load how the other side's words are taken up (cached)."""
    return parse(Openers, read_yaml(folder / _OPENERS), _OPENERS)


@functools.lru_cache(maxsize=4)
def cues(*, staff: bool, folder: Path = FOLDER) -> tuple[re.Pattern[str], ...]:
    """Give the compiled cues of the moods, in their order (cached)."""
    entry = openers(folder)
    moods = entry.staff if staff else entry.moods
    return tuple(_compiled(m.cue, f"{_OPENERS}：{m.id}") for m in moods)


@functools.lru_cache(maxsize=2)
def steps(folder: Path = FOLDER) -> dict[str, Step]:
    """Load what is said for each missing thing, by id (cached)."""
    return {step.id: step for step in read_entries(Step, folder / _STEPS)}


def swapped(text: str, swaps: Swaps) -> str:
    """Make all replacements of a list, in its order."""
    for pattern, new in swaps:
        text = pattern.sub(new, text)
    return text


def picked(options: Sequence[_Choice], seed: int, salt: str) -> _Choice:
    """Choose one option: the same for the same case, spread evenly over cases."""
    return options[crc32(f"{seed}{salt}".encode()) % len(options)]


def filled(template: str, **values: str) -> str:
    """Fill a wording; a value that it does not name is left out, a missing one is an error."""
    return Template(template).substitute(values)


_WIDE = str.maketrans(",;:!?()", "，；：！？（）")
_NARROW = re.compile(r"(?<![0-9a-zA-Z])[,;:!?()]|[,;:!?()](?![0-9a-zA-Z ])")


def wide(text: str) -> str:
    """Write the marks between Chinese characters wide, figures and Latin words as they are."""
    return _NARROW.sub(lambda match: match[0].translate(_WIDE), text)
