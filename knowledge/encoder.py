"""Encoders: texts to unit vectors. The learned one needs no download; any other may feed it.

Knows tokens and owners by number; nothing of the standard. The only door to
sentence-transformers (and with it torch), opened when such an encoder is asked for.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from knowledge.datafile import DataError, Entry
from knowledge.postings import Arrays, Floats, Postings, tfidf
from knowledge.text import ngrams, plain, words

WORD_MARK = "词:"


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


class VectorSettings(Entry):
    """How the learned encoder is fitted and its vectors are used (data/retrieval.yaml)."""

    ridge: float = Field(gt=0)
    held_out: float = Field(ge=0, le=1)
    dense: float = Field(ge=0, le=1)
    best: float = Field(ge=0, le=1)


def tokens(text: str, sizes: tuple[int, ...]) -> list[str]:
    """Cut a text as typed into character n-grams and (marked) words."""
    norm = plain(text)
    return [*ngrams(norm, sizes), *(WORD_MARK + word for word in words(norm))]


def unit_rows(rows: NDArray[Any]) -> Floats:
    """Scale rows to length 1; rows of zeros stay zeros."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 1e-12, lengths, 1.0), dtype=np.float32)


class LearnedEncoder:
    """Maps a text to its likeness with each owner, by kernel ridge regression on the entries.

    The kernel is the cosine of TF-IDF vectors (n-grams and words), plus the cosine of another
    encoder's vectors where one is given. Fitted from the corpus alone.
    """

    def __init__(
        self, arrays: Mapping[str, NDArray[Any]], sizes: tuple[int, ...], *,
        settings: VectorSettings, base: Encoder | None = None,
    ) -> None:  # fmt: skip
        """Take stored arrays (see ``arrays``).

        Raises:
            ValueError: they do not fit together.
            KeyError: one is missing.
        """
        self.sizes, self.settings, self.base = sizes, settings, base
        self.postings = Postings.from_arrays(arrays)
        self.duals: Floats = arrays["duals"]
        self.dense: Floats | None = arrays["dense"] if base else None
        wrong = self.duals.ndim != 2 or len(self.duals) != self.postings.size
        if wrong or (self.dense is not None and len(self.dense) != len(self.duals)):
            raise ValueError(f"encoder arrays do not fit: duals {self.duals.shape}")

    @property
    def name(self) -> str:
        """The name, with the other encoder's where one is given."""
        return learned_name(self.base)

    @property
    def dim(self) -> int:
        """One number for each owner."""
        return int(self.duals.shape[1])

    def arrays(self) -> Arrays:
        """Give everything as plain arrays, for the cache."""
        dense: Arrays = {} if self.dense is None else {"dense": self.dense}
        return {**self.postings.arrays(), "duals": self.duals, **dense}

    def encode(self, texts: list[str]) -> Floats:
        """Give (n, dim) float32, rows of length 1, or 0 for a text that shares no token."""
        kernel: Floats = np.zeros((len(texts), self.postings.size), dtype=np.float32)
        for row, text in enumerate(texts):
            kernel[row] = self._lexical(tokens(text, self.sizes))
        if self.base is not None and self.dense is not None and texts:
            share = self.settings.dense
            likeness = unit_rows(self.base.encode(texts)) @ self.dense.T
            kernel = np.asarray((1 - share) * kernel + share * likeness, dtype=np.float32)
        # Not `@`: for one row BLAS gains nothing, and its threads stall on a busy machine.
        return unit_rows(np.einsum("ne,eo->no", kernel, self.duals))

    def _lexical(self, found: list[str]) -> Floats:
        known = self.postings.vocabulary
        query = {
            token: (1 + math.log(count)) * self.postings.idf(token)
            for token, count in Counter(found).items()
            if token in known
        }
        length = math.sqrt(sum(weight**2 for weight in query.values())) or 1.0
        return self.postings.score(query) / np.float32(length)


def learned_name(base: Encoder | None) -> str:
    """Give the learned encoder's name before it is built."""
    return "learned" if base is None else f"learned+{base.name}"


def fit(
    texts: list[str], owners: Sequence[int], sizes: tuple[int, ...], *,
    settings: VectorSettings, base: Encoder | None = None,
) -> tuple[LearnedEncoder, Floats]:  # fmt: skip
    """Fit a learned encoder on entries, and give the entries' own vectors.

    Args:
        texts: the entries.
        owners: whose each is, counted from 0.
        sizes: n-gram sizes.
        settings: see data/retrieval.yaml.
        base: another encoder whose vectors join the kernel.

    Returns:
        The encoder and (n, owners) float32: each entry's vector, a blend of what the encoder
        says of it and what it would say had it not seen it (closed form). Fresh queries look
        like the latter; without it, entries sit in corners no query reaches.
    """
    postings = tfidf([tokens(text, sizes) for text in texts])
    kernel = _gram(postings)
    arrays = postings.arrays()
    if base is not None:
        arrays["dense"] = unit_rows(base.encode(texts))
        likeness = arrays["dense"] @ arrays["dense"].T
        kernel = (1 - settings.dense) * kernel + settings.dense * likeness
    inverse = np.linalg.inv(kernel.astype(np.float64) + settings.ridge * np.eye(len(texts)))
    target = np.eye(max(owners) + 1)[np.asarray(owners)]
    duals = inverse @ target
    arrays["duals"] = duals.astype(np.float32)
    seen = unit_rows(target - settings.ridge * duals)
    unseen = unit_rows(target - duals / np.diag(inverse)[:, None])
    vectors = unit_rows(settings.held_out * unseen + (1 - settings.held_out) * seen)
    return LearnedEncoder(arrays, sizes, settings=settings, base=base), vectors


def _gram(postings: Postings) -> NDArray[Any]:
    """Give the cosines between all documents: (size, size)."""
    from scipy import sparse

    shape = (postings.size, len(postings.vocabulary))
    places = (postings.weights, postings.documents, postings.starts)
    columns = sparse.csc_matrix(places, shape=shape)
    return np.asarray((columns @ columns.T).toarray())


class SentenceTransformerEncoder:
    """A sentence-transformers model from a folder or, where there is a network, a hub name."""

    def __init__(self, name_or_folder: str) -> None:
        """Load the model.

        Raises:
            DataError: the package, the folder or the model is missing or damaged; says what to do.
        """
        folder = Path(name_or_folder).expanduser()
        is_path = folder.is_absolute() or name_or_folder.startswith(".")
        if is_path and not folder.is_dir():
            raise DataError(
                f"句向量模型：没有文件夹 {name_or_folder}，"
                "请给出 sentence-transformers 模型所在的文件夹，或不指定模型（用自带的检索）"
            )
        self.name = name_or_folder
        self._model = _load_model(str(folder) if folder.is_dir() else name_or_folder)
        self.dim = int(self._model.get_embedding_dimension())

    def encode(self, texts: list[str]) -> Floats:
        """Give (n, dim) float32, rows of length 1."""
        return unit_rows(np.asarray(self._model.encode(texts, convert_to_numpy=True)))


def _load_model(name: str) -> Any:  # noqa: ANN401 - the class is imported late
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise DataError(
            "句向量模型：没有安装 sentence-transformers，"
            "请运行 pip install sentence-transformers，或不指定模型（用自带的检索）"
        ) from None
    try:
        return SentenceTransformer(name)
    except (OSError, ValueError) as error:
        raise DataError(
            f"句向量模型：读不到 {name}（{type(error).__name__}），"
            "请检查名称、网络或文件夹是否完整，或不指定模型（用自带的检索）"
        ) from error
