"""The level model: how a whole reply reads, 0-4 a dimension, and the words that moved it.

A linear model over pieces and named findings; ``python -m grading.train`` makes its weights from
replies that carry levels. Knows no rules of its own; what it may change stands in rubric.yaml.
"""

from __future__ import annotations

import functools
import math
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from grading.classifier import FOLDER
from grading.level_features import Seen
from knowledge.datafile import DataError

NAME = "levels"
_HALF = 0.5
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Part:
    """A stretch of normal text and by how many levels it moved a dimension."""

    start: int
    end: int
    levels: float


@dataclass(frozen=True)
class Estimate:
    """How a reply reads in one dimension: ``level`` -0.5 to 4.5, and the stretches behind it."""

    level: float
    parts: tuple[Part, ...]

    @property
    def score(self) -> float:
        """Give the score 0-100 in whose band of twenty the level lies."""
        return min(100.0, max(0.0, 20.0 * (self.level + _HALF)))


@dataclass(frozen=True)
class LevelModel:
    """Linear weights.

    ``mean``, ``spread``: (n_dense,) float32. ``dense``: (n_dense, n_outputs). ``idf``: (n_pieces,).
    ``weights``: (n_pieces, n_outputs). ``bias``, ``stretch``, ``centre``: (n_outputs,). The outputs
    are the dimensions in order, then how likely empathy is not called for.
    """

    outputs: tuple[str, ...]
    names: dict[str, int]
    mean: Floats
    spread: Floats
    dense: Floats
    vocabulary: dict[str, int]
    idf: Floats
    weights: Floats
    bias: Floats
    stretch: Floats
    centre: Floats

    def _words(self, whole: Counter[str]) -> tuple[npt.NDArray[np.int64], Floats]:
        """Give the places and values (norm 1) of a reply's known pieces."""
        known = {self.vocabulary[p]: n for p, n in whole.items() if p in self.vocabulary}
        places = np.fromiter(known, dtype=np.int64, count=len(known))
        tf = np.array([1.0 + math.log(n) for n in known.values()], dtype=np.float32)
        values = tf * self.idf[places]
        length = float(np.linalg.norm(values))
        return places, values / length if length else values

    def estimate(self, seen: Seen) -> dict[str, Estimate]:
        """Read one reply.

        Returns:
            An estimate for every output; that of ``empathy_null`` is about 0 or 1.
        """
        whole: Counter[str] = Counter()
        for _, _, counts in seen.stretches:
            whole.update(counts)
        places, values = self._words(whole)
        dense = (self._dense(seen.dense) - self.mean) / self.spread
        raw = dense @ self.dense + self.bias
        moved = values[:, None] * self.weights[places] if len(places) else None
        if moved is not None:
            raw = raw + moved.sum(axis=0)
        level = np.clip((raw - self.centre) * self.stretch + self.centre, -0.5, 4.5)
        parts = self._parts(seen, whole, places, moved)
        return {
            name: Estimate(float(level[at]), tuple(p[at] for p in parts))
            for at, name in enumerate(self.outputs)
        }

    def _dense(self, found: Mapping[str, float]) -> Floats:
        row = np.zeros(len(self.names), dtype=np.float32)
        for name, value in found.items():
            if name in self.names:
                row[self.names[name]] = value
        return row

    def _parts(
        self, seen: Seen, whole: Counter[str],
        places: npt.NDArray[np.int64], moved: Floats | None,
    ) -> list[list[Part]]:  # fmt: skip
        """Share each piece's weight among the stretches it stands in."""
        if moved is None:
            return []
        at = {int(place): row for row, place in enumerate(places)}
        found: list[list[Part]] = []
        for start, end, counts in seen.stretches:
            sums = np.zeros(len(self.outputs), dtype=np.float32)
            for piece, count in counts.items():
                row = at.get(self.vocabulary.get(piece, -1))
                if row is not None:
                    sums += moved[row] * (count / whole[piece])
            found.append(
                [Part(start, end, float(v * s)) for v, s in zip(sums, self.stretch, strict=True)]
            )
        return found


def save(model: LevelModel, path: Path) -> None:
    """Write a model to one npz file, weights as float16."""

    def text(words: Mapping[str, int] | tuple[str, ...]) -> npt.NDArray[np.uint8]:
        return np.frombuffer("\n".join(words).encode(), dtype=np.uint8)

    np.savez_compressed(
        path,
        outputs=text(model.outputs), names=text(model.names), words=text(model.vocabulary),
        mean=model.mean, spread=model.spread, dense=model.dense, idf=model.idf.astype(np.float16),
        weights=model.weights.astype(np.float16), bias=model.bias, stretch=model.stretch,
        centre=model.centre,
    )  # fmt: skip


@functools.lru_cache(maxsize=2)
def load(folder: Path = FOLDER) -> LevelModel:
    """Load the model (cached).

    Raises:
        DataError: the file is missing or damaged.
    """
    path = folder / f"{NAME}.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            words = {key: bytes(data[key]).decode().split("\n") for key in ("outputs", "names")}
            pieces = bytes(data["words"]).decode().split("\n")
            floats = {
                key: data[key].astype(np.float32)
                for key in (
                    "mean", "spread", "dense", "idf", "weights", "bias", "stretch", "centre"
                )
            }  # fmt: skip
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} 读不出来，请重新安装，或用 python -m grading.train 重新生成"
        ) from error
    return LevelModel(
        outputs=tuple(words["outputs"]),
        names={name: at for at, name in enumerate(words["names"])},
        vocabulary={piece: at for at, piece in enumerate(pieces)},
        **floats,
    )
