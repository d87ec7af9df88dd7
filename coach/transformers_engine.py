"""A local chat model through transformers: prompts in, text out, what can be reused is kept.

Knows weights, tokens, keys and values; not scenarios, prompts or who is speaking. Import it late:
it loads torch, as do its parts model_loading.py and generation.py and nothing else here. Nothing
is downloaded: a hub name means what is already on this machine.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from tokenizers.decoders import DecodeStream
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from coach import model_loading
from coach.chat_template import ChatTemplate, Prompt
from coach.engine import EngineError, Message, Sampling
from coach.generation import Choice
from coach.model_folder import find_folder, weight_bytes
from coach.prefix_cache import Kept, PrefixCache, common
from coach.thinking import ThinkFilter
from coach.waiting_line import Line

_CHAT_TOKENS = 4096
# Long prompts are run in pieces, so that a cancel is heard within one of them.
_PIECE_TOKENS = 512


class TransformersEngine:
    """A chat model in this process; see coach.engine.Engine. One call runs, the others wait.

    What a session's next call can share is kept: everything before the last message.
    """

    name = "transformers"

    def __init__(
        self, folder_or_name: str, *, device: str = "auto", dtype: str = "auto",
        max_sessions: int = 8, memory_bytes: int = 2**30, queue_limit: int = 8,
    ) -> None:  # fmt: skip
        """Check the folder and the memory, then load.

        Args:
            folder_or_name: a folder of safetensors weights, or a hub name held on this machine.
            device: ``auto`` (a GPU if there is one), ``cpu``, ``cuda``, ``cuda:1``.
            dtype: ``auto`` (see pick_dtype), ``float32`` or ``bfloat16``.
            max_sessions: how many sessions' prefixes are kept, >= 0.
            memory_bytes: bytes of keys and values kept for them, >= 0.
            queue_limit: how many calls may wait behind the one that runs, >= 0.

        Raises:
            EngineError: ``model`` or ``memory``.
        """
        folder = find_folder(folder_or_name)
        self.model = folder_or_name if not Path(folder_or_name).is_dir() else folder.resolve().name
        chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        auto = dtype == "auto"
        self.dtype = model_loading.pick_dtype(chosen) if auto else getattr(torch, dtype)
        config = model_loading.read_config(folder)
        self._token_bytes = model_loading.token_bytes(config, self.dtype.itemsize)
        # One running conversation comes on top of those that are kept.
        cache = memory_bytes + _CHAT_TOKENS * self._token_bytes
        weights = weight_bytes(folder, self.dtype.itemsize)
        model_loading.check_memory(self.model, weights, cache, chosen)
        self.network, self.tokenizer = model_loading.load(folder, self.dtype, chosen)
        self.prefixes = PrefixCache(max_sessions, memory_bytes)
        self._line = Line(queue_limit)
        own = self.network.generation_config
        stops = own.eos_token_id if own.eos_token_id is not None else self.tokenizer.eos_token_id
        self._stops = frozenset([stops] if isinstance(stops, int) else stops or [])
        self._window = getattr(self.network.config, "max_position_embeddings", None)
        self.template = ChatTemplate(self.tokenizer, self.model)
        added = self.tokenizer.added_tokens_decoder
        self._special = frozenset(at for at, token in added.items() if token.special)

    def place(self, session: str) -> int | None:
        """Say how many calls stand before a session's: 0 it has the model, None not in line."""
        return self._line.place(session)

    def forget(self, session: str) -> None:
        """Drop what is kept for a session; unknown sessions are ignored."""
        self.prefixes.forget(session)

    def close(self) -> None:
        """Drop every session's keys and values; the weights go with the object."""
        self.prefixes = PrefixCache(0, 0)

    def stream(
        self, messages: Sequence[Message], sampling: Sampling, *,
        session: str, cancel: threading.Event,
    ) -> Generator[str]:  # fmt: skip
        """Give the text piece by piece; see coach.engine.Engine.

        Raises:
            EngineError: ``slow`` (the line is full), ``context``, ``memory``, ``empty``, ``model``,
                ``broken``.
            ValueError: sampling out of range.
        """
        prompt = self.template.prompt(messages)
        think = ThinkFilter(prompt.thinking)
        decode = DecodeStream(skip_special_tokens=True)
        with closing(self._tokens(prompt, sampling, session, cancel)) as tokens:
            for token in tokens:
                if token in self._special:
                    # Small models miss the stop and begin the other side's message themselves.
                    break
                # A character whose bytes never became whole is left out.
                piece = decode.step(self.tokenizer.backend_tokenizer, token) or ""
                if shown := think.feed(piece.replace("\ufffd", "")):
                    yield shown
        if shown := think.finish():
            yield shown
        if not think.given and not cancel.is_set():
            raise EngineError("empty", "模型这次没有说话，请重试；总是这样就换一个模型")

    def tokens(
        self, messages: Sequence[Message], sampling: Sampling, *,
        session: str, cancel: threading.Event,
    ) -> Iterator[int]:  # fmt: skip
        """Give the bare token ids that ``stream`` turns into text, without the stop token."""
        yield from self._tokens(self.template.prompt(messages), sampling, session, cancel)

    def prompt_ids(self, messages: Sequence[Message]) -> list[int]:
        """Give the tokens the network is shown for a chat."""
        return list(self.template.prompt(messages).ids)

    def _tokens(
        self, prompt: Prompt, sampling: Sampling, session: str, cancel: threading.Event
    ) -> Generator[int, None, None]:
        if sampling.max_tokens < 1:
            raise ValueError(f"stream: max_tokens={sampling.max_tokens}; need >= 1")
        choose = Choice(self.network.generation_config, sampling, prompt.ids, self.network.device)
        if self._window and len(prompt.ids) + sampling.max_tokens > self._window:
            raise EngineError(
                "context",
                f"对话太长：{len(prompt.ids)} 个词元加上回答 {sampling.max_tokens} 个，超过模型 "
                f"{self.model} 的上限 {self._window}，请换上下文更长的模型或开始新的对话",
            )
        with self._line.turn(session, cancel) as mine:
            if not mine:
                return
            kept = self.prefixes.take(session)
            cache, start = self._reuse(kept, prompt)
            try:
                logits = torch.empty(0)
                for at in range(start, len(prompt.ids), _PIECE_TOKENS):
                    if cancel.is_set():
                        return
                    logits = self._forward(prompt.ids[at : at + _PIECE_TOKENS], cache)
                for left in range(sampling.max_tokens, 0, -1):
                    token = choose(logits)
                    if token in self._stops:
                        return
                    yield token
                    if cancel.is_set() or left == 1:
                        return
                    logits = self._forward((token,), cache)
            finally:
                self.prefixes.give(session, self._keep(prompt, cache))

    def _reuse(self, kept: Kept | None, prompt: Prompt) -> tuple[DynamicCache, int]:
        """Give a cache of the prompt's first tokens and how many they are."""
        same = common(kept.ids, prompt.ids[:-1]) if kept else 0
        if kept is None or not same:
            return DynamicCache(config=self.network.config), 0
        kept.cache.crop(same - len(kept.ids))
        return kept.cache, same

    def _keep(self, prompt: Prompt, cache: DynamicCache) -> Kept | None:
        """Crop a cache to what the next call shares; None if nothing can be kept.

        Only plain layers can be cropped at will; after a failure layers differ in length.
        """
        lengths = {cache.get_seq_length(at) for at in range(len(cache.layers))}
        if len(lengths) != 1 or any(type(layer) is not DynamicLayer for layer in cache.layers):
            return None
        have = lengths.pop()
        keep = min(prompt.shared, have)
        if not keep:
            return None
        layers: list[Any] = cache.layers
        for layer in layers:
            # Copied, as a crop alone is a view that holds the memory of what was cut off.
            layer.keys = layer.keys[..., :keep, :].clone()
            layer.values = layer.values[..., :keep, :].clone()
        return Kept(prompt.ids[:keep], cache, keep * self._token_bytes)

    @torch.inference_mode()
    def _forward(self, ids: Sequence[int], cache: DynamicCache) -> torch.Tensor:
        """Run tokens after a cache, which grows by them; logits of the last: (1, vocabulary)."""
        try:
            out = self.network(
                input_ids=torch.tensor([ids], device=self.network.device),
                past_key_values=cache, use_cache=True, logits_to_keep=1,
            )  # fmt: skip
        except RuntimeError as error:  # all that torch raises, for want of memory among it
            if isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error):
                text = "内存不够了，请结束一些对话，或换小一些的模型"
                raise EngineError("memory", text) from error
            text = "模型运算出错，请重试；总是这样就换一个模型"
            raise EngineError("broken", text) from error
        logits: torch.Tensor = out.logits[:, -1].float()
        return logits
