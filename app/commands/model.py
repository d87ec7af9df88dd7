"""`kefu model fetch`: gets the weights of a local model, or says exactly what to place where."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from app import home, out
from coach.engine import EngineError
from coach.prefix_cache import weight_bytes
from knowledge import hub
from knowledge.datafile import DataError

_FILES = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json")
_WANTED = ("*.json", "*.safetensors", "*.jinja", "*.txt", "*.model")


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
    """Fetch a model; a second call goes on where the first was cut off."""
    target = place_of(args.name)
    endpoint = args.endpoint or os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    if not hub.answers(endpoint):
        raise DataError(_offline(args.name, target, endpoint))
    _fetch(args.name, target, endpoint)
    try:
        size = weight_bytes(target, 2)
    except EngineError as error:
        raise DataError(f"下载不完整：{error}") from error
    if args.json:
        out.as_json({"name": args.name, "folder": str(target), "weight_bytes": size})
    else:
        out.text(f"{args.name} 已放到 {target}（权重约 {size / 2**30:.1f} GiB）")
        out.text(f"用法：kefu play 情景 --engine transformers --model {args.name}")
    return out.OK


def _offline(name: str, target: Path, endpoint: str) -> str:
    return (
        f"连不上 {endpoint}。请在有网的机器上从模型站（在国内可用 ModelScope 或镜像站，"
        f"镜像站用 --endpoint 指定）下载 {name} 的 {'、'.join(_FILES)} 和全部 .safetensors 文件，"
        f"放到 {target}，再用 --model {name}"
    )


def _fetch(name: str, target: Path, endpoint: str) -> None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        snapshot_download(name, local_dir=target, allow_patterns=list(_WANTED), endpoint=endpoint)
    except HFValidationError:
        raise DataError(f"模型名写成了“{name}”，应像 Qwen/Qwen3-0.6B 这样") from None
    except HfHubHTTPError as error:
        raise DataError(
            f"{endpoint} 不给 {name}（{str(error).splitlines()[0]}），请检查模型名"
        ) from error
    except OSError as error:
        raise DataError(f"下载中断（{error}），再运行一次会接着下") from error
