"""What a local model has kept of each session: keys and values of the prompt's first tokens.

Knows tokens, bytes and sessions; not how a network runs: that is transformers_engine.py.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kept:
    """Keys and values of a prompt's first tokens.

    ``ids``: the tokens they belong to, in order. ``cache``: the model library's own object, as
    long as ``ids``. ``size``: its bytes, > 0.
    """

    ids: tuple[int, ...]
    cache: Any
    size: int


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """Count the tokens that two prompts share from the start."""
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return count


class PrefixCache:
    """Kept prefixes by session, bounded in number and bytes; the longest unused go first."""

    def __init__(self, max_sessions: int, memory_bytes: int) -> None:
        """Start empty; both bounds >= 0, 0 keeps nothing."""
        if max_sessions < 0 or memory_bytes < 0:
            raise ValueError(f"PrefixCache: {max_sessions=}, {memory_bytes=}; need >= 0")
        self._max_sessions = max_sessions
        self._memory_bytes = memory_bytes
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._out: set[str] = set()
        self._guard = threading.Lock()

    def take(self, session: str) -> Kept | None:
        """Hand out what is kept for a session; it is the caller's alone until given back."""
        with self._guard:
            self._out.add(session)
            return self._kept.pop(session, None)

    def give(self, session: str, kept: Kept | None) -> None:
        """Take a prefix back, unless the session was forgotten meanwhile; evict what is too much.

        One that alone is past the bytes is not kept. None gives nothing back.
        """
        with self._guard:
            wanted = session in self._out
            self._out.discard(session)
            if kept is None or not wanted:
                return
            self._kept[session] = kept
            while self._kept and (
                len(self._kept) > self._max_sessions
                or sum(one.size for one in self._kept.values()) > self._memory_bytes
            ):
                self._kept.popitem(last=False)

    def forget(self, session: str) -> None:
        """Drop a session's prefix, also one that is handed out; unknown sessions are ignored."""
        with self._guard:
            self._kept.pop(session, None)
            self._out.discard(session)

    @property
    def lengths(self) -> dict[str, int]:
        """Tokens kept by session, the longest unused first."""
        with self._guard:
            return {session: len(kept.ids) for session, kept in self._kept.items()}

    @property
    def size(self) -> int:
        """Bytes kept in all."""
        with self._guard:
            return sum(one.size for one in self._kept.values())
