"""Fits the level model from replies that carry levels; part of ``python -m grading.train``.

Seeded, some seconds. Used by builders only; nothing else imports it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from grading.grade import look
from grading.level_features import Seen
from grading.levels import LevelModel
from grading.result import DIMENSIONS, Channel, GradeRow, Turn
from knowledge.datafile import Entry, json_lines, parse, read_text

NULL = "empathy_null"
_DENSE_SCALE = 0.06  # the named numbers beside the words: more of them overfits the writers' cases
_ALPHA = 0.8
_NULL_ALPHA = 2.0
_LEAST_REPLIES = 2
_FOLDS = 5
_SPREAD = 0.3  # added to each deviation: a rare flag must not weigh like a common one
Level = int | None
Matrix = Any  # scipy's sparse matrices have no types


class Graded(Entry):
    """One reply with its constructed levels."""

    text: str
    empathy: Level = Field(ge=0, le=4)
    politeness: Level = Field(ge=0, le=4)
    procedure: Level = Field(ge=0, le=4)
    faults: tuple[str, ...] = ()


class Case(Entry):
    """One history with its replies."""

    id: str
    channel: Channel
    trade: str
    history: tuple[Turn, ...]
    card: tuple[str, ...]
    replies: tuple[Graded, ...]
    source: str


@dataclass(frozen=True)
class Sample:
    """What is learned from: a reply as seen, its levels (None left out), its case."""

    seen: Seen
    levels: dict[str, float | None]
    case: str


def cases(folder: Path) -> Iterator[Case]:
    """Load the cases of a folder's ``levels_*.jsonl``.

    Raises:
        DataError: a broken line.
    """
    for path in sorted(folder.glob("levels_*.jsonl")):
        for number, value in json_lines(read_text(path)):
            yield parse(Case, value, f"{path.name} 第 {number} 行")


def samples(found: Iterator[Case]) -> list[Sample]:
    """Read every reply as the grader does; those it cannot score are left out."""
    made: list[Sample] = []
    for case in found:
        staff = any(turn.role == "staff" for turn in case.history)
        for reply in case.replies:
            row = GradeRow(
                channel=case.channel, history=list(case.history), reply=reply.text,
                card=list(case.card),
            )  # fmt: skip
            looked = look(row, staff=staff)
            if looked is None:
                continue
            levels: dict[str, float | None] = {name: getattr(reply, name) for name in DIMENSIONS}
            levels[NULL] = float(reply.empathy is None)
            made.append(Sample(looked.seen(), levels, case.id))
    return made


def fit(found: Sequence[Sample]) -> LevelModel:
    """Fit the model: ridge regression, stretched so that its levels spread as the labels do."""
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GroupKFold

    outputs = (*DIMENSIONS, NULL)
    dense, names, mean, spread = _dense(found)
    words, vocabulary, idf = _words(found)
    from scipy.sparse import csr_matrix, hstack

    table = hstack([csr_matrix(dense * _DENSE_SCALE), words]).tocsr()
    groups = np.array([sample.case for sample in found])
    parts: list[tuple[npt.NDArray[np.float64], float, float, float]] = []
    for output in outputs:
        goal = np.array([np.nan if s.levels[output] is None else s.levels[output] for s in found])
        kept = np.flatnonzero(~np.isnan(goal))
        ridge = Ridge(alpha=_NULL_ALPHA if output == NULL else _ALPHA)
        guessed = np.zeros(len(goal))
        for learn, check in GroupKFold(_FOLDS).split(kept, groups=groups[kept]):
            ridge.fit(table[kept[learn]], goal[kept[learn]])
            guessed[kept[check]] = ridge.predict(table[kept[check]])
        wide = goal[kept].std() / max(0.1, guessed[kept].std()) * 0.9
        ridge.fit(table[kept], goal[kept])
        stretch = 1.0 if output == NULL else float(wide)
        parts.append((ridge.coef_, float(ridge.intercept_), stretch, float(goal[kept].mean())))
    coefficients = np.stack([part[0] for part in parts], axis=1).astype(np.float32)
    size = len(names)
    return LevelModel(
        outputs=outputs, names=names, mean=mean, spread=spread,
        dense=coefficients[:size] * np.float32(_DENSE_SCALE), vocabulary=vocabulary, idf=idf,
        weights=coefficients[size:],
        bias=np.array([p[1] for p in parts], dtype=np.float32),
        stretch=np.array([p[2] for p in parts], dtype=np.float32),
        centre=np.array([p[3] for p in parts], dtype=np.float32),
    )  # fmt: skip


def _dense(found: Sequence[Sample]) -> tuple[Any, dict[str, int], Any, Any]:
    """Give the named numbers, standardised, with what standardises them."""
    names = {name: at for at, name in enumerate(sorted({n for s in found for n in s.seen.dense}))}
    table = np.zeros((len(found), len(names)), dtype=np.float32)
    for row, sample in enumerate(found):
        for name, value in sample.seen.dense.items():
            table[row, names[name]] = value
    mean, spread = table.mean(axis=0), table.std(axis=0) + np.float32(_SPREAD)
    return (table - mean) / spread, names, mean, spread


def _words(found: Sequence[Sample]) -> tuple[Matrix, dict[str, int], Any]:
    """Give tf-idf rows over the pieces of at least two replies."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    def counted(sample: Sample) -> list[str]:
        whole: Counter[str] = Counter()
        for _, _, counts in sample.seen.stretches:
            whole.update(counts)
        return list(whole.elements())

    vectorizer = TfidfVectorizer(analyzer=counted, sublinear_tf=True, min_df=_LEAST_REPLIES)
    table = vectorizer.fit_transform(found)
    names = vectorizer.get_feature_names_out()
    vocabulary = {str(name): at for at, name in enumerate(names)}
    return table, vocabulary, vectorizer.idf_.astype(np.float32)
