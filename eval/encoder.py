"""Measures what the built-in sentence encoder knows beside shared characters.

`python -m eval.encoder` takes the paraphrase groups no model has learned from: is a wording nearer
to another wording of its group than to a sentence that only looks alike, and is it found among
those of all groups? Constructed texts.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from eval.retrieval import downloaded
from knowledge import paraphrase
from knowledge.datafile import DataError
from knowledge.encoder import Encoder, embedded, unit_rows
from knowledge.paraphrase import Group
from knowledge.postings import Floats
from knowledge.text import ngrams, plain


class CharacterPairs:
    """The baseline: cosine of counted characters and pairs of characters."""

    name = "字串相同的多少"

    def __init__(self, texts: Sequence[str]) -> None:
        """Take the texts whose pieces are counted."""
        cut = (ngrams(plain(text), (1, 2)) for text in texts)
        self._places = {
            piece: at for at, piece in enumerate(dict.fromkeys(p for c in cut for p in c))
        }
        self.dim = len(self._places)

    def encode(self, texts: list[str]) -> Floats:
        """Give (n, dim) float32, rows of length 1 (or 0)."""
        rows = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for piece, count in Counter(ngrams(plain(text), (1, 2))).items():
                if piece in self._places:
                    row[self._places[piece]] = count
        return unit_rows(rows)


@dataclass(frozen=True)
class Row:
    """Figures of one encoder: shares of 0 to 1, and how many they are taken over.

    ``triplets``: a wording lies nearer to one of its group than to one that is apart.
    ``found``: a wording's nearest of all other texts (those apart included) is of its group.
    """

    name: str
    triplets: float
    n_triplets: int
    found: float
    n_found: int


def measure(groups: Sequence[Group], encoder: Encoder) -> Row:
    """Count over groups.

    Raises:
        DataError: no group.
    """
    if not groups:
        raise DataError("没有测试用的同义句组，量不出结果")
    texts = [text for group in groups for text in (*group.texts, *group.apart)]
    group_of = [at for at, group in enumerate(groups) for _ in (*group.texts, *group.apart)]
    means = [place < len(g.texts) for g in groups for place in range(len(g.texts) + len(g.apart))]
    near = (rows := encoder.encode(texts)) @ rows.T
    right = total = 0
    for at in range(len(groups)):
        same = [n for n, g in enumerate(group_of) if g == at and means[n]]
        apart = [n for n, g in enumerate(group_of) if g == at and not means[n]]
        for one, other in combinations(same, 2):
            right += sum(near[one, other] > near[one, third] for third in apart)
            total += len(apart)
    np.fill_diagonal(near, -1)
    asked = [n for n, wording in enumerate(means) if wording]
    hits = [means[best] and group_of[best] == group_of[n] for n in asked
            for best in (int(near[n].argmax()),)]  # fmt: skip
    return Row(encoder.name, right / total, total, sum(hits) / len(hits), len(hits))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; exit code 2 where the data or the model are wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m eval.encoder", description="句向量模型的同义判断"
    )
    parser.add_argument("--encoder", metavar="模型", help="另比一个 sentence-transformers 模型")
    given = parser.parse_args(arguments)
    try:
        groups = [group for group in paraphrase.load() if group.split == "test"]
        every = [text for group in groups for text in (*group.texts, *group.apart)]
        models: list[Encoder] = [CharacterPairs(every), embedded()]
        other = downloaded(given.encoder)
        rows = [measure(groups, one) for one in (*models, *([other] if other else []))]
    except DataError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(
        f"同义句组 {len(groups)} 组（自拟，训练时没用过）\n近似判断\t最近的同组\t模型\n"
    )
    for row in rows:
        name = row.name if not row.name.startswith("embedded") else "自带句向量模型"
        sys.stdout.write(f"{row.triplets:.1%}\t{row.found:.1%}\t{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
