"""How long a server is waited for, and when it is left alone for a while.

Knows seconds, tries and failures in a row; not what a call is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from coach.engine import EngineError


@dataclass(frozen=True)
class Limits:
    """Waiting, in seconds: to connect, between two pieces, and for a Retry-After; tries >= 1.

    After ``failures`` calls in a row went wrong, calls are refused for ``rest_seconds``.
    """

    connect_seconds: float = 5.0
    stall_seconds: float = 15.0
    retry_after_seconds: float = 10.0
    backoff_seconds: float = 0.5
    tries: int = 3
    failures: int = 5
    rest_seconds: float = 30.0


class Breaker:
    """Refuses calls for a while after failures in a row, then lets one through as a trial."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        """Start closed; ``clock`` gives seconds that never go back."""
        self._limits, self._clock, self._lock = limits, clock, threading.Lock()
        self._failed, self._until, self._trying, self._why = 0, 0.0, False, ""

    def admit(self) -> None:
        """Let a call through, or raise EngineError ``refused`` while the server rests."""
        with self._lock:
            if self._failed < self._limits.failures:
                return
            left = self._until - self._clock()
            if left > 0 or self._trying:
                wait = f"暂停使用，约 {max(1, round(left))} 秒后再试"
                raise EngineError("refused", f"连着失败了 {self._failed} 次，{wait}：{self._why}")
            self._trying = True

    def record(self, worked: bool | None, why: str = "") -> None:
        """Note how a call ended; None when it was given up and tells nothing."""
        with self._lock:
            self._trying = False
            if worked:
                self._failed = 0
            elif worked is False:
                self._failed, self._why = self._failed + 1, why
                self._until = self._clock() + self._limits.rest_seconds
