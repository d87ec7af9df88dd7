"""The vector side of the index: entries as vectors, scored by owner. The only door to faiss.

Knows entries and owners by number; nothing of words.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from knowledge.datafile import Entry
from knowledge.encoder import Encoder, unit_rows
from knowledge.postings import Floats


class VectorSettings(Entry):
    """How vectors are turned into scores (data/retrieval.yaml)."""

    nearest: int = Field(ge=1)
    best_count: int = Field(ge=1)
    best: float = Field(ge=0, le=1)
    other: float = Field(ge=0, le=1)


class DenseSide:
    """Scores owners by an encoder: how near their entries lie, on the mean and at best."""

    def __init__(
        self, encoder: Encoder, owners: NDArray[Any], vectors: Floats, settings: VectorSettings
    ) -> None:
        """Put the parts together.

        Args:
            encoder: gives query vectors.
            owners: (n,) whose each entry is, ascending, every owner at least once.
            vectors: (n, dim) float32, the entries' vectors, rows of length 1 or 0.
            settings: see data/retrieval.yaml.

        Raises:
            ValueError: the vectors do not fit the owners, or are of another length than the
                encoder's.
        """
        import faiss

        if vectors.ndim != 2 or len(vectors) != len(owners):
            raise ValueError(f"{len(owners)} owners, vectors {vectors.shape}")
        if vectors.shape[1] != encoder.dim:
            raise ValueError(f"stored vectors of {vectors.shape[1]}, the model gives {encoder.dim}")
        self.encoder, self.owners, self.vectors, self.settings = encoder, owners, vectors, settings
        starts = np.flatnonzero(np.diff(owners, prepend=-1))
        self._middles = unit_rows(np.add.reduceat(vectors, starts, axis=0))
        self._held = np.minimum(np.bincount(owners), settings.best_count)
        faiss.omp_set_num_threads(1)  # for one query at a time its threads only wait for each other
        self._faiss = faiss.IndexFlatIP(encoder.dim)
        self._faiss.add(np.ascontiguousarray(vectors))

    def score(self, query: str) -> Floats:
        """Score every owner, (n_owners,) float32, 0 to 1; zeros where nothing was recognised."""
        row = self.encoder.encode([query])
        if not row.any():
            return np.zeros(len(self._middles), dtype=np.float32)
        # Not `@`: for one row BLAS gains nothing, and its threads stall on a busy machine.
        middle = np.einsum("d,od->o", row[0], self._middles)
        share = self.settings.best
        return np.asarray((1 - share) * middle + share * self._best(row), dtype=np.float32).clip(
            0, 1
        )

    def _best(self, row: Floats) -> Floats:
        """Give each owner the mean of its nearest few entries.

        Of entries beyond the nearest overall only the most is known: that of the last one found.
        """
        count = self.settings.best_count
        found, places = self._faiss.search(row, min(self.settings.nearest, len(self.owners)))
        order = np.argsort(self.owners[places[0]], kind="stable")  # nearest first within an owner
        owners, near = self.owners[places[0]][order], found[0][order]
        firsts = np.flatnonzero(np.diff(owners, prepend=-1))
        rank = np.arange(len(owners)) - np.repeat(firsts, np.diff(firsts, append=len(owners)))
        kept = rank < count
        size, floor = len(self._middles), found[0][-1]
        total = np.bincount(owners[kept], weights=near[kept] - floor, minlength=size)
        return np.asarray(floor + total / self._held, dtype=np.float32)


def alike(scores: Floats, model: Floats) -> Floats:
    """Bring scores to the mean and spread of others, so that the two can be weighed together."""
    spread = float(scores.std())
    if spread < 1e-9:
        return np.full_like(scores, model.mean())
    brought = (scores - scores.mean()) / spread * model.std() + model.mean()
    return np.asarray(brought, dtype=np.float32).clip(0, 1)
