"""Loads a local model: config, memory, number type, network and tokenizer, from checked files.

Knows what a model needs and what this machine has; not what is said. Import it late: it loads
torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from coach.engine import EngineError
from coach.model_folder import FETCH, read_json

_OTHER = "请换一个模型，或升级 transformers"


def read_config(folder: Path) -> Any:  # noqa: ANN401 - each family has its class
    """Read a model's config.

    Raises:
        EngineError: ``model``, there is none or it is of no known family.
    """
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


def check_memory(name: str, weights: int, cache: int, device: str) -> None:
    """Refuse a model for which a device has too little memory; sizes in bytes.

    Raises:
        EngineError: ``memory``, with what is needed and what there is.
    """
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


def load(folder: Path, dtype: torch.dtype, device: str) -> tuple[Any, Any]:
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
