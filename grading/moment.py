"""The moment: what the other side's words and the talk so far make due.

Knows the history; not the reply.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

from grading import lexicon
from grading.lexicon import FOLDER
from grading.pattern import Pattern, compile_any
from grading.result import Channel, Turn
from knowledge.datafile import Entry, read_entries
from knowledge.text import plain

_MAX_CHARS = 600
_SHORT_CHARS = 18
_LONG_TURNS = 4
_WARNINGS_DUE = 2  # before this reply; the third may stand in it


class FlagEntry(Entry):
    """One flag: where its patterns are looked for, and how much heat it adds."""

    id: str
    last: tuple[str, ...] = ()
    ever: tuple[str, ...] = ()
    agent: tuple[str, ...] = ()
    heat: int = Field(default=0, ge=0, le=3)


@dataclass(frozen=True)
class Flag:
    """A compiled entry."""

    id: str
    heat: int
    last: Pattern | None
    ever: Pattern | None
    agent: Pattern | None


@dataclass(frozen=True)
class Moment:
    """What stands before the agent's reply.

    ``heat``: 0 calm … 3 furious. ``last``: the other side's words since the agent's last reply.
    ``quotes``: for each flag, the words that raised it, for "because".
    """

    channel: Channel
    staff: bool
    heat: int
    flags: frozenset[str]
    last: str
    last_turn: int
    said: str
    quotes: dict[str, str] = field(default_factory=dict)


@functools.lru_cache(maxsize=4)
def flags_of(folder: Path) -> tuple[Flag, ...]:
    """Load the flags of a folder, compiled (cached).

    Raises:
        DataError: naming file and entry.
    """
    found = []
    for entry in read_entries(FlagEntry, folder / "moments.yaml"):
        where = f"moments.yaml：{entry.id}"
        patterns = [
            compile_any(alternatives, where) if alternatives else None
            for alternatives in (entry.last, entry.ever, entry.agent)
        ]
        found.append(Flag(entry.id, entry.heat, *patterns))
    return tuple(found)


def _texts(history: list[Turn]) -> tuple[str, str, str]:
    """Give (last words of the other side, all their words, the agent's last words), normal."""
    last: list[str] = []
    for turn in reversed(history):
        if turn.role == "agent":
            break
        last.append(plain(turn.text[-_MAX_CHARS:]))
    others = [plain(turn.text[-_MAX_CHARS:]) for turn in history if turn.role != "agent"]
    agent = next((plain(t.text[-_MAX_CHARS:]) for t in reversed(history) if t.role == "agent"), "")
    return "\n".join(reversed(last)), "\n".join(others[-8:]), agent


def _agent_ever(history: list[Turn]) -> str:
    return "\n".join(plain(t.text[-_MAX_CHARS:]) for t in history[-24:] if t.role == "agent")


def read(channel: Channel, history: list[Turn], *, staff: bool, folder: Path = FOLDER) -> Moment:
    """Work out what the moment calls for.

    Args:
        channel: how they talk.
        history: all turns before the reply, oldest first.
        staff: whether this is a staff talk.
        folder: where moments.yaml stands.
    """
    last, ever, agent = _texts(history)
    agent_ever = _agent_ever(history)
    flags: set[str] = {channel}
    quotes: dict[str, str] = {}
    heat = 0
    for flag in flags_of(folder):
        where_agent = agent if flag.id == "waited" else agent_ever
        for pattern, text in ((flag.last, last), (flag.ever, ever), (flag.agent, where_agent)):
            match = pattern.search(text) if pattern and text else None
            if match:
                flags.add(flag.id)
                quotes.setdefault(flag.id, match[0].strip("\n") or text[:12])
                heat = max(heat, flag.heat)
    earlier = _earlier_heat(ever, last, folder)
    if earlier >= 2 and heat == 0 and "thanked" not in flags:
        heat = 1
    if not any(turn.role == "agent" for turn in history):
        flags.add("opening")
    if last.strip():
        flags.add("has_customer")
    if "opening" in flags and (not last.strip() or "greets" in flags):
        flags.add("cold_open")
    short = len(last) <= _SHORT_CHARS and flags & {"problem", "requests"}
    if short and not flags & {"agent_asked", "asks", "danger"}:
        flags.add("unclear")
    if len(history) >= _LONG_TURNS:
        flags.add("longtalk")
    if staff or any(turn.role == "staff" for turn in history):
        flags.add("staff")
    if _warnings(history) >= _WARNINGS_DUE and "abusive" in flags:
        flags.add("warned3")
    if _comforted(history):
        flags.add("comforted")
    if "verified" not in flags:
        flags.add("unverified")
    flags |= {f"heat{level}" for level in range(1, heat + 1)}
    if channel in ("inbound", "outbound"):
        flags.add("phone")
    last_turn = max((at for at, turn in enumerate(history) if turn.role != "agent"), default=0)
    return Moment(channel, "staff" in flags, heat, frozenset(flags), last, last_turn, ever, quotes)


def _warnings(history: list[Turn]) -> int:
    """Count the agent's earlier turns that warned an abusive caller."""
    pattern = next((flag.agent for flag in flags_of(FOLDER) if flag.id == "warned"), None)
    return sum(
        bool(pattern and pattern.search(plain(t.text[-_MAX_CHARS:])))
        for t in history
        if t.role == "agent"
    )


def _comforted(history: list[Turn]) -> bool:
    """Say whether the agent has already answered the feelings with more than a formula."""
    book = lexicon.load()
    rules = [r for r in book.signals if r.kind == "empathy" and r.id != "empathy.formula"]
    earlier = [plain(t.text[-_MAX_CHARS:]) for t in history[-12:] if t.role == "agent"]
    return any(rule.pattern.search(text) for text in earlier for rule in rules)


def _earlier_heat(ever: str, last: str, folder: Path) -> int:
    rest = ever[: max(0, len(ever) - len(last))]
    return max(
        (f.heat for f in flags_of(folder) if f.heat and f.last and f.last.search(rest)), default=0
    )
