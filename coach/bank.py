"""The bank of generic lines: loaded from data/voice, chosen by act, medium, heat and person.

Knows which lines may be said; not when.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Literal

from coach.scenario import CustomerType, Scenario
from knowledge.datafile import Entry, fingerprint, read_entries, refuse_repeats

FOLDER = Path(__file__).parent / "data" / "voice"
Medium = Literal["phone", "chat", "staff"]
Heat = Literal["low", "mid", "high", "any"]


class Line(Entry):
    """One generic line; ``say`` may hold $thing, $demand, $harm and, in chat, line breaks."""

    id: str
    act: str
    medium: Medium
    heat: Heat
    types: tuple[CustomerType, ...] = ()
    region: str | None = None
    say: str


@functools.lru_cache(maxsize=2)
def load(folder: Path = FOLDER) -> tuple[Line, ...]:
    """Load all lines of a folder, refusing repeated ids."""
    lines = [line for path in sorted(folder.glob("*.yaml")) for line in read_entries(Line, path)]
    refuse_repeats((line.id for line in lines), folder.name)
    return tuple(lines)


@functools.lru_cache(maxsize=2)
def by_act(folder: Path = FOLDER) -> dict[tuple[Medium, str], tuple[Line, ...]]:
    """Give the lines by (medium, act)."""
    table: dict[tuple[Medium, str], list[Line]] = {}
    for line in load(folder):
        table.setdefault((line.medium, line.act), []).append(line)
    return {key: tuple(lines) for key, lines in table.items()}


def medium_of(scenario: Scenario) -> Medium:
    """Give the medium whose lines a scenario uses."""
    if scenario.kind == "staff":
        return "staff"
    return "chat" if scenario.channel == "chat" else "phone"


def heat_of(anger: float) -> Heat:
    """Give the heat band of an anger of 0-100."""
    return "low" if anger < 40 else "mid" if anger < 70 else "high"


def fits(line: Line, scenario: Scenario) -> bool:
    """Say whether this person could say the line: their type, their region."""
    if line.types and scenario.customer_type not in line.types:
        return False
    return line.region is None or line.region == scenario.person.region


def version(folder: Path = FOLDER) -> str:
    """Give the digest of the line files."""
    return fingerprint(*folder.glob("*.yaml"))
