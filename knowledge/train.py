"""Trains the built-in sentence encoder: `python -m knowledge.train`, seeded, some minutes.

Learns from the expansions and terms of each requirement and from the paraphrase groups, with the
contrastive loss of sentence-transformers. Imports torch; nothing of it is needed afterwards.
"""

from __future__ import annotations

import argparse
import logging
import math
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from string import Template
from typing import cast

import numpy as np
import torch
from pydantic import Field
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

from knowledge import expansion, paraphrase, terms
from knowledge.datafile import DataError, Entry, parse, read_yaml
from knowledge.encoder import FOLDER
from knowledge.paraphrase import Group
from knowledge.piece_embedding import UNKNOWN, PieceEmbedding, new_model
from knowledge.pieces import WORD_MARK, pieces
from knowledge.postings import Floats
from knowledge.retrieval import entries
from knowledge.text import DATA

_log = logging.getLogger(__name__)
_Rows = list[list[int]]
_Features = dict[str, torch.Tensor]


class Least(Entry):
    """How often a piece must occur to be learned, by kind."""

    chars: int = Field(ge=1)
    pairs: int = Field(ge=1)
    words: int = Field(ge=1)


class Settings(Entry):
    """All of data/training.yaml."""

    seeds: tuple[int, ...] = Field(min_length=1)
    dim_each: int = Field(ge=2)
    dim: int = Field(ge=2)
    least: Least
    steps: int = Field(ge=1)
    rate: float = Field(gt=0)
    drop: float = Field(ge=0, lt=1)
    scale: float = Field(gt=0)
    groups: int = Field(ge=0)
    group_share: float = Field(ge=0, lt=1)


@dataclass(frozen=True)
class Corpus:
    """What is learned from: texts with their owners, and groups of texts with what is apart."""

    texts: list[str]
    owners: list[int]
    groups: list[Group]

    def every(self) -> list[str]:
        """Give all texts once each."""
        grouped = [text for group in self.groups for text in (*group.texts, *group.apart)]
        return list(dict.fromkeys([*self.texts, *grouped]))


def settings(path: Path = DATA / "training.yaml") -> Settings:
    """Load the parameters."""
    return parse(Settings, read_yaml(path), path.name)


def corpus() -> Corpus:
    """Gather the project's own training texts; test groups stay out."""
    texts, owners = entries(expansion.load(), terms.load())
    return Corpus(texts, owners, [g for g in paraphrase.load() if g.split == "train"])


def vocabulary(texts: Sequence[str], least: Least) -> tuple[list[str], Floats]:
    """Choose the pieces to learn.

    Returns:
        The pieces, UNKNOWN first, and (n,) float32 how telling each is (idf; UNKNOWN 0).
    """
    # Not a set: its order, and with it the model, would change from run to run.
    counts = Counter(piece for text in texts for piece in dict.fromkeys(pieces(text)))

    def needed(piece: str) -> int:
        if piece.startswith(WORD_MARK):
            return least.words
        return least.chars if len(piece) == 1 else least.pairs

    kept = [piece for piece, count in counts.items() if count >= needed(piece)]
    rarity = [math.log(1 + len(texts) / counts[piece]) for piece in kept]
    return [UNKNOWN, *kept], np.array([0.0, *rarity], dtype=np.float32)


class Trainer:
    """Trains one model from one seed."""

    def __init__(self, chosen: Settings, held: Corpus, seed: int) -> None:
        """Cut the texts and start from random vectors as long as their piece is telling."""
        self.chosen, self.random = chosen, np.random.default_rng(seed)
        torch.manual_seed(seed)
        words, telling = vocabulary(held.every(), chosen.least)
        start = self.random.normal(size=(len(words), chosen.dim_each))
        start *= telling[:, None] / np.linalg.norm(start, axis=1, keepdims=True)
        self.model: SentenceTransformer = new_model(words, start.astype(np.float32))
        self.embedding = cast(PieceEmbedding, self.model[0])
        self.embedding.embedding.sparse = True
        self.loss = MultipleNegativesRankingLoss(
            self.model, scale=chosen.scale, directions=("query_to_doc", "doc_to_query"),
            partition_mode="per_direction",
        )  # fmt: skip
        known = {word: at for at, word in enumerate(words)}
        self._cut = {t: [known[p] for p in pieces(t) if p in known] for t in held.every()}
        owned: list[list[str]] = [[] for _ in range(max(held.owners) + 1)]
        for text, owner in zip(held.texts, held.owners, strict=True):
            owned[owner].append(text)
        self._owned, self._groups = owned, held.groups

    def run(self) -> None:
        """Train for the steps set."""
        chosen = self.chosen
        optimizer = torch.optim.SparseAdam([self.embedding.embedding.weight], lr=chosen.rate)
        for step in range(chosen.steps):
            rise = min(1.0, (step + 1) / (0.1 * chosen.steps))
            optimizer.param_groups[0]["lr"] = (
                chosen.rate * rise * max(0.02, 1 - step / chosen.steps)
            )
            loss = (1 - chosen.group_share) * self.loss(self._requirements(), None)
            if self._groups and chosen.groups:
                loss = loss + chosen.group_share * self.loss(self._paraphrases(), None)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()  # type: ignore[no-untyped-call]
            if step % 100 == 0 or step + 1 == chosen.steps:
                _log.info("第 %d 步，损失 %.3f", step + 1, loss.item())

    def _requirements(self) -> list[_Features]:
        """Draw two texts of each requirement."""
        drawn = [self.random.choice(len(texts), 2, replace=False) for texts in self._owned]
        return [
            self._features(
                [texts[pair[side]] for texts, pair in zip(self._owned, drawn, strict=True)]
            )
            for side in (0, 1)
        ]

    def _paraphrases(self) -> list[_Features]:
        """Draw some groups: two wordings of each, and one that is apart."""
        count = min(self.chosen.groups, len(self._groups))
        groups = [self._groups[at] for at in self.random.choice(len(self._groups), count, False)]
        rows: list[list[str]] = [[], [], []]
        for group in groups:
            first, second = self.random.choice(len(group.texts), 2, replace=False)
            apart = group.apart[self.random.integers(len(group.apart))]
            for row, text in zip(
                rows, (group.texts[first], group.texts[second], apart), strict=True
            ):
                row.append(text)
        return [self._features(row) for row in rows]

    def _features(self, texts: list[str]) -> _Features:
        """Cut texts and drop some of their pieces, never all."""
        rows: _Rows = []
        for text in texts:
            cut = self._cut[text]
            stays = self.random.random(len(cut)) >= self.chosen.drop
            rows.append([p for p, stay in zip(cut, stays, strict=True) if stay] or cut)
        ends = np.cumsum([0, *(len(row) for row in rows)])
        joined = torch.tensor([at for row in rows for at in row], dtype=torch.long)
        return {"input_ids": joined, "offsets": torch.from_numpy(ends[:-1])}

    def weights(self) -> Floats:
        """Give the learned vectors: (n_pieces, dim_each) float32."""
        return np.asarray(self.embedding.embedding.weight.detach().numpy())


def compress(weights: Floats, telling: Floats, dim: int) -> Floats:
    """Project vectors to the directions that carry most, the first ones most of all.

    Args:
        weights: (n_pieces, n) float32.
        telling: (n_pieces,) how often a piece is met, for the weighing.
        dim: of the result, at most n.

    Returns:
        (n_pieces, dim) float32. Shorter vectors are the first components of longer ones.
    """
    weighed = weights * np.sqrt(telling)[:, None]
    _, axes = np.linalg.eigh((weighed.T @ weighed).astype(np.float64))
    return np.asarray(weights @ axes[:, ::-1][:, :dim], dtype=np.float32)


def train(chosen: Settings, held: Corpus) -> SentenceTransformer:
    """Train a model of each seed, join them and compress."""
    words, _ = vocabulary(held.every(), chosen.least)
    parts: list[Floats] = []
    for seed in chosen.seeds:
        _log.info("种子 %d，词表 %d 项", seed, len(words))
        trainer = Trainer(chosen, held, seed)
        trainer.run()
        parts.append(trainer.weights())
    known = {word: at for at, word in enumerate(words)}
    met = np.zeros(len(words), dtype=np.float32)
    for text in held.every():
        for piece in pieces(text):
            met[known.get(piece, 0)] += 1
    met[0] = 0
    return new_model(words, compress(np.hstack(parts), met, chosen.dim))


def save(model: SentenceTransformer, folder: Path, chosen: Settings, held: Corpus) -> None:
    """Write the model folder with its card."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save(str(folder), create_model_card=False)
    card = Template((DATA / "model_card.md").read_text(encoding="utf-8"))
    text = card.substitute(
        date=date.today(), pieces=cast(PieceEmbedding, model[0]).num_embeddings, dim=chosen.dim,
        entries=len(held.texts), requirements=len(set(held.owners)), groups=len(held.groups),
        seeds="、".join(map(str, chosen.seeds)), steps=chosen.steps,
    )  # fmt: skip
    (folder / "README.md").write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and write; exit code 2 where the data are wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m knowledge.train", description="训练自带的句向量模型"
    )
    parser.add_argument("--out", type=Path, default=FOLDER, help="写到哪个文件夹（默认覆盖自带的）")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    started = time.perf_counter()
    try:
        chosen, held = settings(), corpus()
    except DataError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    save(train(chosen, held), given.out, chosen, held)
    _log.info("用时 %.0f 秒，写到 %s", time.perf_counter() - started, given.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
