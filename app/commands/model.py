"""`kefu model`: names a model that suits this machine, and gets its weights or says how to."""

from __future__ import annotations

import argparse
import os
from dataclasses import asdict
from pathlib import Path

from app import home, out, weights
from coach import suggestion
from coach.engine import EngineError
from coach.model_folder import weight_bytes
from knowledge import hub
from knowledge.datafile import DataError

_FILES = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json")


def place_of(name: str) -> Path:
    """Give the folder of a fetched model under the program's home."""
    return home.folder() / "models" / name.replace("/", "--")


def resolve(name: str | None) -> str | None:
    """Give the folder of a model that was fetched under this name, else the name itself."""
    if name is None or Path(name).expanduser().is_dir():
        return name
    fetched = place_of(name)
    return str(fetched) if fetched.is_dir() else name


def chosen(args: argparse.Namespace) -> str | None:
    """Give the model a command line asks for: --model, or for local weights KEFU_MODEL."""
    named = args.model or (os.environ.get("KEFU_MODEL") if args.engine == "transformers" else None)
    return resolve(named)


def run(args: argparse.Namespace) -> int:
    """Fetch a model (a second call goes on where the first was cut off), or suggest one."""
    if args.action == "suggest":
        return _suggest(args)
    if not args.name:
        fit = suggestion.suggest(suggestion.this_machine())
        example = fit.name if fit else "Qwen/Qwen3-0.6B"
        raise DataError(f"没有说下载哪个模型，例如：kefu model fetch {example}")
    source, target = weights.place(args.source), _target(args.name)
    if not hub.answers(source.url):
        raise DataError(_offline(args.name, target, source))
    weights.fetch(args.name, target, source)
    try:
        size = weight_bytes(target, 2)
    except EngineError as error:
        raise DataError(f"下载不完整：{error}") from error
    if args.json:
        told = {"name": args.name, "folder": str(target), "weight_bytes": size}
        out.as_json(told | {"from": source.url})
    else:
        out.text(f"{args.name} 已放到 {target}（权重约 {size / 2**30:.1f} GiB，已校验）")
        out.text(f"用法：kefu play 情景 --engine transformers --model {args.name}")
    return out.OK


def _target(name: str) -> Path:
    """Refuse a name that is none before it becomes a folder's."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(name)
    except HFValidationError:
        raise DataError(f"模型名写成了“{name}”，应像 Qwen/Qwen3-0.6B 这样") from None
    return place_of(name)


def _offline(name: str, target: Path, source: weights.Place) -> str:
    other = "" if source.routes == "modelscope" else "；在国内可以加 --from modelscope"
    return (
        f"连不上 {source.url}{other}。没有网就在有网的机器上从模型站下载 {name} 的 "
        f"{'、'.join(_FILES)} 和全部 .safetensors 文件（分成几个的还要 "
        f"model.safetensors.index.json），放到 {target}，再用 --model {name}"
    )


def advice(machine: suggestion.Machine) -> str:
    """Say in a sentence which model suits a machine and how to get it."""
    fit = suggestion.suggest(machine)
    where = "显存" if machine.device == "cuda" else "内存"
    seen = f"{where} {machine.memory_gib:.0f} GiB、{machine.cores} 核"
    if fit is None:
        return (
            f"这台机器（{seen}）放不下语言模型，请用脚本客户，或用别的机器上的模型服务（endpoint）"
        )
    said = f"这台机器（{seen}）适合 {fit.name}：{fit.why}"
    if machine.idle_card:
        said += f"；有显卡 {machine.idle_card}，但装的 torch 用不了它，换装 CUDA 版可用更大的模型"
    return said


def _suggest(args: argparse.Namespace) -> int:
    machine = suggestion.this_machine()
    fit = suggestion.suggest(machine)
    command = f"kefu model fetch {fit.name}" if fit else None
    if args.json:
        told = {"machine": asdict(machine), "name": fit.name if fit else None}
        out.as_json(told | {"why": advice(machine), "command": command})
        return out.OK
    out.text(advice(machine))
    if command:
        out.text(f"下载：{command}（国内加 --from modelscope）")
    return out.OK
