"""Sums of small regression trees over named numbers, applied with numpy alone.

Made by ``grading.train_levels``; knows where a row falls, not what its numbers mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Trees:
    """Trees laid end to end.

    ``feature``, ``left``, ``right``: (n_nodes,) int32; a leaf points to itself.
    ``limit``: (n_nodes,) float64; a row goes left where its number is at most the limit.
    ``value``: (n_nodes,) float32. ``root``: (n_outputs, n_trees) int32.
    ``depth``: of the deepest tree. ``base``: (n_outputs,) float32, what each sum starts from.
    """

    feature: Places
    limit: npt.NDArray[np.float64]
    left: Places
    right: Places
    value: Floats
    root: Places
    depth: int
    base: Floats

    def predict(self, row: Floats) -> Floats:
        """Sum the leaves a row falls into, for each output.

        Args:
            row: (n_features,).

        Returns:
            (n_outputs,).
        """
        at = self.root
        for _ in range(self.depth):
            goes_left = row[self.feature[at]] <= self.limit[at]
            at = np.where(goes_left, self.left[at], self.right[at])
        sums: Floats = self.base + self.value[at].sum(axis=1)
        return sums
