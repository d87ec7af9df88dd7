"""The level model: how a whole reply reads, 0-4 a dimension, and the words that moved it.

A linear model over pieces and named findings, and trees over the findings and what the linear model
says; ``python -m grading.train`` makes both from replies that carry levels. Knows no rules of its
own; what it may change stands in rubric.yaml. level_store.py reads and writes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grading.level_features import Seen
from grading.trees import Trees

DOUBT = "doubt"
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
    """Linear weights, and trees on top.

    ``mean``, ``spread``: (n_dense,) float32. ``dense``: (n_dense, n_outputs). ``idf``: (n_pieces,).
    ``weights``: (n_pieces, n_outputs). ``bias``, ``stretch``, ``centre``, ``middle``: (n_outputs,); a guess is
    stretched about ``centre`` and put about ``middle``. The outputs
    are the dimensions in order, then how likely empathy is not called for. ``trees``: one sum
    an output, over the named findings followed by the linear outputs; ``tree_share``: its
    share, 0-1.
    ``doubt``: one output, over the named findings, the linear outputs and the levels: how likely
    some level is far off.
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
    middle: Floats
    trees: Trees
    tree_share: float
    doubt: Trees

    def _known(self, counts: Mapping[str, int]) -> dict[int, int]:
        """Give how often each known piece stands in a stretch, by its place."""
        places = self.vocabulary
        return {places[piece]: n for piece, n in counts.items() if piece in places}

    def _values(self, whole: Mapping[int, int]) -> tuple[npt.NDArray[np.int64], Floats]:
        """Give the places and values (norm 1) of a reply's pieces."""
        places = np.fromiter(whole, dtype=np.int64, count=len(whole))
        counts = np.fromiter(whole.values(), dtype=np.float32, count=len(whole))
        values: Floats = (np.float32(1.0) + np.log(counts)) * self.idf[places]
        length = float(np.linalg.norm(values))
        return places, values / np.float32(length) if length else values

    def estimate(self, seen: Seen) -> dict[str, Estimate]:
        """Read one reply.

        Returns:
            An estimate for every output; those of ``empathy_null`` and ``doubt`` are about 0 or 1.
        """
        known = [self._known(counts) for _, _, counts in seen.stretches]
        whole: Counter[int] = Counter()
        for counts in known:
            whole.update(counts)
        places, values = self._values(whole)
        found = self._dense(seen.dense)
        raw = (found - self.mean) / self.spread @ self.dense + self.bias
        moved = values[:, None] * self.weights[places]
        raw = raw + moved.sum(axis=0)
        row = np.concatenate((found, raw))
        raw = self.tree_share * self.trees.predict(row) + (1 - self.tree_share) * raw
        level = np.clip((raw - self.centre) * self.stretch + self.middle, -0.5, 4.5)
        parts = self._parts(seen, known, whole, moved)
        doubt = float(self.doubt.predict(np.concatenate((row, level)))[0])
        return {
            name: Estimate(float(level[at]), tuple(p[at] for p in parts))
            for at, name in enumerate(self.outputs)
        } | {DOUBT: Estimate(doubt, ())}

    def _dense(self, found: Mapping[str, float]) -> Floats:
        row = np.zeros(len(self.names), dtype=np.float32)
        for name, value in found.items():
            if name in self.names:
                row[self.names[name]] = value
        return row

    def _parts(
        self, seen: Seen, known: Sequence[Mapping[int, int]], whole: Mapping[int, int],
        moved: Floats,
    ) -> list[list[Part]]:  # fmt: skip
        """Share each piece's weight among the stretches it stands in."""
        row = {place: at for at, place in enumerate(whole)}
        found: list[list[Part]] = []
        for (start, end, _), counts in zip(seen.stretches, known, strict=True):
            shares = np.array([n / whole[place] for place, n in counts.items()], dtype=np.float32)
            sums = shares @ moved[[row[place] for place in counts]] if counts else self.bias * 0
            sums = sums * self.stretch * (1 - self.tree_share)
            found.append([Part(start, end, float(value)) for value in sums])
        return found
