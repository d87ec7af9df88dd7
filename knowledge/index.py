"""The hybrid index: BM25 over words and n-grams beside vectors (dense.py), fused to one score.

Knows entries (a text and whose it is, by number); nothing of levels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from knowledge.datafile import Entry
from knowledge.dense import DenseSide, VectorSettings, alike
from knowledge.encoder import Encoder
from knowledge.pieces import WORD_MARK, pieces
from knowledge.postings import Arrays, Floats, Postings, bm25

_LEXICAL = ("char.entry", "char.pooled", "word.entry", "word.pooled")


class Bm25Settings(Entry):
    """The two constants of BM25."""

    k1: float = Field(ge=0)
    b: float = Field(ge=0, le=1)


class LexicalSettings(Entry):
    """How the lexical side scores (data/retrieval.yaml)."""

    entry: Bm25Settings
    pooled: Bm25Settings
    best_count: int = Field(ge=1)
    best_decay: float = Field(ge=0, le=1)
    pooled_share: float = Field(ge=0, le=1)
    word_share: float = Field(ge=0, le=1)
    scale: float = Field(gt=0)


class Fusion(Entry):
    """How much each side counts."""

    vector: float = Field(ge=0, le=1)
    lexical: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _sums_to_one(self) -> Fusion:
        if abs(self.vector + self.lexical - 1) > 1e-6:
            raise ValueError(f"两个数之和应为 1，现在是 {self.vector + self.lexical:g}")
        return self


class Settings(Entry):
    """All of data/retrieval.yaml."""

    max_chars: int = Field(ge=1)
    ngram_sizes: tuple[int, ...] = Field(min_length=1)
    lexical: LexicalSettings
    vector: VectorSettings
    fusion: Fusion
    own_level_bonus: float = Field(ge=0, le=100)


@dataclass(frozen=True)
class Scores:
    """One number for each owner, 0 to 1 (float32), for each side and fused."""

    words: Floats
    chars: Floats
    vector: Floats
    fused: Floats


class HybridIndex:
    """Scores every owner for a query."""

    def __init__(
        self, owners: NDArray[Any], *,
        dense: Sequence[DenseSide], lexical: Mapping[str, Postings], settings: Settings,
    ) -> None:  # fmt: skip
        """Put the built parts together.

        Args:
            owners: (n,) whose each entry is, ascending, every owner at least once.
            dense: none, the built-in encoder's side, or that and another's.
            lexical: BM25 postings by the names char.entry, char.pooled, word.entry, word.pooled.
            settings: see data/retrieval.yaml.

        Raises:
            ValueError: the parts do not fit together.
        """
        sizes = {len(owners), *(lexical[name].size for name in _LEXICAL[::2])}
        self.starts = np.flatnonzero(np.diff(owners, prepend=-1)).astype(np.int64)
        if len(sizes) != 1 or {lexical[name].size for name in _LEXICAL[1::2]} != {len(self.starts)}:
            raise ValueError(f"index parts do not fit: {sizes}, {len(self.starts)} owners")
        self.owners, self.dense = owners, tuple(dense)
        self.lexical, self.settings = lexical, settings

    def arrays(self) -> Arrays:
        """Give everything as plain arrays, for the cache."""
        parts = {name: self.lexical[name].arrays() for name in _LEXICAL}
        flat = {f"{part}/{key}": a for part, held in parts.items() for key, a in held.items()}
        vectors = {f"vectors/{at}": side.vectors for at, side in enumerate(self.dense)}
        return {"owners": self.owners, **vectors, **flat}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], settings: Settings, encoders: Sequence[Encoder]
    ) -> HybridIndex:
        """Undo ``arrays``.

        Raises:
            ValueError: they do not fit together, or not the encoders.
            KeyError: one is missing.
        """
        owners = arrays["owners"]
        dense = [
            DenseSide(encoder, owners, arrays[f"vectors/{at}"], settings.vector)
            for at, encoder in enumerate(encoders)
        ]
        lexical = {name: Postings.from_arrays(_part(arrays, name)) for name in _LEXICAL}
        return cls(owners, dense=dense, lexical=lexical, settings=settings)

    def score(self, query: str) -> Scores:
        """Score every owner; all zeros where the query shares nothing with any entry."""
        found = pieces(query, self.settings.ngram_sizes)
        chars = [t for t in found if not t.startswith(WORD_MARK)]
        words = [t for t in found if t.startswith(WORD_MARK)]
        by_chars, by_words = self._lexical_side("char", chars), self._lexical_side("word", words)
        share, fusion = self.settings.lexical.word_share, self.settings.fusion
        lexical = self.settings.lexical.scale * (share * by_words + (1 - share) * by_chars)
        lexical = np.minimum(lexical, np.float32(1))
        vector = self._vector_side(query) * np.float32(self._known(chars, words))
        fused = fusion.vector * vector + fusion.lexical * lexical if self.dense else lexical
        return Scores(
            words=by_words, chars=by_chars, vector=vector, fused=np.asarray(fused, np.float32)
        )

    def _vector_side(self, query: str) -> Floats:
        if not self.dense:
            return np.zeros(len(self.starts), dtype=np.float32)
        first, *others = (side.score(query) for side in self.dense)
        for other in others:
            if not first.any():  # the built-in one recognised nothing
                first = other
                continue
            share = self.settings.vector.other
            first = (1 - share) * first + share * alike(other, first)
        return np.asarray(first, dtype=np.float32)

    def _known(self, chars: list[str], words: list[str]) -> float:
        """Say which share of a query the entries know, 0 to 1: nonsense scores low."""
        sides = (("char.entry", chars), ("word.entry", words))
        shares = [
            self.lexical[n].coverage(dict.fromkeys(found, 1.0)) for n, found in sides if found
        ]
        return math.sqrt(sum(s**2 for s in shares) / len(shares)) if shares else 0.0

    def _lexical_side(self, unit: str, found: list[str]) -> Floats:
        """Give each owner the share of the query's idf that it holds: pooled and best entries."""
        entry, pooled = self.lexical[f"{unit}.entry"], self.lexical[f"{unit}.pooled"]
        query = dict.fromkeys(found, 1.0)
        if not query:
            return np.zeros(pooled.size, dtype=np.float32)
        best = entry.score(query) / np.float32(sum(map(entry.idf, query)))
        whole = pooled.score(query) / np.float32(sum(map(pooled.idf, query)))
        share = np.float32(self.settings.lexical.pooled_share)
        return np.asarray(share * whole + (1 - share) * self._best_of_each(best))

    def _best_of_each(self, scores: Floats) -> Floats:
        """Weigh each owner's best few entries, the next always by ``best_decay`` of the last.

        Entries of one owner with the very same score count once.
        """
        chosen, left = self.settings.lexical, scores.copy()
        total, whole = np.zeros(len(self.starts), dtype=np.float32), 0.0
        for rank in range(chosen.best_count):
            weight = chosen.best_decay**rank
            best = np.maximum.reduceat(left, self.starts)
            total += np.float32(weight) * best
            whole += weight
            left[left == best[self.owners]] = 0
        return np.asarray(total / np.float32(whole))


def build(
    texts: Sequence[str], owners: Sequence[int], settings: Settings,
    encoders: Sequence[Encoder] = (),
) -> HybridIndex:  # fmt: skip
    """Build the index from entries, in the order of their owners.

    Args:
        texts: the entries: each requirement's own words and its expansions.
        owners: whose each is, ascending from 0, none left out.
        settings: see data/retrieval.yaml.
        encoders: the built-in one, and another that joins it; none for words alone.
    """
    places = np.asarray(owners, dtype=np.int32)
    dense = [DenseSide(one, places, one.encode(list(texts)), settings.vector) for one in encoders]
    lexical: dict[str, Postings] = {}
    cut = [pieces(text, settings.ngram_sizes) for text in texts]
    for unit in ("char", "word"):
        kept = [[t for t in one if t.startswith(WORD_MARK) == (unit == "word")] for one in cut]
        pooled: list[list[str]] = [[] for _ in range(max(owners) + 1)]
        for owner, one in zip(owners, kept, strict=True):
            pooled[owner] += one
        each, whole = settings.lexical.entry, settings.lexical.pooled
        lexical[f"{unit}.entry"] = bm25(kept, each.k1, each.b)
        lexical[f"{unit}.pooled"] = bm25(pooled, whole.k1, whole.b)
    return HybridIndex(places, dense=dense, lexical=lexical, settings=settings)


def _part(arrays: Mapping[str, NDArray[Any]], name: str) -> Arrays:
    start = f"{name}/"
    return {key[len(start) :]: array for key, array in arrays.items() if key.startswith(start)}
