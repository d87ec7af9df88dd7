"""The suites of what is found: signals, violations, better-worse pairs, requirements by search.

Knows cases and counts; the finding is the product's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ir_measures
import numpy as np
from ir_measures import RR, Qrel, ScoredDoc, Success, nDCG

from eval import metrics, retrieval
from eval.grading import SIGNALS
from eval.metrics import Measured
from eval.suites import Ask, Suite, Worst, title
from eval.suites_cases import (
    PairCase,
    SignalCase,
    ViolationCase,
    ViolationLabel,
    load,
    path_of,
)
from grading.grade import grade
from grading.result import DIMENSIONS, Grade, Violation
from knowledge.datafile import fingerprint
from knowledge.retrieval import Retriever

_WORST = 20
Kinds = tuple[set[str], set[str]]  # expected and found, of one reply


def kinds(cases: Sequence[str], pairs: Sequence[Kinds], *, seed: int) -> dict[str, Measured]:
    """Give F1, precision and recall over all kinds, and F1 of each.

    Args:
        cases: the case of each reply.
        pairs: kinds expected and found in each reply.
        seed: of the resampling.
    """
    names = sorted({name for pair in pairs for name in (*pair[0], *pair[1])})
    counts = np.zeros((len(pairs), len(names), 3))
    for at, (wanted, found) in enumerate(pairs):
        for place, name in enumerate(names):
            counts[at, place] = [
                name in wanted and name in found, name in wanted - found, name in found - wanted
            ]  # fmt: skip
    micro = metrics.by_case(cases, counts.sum(axis=1), seed=seed)
    there = micro.total[:2].sum()
    result = {
        "f1": micro.measure(metrics.f1, there),
        "precision": micro.measure(metrics.ratio([0], [0, 2]), micro.total[0] + micro.total[2]),
        "recall": micro.measure(metrics.ratio([0], [0, 1]), there),
    }
    for place, name in enumerate(names):
        drawn = metrics.by_case(cases, counts[:, place], seed=seed)
        result[f"kind.{name}.f1"] = drawn.measure(metrics.f1, drawn.total[:2].sum())
    return result


def fatal(
    cases: Sequence[str],
    pairs: Sequence[tuple[Sequence[ViolationLabel], Sequence[Violation]]], *, seed: int,
) -> dict[str, Measured]:  # fmt: skip
    """Give how many replies with a fatal error are known as such, and how many so called are.

    The kind need not be the same: what counts is that the reply is fatal.
    """
    wanted = [any(v.severity == "fatal" for v in labels) for labels, _ in pairs]
    found = [any(v.severity == "fatal" for v in seen) for _, seen in pairs]
    both = [w and f for w, f in zip(wanted, found, strict=True)]
    counts = np.array([both, wanted, found], dtype=float).T
    drawn = metrics.by_case(cases, counts, seed=seed)
    return {
        "fatal.recall": drawn.measure(metrics.ratio([0], [1]), drawn.total[1]),
        "fatal.precision": drawn.measure(metrics.ratio([0], [2]), drawn.total[2]),
    }


def signal_kinds(graded: Grade) -> set[str]:
    """Give the signals of a grade that the labels know."""
    return {span.kind for span in graded.signals} & SIGNALS


def violation_kinds(graded: Grade) -> set[str]:
    """Give the kinds of breach of a grade."""
    return {span.kind for span in graded.violations}


def labelled_kinds(labels: Sequence[ViolationLabel]) -> set[str]:
    """Give the kinds of breach a label has."""
    return {one.kind for one in labels}


def _worst(ids: Sequence[str], pairs: Sequence[Kinds]) -> list[Worst]:
    wrong = [(len(w ^ f), name, w, f) for name, (w, f) in zip(ids, pairs, strict=True) if w != f]
    wrong.sort(key=lambda one: -one[0])
    return [
        Worst(id=name, what="kinds", expected="、".join(sorted(w)) or "—",
              found="、".join(sorted(f)) or "—")
        for _, name, w, f in wrong[:_WORST]
    ]  # fmt: skip


def signals(ask: Ask) -> Suite:
    """Measure which signals are found in replies."""
    path = path_of("signals", ask.split, ask.folder)
    cases = load(SignalCase, path, split=ask.split)
    pairs = [
        (set[str](case.signals), signal_kinds(grade(case.row(case.reply))))
        for case in ask.track(cases, title("signals"), len(cases))
    ]
    ids = [case.id for case in cases]
    return Suite(
        name="signals", title=title("signals"), n=len(cases), unit="条回复",
        figures=kinds(ids, pairs, seed=ask.seed), worst=_worst(ids, pairs),
        cases={path.name: fingerprint(path)},
    )  # fmt: skip


def violations(ask: Ask) -> Suite:
    """Measure which breaches are found in replies, fatal ones apart."""
    path = path_of("violations", ask.split, ask.folder)
    cases = load(ViolationCase, path, split=ask.split)
    grades = [
        grade(case.row(case.reply))
        for case in ask.track(cases, title("violations"), len(cases))
    ]  # fmt: skip
    ids = [case.id for case in cases]
    found = [violation_kinds(one) for one in grades]
    pairs = [(labelled_kinds(case.violations), one) for case, one in zip(cases, found, strict=True)]
    labelled = [(case.violations, one.violations) for case, one in zip(cases, grades, strict=True)]
    clean = [bool(f) for (wanted, f) in pairs if not wanted]
    figures = kinds(ids, pairs, seed=ask.seed) | fatal(ids, labelled, seed=ask.seed)
    figures["false_alarms"] = metrics.share(range(len(clean)), clean, seed=ask.seed)
    return Suite(
        name="violations", title=title("violations"), n=len(cases), unit="条回复",
        figures=figures, worst=_worst(ids, pairs), cases={path.name: fingerprint(path)},
    )  # fmt: skip


def pairs(ask: Ask) -> Suite:
    """Measure how often the better reply gets the higher score; a tie or no score is lost."""
    path = path_of("pairs", ask.split, ask.folder)
    cases = load(PairCase, path, split=ask.split)
    won, worst = [], []
    for case in ask.track(cases, title("pairs"), len(cases)):
        better, worse = (
            getattr(grade(case.row(text)).dimensions, case.dimension).score
            for text in (case.better, case.worse)
        )
        won.append(better is not None and (worse is None or better > worse))
        if not won[-1]:
            shown = "／".join("不评" if s is None else f"{s:g}" for s in (better, worse))
            worst.append(Worst(id=case.id, what=case.dimension, expected="前者更高", found=shown))
    figures = {"accuracy": metrics.share([case.id for case in cases], won, seed=ask.seed)}
    for name in DIMENSIONS:
        part = [flag for case, flag in zip(cases, won, strict=True) if case.dimension == name]
        figures[f"{name}.accuracy"] = metrics.share(range(len(part)), part, seed=ask.seed)
    return Suite(
        name="pairs", title=title("pairs"), n=len(cases), unit="对", figures=figures,
        worst=worst[:_WORST], cases={path.name: fingerprint(path)},
        notes=["打平、任何一条不评，都算没赢。"],
    )  # fmt: skip


def ranking(
    cases: Sequence[retrieval.Case], ranked: retrieval.Ranked, seed: int
) -> dict[str, Measured]:
    """Give reciprocal rank, hits and nDCG of queries, by ir-measures.

    Those in ``also`` are as right as ``expect``; the best of them counts.
    """
    wanted = [Qrel(case.id, one, 1) for case in cases for one in (case.expect, *case.also)]
    run = [
        ScoredDoc(case.id, found, -float(place))
        for case in cases
        for place, found in enumerate(ranked(case.query, case.level))
    ]
    names = {RR: "mrr", Success @ 1: "hit1", Success @ 3: "hit3", nDCG @ 10: "ndcg10"}
    values: dict[str, dict[str, float]] = {name: {} for name in names.values()}
    for one in ir_measures.iter_calc(list(names), wanted, run):
        values[names[one.measure]][one.query_id] = one.value
    # a query for which nothing at all was found is not in the run, and is worth 0
    return {
        name: metrics.share(
            [case.id for case in cases], [by_id.get(case.id, 0.0) for case in cases], seed=seed
        )
        for name, by_id in values.items()
    }


def requirements(ask: Ask) -> Suite:
    """Measure the search of the standard."""
    path = path_of("retrieval", None, ask.folder)
    cases = retrieval.load_cases(path, split=ask.split)
    product: Callable[..., list[str]] = retrieval.by_side(Retriever(), "fused")
    asked = {case.id: product(case.query, case.level)
             for case in ask.track(cases, title("retrieval"), len(cases))}  # fmt: skip
    by_query = {(case.query, case.level): asked[case.id] for case in cases}
    figures = ranking(cases, lambda query, level: by_query[query, level], ask.seed)
    own = retrieval.baselines(cases)["字串，只有标准原文"]
    figures["characters.mrr"] = Measured(value=round(own.mrr, 4), n=own.n)
    figures["characters.hit1"] = Measured(value=round(own.top1, 4), n=own.n)
    return Suite(
        name="retrieval", title=title("retrieval"), n=len(cases), unit="句查询", figures=figures,
        cases={path.name: fingerprint(path)},
        notes=["对照是只按标准原文的相同字串来找。"],
    )  # fmt: skip
