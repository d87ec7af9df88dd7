"""The line for a local model: one call has it, the others wait, each with a place.

Knows tickets; not what the calls do.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from coach.engine import EngineError

_LOOK_SECONDS = 0.05


class Line:
    """First come, first served: one call has the model, the others wait, up to a limit.

    Not a plain lock: it knows each one's place, and a turn may end in another thread than it began
    in (an iterator that is dropped ends wherever it is collected).
    """

    def __init__(self, limit: int) -> None:
        """Start empty; ``limit`` >= 0 is how many may wait behind the one being served."""
        if limit < 0:
            raise ValueError(f"Line: {limit=}; need >= 0")
        self._limit = limit
        self._tickets: list[tuple[object, str]] = []
        self._moved = threading.Condition()

    @contextmanager
    def turn(self, session: str, cancel: threading.Event) -> Iterator[bool]:
        """Wait for the model and hold it; False when cancelled while waiting.

        Raises:
            EngineError: ``slow``, the line is full.
        """
        ticket = (object(), session)
        with self._moved:
            if len(self._tickets) > self._limit:
                raise EngineError(
                    "slow",
                    f"现在用这个模型的人太多（已有 {len(self._tickets)} 个在用或排队），请稍后再试",
                )
            self._tickets.append(ticket)
        try:
            yield self._wait(ticket, cancel)
        finally:
            with self._moved:
                self._tickets.remove(ticket)
                self._moved.notify_all()

    def _wait(self, ticket: tuple[object, str], cancel: threading.Event) -> bool:
        with self._moved:
            while self._tickets[0] is not ticket and not cancel.is_set():
                # An event cannot wake a condition, so a cancel is looked for now and then.
                self._moved.wait(_LOOK_SECONDS)
            return not cancel.is_set()

    def place(self, session: str) -> int | None:
        """Give how many calls stand before the session's first one: 0 served now, None absent."""
        with self._moved:
            places = (at for at, (_, name) in enumerate(self._tickets) if name == session)
            return next(places, None)
