"""Whose server answers, how it is told not to think, which models it has, how much it can read.

Knows the habits of vLLM, SGLang, llama.cpp and Ollama; sends nothing itself: it receives a ``get``.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from coach.engine import EngineError, Message

Dialect = Literal["auto", "vllm", "sglang", "llamacpp", "ollama", "openai"]
# How each server is told not to think. Ollama's /v1 ignores `think`; it knows reasoning_effort.
_TEMPLATE: dict[str, Any] = {"chat_template_kwargs": {"enable_thinking": False}}
QUIET = dict.fromkeys(("vllm", "sglang", "llamacpp"), _TEMPLATE) | {
    "ollama": {"reasoning_effort": "none", "think": False}, "openai": {}}  # fmt: skip
_OWNERS: dict[str, Dialect] = {
    "vllm": "vllm", "sglang": "sglang", "llamacpp": "llamacpp", "library": "ollama"}  # fmt: skip
_WIDER = {"ollama": "用 OLLAMA_CONTEXT_LENGTH=16384 启动 Ollama 并载入模型", "llamacpp": "加大 -c",
          "vllm": "加大 --max-model-len", "sglang": "加大 --context-length",
          "openai": "换窗口大一些的模型"}  # fmt: skip
_OLLAMA_WINDOW = 4096
_TOKENS_PER_CHARACTER, _TOKENS_PER_MESSAGE = 1.3, 8


class Get(Protocol):
    """Reads a JSON object from a server, by POST with a body; {} where it has none there."""

    def __call__(self, path: str, body: dict[str, str] | None = None) -> Awaitable[dict[str, Any]]:
        """Read one page."""
        ...


@dataclass(frozen=True)
class Server:
    """What is known of a server.

    ``window`` in tokens, None where it does not tell. ``guessed``: nobody knows whose it is.
    ``fixed``: not to be asked again.
    """

    dialect: Dialect = "openai"
    models: tuple[str, ...] = ()
    window: int | None = None
    guessed: bool = False
    fixed: bool = False


@dataclass(frozen=True)
class Wish:
    """The model wanted, as the server names it, and what the operator has set already."""

    model: str
    dialect: Dialect
    window: int | None


async def learn(get: Get, base_url: str, wish: Wish) -> Server:
    """Ask a server whose it is, what it lists and how much it can read."""
    root = base_url.removesuffix("/v1")
    listed = (await get("/models")).get("data")
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    mine = next((row for row in rows if row.get("id") == wish.model), rows[0] if rows else {})
    dialect, window = wish.dialect, wish.window or _whole(mine.get("max_model_len"))
    dialect = _OWNERS.get(str(mine.get("owned_by")), "auto") if dialect == "auto" else dialect
    if dialect == "auto" and (await get(f"{root}/api/version")).get("version"):
        dialect = "ollama"
    if window is None and dialect == "llamacpp":
        settings = (await get(f"{root}/props")).get("default_generation_settings")
        window = _whole(settings.get("n_ctx")) if isinstance(settings, dict) else None
    changes = window is None and dialect == "ollama"
    window = await _ollama_window(get, root, wish.model) if changes else window
    names, guessed = tuple(str(row.get("id")) for row in rows), dialect == "auto"
    known, fixed = "vllm" if dialect == "auto" else dialect, bool(rows) and not changes
    return Server(known, names, window, guessed, fixed)


async def _ollama_window(get: Get, root: str, model: str) -> int:
    """Give the loaded model's window (it changes), the model file's, or Ollama's default."""
    loaded = (await get(f"{root}/api/ps")).get("models")
    for row in loaded if isinstance(loaded, list) else []:
        if isinstance(row, dict) and row.get("name") in (model, f"{model}:latest"):
            return _whole(row.get("context_length")) or _OLLAMA_WINDOW
    shown = await get(f"{root}/api/show", {"model": model})
    found = re.search(r"num_ctx\s+(\d+)", str(shown.get("parameters")))
    return int(found[1]) if found else _OLLAMA_WINDOW


def refuse_too_long(sent: Sequence[Message], reply: int, server: Server, model: str) -> None:
    """Refuse what may not fit; characters x 1.3 is a safe upper bound for Chinese.

    Args:
        sent: the chat.
        reply: tokens kept for the answer, >= 1.
        server: whose window it is; nothing is refused where it is unknown.
        model: named in the error.

    Raises:
        EngineError: ``context``.
    """
    characters = sum(len(message.content) for message in sent)
    need = round(characters * _TOKENS_PER_CHARACTER) + _TOKENS_PER_MESSAGE * len(sent) + reply
    if server.window is not None and need > server.window:
        said = f"这段对话估计要 {need} 个词元，模型 {model} 的窗口只有 {server.window}"
        whose = "openai" if server.guessed else server.dialect
        raise EngineError("context", f"{said}，请{_WIDER[whose]}")


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
