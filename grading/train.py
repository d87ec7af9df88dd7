"""Makes the classifiers' weights from the training sentences: `python -m grading.train`.

Used by builders only; nothing imports it. Seeded, takes about a minute on two cores.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grading import levels, train_levels
from grading.classifier import FOLDER, Classifier, save
from grading.features import pieces
from knowledge.datafile import DataError, json_lines, read_text
from knowledge.text import plain

TRAIN = Path(__file__).parent / "data" / "train"
_LEAST_SENTENCES = 2
_MOST_WEIGHTS = 120_000
_STRENGTH = {"violations": 30.0, "signals": 6.0}


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
        C=_STRENGTH[task], max_iter=3000, class_weight="balanced", random_state=0
    )
    if task == "violations":
        line.fit(table, [row["kind"] for row in rows])
        labels, weights, bias = line.classes_, line.coef_.T, line.intercept_
    else:
        binarizer = MultiLabelBinarizer()
        many = OneVsRestClassifier(line).fit(
            table, binarizer.fit_transform([r["signals"] for r in rows])
        )
        labels = binarizer.classes_
        weights = np.hstack([part.coef_.T for part in many.estimators_])
        bias = np.concatenate([part.intercept_ for part in many.estimators_])
    return _pruned(labels, vectorizer, weights, bias, exclusive=task == "violations")


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


def main(argv: Sequence[str] | None = None) -> int:
    """Fit and write the classifiers."""
    parser = argparse.ArgumentParser(
        prog="python -m grading.train", description="训练评分用的分类器"
    )
    parser.add_argument("--out", type=Path, default=FOLDER, help="写到哪个目录")
    out: Path = parser.parse_args(argv).out
    out.mkdir(parents=True, exist_ok=True)
    for task in _STRENGTH:
        rows = sentences(task)
        model = fit(task, rows)
        save(model, out / f"{task}.npz")
        sys.stdout.write(
            f"{task}：{len(rows)} 句，{len(model.vocabulary)} 个特征，{len(model.labels)} 类\n"
        )
    found = train_levels.samples(train_levels.cases(TRAIN))
    learned = train_levels.fit(found)
    levels.save(learned, out / f"{levels.NAME}.npz")
    sys.stdout.write(
        f"{levels.NAME}：{len(found)} 条回复，{len(learned.vocabulary)} 个特征，"
        f"{len(learned.names)} 个指标\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
