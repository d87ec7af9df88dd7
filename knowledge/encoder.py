"""Encoders: texts to unit vectors. The built-in one is read with numpy alone, without torch.

Knows the model folder that ``python -m knowledge.train`` writes; nothing of the standard.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.datafile import DataError, fingerprint
from knowledge.pieces import pieces
from knowledge.postings import Floats
from knowledge.text import DATA

FOLDER = DATA / "encoder"
WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"
_BATCH = 64
_REMEDY = "请重新安装，或用 python -m knowledge.train 重新训练"


class Encoder(Protocol):
    """What turns texts into vectors."""

    @property
    def name(self) -> str:
        """The name that goes into the index version."""

    @property
    def dim(self) -> int:
        """The length of a vector."""

    def encode(self, texts: list[str]) -> Floats:
        """Give (n, dim) float32, rows of length 1 (or 0 where nothing was recognised)."""


def unit_rows(rows: NDArray[Any]) -> Floats:
    """Scale rows to length 1; rows of zeros stay zeros."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 1e-12, lengths, 1.0), dtype=np.float32)


class EmbeddedEncoder:
    """The mean of learned piece vectors, scaled to length 1; what PieceEmbedding does, in numpy."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Read the model.

        Raises:
            DataError: a file is missing, damaged or of another model; says what to do.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        for name in (WEIGHTS, TOKENIZER):
            if not (folder / name).is_file():
                raise DataError(f"自带的句向量模型：缺少文件 {folder / name}，{_REMEDY}")
        try:
            vocabulary = json.loads((folder / TOKENIZER).read_bytes())["model"]["vocab"]
            held = load_file(folder / WEIGHTS)
            self._rows, self._scales = held["embedding.weight"], held["embedding.scale"]
            self.name = f"embedded-{fingerprint(folder / WEIGHTS, folder / TOKENIZER)}"
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            kind = type(error).__name__
            raise DataError(f"自带的句向量模型：{folder} 读不出来（{kind}），{_REMEDY}") from error
        self._vocabulary: dict[str, int] = vocabulary
        fits = self._rows.ndim == 2 and self._rows.dtype == np.int8
        if not fits or not len(vocabulary) == len(self._rows) == len(self._scales):
            raise DataError(
                f"自带的句向量模型：{folder} 的词表有 {len(vocabulary)} 项，"
                f"向量是 {self._rows.dtype} {self._rows.shape}，对不上，{_REMEDY}"
            )
        self.dim = int(self._rows.shape[1])

    def encode(self, texts: list[str]) -> Floats:
        """Give (n, dim) float32, rows of length 1, or 0 for a text that holds no known piece."""
        found: Floats = np.zeros((len(texts), self.dim), dtype=np.float32)
        known = self._vocabulary.get
        for first in range(0, len(texts), _BATCH):
            cut = [
                [at for piece in pieces(text) if (at := known(piece)) is not None]
                for text in texts[first : first + _BATCH]
            ]
            filled = [row for row, places in enumerate(cut) if places]
            if not filled:
                continue
            joined = np.fromiter((at for places in cut for at in places), dtype=np.intp)
            starts = np.cumsum([0, *(len(cut[row]) for row in filled)])[:-1]
            vectors = self._rows[joined] * self._scales[joined, None]
            # A sum is the mean but for its length, which is set below.
            found[first + np.array(filled)] = np.add.reduceat(vectors, starts, axis=0)
        return unit_rows(found)


@functools.lru_cache(maxsize=1)
def embedded() -> EmbeddedEncoder:
    """Give the encoder that comes with the package (cached).

    Raises:
        DataError: see EmbeddedEncoder.
    """
    return EmbeddedEncoder()


def quantise(weights: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Store rows as whole numbers of -127 to 127 times a scale of each row.

    Args:
        weights: (n, dim) float32.

    Returns:
        (n, dim) int8 and (n,) float32; row times scale is the row, within 0.4 % of its largest.
    """
    scales = np.maximum(np.abs(weights).max(axis=1), 1e-12).astype(np.float32) / np.float32(127)
    return np.round(weights / scales[:, None]).astype(np.int8), scales
