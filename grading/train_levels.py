"""Fits the level model from replies that carry levels; part of ``python -m grading.train``.

Seeded, a minute or two. Used by builders only; nothing else imports it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from grading.features import pieces
from grading.grade import look
from grading.level_features import Seen
from grading.levels import LevelModel
from grading.result import DIMENSIONS
from grading.train_cases import Case, levels
from grading.trees import Trees

NULL = "empathy_null"
OUTPUTS = (*DIMENSIONS, NULL)
_DENSE_SCALE = 0.06  # the named numbers beside the words: more of them overfits the writers' cases
_ALPHA = 0.8
_NULL_ALPHA = 2.0
_LEAST_REPLIES = 2
_FOLDS = 5
_SPREAD = 0.3  # added to each deviation: a rare flag must not weigh like a common one
_TREE_SHARE = 0.6
_FAR = 1.5
_READ_WEIGHT = (
    4.0  # cases written to be hard and read by the anchors, beside those made level by level
)
_TREES: dict[str, Any] = {
    "n_estimators": 300, "learning_rate": 0.04, "max_depth": 4, "subsample": 0.5,
    "max_features": 0.15, "min_samples_leaf": 8, "random_state": 0,
}  # fmt: skip
Matrix = Any  # scipy's sparse matrices have no types
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """What is learned from: a reply as seen, its levels (None left out), its case."""

    seen: Seen
    levels: dict[str, float | None]
    case: str
    weight: float = 1.0


def samples(found: Iterable[Case], *, is_attacked: bool = False) -> list[Sample]:
    """Read every reply as the grader does; those it cannot score are left out.

    Args:
        found: the cases.
        is_attacked: these are copies with a trick added; the tricks are left in, as if they had
            not been found out.
    """
    made: list[Sample] = []
    for case in found:
        for reply in case.replies:
            looked = look(case.row(reply.text), staff=case.staff, guarded=not is_attacked)
            if looked is None:
                continue
            worth = levels(reply, is_attacked=is_attacked)
            worth[NULL] = float(worth["empathy"] is None)
            weight = _READ_WEIGHT if reply.breaches is not None else 1.0
            made.append(Sample(looked.seen(), worth, case.id, weight))
    return made


@dataclass(frozen=True)
class _Table:
    """The samples as numbers: ``linear`` is what ridge sees, ``found`` the named numbers raw."""

    linear: Matrix
    found: npt.NDArray[np.float32]
    names: dict[str, int]
    mean: npt.NDArray[np.float32]
    spread: npt.NDArray[np.float32]
    vocabulary: dict[str, int]
    idf: npt.NDArray[np.float32]
    groups: npt.NDArray[np.str_]
    weights: npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Line:
    """One output's linear part, and what it says of samples it has not seen."""

    weights: Doubles
    bias: float
    unseen: Doubles


def fit(found: Sequence[Sample]) -> LevelModel:
    """Fit the model: ridge, trees over its unseen guesses, stretched to spread as the labels do."""
    table = _tabled(found)
    goals = {
        name: np.array([np.nan if (v := s.levels[name]) is None else v for s in found])
        for name in OUTPUTS
    }
    lines = [_line(table, goals[name], _NULL_ALPHA if name == NULL else _ALPHA) for name in OUTPUTS]
    rows = np.hstack([table.found, np.stack([line.unseen for line in lines], axis=1)])
    trees, stretch, centre, middle, guesses = [], [], [], [], []
    for name, line in zip(OUTPUTS, lines, strict=True):
        grown, unseen = _grown(rows, goals[name], table)
        joined = _TREE_SHARE * unseen + (1 - _TREE_SHARE) * line.unseen
        kept = np.flatnonzero(~np.isnan(goals[name]) & (table.weights > 1))
        wide = goals[name][kept].std() / max(0.1, joined[kept].std()) * 0.95
        trees.append(grown)
        stretch.append(1.0 if name == NULL else float(wide))
        centre.append(float(joined[kept].mean()))
        middle.append(float(goals[name][kept].mean()))
        guesses.append(np.clip((joined - centre[-1]) * stretch[-1] + middle[-1], -0.5, 4.5))
    weights = np.stack([line.weights for line in lines], axis=1).astype(np.float32)
    size = len(table.names)
    return LevelModel(
        outputs=OUTPUTS, names=table.names, mean=table.mean, spread=table.spread,
        dense=weights[:size] * np.float32(_DENSE_SCALE), vocabulary=table.vocabulary,
        idf=table.idf, weights=weights[size:],
        bias=np.array([line.bias for line in lines], dtype=np.float32),
        stretch=np.array(stretch, dtype=np.float32), centre=np.array(centre, dtype=np.float32),
        middle=np.array(middle, dtype=np.float32),
        trees=_laid_out(trees), tree_share=_TREE_SHARE,
        doubt=_doubting(rows, np.stack(guesses, axis=1), goals),
    )  # fmt: skip


def _doubting(rows: Any, guesses: Doubles, goals: dict[str, Doubles]) -> Trees:  # noqa: ANN401
    """Fit how likely a level is far from its label, from guesses on samples not seen."""
    from sklearn.ensemble import GradientBoostingRegressor

    far = np.stack([np.abs(guesses[:, at] - goals[n]) for at, n in enumerate(DIMENSIONS)], axis=1)
    wrong = (np.nan_to_num(far) >= _FAR).any(axis=1).astype(float)
    model = GradientBoostingRegressor(**_TREES | {"n_estimators": 150, "max_depth": 3})
    return _laid_out([model.fit(np.hstack([rows, guesses]), wrong)])


def _line(table: _Table, goal: Doubles, alpha: float) -> _Line:
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GroupKFold

    kept = np.flatnonzero(~np.isnan(goal))
    heavy = table.weights
    ridge = Ridge(alpha=alpha).fit(table.linear[kept], goal[kept], heavy[kept])
    weights, bias = ridge.coef_.copy(), float(ridge.intercept_)
    unseen = ridge.predict(table.linear)  # of those without a level nothing was learned
    for learn, check in GroupKFold(_FOLDS).split(kept, groups=table.groups[kept]):
        ridge.fit(table.linear[kept[learn]], goal[kept[learn]], heavy[kept[learn]])
        unseen[kept[check]] = ridge.predict(table.linear[kept[check]])
    return _Line(weights, bias, unseen)


def _grown(rows: Any, goal: Doubles, table: _Table) -> tuple[Any, Doubles]:  # noqa: ANN401
    """Give fitted trees for one output, and what their like say of samples not seen."""
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.model_selection import GroupKFold

    kept, heavy = np.flatnonzero(~np.isnan(goal)), table.weights
    unseen = np.full(len(goal), float(goal[kept].mean()))
    for learn, check in GroupKFold(_FOLDS).split(kept, groups=table.groups[kept]):
        part = GradientBoostingRegressor(**_TREES)
        part.fit(rows[kept[learn]], goal[kept[learn]], heavy[kept[learn]])
        unseen[kept[check]] = part.predict(rows[kept[check]])
    whole = GradientBoostingRegressor(**_TREES).fit(rows[kept], goal[kept], heavy[kept])
    return whole, unseen


def _laid_out(models: Sequence[Any]) -> Trees:
    """Lay the trees of fitted models, one an output, end to end."""
    names = ("feature", "limit", "left", "right", "value", "root")
    parts: dict[str, list[Any]] = {name: [] for name in names}
    depth, at = 0, 0
    for model in models:
        for (one,) in model.estimators_:
            tree = one.tree_
            leaf = tree.children_left < 0
            here = np.arange(tree.node_count)
            parts["feature"].append(np.where(leaf, 0, tree.feature))
            parts["limit"].append(np.where(leaf, 0.0, tree.threshold))
            parts["left"].append(np.where(leaf, here, tree.children_left) + at)
            parts["right"].append(np.where(leaf, here, tree.children_right) + at)
            parts["value"].append(tree.value[:, 0, 0] * model.learning_rate)
            parts["root"].append(np.array([at]))
            depth, at = max(depth, tree.max_depth), at + tree.node_count
    kinds = {"limit": np.float64, "value": np.float32}
    arrays = {k: np.concatenate(v).astype(kinds.get(k, np.int32)) for k, v in parts.items()}
    arrays["root"] = arrays["root"].reshape(len(models), -1)
    base = np.array([np.ravel(model.init_.constant_)[0] for model in models], dtype=np.float32)
    return Trees(**arrays, depth=depth, base=base)


def _tabled(found: Sequence[Sample]) -> _Table:
    from scipy.sparse import csr_matrix, hstack

    names = {name: at for at, name in enumerate(sorted({n for s in found for n in s.seen.dense}))}
    table = np.zeros((len(found), len(names)), dtype=np.float32)
    for row, sample in enumerate(found):
        for name, value in sample.seen.dense.items():
            table[row, names[name]] = value
    mean, spread = table.mean(axis=0), table.std(axis=0) + np.float32(_SPREAD)
    words, vocabulary, idf = _words(found)
    linear = hstack([csr_matrix((table - mean) / spread * _DENSE_SCALE), words]).tocsr()
    groups = np.array([sample.case for sample in found])
    weights = np.array([sample.weight for sample in found])
    return _Table(linear, table, names, mean, spread, vocabulary, idf, groups, weights)


def _words(found: Sequence[Sample]) -> tuple[Matrix, dict[str, int], Any]:
    """Give tf-idf rows over the pieces of at least two replies."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    def counted(sample: Sample) -> list[str]:
        whole: Counter[str] = Counter()
        for _, _, text in sample.seen.stretches:
            whole.update(pieces(text))
        return list(whole.elements())

    vectorizer = TfidfVectorizer(analyzer=counted, sublinear_tf=True, min_df=_LEAST_REPLIES)
    table = vectorizer.fit_transform(found)
    names = vectorizer.get_feature_names_out()
    vocabulary = {str(name): at for at, name in enumerate(names)}
    return table, vocabulary, vectorizer.idf_.astype(np.float32)
