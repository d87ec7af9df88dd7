"""What a pattern cannot match without: characters, and pairs of neighbours, that must stand.

Most rules of the lexicons have nothing to do with most replies, and a look at which characters a
reply holds tells so sooner than a search. A pure saving: where in doubt a pattern needs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

Need = frozenset[str]  # grams, of which a text must hold one
_QUANTIFIER = re.compile(r"(?:\?|\*|\+|\{(\d+)?(,\d*)?\})\??")
_LOOKAROUND = re.compile(r"\(\?<?[=!]")
_PLAIN_CLASS = re.compile(r"\[[^\\^\]\[-]+\]")
_ANY_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")
_NOTHING = ".^$…"


class _Unread(ValueError):
    """Syntax this module leaves to ``re``."""


def grams(norm: str) -> frozenset[str]:
    """Give the characters of a normal text and its pairs of neighbours."""
    return frozenset(norm).union(map("".join, zip(norm, norm[1:], strict=False)))


@dataclass(frozen=True)
class Triggers:
    """What each way to match needs, its rarest need first; ``first``: all of these together."""

    ways: tuple[tuple[Need, ...], ...]
    first: Need

    def hold(self, found: frozenset[str]) -> bool:
        """Say whether a text with these grams may match."""
        if self.first.isdisjoint(found):
            return False
        for way in self.ways:
            for need in way:
                if need.isdisjoint(found):
                    break
            else:
                return True
        return False


def of(alternatives: Sequence[str]) -> Triggers | None:
    """Give what a text must hold to match one of the alternatives.

    Args:
        alternatives: in the pattern language of ``grading.pattern``.

    Returns:
        None where it cannot be told: such a pattern has to be searched for.
    """
    ways: list[tuple[Need, ...]] = []
    for one in alternatives:
        try:
            ways += _Walk(one).read()
        except _Unread:
            return None
    if not all(ways):
        return None
    return Triggers(tuple(ways), frozenset().union(*(way[0] for way in ways)))


def _rarest_first(need: Need) -> tuple[bool, int]:
    """Two in a row are rarer than one, and few are rarer than many."""
    return min(map(len, need)) == 1, len(need)


class _Walk:
    """One way through a pattern, from the left."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def read(self) -> list[tuple[Need, ...]]:
        """Give what each of the pattern's branches needs, rarest first."""
        ways = self._branches()
        if self.at < len(self.pattern):
            raise _Unread
        return ways

    def _branches(self) -> list[tuple[Need, ...]]:
        """Read up to the closing bracket, or to the end."""
        ways = [self._branch()]
        while self.pattern.startswith("|", self.at):
            self.at += 1
            ways.append(self._branch())
        return ways

    def _branch(self) -> tuple[Need, ...]:
        """Read a sequence, all of which must match."""
        needs: list[Need] = []
        before = ""
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            char, need = self._piece()
            if self._is_optional():
                before = ""
                continue
            if need:
                needs.append(need)
            if char and before:
                needs.append(frozenset((before + char,)))
            before = char
        return tuple(sorted(dict.fromkeys(needs), key=_rarest_first))

    def _piece(self) -> tuple[str, Need | None]:
        """Give the character that stands next, "" for none, and what it or its group needs."""
        char = self.pattern[self.at]
        if char == "(":
            return "", self._group()
        if char == "[":
            return "", self._class()
        if char == "\\":
            self.at += 2
            return "", None
        self.at += 1
        if char in _NOTHING:
            return "", None
        follows = _QUANTIFIER.match(self.pattern, self.at)
        return "" if follows else char, frozenset((char,))

    def _group(self) -> Need | None:
        """Read a group: one of its branches must match, so the rarest need of each counts."""
        around = _LOOKAROUND.match(self.pattern, self.at)
        opening = around[0] if around else "(?:" if self.pattern[self.at :][:3] == "(?:" else "("
        self.at += len(opening)
        if self.pattern.startswith("?", self.at):
            raise _Unread  # flags and names
        ways = self._branches()
        if not self.pattern.startswith(")", self.at):
            raise _Unread
        self.at += 1
        if around or not all(ways):
            return None
        return frozenset().union(*(way[0] for way in ways))

    def _class(self) -> Need | None:
        """Read [您你]; ranges, escapes and what is left out need nothing in particular."""
        plain = _PLAIN_CLASS.match(self.pattern, self.at)
        whole = plain or _ANY_CLASS.match(self.pattern, self.at)
        if whole is None:
            raise _Unread
        self.at = whole.end()
        return frozenset(plain[0][1:-1]) if plain else None

    def _is_optional(self) -> bool:
        """Pass the quantifier that stands next, if any, and say whether it allows none."""
        found = _QUANTIFIER.match(self.pattern, self.at)
        if not found:
            return False
        self.at = found.end()
        return found[0][0] in "?*" or (found[0][0] == "{" and not int(found[1] or 0))
