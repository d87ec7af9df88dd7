"""The sentence-transformers module of the built-in encoder: the mean of learned piece vectors.

Knows the layout of the model folder and torch; nothing of training. Imported late: the search
reads the same folder with numpy alone (encoder.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from knowledge.encoder import TOKENIZER, WEIGHTS, quantise
from knowledge.pieces import pieces

UNKNOWN = "[无]"


class PieceEmbedding(StaticEmbedding):
    """A static embedding over overlapping pieces, which no tokenizer of the library cuts."""

    def preprocess(  # type: ignore[override]
        self,
        inputs: list[str],
        prompt: str | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> dict[str, torch.Tensor]:
        """Cut the texts; pieces that are not in the vocabulary are left out.

        Returns:
            ``input_ids`` (n_pieces,) int64 of all texts joined, ``offsets`` (n_texts,) int64.
        """
        if prompt:
            inputs = self._prepend_prompt(inputs, prompt)
        vocabulary = self._vocabulary()
        rows = [[vocabulary[p] for p in pieces(text) if p in vocabulary] for text in inputs]
        ends = np.cumsum([0, *(len(row) for row in rows)])
        return {
            "input_ids": torch.tensor([at for row in rows for at in row], dtype=torch.long),
            "offsets": torch.from_numpy(ends[:-1]),
        }

    def _vocabulary(self) -> dict[str, int]:
        if not hasattr(self, "_known"):
            self._known: dict[str, int] = self.tokenizer.get_vocab()
        return self._known

    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Write the vectors as int8 with a scale a row, and the vocabulary."""
        rows, scales = quantise(self.embedding.weight.detach().numpy())
        held: dict[str, np.ndarray] = {"embedding.weight": rows, "embedding.scale": scales}
        save_file(held, Path(output_path) / WEIGHTS)
        self.tokenizer.save(str(Path(output_path) / TOKENIZER), pretty=False)

    @classmethod
    def load(  # type: ignore[override]
        cls,
        model_name_or_path: str,
        subfolder: str = "",
        **kwargs: Any,  # noqa: ANN401
    ) -> Self:
        """Read what ``save`` wrote."""
        folder = Path(model_name_or_path) / subfolder
        held = load_file(folder / WEIGHTS)
        weights = held["embedding.weight"].astype(np.float32) * held["embedding.scale"][:, None]
        return cls(Tokenizer.from_file(str(folder / TOKENIZER)), embedding_weights=weights)


def new_model(vocabulary: Sequence[str], weights: np.ndarray) -> SentenceTransformer:
    """Make a model: pieces, their mean, scaled to length 1.

    Args:
        vocabulary: the pieces, UNKNOWN first.
        weights: (len(vocabulary), dim) float32.
    """
    places = {piece: at for at, piece in enumerate(vocabulary)}
    tokenizer = Tokenizer(WordLevel(places, unk_token=UNKNOWN))
    embedding = PieceEmbedding(tokenizer, embedding_weights=weights)
    return SentenceTransformer(modules=[embedding, Normalize()], device="cpu")


def open_model(folder: Path) -> SentenceTransformer:
    """Open the built-in model, or one trained the same way, through sentence-transformers."""
    return SentenceTransformer(str(folder), device="cpu", trust_remote_code=True)
