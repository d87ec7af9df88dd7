"""How fast the local engine is: `python -m eval.bench_engine` prints a table. Not a test.

Builds a model of the Qwen3-0.6B shape with random weights (`--quick`: a tiny one) and times the
first token with and without prefix reuse, decoding beside plain ``generate``, and how many greedy
tokens agree. Knows shapes and clocks; random weights say nothing of what a model would answer.
Over 300 lines: the model is written here, since neither torch nor tests may be imported.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from coach import scenario
from coach.engine import Message, Sampling
from coach.session import Session
from knowledge import standard

SCENARIO = "broadband-third-call"
MARKS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = """\
{%- set ns = namespace(last=-1) %}
{%- for message in messages %}{% if message.role == 'user' %}{% set ns.last = loop.index0 %}\
{% endif %}{% endfor %}
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' }}
{%- if message.role == 'assistant' %}
{%- set said = message.content.split('</think>')[-1].lstrip('\\n') %}
{%- if loop.index0 > ns.last %}{{- '<think>\\n\\n</think>\\n\\n' }}{% endif %}{{- said }}
{%- else %}{{- message.content }}{% endif %}
{{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}
{%- if enable_thinking is defined and enable_thinking is false %}\
{{- '<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}
"""


@dataclass(frozen=True)
class Shape:
    """The sizes of a Qwen3 network; ``spread`` is the deviation of its random weights."""

    layers: int
    hidden: int
    inner: int
    heads: int
    pairs: int
    width: int
    vocabulary: int
    spread: float


TRUE = Shape(28, 1024, 3072, 16, 8, 128, 151936, 0.02)
TINY = Shape(3, 64, 128, 4, 2, 16, 2048, 0.25)


def _config(shape: Shape) -> dict[str, Any]:
    return {
        "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_act": "silu",
        "num_hidden_layers": shape.layers, "hidden_size": shape.hidden,
        "intermediate_size": shape.inner, "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.pairs, "head_dim": shape.width,
        "vocab_size": shape.vocabulary, "tie_word_embeddings": True, "rms_norm_eps": 1e-6,
        "max_position_embeddings": 40960, "rope_theta": 1000000, "attention_bias": False,
        "attention_dropout": 0.0, "dtype": "float32", "initializer_range": shape.spread,
        "bos_token_id": 0, "eos_token_id": 2,
    }  # fmt: skip


def project_texts() -> list[str]:
    """Give the project's own Chinese: the standard's words and all scenarios' lines."""
    texts = [one.text for one in standard.load().requirements.values()]
    for case in scenario.load_all().values():
        texts += [case.background, case.wants, *case.card, *case.paths.right, *case.paths.wrong]
        texts += [line for opening in case.opening for line in opening]
        texts += [line for fact in case.facts for line in (fact.what, *fact.say)]
        texts += [line for goal in case.goals for line in (*goal.ask, *goal.met)]
    return texts


def write_tokenizer(folder: Path, vocabulary: int) -> int:
    """Train a byte-level tokenizer with a ChatML template; give its number of tokens."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=min(vocabulary, 8192) - 2, special_tokens=list(MARKS), show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    found.train_from_iterator(project_texts(), trainer)
    # As Qwen3 has them: added, yet not special, so they stay in what is decoded.
    found.add_tokens([AddedToken(tag, normalized=False) for tag in ("<think>", "</think>")])
    found.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>", "model_max_length": 40960, "chat_template": TEMPLATE,
    }  # fmt: skip
    _write_json(folder / "tokenizer_config.json", settings)
    return int(found.get_vocab_size())


def write_model(folder: Path, shape: Shape, seed: int = 0) -> None:
    """Write a whole model folder with random weights; the folder is made.

    Rows of the (tied) embedding past the tokenizer's are zero: no draw can leave the tokenizer.
    """
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    known = write_tokenizer(folder, shape.vocabulary)
    dice = np.random.default_rng(seed)

    def drawn(*size: int) -> np.ndarray:
        return dice.standard_normal(size, dtype=np.float32) * np.float32(shape.spread)

    words = drawn(shape.vocabulary, shape.hidden)
    words[known:] = 0
    weights = {"model.embed_tokens.weight": words, "model.norm.weight": _ones(shape.hidden)}
    asked, kept = shape.heads * shape.width, shape.pairs * shape.width
    for at in range(shape.layers):
        name = f"model.layers.{at}."
        weights |= {
            f"{name}self_attn.q_proj.weight": drawn(asked, shape.hidden),
            f"{name}self_attn.k_proj.weight": drawn(kept, shape.hidden),
            f"{name}self_attn.v_proj.weight": drawn(kept, shape.hidden),
            f"{name}self_attn.o_proj.weight": drawn(shape.hidden, asked),
            f"{name}self_attn.q_norm.weight": _ones(shape.width),
            f"{name}self_attn.k_norm.weight": _ones(shape.width),
            f"{name}mlp.gate_proj.weight": drawn(shape.inner, shape.hidden),
            f"{name}mlp.up_proj.weight": drawn(shape.inner, shape.hidden),
            f"{name}mlp.down_proj.weight": drawn(shape.hidden, shape.inner),
            f"{name}input_layernorm.weight": _ones(shape.hidden),
            f"{name}post_attention_layernorm.weight": _ones(shape.hidden),
        }
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})
    _write_json(folder / "config.json", _config(shape))
    _write_json(
        folder / "generation_config.json",
        {"eos_token_id": [2, 0], "pad_token_id": 0, "do_sample": True, "temperature": 0.7,
         "top_p": 0.8, "top_k": 20},
    )  # fmt: skip


def _ones(size: int) -> np.ndarray:
    return np.ones(size, dtype=np.float32)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")


def chats(turns: int, system_chars: int) -> list[list[Message]]:
    """Give the message list of each turn of a talk: clean history, and a note in the last one.

    The lines are those a scripted talk gives; past its end they come round again.
    """
    case = scenario.get(SCENARIO)
    talk = Session(case, 1)
    for reply in case.paths.right:
        if not talk.state.ended:
            talk.say(reply)
    said = [(str(turn.reply), turn.customer or "嗯。") for turn in talk.turns[1:]]
    system = "".join(project_texts())[-system_chars:]
    note = "\n（导演提示：你现在很生气，不太信任对方，耐心还有一半。这一轮你追问什么时候能修好，" \
           "可以说出的事实：昨天已经打过两次电话。只说一两句话，不要结束通话。）"  # fmt: skip
    history, found = [Message("assistant", talk.turns[0].customer)], []
    for at in range(turns):
        reply, answer = said[at % len(said)]
        found.append([Message("system", system), *history, Message("user", reply + note)])
        history += [Message("user", reply), Message("assistant", answer)]
    return found


def _first(engine: Any, messages: Sequence[Message], session: str) -> float:  # noqa: ANN401
    """Seconds to the first token."""
    started = time.perf_counter()
    drawn: Iterator[int] = engine.tokens(
        messages, Sampling(max_tokens=1, temperature=0), session=session, cancel=threading.Event()
    )
    for _ in drawn:
        pass
    return time.perf_counter() - started


def _waits(engine: Any, talk: list[list[Message]], rounds: int) -> list[tuple[str, str]]:  # noqa: ANN401
    second, last, bare = [], [], []
    for again in range(rounds):
        # A turn needs but the one before it: between the second and the last two none is run.
        shown = (talk[0], talk[1], talk[-2], talk[-1])
        waits = [_first(engine, messages, f"talk {again}") for messages in shown]
        second.append(waits[1])
        last.append(waits[-1])
        engine.forget(f"talk {again}")
        bare.append(_first(engine, talk[-1], f"bare {again}"))
        engine.forget(f"bare {again}")
    turn2, turn12, whole = (statistics.median(times) for times in (second, last, bare))
    sizes = [len(engine.prompt_ids(messages)) for messages in (talk[1], talk[-1])]
    return [
        (f"首词元，第 2 轮，续用前文（{sizes[0]} 词元）", f"{turn2:.2f} s"),
        (f"首词元，第 {len(talk)} 轮，续用前文（{sizes[1]} 词元）", f"{turn12:.2f} s"),
        (f"首词元，第 {len(talk)} 轮，不续用", f"{whole:.2f} s"),
        (f"第 {len(talk)} 轮 / 第 2 轮（应 ≤ 1.5）", f"{turn12 / turn2:.2f}"),
        ("不续用 / 续用（应 ≥ 3）", f"{whole / turn12:.1f}"),
    ]


class _Clock:
    """Notes when each token comes; takes the place of a streamer in ``generate``."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, _value: object) -> None:
        self.times.append(time.perf_counter())

    def end(self) -> None:
        """Nothing is left to show."""

    def rate(self, first: int) -> float:
        """Tokens a second after the noted one ``first``."""
        noted = self.times[first:]
        return (len(noted) - 1) / (noted[-1] - noted[0])


def _ours(engine: Any, messages: Sequence[Message], count: int, session: str  # noqa: ANN401
          ) -> tuple[list[int], float]:  # fmt: skip
    """Greedy tokens by the engine, and tokens a second after the first."""
    clock, found = _Clock(), []
    for token in engine.tokens(
        messages, Sampling(max_tokens=count, temperature=0), session=session,
        cancel=threading.Event(),
    ):  # fmt: skip
        clock.put(token)
        found.append(token)
    return found, clock.rate(0)


def _plain(engine: Any, messages: Sequence[Message], count: int) -> tuple[list[int], float]:  # noqa: ANN401
    """Greedy tokens by ``generate``, and tokens a second after the first."""
    ids = engine.prompt_ids(messages)
    rows = engine.tokenizer.pad({"input_ids": [ids]}, return_tensors="pt")
    rows = {key: value.to(engine.network.device) for key, value in rows.items()}
    clock = _Clock()
    out = engine.network.generate(**rows, max_new_tokens=count, do_sample=False, temperature=None,
                                  top_p=None, top_k=None, streamer=clock)  # fmt: skip
    # The first thing a streamer is given is the prompt.
    return out[0].tolist()[len(ids) :], clock.rate(1)


def _decoding(engine: Any, talk: list[list[Message]], count: int, rounds: int  # noqa: ANN401
              ) -> list[tuple[str, str]]:  # fmt: skip
    """Decode the same turn both ways, in turns, so that a busy machine slows both alike."""
    ours, plain, same, all_tokens = [], [], 0, 0
    for at in range(rounds):
        messages = talk[2 + at % (len(talk) - 2)]
        _first(engine, talk[1 + at % (len(talk) - 2)], "decode")
        mine, rate = _ours(engine, messages, count, "decode")
        ours.append(rate)
        theirs, rate = _plain(engine, messages, count)
        plain.append(rate)
        same += sum(a == b for a, b in zip(mine, theirs, strict=False))
        all_tokens += max(len(mine), len(theirs))
    speed, beside = statistics.median(ours), statistics.median(plain)
    return [
        ("生成，本引擎", f"{speed:.2f} 词元/s"),
        ("生成，generate", f"{beside:.2f} 词元/s"),
        ("本引擎 / generate（应 ≥ 0.9）", f"{speed / beside:.2f}"),
        (f"贪心结果相同的词元（{all_tokens} 个，续用前文对 generate）", f"{same / all_tokens:.1%}"),
    ]


def measure(shape: Shape, folder: Path, *, count: int, rounds: int, system_chars: int
            ) -> Iterator[tuple[str, str]]:  # fmt: skip
    """Build the model and give the rows of the table as they are found, for each number type."""
    from coach.transformers_engine import TransformersEngine

    write_model(folder, shape)
    talk = chats(12, system_chars)
    for dtype in ("float32", "bfloat16"):
        started = time.perf_counter()
        engine = TransformersEngine(str(folder), dtype=dtype)
        loading = time.perf_counter() - started
        yield f"── {dtype}，{engine.network.device}，装入", f"{loading:.1f} s"
        _first(engine, talk[0], "warm up")
        engine.forget("warm up")
        yield from _waits(engine, talk, rounds)
        yield from _decoding(engine, talk, count, rounds)
        del engine  # before the next is loaded: both at once may not fit


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print the table, a row as soon as it is known."""
    ask = argparse.ArgumentParser(description="本地模型引擎的速度")
    ask.add_argument("--quick", action="store_true", help="用很小的模型，几秒完成")
    quick = ask.parse_args(argv).quick
    name = "很小的模型（只看能不能跑）" if quick else "Qwen3-0.6B 的形状，随机权重"
    machine = f"{os.cpu_count()} 核，Python {platform.python_version()}"
    sys.stdout.write(f"客服陪练 本地引擎速度  {date.today()}  {machine}\n{name}\n\n")
    shape, count, chars = (TINY, 24, 600) if quick else (TRUE, 32, 1500)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "model"
        for row, value in measure(shape, folder, count=count, rounds=3, system_chars=chars):
            sys.stdout.write(f"{value:>16}  {row}\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
