"""What a grader must beat: the commonest level, and a regression on polite words and length.

Both are fitted on the development cases. Knows texts and levels; nothing of the grader.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field
from sklearn.linear_model import Ridge

from knowledge.datafile import Entry, parse, read_yaml

WORDS = Path(__file__).parent / "baseline.yaml"


class Words(Entry):
    """The whole of baseline.yaml: groups of words to count, and how strongly to shrink."""

    shrink: float = Field(gt=0)
    groups: Annotated[dict[str, tuple[str, ...]], Field(min_length=1)]


@functools.lru_cache(maxsize=2)
def words(path: Path = WORDS) -> Words:
    """Load the words (cached).

    Raises:
        DataError: unreadable, or an unknown key.
    """
    return parse(Words, read_yaml(path), path.name)


def features(text: str) -> list[float]:
    """Give how often each group's words stand in a text, its length and the length's logarithm."""
    counts = [float(sum(text.count(w) for w in group)) for group in words().groups.values()]
    return [*counts, float(len(text)), math.log1p(len(text))]


@dataclass(frozen=True)
class Baseline:
    """A fitted pair of baselines; ``model`` is null where there were too few texts to fit one."""

    constant: int
    model: Ridge | None

    def by_words(self, texts: Sequence[str]) -> list[int | None]:
        """Give the level, 0-4, that the regression expects of each text."""
        if self.model is None or not texts:
            return [None] * len(texts)
        expected = self.model.predict([features(text) for text in texts])
        return [min(4, max(0, round(float(value)))) for value in expected]


def fit(texts: Sequence[str], labels: Sequence[int | None]) -> Baseline | None:
    """Fit on the texts that carry a level; None where none does.

    Of levels that are equally common the lower one is the constant.
    """
    kept = [(text, label) for text, label in zip(texts, labels, strict=True) if label is not None]
    if not kept:
        return None
    counts = Counter(label for _, label in kept)
    constant = min(counts, key=lambda level: (-counts[level], level))
    model = None
    if len(kept) > 1:
        model = Ridge(alpha=words().shrink)
        model.fit([features(text) for text, _ in kept], [label for _, label in kept])
    return Baseline(constant, model)
