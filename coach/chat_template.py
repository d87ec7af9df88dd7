"""Turns a chat into the tokens a local model is shown, by the tokenizer's own template.

Knows templates, markers and what the next call shares; not how a network runs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from coach.engine import EngineError, Message
from coach.prefix_cache import common


@dataclass(frozen=True)
class Prompt:
    """A rendered chat: its tokens, how many of them the next call shares, thinking left open."""

    ids: tuple[int, ...]
    shared: int
    thinking: bool


class Markers:
    """Takes a tokenizer's own markers (<|im_end|>, <think>…) out of what people and models said.

    Otherwise a trainee could type the end of a message and the start of a system message.
    """

    def __init__(self, tokenizer: Any) -> None:  # noqa: ANN401 - each family has its class
        """Collect the markers; added words that are no markers (runs of blanks) stay."""
        added = tokenizer.added_tokens_decoder.values()
        marks = {str(t.content) for t in added if t.special or t.content.startswith("<")}
        longest_first = sorted(marks, key=lambda mark: (-len(mark), mark))
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    def __call__(self, text: str) -> str:
        """Give the text without markers, nor any that their going leaves behind."""
        while (less := self._pattern.sub("", text)) != text:
            text = less
        return text


class ChatTemplate:
    """A tokenizer's chat template, thinking off where it knows how."""

    def __init__(self, tokenizer: Any, model: str) -> None:  # noqa: ANN401 - each family has its class
        """Read the template; ``model`` names it in an error."""
        self._tokenizer, self._model = tokenizer, model
        known = re.search(r"\benable_thinking\b", tokenizer.get_chat_template())
        self.options: dict[str, Any] = {"enable_thinking": False} if known else {}
        self._markers = Markers(tokenizer)

    def render(self, messages: Sequence[Message], ask: bool) -> str:
        """Give the whole text; ``ask`` opens the answer.

        Raises:
            EngineError: ``model``, the template does not take this chat.
        """
        told = [{"role": m.role, "content": self._markers(m.content)} for m in messages]
        try:
            text = self._tokenizer.apply_chat_template(
                told, tokenize=False, add_generation_prompt=ask, **self.options
            )
        except jinja2.TemplateError as error:
            raise EngineError(
                "model", f"模型 {self._model} 的聊天模板不接受这段对话（{error}），请换一个模型"
            ) from error
        return str(text)

    def ids(self, text: str) -> list[int]:
        """Give the tokens of a text, no marker added."""
        return list(self._tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids)

    def prompt(self, messages: Sequence[Message]) -> Prompt:
        """Render a chat that asks for an answer.

        Raises:
            ValueError: no message.
            EngineError: see render().
        """
        if not messages:
            raise ValueError("stream: messages is empty")
        text = self.render(messages, ask=True)
        ids = self.ids(text)
        # With another last message in its place, what stays the same is what a next call shares.
        # Leaving the last message off would not do: templates render a chat's end differently.
        other = [*messages[:-1], Message(messages[-1].role, "")]
        shared = common(ids, self.ids(self.render(other, ask=False)))
        return Prompt(tuple(ids), min(shared, len(ids) - 1), text.rstrip().endswith("<think>"))
