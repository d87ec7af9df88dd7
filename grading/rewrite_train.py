"""Makes the weights of what a trainer keeps: ``python -m grading.rewrite_train``.

Used by builders only. Learns from the graded training replies: a stretch is worth keeping where
the reply's mean level is 2.5 or more and no marked fault stands in it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from grading.classifier import FOLDER, Classifier, save
from grading.detect import read
from grading.rewrite_keep import MODEL, around, grams, traits
from grading.stretches import stretches
from grading.train import TRAIN
from grading.train_cases import Case, load
from knowledge.text import plain

_GOOD_LEVEL = 2.5
_STRENGTH = 3.0
_TRAIT_SCALE = 0.5
_MOST_WEIGHTS = 60_000


def samples(rows: Iterable[Case]) -> Iterator[tuple[str, dict[str, float], bool]]:
    """Give (stretch, traits, worth keeping) of every graded reply."""
    for case in rows:
        for graded in case.replies:
            text = graded.text
            row = case.row(text)
            others = [plain(t.text) for t in row.history if t.role != "agent"]
            near = around(row, said="\n".join(others), last=others[-1] if others else "")
            levels = (graded.empathy, graded.politeness, graded.procedure)
            known = [level for level in levels if level is not None]
            words = [*graded.faults, *(breach.text for breach in graded.breaches or ())]
            faults = [(text.find(f), text.find(f) + len(f)) for f in words if f in text]
            reading = read(text)
            for start, end in stretches(reading):
                low, high = reading.text.span(start, end)
                faulty = any(a < high and low < b for a, b in faults)
                good = bool(known) and sum(known) / len(known) >= _GOOD_LEVEL and not faulty
                yield reading.norm[start:end], traits(reading, (start, end), near), good


def fit(found: Sequence[tuple[str, dict[str, float], bool]]) -> tuple[Classifier, dict[str, float]]:
    """Fit words and traits together.

    Returns:
        The classifier of the words, and what each trait adds to the log odds.
    """
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = TfidfVectorizer(
        analyzer=lambda norm: list(grams(norm).elements()), sublinear_tf=True, min_df=2
    )
    table = vectorizer.fit_transform([text for text, _, _ in found])
    names = list(found[0][1])
    more = np.array([[one[name] for name in names] for _, one, _ in found])
    line = LogisticRegression(C=_STRENGTH, max_iter=3000, random_state=0)
    line.fit(hstack([table, csr_matrix(more * _TRAIT_SCALE)]).tocsr(), [g for _, _, g in found])
    words = vectorizer.get_feature_names_out()
    weights = line.coef_[0][: len(words)]
    order = np.sort(np.argsort(-np.abs(weights) * vectorizer.idf_)[:_MOST_WEIGHTS])
    model = Classifier(
        labels=(MODEL,),
        vocabulary={str(words[at]): place for place, at in enumerate(order)},
        idf=vectorizer.idf_[order].astype(np.float32),
        weights=weights[order, None].astype(np.float32),
        bias=np.asarray(line.intercept_, dtype=np.float32),
        exclusive=False,
    )
    added = cast("list[float]", (line.coef_[0][len(words) :] * _TRAIT_SCALE).tolist())
    return model, dict(zip(names, added, strict=True))


def main(argv: Sequence[str] | None = None) -> int:
    """Fit, write the words' weights, and print what belongs into rewrite_turns.yaml."""
    parser = argparse.ArgumentParser(
        prog="python -m grading.rewrite_train", description="训练“哪些原话值得留”的模型"
    )
    parser.add_argument("--out", type=Path, default=FOLDER, help="写到哪个目录")
    out: Path = parser.parse_args(argv).out
    out.mkdir(parents=True, exist_ok=True)
    found = list(samples(load(TRAIN)))
    model, added = fit(found)
    save(model, out / f"{MODEL}.npz")
    told = ", ".join(f"{name}: {value:.2f}" for name, value in added.items())
    sys.stdout.write(f"{MODEL}：{len(found)} 段，{len(model.vocabulary)} 个特征\n")
    sys.stdout.write(f"请把这一行写进 rewrite_turns.yaml 的 keep：traits: {{{told}}}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
