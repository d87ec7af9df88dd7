"""The suite of speed: one reply with its history, one turn of a talk, one search.

Times what users run, on the machine at hand; the wider table is `python -m eval.bench`.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from functools import partial

from coach import scenario
from coach.session import Session
from eval import retrieval
from eval.figure import milliseconds, percentile
from eval.metrics import Measured
from eval.suites import Ask, Suite, title
from eval.suites_cases import SignalCase, load, path_of
from grading.grade import grade
from knowledge.datafile import fingerprint
from knowledge.retrieval import Retriever

_ROUNDS = 5
_WARM = 20
_TURNS = 6
_TALKS = 8


def _timed(works: Sequence[Callable[[], object]], ask: Ask, name: str) -> dict[str, Measured]:
    """Time every call in several rounds; the interval is the quickest and the slowest round."""
    for work in works[:_WARM]:
        work()
    rounds = [
        [milliseconds(work) for work in works]
        for _ in ask.track(range(_ROUNDS), title("speed"), _ROUNDS)
    ]
    return {
        f"{name}.median_ms": _spread([statistics.median(one) for one in rounds], len(works)),
        f"{name}.p95_ms": _spread([percentile(one, 0.95) for one in rounds], len(works)),
    }


def _spread(values: Sequence[float], n: int) -> Measured:
    middle, low, high = (
        round(one, 3) for one in (statistics.median(values), min(values), max(values))
    )
    return Measured(value=middle, low=low, high=high, n=n)


def _turns() -> dict[str, Measured]:
    """Time the turns of talks, which cannot be taken twice."""
    times = []
    for case in list(scenario.load_all().values())[:_TALKS]:
        Session(case, 0).say("您好，请讲。")
        session = Session(case, 1)
        for reply in case.paths.right[:_TURNS]:
            if not session.state.ended:
                times.append(milliseconds(partial(session.say, reply)))
    return {
        "turn.median_ms": Measured(value=round(statistics.median(times), 3), n=len(times)),
        "turn.p95_ms": Measured(value=round(percentile(times, 0.95), 3), n=len(times)),
    }


def speed(ask: Ask) -> Suite:
    """Time grading, searching and talking.

    Raises:
        DataError: the cases are missing or broken.
    """
    path = path_of("signals", ask.split, ask.folder)
    rows = [case.row(case.reply) for case in load(SignalCase, path, split=ask.split)]
    figures = _timed([partial(grade, row) for row in rows], ask, "reply")
    retriever = Retriever()
    queries = retrieval.load_cases(split=ask.split)
    searches = [partial(retriever.search, one.query, one.level) for one in queries[:100]]
    figures |= _timed(searches, ask, "search") | _turns()
    return Suite(
        name="speed", title=title("speed"), n=len(rows), unit="条回复", figures=figures,
        cases={path.name: fingerprint(path)},
        notes=[f"单个进程，{_ROUNDS} 轮，取各轮的中位；区间是最快和最慢的一轮。"
               "机器上还有别的程序在跑时会偏慢。"],
    )  # fmt: skip
