"""The word lists of the grader: loaded from data, compiled once.

Knows how entries are written; not what a match is worth.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from grading import triggers
from grading.pattern import Pattern, compile_any
from grading.result import Severity
from grading.triggers import Triggers
from knowledge.datafile import DataError, Entry, fingerprint, read_entries

FOLDER = Path(__file__).parent / "data"


class SignalEntry(Entry):
    """One wording family of a signal."""

    id: str
    kind: str
    strength: float = Field(ge=0, le=1)
    guards: tuple[str, ...] = ()
    any: tuple[str, ...]
    unless: tuple[str, ...] = ()


class ViolationEntry(Entry):
    """One wording family of a breach; ``needs`` and ``forbids`` are moment flags.

    ``sure``: plain wordings that the classifier may not take back.
    """

    id: str
    kind: str
    severity: Severity
    guards: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()
    sure: bool = False
    any: tuple[str, ...]
    unless: tuple[str, ...] = ()


class GuardEntry(Entry):
    """A check that voids a match: words before it, or anywhere in its sentence."""

    id: str
    before: tuple[str, ...] = ()
    around: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """A compiled entry; ``severity`` is None for signals.

    ``triggers``: what a text must hold for the pattern to match, None if that cannot be told.
    """

    id: str
    kind: str
    strength: float
    severity: Severity | None
    guards: frozenset[str]
    needs: frozenset[str]
    forbids: frozenset[str]
    pattern: Pattern
    unless: Pattern | None
    sure: bool = False
    triggers: Triggers | None = None

    def may_match(self, grams: frozenset[str]) -> bool:
        """Say whether a text with these grams (``grading.triggers``) is worth a search."""
        return self.triggers is None or self.triggers.hold(grams)


@dataclass(frozen=True)
class Guard:
    """A compiled guard."""

    before: Pattern | None
    around: Pattern | None


@dataclass(frozen=True)
class Lexicon:
    """All rules of a folder."""

    signals: tuple[Rule, ...]
    violations: tuple[Rule, ...]
    guards: dict[str, Guard]
    version: str


def _optional(patterns: tuple[str, ...], where: str) -> Pattern | None:
    return compile_any(patterns, where) if patterns else None


def _rule(entry: SignalEntry | ViolationEntry, name: str, guards: dict[str, Guard]) -> Rule:
    where = f"{name}：{entry.id}"
    if unknown := set(entry.guards) - set(guards) - {"quoted"}:
        raise DataError(f"{where} 的 guards 里没有这些名字：{'、'.join(sorted(unknown))}")
    breach = entry if isinstance(entry, ViolationEntry) else None
    return Rule(
        id=entry.id,
        kind=entry.kind,
        strength=1.0 if breach else entry.strength,  # type: ignore[union-attr]
        severity=breach.severity if breach else None,
        guards=frozenset(entry.guards),
        needs=frozenset(breach.needs if breach else ()),
        forbids=frozenset(breach.forbids if breach else ()),
        pattern=compile_any(entry.any, where),
        unless=_optional(entry.unless, where),
        sure=breach.sure if breach else False,
        triggers=triggers.of(entry.any),
    )


@functools.lru_cache(maxsize=4)
def load(folder: Path = FOLDER) -> Lexicon:
    """Load and compile signals, violations and guards of a folder.

    Raises:
        DataError: naming file and entry.
    """
    guards = {
        entry.id: Guard(
            _optional(entry.before, f"guards.yaml：{entry.id}"),
            _optional(entry.around, f"guards.yaml：{entry.id}"),
        )
        for entry in read_entries(GuardEntry, folder / "guards.yaml")
    }
    signals: list[Rule] = []
    for name in ("signals.yaml", "staff_signals.yaml"):
        entries = read_entries(SignalEntry, folder / name)
        signals += [_rule(entry, name, guards) for entry in entries]
    violations: list[Rule] = []
    for name in ("violations.yaml", "staff_violations.yaml"):
        breaches = read_entries(ViolationEntry, folder / name)
        violations += [_rule(entry, name, guards) for entry in breaches]
    version = fingerprint(*folder.glob("*.yaml"))
    return Lexicon(tuple(signals), tuple(violations), guards, version)
