"""Makes the classifiers' weights from the training sentences: `python -m grading.train`.

Used by builders only; nothing imports it. Seeded, takes about a minute on two cores.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grading import classifier, level_store, train_cases, train_levels
from grading.classifier import FOLDER, Classifier, save
from grading.features import pieces
from grading.train_cases import Case, Sentence
from grading.train_levels import Sample
from knowledge.datafile import DataError, json_lines, read_text
from knowledge.text import plain

TRAIN = Path(__file__).parent / "data" / "train"
_LEAST_SENTENCES = 2
_MOST_WEIGHTS = 120_000
_STRENGTH = {"violations": 30.0, "signals": 6.0, "tricks": 30.0}
_WEIGHTS = {"tricks": {"plain": 1, "trick": 3}}  # balanced would see tricks everywhere
_EXCLUSIVE = ("violations", "tricks")
_TOLERANCE = 3e-4  # finer costs minutes and gains nothing that can be measured
_FOLDS = 3
_BREACHES = {"sarcasm": "sarcasm", "hidden_threat": "threat"}


def sentences(task: str, folder: Path = TRAIN, skip: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Load the training sentences of a task, files in ``skip`` left out, repeats once.

    Raises:
        DataError: a broken line, or no sentence at all.
    """
    rows: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob(f"{task}_*.jsonl")):
        if path.name in skip:
            continue
        for number, value in json_lines(read_text(path)):
            if not isinstance(value, dict) or "text" not in value:
                raise DataError(f"{path.name} 第 {number} 行缺少 text")
            rows.setdefault(plain(value["text"]), value)
    if not rows:
        raise DataError(f"{folder} 里没有 {task} 的训练句")
    if task == "violations":
        for row in sentences("signals", folder, skip):
            if row["signals"]:
                rows.setdefault(plain(row["text"]), {"kind": "clean", **row})
    return list(rows.values())


def fit(task: str, rows: Sequence[dict[str, Any]]) -> Classifier:
    """Fit one classifier: breaches exclusive with ``clean``, signals each by itself."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.preprocessing import MultiLabelBinarizer

    vectorizer = TfidfVectorizer(
        analyzer=lambda norm: list(pieces(norm)), sublinear_tf=True, min_df=_LEAST_SENTENCES
    )
    table = vectorizer.fit_transform([plain(row["text"]) for row in rows])
    line = LogisticRegression(
        C=_STRENGTH[task], max_iter=3000, tol=_TOLERANCE, random_state=0,
        class_weight=_WEIGHTS.get(task, "balanced"),
    )  # fmt: skip
    if task in _EXCLUSIVE:
        line.fit(table, [row["kind"] for row in rows])
        labels, weights, bias = line.classes_, line.coef_.T, line.intercept_
        if len(labels) == 2:  # one line for both: the first kind gets nothing
            weights = np.hstack([np.zeros_like(weights), weights])
            bias = np.concatenate([np.zeros_like(bias), bias])
    else:
        binarizer = MultiLabelBinarizer()
        many = OneVsRestClassifier(line).fit(
            table, binarizer.fit_transform([r["signals"] for r in rows])
        )
        labels = binarizer.classes_
        weights = np.hstack([part.coef_.T for part in many.estimators_])
        bias = np.concatenate([part.intercept_ for part in many.estimators_])
    return _pruned(labels, vectorizer, weights, bias, exclusive=task in _EXCLUSIVE)


def _pruned(
    labels: Sequence[str],
    vectorizer: Any,  # noqa: ANN401
    weights: Any,  # noqa: ANN401
    bias: Any,  # noqa: ANN401
    *,
    exclusive: bool,
) -> Classifier:
    """Keep the pieces that weigh most; the rest change little and cost size."""
    words = vectorizer.get_feature_names_out()
    order = np.argsort(-np.abs(weights).max(axis=1) * vectorizer.idf_)[:_MOST_WEIGHTS]
    order.sort()
    return Classifier(
        labels=tuple(str(label) for label in labels),
        vocabulary={str(words[at]): place for place, at in enumerate(order)},
        idf=vectorizer.idf_[order].astype(np.float32),
        weights=weights[order].astype(np.float32),
        bias=np.asarray(bias, dtype=np.float32),
        exclusive=exclusive,
    )


def graded_rows(found: Sequence[Sentence]) -> list[dict[str, Any]]:
    """Give the sentences of graded replies as training rows, repeats once."""
    rows = {plain(part.text): {"text": part.text, "kind": part.kind} for part in found}
    return list(rows.values())


def trick_rows(folder: Path = TRAIN) -> list[dict[str, Any]]:
    """Give stretches of tricks and of honest replies as training rows."""
    rows = {plain(s.text): {"text": s.text, "kind": "plain"}
            for s in train_cases.stretches_of(train_cases.load(folder))}  # fmt: skip
    for row in sentences("signals", folder):
        rows.setdefault(plain(row["text"]), {"text": row["text"], "kind": "plain"})
    for trick in train_cases.snippets(folder):
        if trick.kind in _BREACHES:
            continue
        for text in train_cases.cut(trick.text):
            rows[plain(text)] = {"text": text, "kind": "trick"}
    return list(rows.values())


def unseen_samples(found: Sequence[Case], breaches: Sequence[dict[str, Any]]) -> list[Sample]:
    """Read every case with a classifier of breaches that has not learned from its replies.

    Else the level model would trust that classifier more than it deserves.
    """
    made: list[Sample] = []
    tricks = train_cases.snippets(TRAIN)
    for fold in range(_FOLDS):
        mine = [case for at, case in enumerate(found) if at % _FOLDS == fold]
        others = [case for at, case in enumerate(found) if at % _FOLDS != fold]
        rows = [*breaches, *graded_rows(list(train_cases.sentences(others)))]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            save(fit("violations", rows), folder / "violations.npz")
            for task in ("signals", "tricks"):
                save(classifier.load(task), folder / f"{task}.npz")
            with classifier.using(folder):
                made += train_levels.samples(mine)
                bad = train_cases.attacked(mine, tricks, seed=fold)
                made += train_levels.samples(bad, is_attacked=True)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Fit and write the classifiers and the level model."""
    parser = argparse.ArgumentParser(
        prog="python -m grading.train", description="训练评分用的分类器"
    )
    parser.add_argument("--out", type=Path, default=FOLDER, help="写到哪个目录")
    out: Path = parser.parse_args(argv).out
    out.mkdir(parents=True, exist_ok=True)
    found = list(train_cases.load(TRAIN))
    written = sentences("violations")
    graded = graded_rows(list(train_cases.sentences(found)))
    written += [
        {"text": trick.text, "kind": kind}
        for trick in train_cases.snippets(TRAIN)
        if (kind := _BREACHES.get(trick.kind))
    ]
    tasks = {
        "violations": [*written, *graded], "signals": sentences("signals"), "tricks": trick_rows(),
    }  # fmt: skip
    for task, rows in tasks.items():
        model = fit(task, rows)
        save(model, out / f"{task}.npz")
        sys.stdout.write(
            f"{task}：{len(rows)} 句，{len(model.vocabulary)} 个特征，{len(model.labels)} 类\n"
        )
    with classifier.using(out):
        samples = unseen_samples(found, written)
    learned = train_levels.fit(samples)
    level_store.save(learned, out / f"{level_store.NAME}.npz")
    sys.stdout.write(
        f"{level_store.NAME}：{len(samples)} 条回复，{len(learned.vocabulary)} 个特征，"
        f"{len(learned.names)} 个指标\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
