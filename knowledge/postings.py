"""Weighted posting lists: BM25 over tokens, with numpy only.

Knows tokens and documents by number; nothing of Chinese or of the standard.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Arrays = dict[str, NDArray[Any]]
_Weigh = Callable[[int, float], float]


class Postings:
    """For each token, the documents that hold it and the weight it has there.

    ``starts[t]:starts[t + 1]`` are token t's places in ``documents`` (int32) and ``weights``
    (float32); ``rarity`` (float32, one a token) is its idf.
    """

    def __init__(self, vocabulary: Sequence[str], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take stored arrays.

        Raises:
            ValueError: the arrays do not fit together.
        """
        self.vocabulary = {token: at for at, token in enumerate(vocabulary)}
        self.size = int(arrays["size"])
        self.starts, self.documents = arrays["starts"], arrays["documents"]
        self.weights, self.rarity = arrays["weights"], arrays["rarity"]
        tokens, places = len(self.vocabulary), len(self.documents)
        fits = (
            len(self.starts) == tokens + 1
            and len(self.rarity) == tokens
            and len(self.weights) == places == self.starts[-1]
            and (places == 0 or 0 <= self.documents.min() <= self.documents.max() < self.size)
        )
        if not fits:
            raise ValueError(f"postings do not fit: {tokens} tokens, {places} places")
        self.rarest = float(self.rarity.max()) if tokens else 1.0

    def arrays(self) -> Arrays:
        """Give everything as plain arrays, the vocabulary as UTF-8 bytes, one token a line."""
        joined = "\n".join(self.vocabulary).encode("utf-8")
        return {
            "vocabulary": np.frombuffer(joined, dtype=np.uint8),
            "size": np.asarray(self.size),
            "starts": self.starts,
            "documents": self.documents,
            "weights": self.weights,
            "rarity": self.rarity,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Postings:
        """Undo ``arrays``.

        Raises:
            ValueError: they do not fit together.
            KeyError: one is missing.
        """
        joined = arrays["vocabulary"].tobytes().decode("utf-8")
        return cls(joined.split("\n") if joined else [], arrays)

    def idf(self, token: str) -> float:
        """Give a token's idf; one never seen counts as much as the rarest."""
        at = self.vocabulary.get(token)
        return self.rarest if at is None else float(self.rarity[at])

    def score(self, query: Mapping[str, float]) -> Floats:
        """Sum query weight times document weight: (size,) float32."""
        found = [(self.vocabulary[t], w) for t, w in query.items() if t in self.vocabulary]
        if not found:
            return np.zeros(self.size, dtype=np.float32)
        slices = [(slice(self.starts[at], self.starts[at + 1]), weight) for at, weight in found]
        documents = np.concatenate([self.documents[places] for places, _ in slices])
        weights = np.concatenate([np.float32(w) * self.weights[places] for places, w in slices])
        total = np.bincount(documents, weights=weights, minlength=self.size)
        return np.asarray(total, dtype=np.float32)

    def coverage(self, query: Mapping[str, float]) -> float:
        """Say which share of a query's weight (idf squared) stands in the documents, 0 to 1."""
        parts = {token: self.idf(token) ** 2 for token in query}
        known = sum(part for token, part in parts.items() if token in self.vocabulary)
        return math.sqrt(known / sum(parts.values())) if parts else 0.0


def bm25(documents: Sequence[Sequence[str]], k1: float, b: float) -> Postings:
    """Build BM25 postings, scaled so that a token's weight is idf times at most 1."""
    lengths = [len(tokens) for tokens in documents]
    mean = sum(lengths) / max(1, len(lengths)) or 1.0

    def weigh(document: int, count: float) -> float:
        return count / (count + k1 * (1 - b + b * lengths[document] / mean))

    return _build(documents, weigh, lambda n, df: math.log(1 + (n - df + 0.5) / (df + 0.5)))


def _build(
    documents: Sequence[Sequence[str]], weigh: _Weigh, rarity: Callable[[int, int], float]
) -> Postings:
    places: dict[str, list[tuple[int, int]]] = {}
    for number, tokens in enumerate(documents):
        for token, count in Counter(tokens).items():
            places.setdefault(token, []).append((number, count))
    idf = [rarity(len(documents), len(found)) for found in places.values()]
    starts = np.cumsum([0, *(len(found) for found in places.values())]).astype(np.int32)
    flat = [
        (number, weight * weigh(number, count))
        for weight, found in zip(idf, places.values(), strict=True)
        for number, count in found
    ]
    arrays: Arrays = {
        "size": np.asarray(len(documents)),
        "starts": starts,
        "documents": np.array([n for n, _ in flat], dtype=np.int32),
        "weights": np.array([weight for _, weight in flat], dtype=np.float32),
        "rarity": np.array(idf, dtype=np.float32),
    }
    return Postings(list(places), arrays)
