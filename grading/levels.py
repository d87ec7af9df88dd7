"""The level model: how a whole reply reads, 0-4 a dimension, and the words that moved it.

A linear model over pieces and named findings, and trees over the findings and what the linear model
says; ``python -m grading.train`` makes both from replies that carry levels. Knows no rules of its
own; what it may change stands in rubric.yaml. level_store.py reads and writes it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grading.level_features import Seen
from grading.piece_codes import Book
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
class _Heard:
    """``moved``: (n_outputs,) by all words; ``stretches``: (n_pieces, n_outputs) for each."""

    moved: Floats
    stretches: tuple[Floats, ...]


@dataclass(frozen=True)
class LevelModel:
    """Linear weights, and trees on top.

    ``mean``, ``spread``: (n_dense,) float32. ``dense``: (n_dense, n_outputs). ``idf``: (n_pieces,).
    ``weights``: (n_pieces, n_outputs). The outputs are the dimensions in order, then how likely
    empathy is not called for. ``bias``, ``stretch``, ``centre``, ``middle``: (n_outputs,); a guess
    is stretched about ``centre`` and put about ``middle``. ``trees``: one sum an output, over the
    named findings followed by the linear outputs; ``tree_share``: its share, 0-1. ``doubt``: one
    output, over the named findings, the linear outputs and the levels: how likely some level is
    far off.
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

    @functools.cached_property
    def _book(self) -> Book:
        return Book.of(self.vocabulary)

    def _heard(self, seen: Seen) -> _Heard:
        """Give the words of a reply and how much each moves every output."""
        found = [self._book.look_up(text) for _, _, text in seen.stretches]
        every = np.concatenate([places for places, _ in found]) if found else np.zeros(0, np.int64)
        counts = np.concatenate([counts for _, counts in found]) if found else np.zeros(0)
        ends = np.cumsum([len(places) for places, _ in found])
        places, at = np.unique(every, return_inverse=True)
        whole = np.bincount(at, weights=counts, minlength=len(places))
        values = (1.0 + np.log(whole)) * self.idf[places]
        length = float(np.linalg.norm(values)) or 1.0
        moved = (values / length).astype(np.float32)[:, None] * self.weights[places]
        shared = (counts / whole[at]).astype(np.float32)[:, None] * moved[at]
        return _Heard(moved.sum(axis=0), tuple(np.split(shared, ends[:-1])) if found else ())

    def estimate(self, seen: Seen) -> dict[str, Estimate]:
        """Read one reply.

        Returns:
            An estimate for every output; those of ``empathy_null`` and ``doubt`` are about 0 or 1.
        """
        heard = self._heard(seen)
        found = self._dense(seen.dense)
        raw = (found - self.mean) / self.spread @ self.dense + self.bias
        raw = raw + heard.moved
        row = np.concatenate((found, raw)).astype(np.float32)
        raw = self.tree_share * self.trees.predict(row) + (1 - self.tree_share) * raw
        level = np.clip((raw - self.centre) * self.stretch + self.middle, -0.5, 4.5)
        parts = self._parts(seen, heard)
        last = np.concatenate((row, level)).astype(np.float32)
        return {
            name: Estimate(float(level[at]), tuple(p[at] for p in parts))
            for at, name in enumerate(self.outputs)
        } | {DOUBT: Estimate(float(self.doubt.predict(last)[0]), ())}

    def _dense(self, found: Mapping[str, float]) -> Floats:
        row = np.zeros(len(self.names), dtype=np.float32)
        for name, value in found.items():
            if name in self.names:
                row[self.names[name]] = value
        return row

    def _parts(self, seen: Seen, heard: _Heard) -> list[list[Part]]:
        """Give by how much each stretch moves every output, by its share of the pieces."""
        kept = self.stretch * (1 - self.tree_share)
        return [
            [Part(start, end, float(value)) for value in words.sum(axis=0) * kept]
            for (start, end, _), words in zip(seen.stretches, heard.stretches, strict=True)
        ]
