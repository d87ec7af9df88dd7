"""The files of a local model: where they are, whether they are whole, how much they weigh.

Knows safetensors and the hub's folder on this machine; loads nothing and needs no torch.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError, safe_open

from coach.engine import EngineError

FETCH = "请用 kefu model fetch 重新下载"
_FLOATS = {"F64", "F32", "F16", "BF16"}


def find_folder(name: str) -> Path:
    """Give the folder of a model: a path, or a hub name that this machine already holds.

    Raises:
        EngineError: ``model``, there is none.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        raise EngineError(
            "model",
            f"本机没有模型“{name}”：请写模型文件夹的路径，或先用 kefu model fetch {name} 下载",
        ) from None


def read_json(path: Path) -> Any:  # noqa: ANN401 - JSON holds anything
    """Read one JSON file of a model folder; EngineError ``model`` if it is missing or broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EngineError(
            "model", f"{path.parent} 里没有 {path.name}，不是模型文件夹，请检查路径；{FETCH}"
        ) from None
    except (OSError, ValueError):
        raise EngineError("model", f"{path} 读不了或已损坏，{FETCH}") from None


def weight_files(folder: Path) -> list[Path]:
    """Give the safetensors files of a folder.

    Raises:
        EngineError: ``model``: one is missing, or there are only pickled weights.
    """
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        names = set(read_json(index).get("weight_map", {}).values())
        files = [folder / name for name in sorted(names)]
    else:
        files = [folder / "model.safetensors"]
    lost = [path.name for path in files if not path.is_file()]
    if files and not lost:
        return files
    if any(folder.glob("*.bin")) or any(folder.glob("*.pt*")):
        raise EngineError(
            "model",
            f"{folder} 里只有 pickle 格式的权重（打开它会执行其中的代码），"
            "请换有 model.safetensors 的版本",
        )
    raise EngineError("model", f"{folder} 里缺少权重 {'、'.join(lost[:3])}，{FETCH}")


def weight_bytes(folder: Path, item_bytes: int) -> int:
    """Count the bytes of a folder's weights once loaded, from the file headers alone.

    Args:
        folder: the model's folder.
        item_bytes: of one number in the type they are loaded in, 2 or 4.

    Raises:
        EngineError: ``model``: a file is damaged or cut short.
    """
    total = 0
    for path in weight_files(folder):
        try:
            with safe_open(str(path), framework="numpy") as weights:
                for key in weights.keys():
                    part = weights.get_slice(key)
                    each = item_bytes if part.get_dtype() in _FLOATS else 1
                    total += math.prod(part.get_shape()) * each
        except (SafetensorError, OSError):
            raise EngineError("model", f"权重文件 {path} 已损坏或没有下载完整，{FETCH}") from None
    return total
