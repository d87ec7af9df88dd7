"""A local chat model through transformers, and the one door to torch and transformers here.

Knows weights, tokens, keys and values; not scenarios, prompts or who is speaking. Import it late:
it loads torch. Nothing is downloaded: a hub name means what is already on this machine.

Over 300 lines, as torch and transformers have this one door; what needs neither of them stands in
prefix_cache.py.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import jinja2
import psutil
import torch
from tokenizers.decoders import DecodeStream
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    DynamicCache,
    GenerationConfig,
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)
from transformers.cache_utils import DynamicLayer

from coach.engine import EngineError, Message, Sampling
from coach.prefix_cache import (
    FETCH,
    Kept,
    Line,
    Markers,
    PrefixCache,
    ThinkFilter,
    common,
    find_folder,
    read_json,
    weight_bytes,
)

_OTHER = "请换一个模型，或升级 transformers"
_CHAT_TOKENS = 4096
# Long prompts are run in pieces, so that a cancel is heard within one of them.
_PIECE_TOKENS = 512


@dataclass(frozen=True)
class _Prompt:
    """A rendered chat: its tokens, how many of them the next call shares, thinking left open."""

    ids: tuple[int, ...]
    shared: int
    thinking: bool


def _read_config(folder: Path) -> Any:  # noqa: ANN401 - each family has its class
    read_json(folder / "config.json")
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError("model", f"{folder}/config.json 不是这里认得的模型，{_OTHER}") from error


def token_bytes(config: Any, item_bytes: int) -> int:  # noqa: ANN401 - each family has its class
    """Count the bytes of one token's keys and values over all layers."""
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * int(config.num_hidden_layers) * int(heads) * int(width) * item_bytes


def free_bytes(device: str) -> int:
    """Say how much memory of a device can still be taken."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def _check_memory(name: str, weights: int, cache: int, device: str) -> None:
    free = free_bytes(device)
    if weights + cache > free:
        need, have = (weights + cache) / 1e9, free / 1e9
        raise EngineError(
            "memory",
            f"模型 {name} 需要 {need:.1f} GB 内存（权重 {weights / 1e9:.1f} GB，"
            f"对话缓存 {cache / 1e9:.1f} GB），现在只有 {have:.1f} GB 可用："
            "请换小一些的模型、关掉别的程序，或改用模型服务（endpoint）",
        )


def pick_dtype(device: str) -> torch.dtype:
    """Choose the number type: bfloat16 where the hardware computes in it, else float32.

    At the Qwen3-0.6B shape on two cores that have the instructions, the first token came 2.8 to
    3.4 times sooner than in float32 and decoding was as fast (eval.bench_engine); with them masked
    off, prompts ran 1.6 times slower. Asked of the hardware, not timed, so that one machine always
    chooses the same and a talk can be replayed.
    """
    if device.startswith("cuda"):
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        can = torch.cpu.get_capabilities()
        native = bool(can.get("avx512_bf16") or can.get("amx_bf16"))
    return torch.bfloat16 if native else torch.float32


def _load(folder: Path, dtype: torch.dtype, device: str) -> tuple[Any, Any]:
    """Load network and tokenizer from checked files, running none of the folder's code."""
    safe: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
    read_json(folder / "tokenizer.json")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **safe)
        both: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, output_loading_info=True, **safe
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0][:120]
        raise EngineError("model", f"{folder} 里的模型装不进来（{reason}），{_OTHER}") from error
    network, loaded = both
    if loaded["missing_keys"]:
        raise EngineError("model", f"{folder} 的权重少了 {len(loaded['missing_keys'])} 项，{FETCH}")
    if not tokenizer.chat_template:
        raise EngineError(
            "model", f"{folder} 没有聊天模板，不是对话模型，请换 Instruct 或 Chat 版本"
        )
    return network.to(device).eval(), tokenizer


class _Choice:
    """Draws the next token as the generation config and the caller want it, repeatably by seed."""

    def __init__(
        self, own: GenerationConfig, asked: Sampling, prompt: Sequence[int], device: torch.device
    ) -> None:
        """Build what reshapes the odds, in the order ``generate`` uses.

        Raises:
            ValueError: temperature or top_p out of range.
        """
        temperature = own.temperature if asked.temperature is None else asked.temperature
        self._greedy = not own.do_sample if asked.temperature is None else temperature == 0
        self._steps = LogitsProcessorList()
        if own.repetition_penalty not in (None, 1.0):
            self._steps.append(RepetitionPenaltyLogitsProcessor(own.repetition_penalty))
        if not self._greedy:
            self._warp(own, temperature, own.top_p if asked.top_p is None else asked.top_p)
        self._said = torch.tensor([prompt], device=device)
        self._dice = torch.Generator(device=device)
        if asked.seed is None:
            self._dice.seed()
        else:
            self._dice.manual_seed(asked.seed)

    def _warp(self, own: GenerationConfig, temperature: float | None, top_p: float | None) -> None:
        if temperature not in (None, 1.0):
            self._steps.append(TemperatureLogitsWarper(temperature))
        if own.top_k:
            self._steps.append(TopKLogitsWarper(own.top_k))
        if top_p is not None and top_p < 1.0:
            self._steps.append(TopPLogitsWarper(top_p))
        if own.min_p is not None:
            self._steps.append(MinPLogitsWarper(own.min_p))

    @torch.inference_mode()
    def __call__(self, logits: torch.Tensor) -> int:
        """Choose from logits (1, vocabulary) float32."""
        scores = self._steps(cast(torch.LongTensor, self._said), logits)
        if self._greedy:
            token = scores.argmax(dim=-1, keepdim=True)
        else:
            token = torch.multinomial(scores.softmax(dim=-1), 1, generator=self._dice)
        self._said = torch.cat([self._said, token], dim=-1)
        return int(token)


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
        self.dtype = pick_dtype(chosen) if dtype == "auto" else getattr(torch, dtype)
        config = _read_config(folder)
        self._token_bytes = token_bytes(config, self.dtype.itemsize)
        # One running conversation comes on top of those that are kept.
        cache = memory_bytes + _CHAT_TOKENS * self._token_bytes
        _check_memory(self.model, weight_bytes(folder, self.dtype.itemsize), cache, chosen)
        self.network, self.tokenizer = _load(folder, self.dtype, chosen)
        self.prefixes = PrefixCache(max_sessions, memory_bytes)
        self._line = Line(queue_limit)
        own = self.network.generation_config
        stops = own.eos_token_id if own.eos_token_id is not None else self.tokenizer.eos_token_id
        self._stops = frozenset([stops] if isinstance(stops, int) else stops or [])
        self._window = getattr(self.network.config, "max_position_embeddings", None)
        template = self.tokenizer.get_chat_template()
        known = re.search(r"\benable_thinking\b", template)
        self._template_more: dict[str, Any] = {"enable_thinking": False} if known else {}
        self._markers = Markers(self.tokenizer)
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
            EngineError: ``slow`` (the line is full), ``context``, ``memory``, ``empty``, ``model``.
            ValueError: sampling out of range.
        """
        prompt = self._prompt(messages)
        think, said = ThinkFilter(prompt.thinking), ""
        decode = DecodeStream(skip_special_tokens=True)
        with closing(self._tokens(prompt, sampling, session, cancel)) as tokens:
            for token in tokens:
                if token in self._special:
                    # Small models miss the stop and begin the other side's message themselves.
                    break
                # A character whose bytes never became whole is left out.
                piece = decode.step(self.tokenizer.backend_tokenizer, token) or ""
                if shown := think.feed(piece.replace("\ufffd", "")):
                    said += shown
                    yield shown
        if shown := think.finish():
            said += shown
            yield shown
        if not said.strip() and not cancel.is_set():
            raise EngineError("empty", "模型这次没有说话，请重试；总是这样就换一个模型")

    def tokens(
        self, messages: Sequence[Message], sampling: Sampling, *,
        session: str, cancel: threading.Event,
    ) -> Iterator[int]:  # fmt: skip
        """Give the bare token ids that ``stream`` turns into text, without the stop token."""
        yield from self._tokens(self._prompt(messages), sampling, session, cancel)

    def prompt_ids(self, messages: Sequence[Message]) -> list[int]:
        """Give the tokens the network is shown for a chat."""
        return list(self._prompt(messages).ids)

    def _render(self, messages: Sequence[Message], ask: bool) -> str:
        told = [{"role": m.role, "content": self._markers(m.content)} for m in messages]
        try:
            text = self.tokenizer.apply_chat_template(
                told, tokenize=False, add_generation_prompt=ask, **self._template_more
            )
        except jinja2.TemplateError as error:
            raise EngineError(
                "model", f"模型 {self.model} 的聊天模板不接受这段对话（{error}），请换一个模型"
            ) from error
        return str(text)

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids)

    def _prompt(self, messages: Sequence[Message]) -> _Prompt:
        if not messages:
            raise ValueError("stream: messages is empty")
        text = self._render(messages, ask=True)
        ids = self._ids(text)
        # With another last message in its place, what stays the same is what a next call shares.
        # Leaving the last message off would not do: templates render a chat's end differently.
        other = [*messages[:-1], Message(messages[-1].role, "")]
        shared = common(ids, self._ids(self._render(other, ask=False)))
        return _Prompt(tuple(ids), min(shared, len(ids) - 1), text.rstrip().endswith("<think>"))

    def _tokens(
        self, prompt: _Prompt, sampling: Sampling, session: str, cancel: threading.Event
    ) -> Generator[int, None, None]:
        if sampling.max_tokens < 1:
            raise ValueError(f"stream: max_tokens={sampling.max_tokens}; need >= 1")
        choose = _Choice(self.network.generation_config, sampling, prompt.ids, self.network.device)
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

    def _reuse(self, kept: Kept | None, prompt: _Prompt) -> tuple[DynamicCache, int]:
        """Give a cache of the prompt's first tokens and how many they are."""
        same = common(kept.ids, prompt.ids[:-1]) if kept else 0
        if kept is None or not same:
            return DynamicCache(config=self.network.config), 0
        kept.cache.crop(same - len(kept.ids))
        return kept.cache, same

    def _keep(self, prompt: _Prompt, cache: DynamicCache) -> Kept | None:
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
