"""The hybrid index: BM25 over words and n-grams beside faiss over vectors, fused to one score.

Knows entries (a text and whose it is, by number); nothing of levels. The only door to faiss.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from knowledge.datafile import Entry
from knowledge.encoder import (
    WORD_MARK,
    Encoder,
    LearnedEncoder,
    VectorSettings,
    fit,
    tokens,
)
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
        self, encoder: LearnedEncoder, owners: NDArray[Any], *,
        vectors: Floats, lexical: Mapping[str, Postings], settings: Settings,
    ) -> None:  # fmt: skip
        """Put the built parts together.

        Args:
            encoder: gives query vectors.
            owners: (n,) whose each entry is, ascending, every owner at least once.
            vectors: (n, dim) float32, the entries' vectors, rows of length 1.
            lexical: BM25 postings by the names char.entry, char.pooled, word.entry, word.pooled.
            settings: see data/retrieval.yaml.

        Raises:
            ValueError: the parts do not fit together.
        """
        import faiss

        sizes = {len(owners), len(vectors), *(lexical[name].size for name in _LEXICAL[::2])}
        self.starts = np.flatnonzero(np.diff(owners, prepend=-1)).astype(np.int64)
        if len(sizes) != 1 or vectors.shape[1] != encoder.dim or len(self.starts) != encoder.dim:
            raise ValueError(f"index parts do not fit: {sizes}, vectors {vectors.shape}")
        self.encoder, self.owners, self.vectors = encoder, owners, vectors
        self.lexical, self.settings = lexical, settings
        sums = np.add.reduceat(vectors, self.starts, axis=0)
        self._lengths = np.maximum(np.linalg.norm(sums, axis=1), 1e-9)
        self._faiss = faiss.IndexFlatIP(encoder.dim)
        self._faiss.add(np.ascontiguousarray(vectors))

    def arrays(self) -> Arrays:
        """Give everything as plain arrays, for the cache."""
        parts = {"encoder": self.encoder.arrays()}
        parts |= {name: self.lexical[name].arrays() for name in _LEXICAL}
        flat = {f"{part}/{key}": a for part, held in parts.items() for key, a in held.items()}
        return {"owners": self.owners, "vectors": self.vectors, **flat}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], settings: Settings, base: Encoder | None = None
    ) -> HybridIndex:
        """Undo ``arrays``.

        Raises:
            ValueError: they do not fit together.
            KeyError: one is missing.
        """
        encoder = LearnedEncoder(
            _part(arrays, "encoder"), settings.ngram_sizes, settings=settings.vector, base=base
        )
        lexical = {name: Postings.from_arrays(_part(arrays, name)) for name in _LEXICAL}
        return cls(
            encoder, arrays["owners"],
            vectors=arrays["vectors"], lexical=lexical, settings=settings,
        )  # fmt: skip

    def score(self, query: str) -> Scores:
        """Score every owner; all zeros where the query shares nothing with any entry."""
        found = tokens(query, self.settings.ngram_sizes)
        chars = self._lexical_side("char", [t for t in found if not t.startswith(WORD_MARK)])
        words = self._lexical_side("word", [t for t in found if t.startswith(WORD_MARK)])
        known = self.encoder.postings.coverage(Counter(found))
        vector = self._vector_side(query) * np.float32(known)
        share, fusion = self.settings.lexical.word_share, self.settings.fusion
        fused = fusion.vector * vector + fusion.lexical * (share * words + (1 - share) * chars)
        return Scores(words=words, chars=chars, vector=vector, fused=fused.astype(np.float32))

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
        """Weigh each owner's best few entries, the next always by ``best_decay`` of the last."""
        settings = self.settings.lexical
        order = np.lexsort((-scores, self.owners))
        ranked, total, weights = scores[order], np.zeros(len(self.starts), np.float32), 0.0
        ends = np.append(self.starts[1:], len(scores))
        for rank in range(settings.best_count):
            weight = settings.best_decay**rank
            at = self.starts + rank
            total += np.float32(weight) * np.where(at < ends, ranked[np.minimum(at, ends - 1)], 0)
            weights += weight
        return np.asarray(total / np.float32(weights))

    def _vector_side(self, query: str) -> Floats:
        """Give each owner the cosine with its entries' mean and with the nearest of them."""
        row = self.encoder.encode([query])
        count = len(self.owners)
        found, places = self._faiss.search(row, count)
        near = np.empty(count, dtype=np.float32)
        near[places[0]] = found[0]
        mean = np.add.reduceat(near, self.starts) / self._lengths
        best = np.maximum.reduceat(near, self.starts)
        share = self.settings.vector.best
        return np.asarray(np.clip((1 - share) * mean + share * best, 0, 1), dtype=np.float32)


def build(
    texts: Sequence[str], owners: Sequence[int], settings: Settings, base: Encoder | None = None
) -> HybridIndex:
    """Build the index from entries, in the order of their owners.

    Args:
        texts: the entries: each requirement's own words and its expansions.
        owners: whose each is, ascending from 0, none left out.
        settings: see data/retrieval.yaml.
        base: another encoder whose vectors join the learned one's.
    """
    encoder, vectors = fit(
        list(texts), owners, settings.ngram_sizes, settings=settings.vector, base=base
    )
    lexical: dict[str, Postings] = {}
    cut = [tokens(text, settings.ngram_sizes) for text in texts]
    for unit in ("char", "word"):
        kept = [[t for t in one if t.startswith(WORD_MARK) == (unit == "word")] for one in cut]
        pooled: list[list[str]] = [[] for _ in range(max(owners) + 1)]
        for owner, one in zip(owners, kept, strict=True):
            pooled[owner] += one
        each, whole = settings.lexical.entry, settings.lexical.pooled
        lexical[f"{unit}.entry"] = bm25(kept, each.k1, each.b)
        lexical[f"{unit}.pooled"] = bm25(pooled, whole.k1, whole.b)
    return HybridIndex(
        encoder, np.asarray(owners, dtype=np.int32),
        vectors=vectors, lexical=lexical, settings=settings,
    )  # fmt: skip


def _part(arrays: Mapping[str, NDArray[Any]], name: str) -> Arrays:
    start = f"{name}/"
    return {key[len(start) :]: array for key, array in arrays.items() if key.startswith(start)}
