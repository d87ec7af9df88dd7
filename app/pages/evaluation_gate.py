"""The evaluators' door: one passphrase for a run of the server, few tries, sessions by cookie.

Knows secrets and clocks; nothing of HTTP. The passphrase itself is not kept, only its digest.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from knowledge import text
from knowledge.datafile import DataError

SESSION_SECONDS = 12 * 60 * 60
MOST_NAME = 20
_SIGNS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that look alike
_GROUPS, _GROUP = 4, 4
_TRIES, _WINDOW_SECONDS = 5, 60.0
_MOST_SESSIONS = 200


class TooMany(DataError):
    """Too many wrong passphrases of late; the message says how long to wait."""


def passphrase() -> str:
    """Draw a passphrase of 16 signs (79 random bits) in groups of four."""
    groups = ("".join(secrets.choice(_SIGNS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


@dataclass(frozen=True)
class _Session:
    name: str
    until: float


class Gate:
    """Who may enter. Wrong tries are counted for all visitors together: all come from one address.

    Args:
        secret: the passphrase.
        clock: seconds that never go back.
    """

    def __init__(self, secret: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep the digest of ``secret`` only."""
        self._salt = secrets.token_bytes(32)
        self._clock = clock
        self._lock = threading.Lock()
        self._wrong: deque[float] = deque(maxlen=_TRIES)
        self._sessions: OrderedDict[bytes, _Session] = OrderedDict()
        self._right = self._digest(_plain(secret))

    def _digest(self, said: str) -> bytes:
        return hmac.digest(self._salt, said.encode("utf-8", "replace"), "sha256")

    def enter(self, said: str, name: str) -> str:
        """Give a new session's token for the right passphrase.

        Args:
            said: as typed; width, case, blanks and hyphens do not matter.
            name: what others call this evaluator, cut to 20 signs; "" gives 评测员.

        Raises:
            TooMany: five wrong ones in the last minute; even the right one is not looked at.
            DataError: wrong.
        """
        with self._lock:
            now = self._clock()
            if len(self._wrong) == _TRIES and (left := self._wrong[0] + _WINDOW_SECONDS - now) > 0:
                raise TooMany(f"口令试错太多次了，请过 {int(left) + 1} 秒再试")
            if not hmac.compare_digest(self._digest(_plain(said)), self._right):
                self._wrong.append(now)
                raise DataError("口令不对，请照启动 kefu serve 的终端里显示的那一行输入")
            token = secrets.token_hex(32)
            self._sessions[_key(token)] = _Session(_called(name), now + SESSION_SECONDS)
            while len(self._sessions) > _MOST_SESSIONS:
                self._sessions.popitem(last=False)
            return token

    def who(self, token: str) -> str | None:
        """Give the name behind a token; None where it opens nothing."""
        with self._lock:
            session = self._sessions.get(_key(token))
            if session is None or session.until <= self._clock():
                return None
            return session.name

    def leave(self, token: str) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(_key(token), None)


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _plain(said: str) -> str:
    return "".join(sign for sign in text.plain(said[:200]) if sign in _SIGNS)


def _called(name: str) -> str:
    shown = "".join(sign for sign in name if sign.isprintable()).strip()
    return shown[:MOST_NAME] or "评测员"
