"""Writes the level model to one file and reads it back.

Knows the file; not what the numbers mean.
"""

from __future__ import annotations

import functools
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from grading.classifier import FOLDER
from grading.levels import LevelModel
from grading.trees import Trees
from knowledge.datafile import DataError

NAME = "levels"
_HALVES = ("idf", "weights")
_FLOATS = ("mean", "spread", "dense", *_HALVES, "bias", "stretch", "centre", "middle")
_NODES = ("feature", "limit", "left", "right", "value", "root", "base")


def _text(words: Iterable[str]) -> npt.NDArray[np.uint8]:
    return np.frombuffer("\n".join(words).encode(), dtype=np.uint8)


def save(model: LevelModel, path: Path) -> None:
    """Write a model to one npz file, the weights of words as float16."""
    arrays: dict[str, Any] = {name: getattr(model, name) for name in _FLOATS}
    arrays |= {name: arrays[name].astype(np.float16) for name in _HALVES}
    for kind in ("trees", "doubt"):
        arrays |= {f"{kind}_{name}": getattr(getattr(model, kind), name) for name in _NODES}
        arrays[f"{kind}_depth"] = np.int32(getattr(model, kind).depth)
    np.savez_compressed(
        path, outputs=_text(model.outputs), names=_text(model.names),
        words=_text(model.vocabulary), tree_share=np.float32(model.tree_share), **arrays,
    )  # fmt: skip


def _trees(data: Mapping[str, Any], kind: str) -> Trees:
    nodes = {name: data[f"{kind}_{name}"] for name in _NODES}
    return Trees(**nodes, depth=int(data[f"{kind}_depth"]))


@functools.lru_cache(maxsize=2)
def load(folder: Path = FOLDER) -> LevelModel:
    """Load the model (cached).

    Raises:
        DataError: the file is missing or damaged.
    """
    path = folder / f"{NAME}.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            words = {
                key: bytes(data[key]).decode().split("\n") for key in ("outputs", "names", "words")
            }
            return LevelModel(
                outputs=tuple(words["outputs"]),
                names={name: at for at, name in enumerate(words["names"])},
                vocabulary={piece: at for at, piece in enumerate(words["words"])},
                trees=_trees(data, "trees"),
                doubt=_trees(data, "doubt"),
                tree_share=float(data["tree_share"]),
                **{name: data[name].astype(np.float32) for name in _FLOATS},
            )
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} 读不出来，请重新安装，或用 python -m grading.train 重新生成"
        ) from error
