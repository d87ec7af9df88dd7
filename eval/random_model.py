"""Writes Qwen3 model folders with random weights: the true shapes for timing, tiny ones for tests.

Knows shapes, files and a tokenizer of the project's own text; random weights say nothing of what
a model would answer. Neither torch nor transformers is needed to write one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from coach import scenario
from knowledge import standard

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
    """The sizes of a Qwen3 network; ``spread`` is the deviation of its random weights.

    ``tied``: the words that go in and those that come out share one table.
    """

    layers: int
    hidden: int
    inner: int
    heads: int
    pairs: int
    width: int
    vocabulary: int
    spread: float
    tied: bool = True


TRUE = Shape(28, 1024, 3072, 16, 8, 128, 151936, 0.02)
LARGER = {
    "Qwen3-1.7B": Shape(28, 2048, 6144, 16, 8, 128, 151936, 0.02),
    "Qwen3-8B": Shape(36, 4096, 12288, 32, 8, 128, 151936, 0.02, tied=False),
}
TINY = Shape(3, 64, 128, 4, 2, 16, 2048, 0.25)


def _config(shape: Shape) -> dict[str, Any]:
    return {
        "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_act": "silu",
        "num_hidden_layers": shape.layers, "hidden_size": shape.hidden,
        "intermediate_size": shape.inner, "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.pairs, "head_dim": shape.width,
        "vocab_size": shape.vocabulary, "tie_word_embeddings": shape.tied, "rms_norm_eps": 1e-6,
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


def write_model(folder: Path, shape: Shape, seed: int = 0, *, in_parts: bool = False) -> None:
    """Write a whole model folder with random weights; the folder is made.

    Args:
        folder: where.
        shape: its sizes.
        seed: of the weights.
        in_parts: a file of float16 a layer instead of one of float32, so that a large shape needs
            no more memory than its largest table.
    """
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    known = write_tokenizer(folder, shape.vocabulary)
    parts = _parts(shape, known, np.random.default_rng(seed))
    if in_parts:
        placed: dict[str, str] = {}
        size = 0
        for at, part in enumerate(parts):
            name = f"model-{at:05d}.safetensors"
            small = {key: value.astype(np.float16) for key, value in part.items()}
            save_file(small, str(folder / name), metadata={"format": "pt"})
            placed |= dict.fromkeys(part, name)
            size += sum(value.nbytes for value in small.values())
        _write_json(
            folder / "model.safetensors.index.json",
            {"metadata": {"total_size": size}, "weight_map": placed},
        )
    else:
        whole = {key: value for part in parts for key, value in part.items()}
        save_file(whole, str(folder / "model.safetensors"), metadata={"format": "pt"})
    _write_json(folder / "config.json", _config(shape))
    _write_json(
        folder / "generation_config.json",
        {"eos_token_id": [2, 0], "pad_token_id": 0, "do_sample": True, "temperature": 0.7,
         "top_p": 0.8, "top_k": 20},
    )  # fmt: skip


def _parts(shape: Shape, known: int, dice: np.random.Generator) -> Iterator[dict[str, np.ndarray]]:
    """Draw the weights: the tables of words, then layer by layer.

    Rows of a table past the ``known`` tokens are zero: no draw can leave the tokenizer.
    """

    def drawn(*size: int) -> np.ndarray:
        return dice.standard_normal(size, dtype=np.float32) * np.float32(shape.spread)

    tables = ("model.embed_tokens.weight", *(() if shape.tied else ("lm_head.weight",)))
    words = {name: drawn(shape.vocabulary, shape.hidden) for name in tables}
    for table in words.values():
        table[known:] = 0
    yield words | {"model.norm.weight": _ones(shape.hidden)}
    asked, kept = shape.heads * shape.width, shape.pairs * shape.width
    for at in range(shape.layers):
        name = f"model.layers.{at}."
        yield {
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


def _ones(size: int) -> np.ndarray:
    return np.ones(size, dtype=np.float32)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
