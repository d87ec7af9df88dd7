"""Reads a streamed chat chunk by chunk: what may be shown of it, and whether it came to its end.

Knows the chunks of the OpenAI protocol and where servers put thinking; not the wire.
"""

from __future__ import annotations

from typing import Any

from coach.engine import EngineError
from coach.thinking import ThinkFilter


class Spoken:
    """What one answer has given so far.

    ``heard``: anything, thinking included; ``given``: anything but blanks and thinking.
    """

    def __init__(self) -> None:
        """Start with nothing heard."""
        self.heard = self._finished = False
        self._think = ThinkFilter()

    @property
    def given(self) -> bool:
        """Whether anything that may be shown has come."""
        return self._think.given

    def hear(self, chunk: Any) -> str:  # noqa: ANN401 - the server's word, unchecked
        """Give what a chunk of a streamed chat adds to the text that may be shown.

        Raises:
            ValueError: it is no chunk of a chat, or its text is none.
            EngineError: ``broken``, see ThinkFilter.
        """
        choices = getattr(chunk, "choices", None)
        if not isinstance(choices, list):
            raise ValueError("a chunk without choices")
        if not choices:  # usage only
            return ""
        delta = getattr(choices[0], "delta", None)
        text = getattr(delta, "content", None) or ""
        # vLLM, SGLang and llama.cpp say reasoning_content, Ollama and newer vLLM reasoning.
        thought = getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None)
        if not isinstance(text, str) or "\ufffd" in text:
            raise ValueError("content that is no text")
        text.encode()  # a lone surrogate raises here and not in our database
        self.heard = self.heard or bool(text or thought)
        self._finished = self._finished or bool(getattr(choices[0], "finish_reason", None))
        return self._think.feed(text)

    def rest(self) -> str:
        """Give what was held back, the reply having ended.

        Raises:
            ValueError: no chunk said that the reply was finished: it was cut.
            EngineError: ``empty``, nothing but thinking and blanks came.
        """
        if not self._finished:
            raise ValueError("the stream ended without a finish_reason")
        piece = self._think.finish()
        if not self.given:
            raise EngineError("empty", "模型只给了思考或空白，没有回答，请在服务端关闭思考模式")
        return piece
