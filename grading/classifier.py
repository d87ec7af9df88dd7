"""Small linear classifiers over a sentence's pieces: which breach, which signals. No torch.

Weights are made by ``python -m grading.train`` from sentences written for it; this module only
applies them. What they find is shown with the sentence it stands on, like any other evidence.
"""

from __future__ import annotations

import contextlib
import functools
import zipfile
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from grading.piece_codes import Book, Places, known, log_counts
from knowledge.datafile import DataError

FOLDER = Path(__file__).parent / "data" / "models"
_from: ContextVar[Path] = ContextVar("models", default=FOLDER)
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Classifier:
    """Linear weights over pieces.

    ``idf``: (n_pieces,) float32. ``weights``: (n_pieces, n_labels) float32. ``bias``: (n_labels,).
    ``exclusive``: one label a sentence (softmax), else each by itself (sigmoid).
    """

    labels: tuple[str, ...]
    vocabulary: dict[str, int]
    idf: Floats
    weights: Floats
    bias: Floats
    exclusive: bool

    def probabilities(self, norm: str) -> dict[str, float]:
        """Give each label's probability, 0-1, for one sentence of normal text."""
        return self._shares(*self._book.look_up(norm))

    @functools.cached_property
    def _book(self) -> Book:
        return Book.of(self.vocabulary)

    def weigh_grams(self, found: Mapping[str, int]) -> dict[str, float]:
        """Give each label's probability for other counted features than pieces."""
        return self._shares(*known(self.vocabulary, found))

    def _shares(self, places: Places, counts: Places) -> dict[str, float]:
        scores: Any = self.bias
        if len(places):
            values = log_counts(int(counts.max()))[counts] * self.idf[places]
            values /= np.linalg.norm(values)
            scores = values @ self.weights[places] + self.bias
        if self.exclusive:
            raised = np.exp(scores - scores.max())
            shares = raised / raised.sum()
        else:
            shares = 1.0 / (1.0 + np.exp(-scores))
        return dict(zip(self.labels, shares.tolist(), strict=True))


def save(model: Classifier, path: Path) -> None:
    """Write a classifier to one npz file, weights as float16."""
    words = sorted(model.vocabulary, key=model.vocabulary.__getitem__)
    np.savez_compressed(
        path,
        labels=np.frombuffer("\n".join(model.labels).encode(), dtype=np.uint8),
        words=np.frombuffer("\n".join(words).encode(), dtype=np.uint8),
        idf=model.idf.astype(np.float16),
        weights=model.weights.astype(np.float16),
        bias=model.bias.astype(np.float32),
        exclusive=np.array(model.exclusive),
    )


@contextlib.contextmanager
def using(folder: Path) -> Iterator[None]:
    """Let ``load`` read another folder's models, in this thread and block: for training."""
    token = _from.set(folder)
    try:
        yield
    finally:
        _from.reset(token)


def load(name: str, folder: Path | None = None) -> Classifier:
    """Load a classifier by name (cached).

    Raises:
        DataError: the file is missing or damaged.
    """
    return _load(name, folder or _from.get())


@functools.lru_cache(maxsize=16)
def _load(name: str, folder: Path) -> Classifier:
    path = folder / f"{name}.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            words = bytes(data["words"]).decode().split("\n")
            return Classifier(
                labels=tuple(bytes(data["labels"]).decode().split("\n")),
                vocabulary={word: at for at, word in enumerate(words)},
                idf=data["idf"].astype(np.float32),
                weights=data["weights"].astype(np.float32),
                bias=data["bias"],
                exclusive=bool(data["exclusive"]),
            )
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} 读不出来，请重新安装，或用 python -m grading.train 重新生成"
        ) from error
