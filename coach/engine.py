"""What a language model must offer to speak for the other side, whichever way it is reached.

Knows messages and streams; not scenarios, nor any model library.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True)
class Message:
    """One message of a chat: the system's, the trainee's (user) or the model's own (assistant)."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Sampling:
    """How the next text is drawn; None leaves it to the model's own generation config.

    ``temperature`` 0 is greedy. ``max_tokens`` >= 1. ``seed`` makes a draw repeatable where the
    engine can.
    """

    max_tokens: int = 160
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None


class EngineError(RuntimeError):
    """The engine could not give a text; the message is one Chinese sentence with the remedy.

    ``kind`` names the cause for the record: refused, slow, status, broken, empty, context, memory,
    model, cancelled.
    """

    def __init__(self, kind: str, message: str) -> None:
        """Keep the cause beside the sentence."""
        super().__init__(message)
        self.kind = kind


class Engine(Protocol):
    """A chat model. Safe to call from several threads; calls beyond its capacity wait in line."""

    @property
    def name(self) -> str:
        """``transformers`` or ``endpoint``."""

    @property
    def model(self) -> str:
        """The model's name as shown and recorded."""

    def stream(
        self, messages: Sequence[Message], sampling: Sampling, *,
        session: str, cancel: threading.Event,
    ) -> Generator[str]:  # fmt: skip
        """Give the text piece by piece as it grows; thinking (<think>…</think>) never appears.

        Args:
            messages: the whole chat; the system message and earlier turns are the same from call
                to call of a session, only the last message is new (prefix reuse relies on it).
            sampling: see Sampling.
            session: whose conversation this is, for prefix reuse.
            cancel: once set, generation stops at the next token and the iterator ends.

        Raises:
            EngineError: no text could be had.
        """
        ...

    def forget(self, session: str) -> None:
        """Drop what is kept for a session; unknown sessions are ignored."""
        ...

    def close(self) -> None:
        """Let go of threads, connections and memory."""
        ...
