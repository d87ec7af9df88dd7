"""The suite of whole talks: the report's dimensions and steps against labels.

Plays each talk as `kefu play` does. Knows labelled talks; nothing of how a report is made.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coach import report, scenario
from coach.report import Report
from coach.session import Session
from eval import metrics
from eval.metrics import Measured
from eval.suites import Ask, Suite, Worst, title
from eval.suites_cases import SessionCase, load, path_of
from eval.suites_levels import NOTES, SAME
from eval.suites_marks import Item, marks
from grading.result import DIMENSIONS, level_of
from knowledge.datafile import fingerprint


def play(case: SessionCase) -> Session:
    """Hold the talk; replies after its end are left over."""
    session = Session(scenario.get(case.scenario), case.seed)
    for reply in case.replies:
        if session.state.ended:
            break
        session.say(reply)
    return session


def _item(case: SessionCase, session: Session, made: Report) -> Item:
    scores = {name: made.dimensions[name] for name in DIMENSIONS}
    return Item(
        id=case.id, text="\n".join(case.replies), labels=case.labels,
        passes=(case.passes.x, case.passes.y),
        levels={name: None if s is None else level_of(s) for name, s in scores.items()},
        to_human=any(turn.grade.review.needed for turn in session.turns if turn.grade),
        is_staff=session.scenario.kind == "staff",
    )  # fmt: skip


def _steps(
    cases: Sequence[SessionCase], made: Sequence[Report], seed: int
) -> tuple[dict[str, Measured], list[Worst]]:
    """Count steps; one done out of order is done. ``f1`` is that of finding what was missed."""
    ids, counts, worst = [], [], []
    for case, one in zip(cases, made, strict=True):
        found = {step.id: "missed" if step.status == "missed" else "done" for step in one.steps}
        for step, label in case.labels.steps.items():
            right, gone = found[step] == label, label == "missed"
            said = found[step] == "missed"
            counts.append([right, gone and said, gone and not said, said and not gone, 1])
            ids.append(case.id)
            if not right:
                worst.append(Worst(id=case.id, what=step, expected=label, found=found[step]))
    drawn = metrics.by_case(ids, np.array(counts, dtype=float), seed=seed)
    missed = drawn.take([1, 2, 3])
    there = missed.total[:2].sum()
    return {
        "steps.accuracy": drawn.measure(metrics.ratio([0], [4]), len(counts)),
        "steps.missed.f1": missed.measure(metrics.f1, there),
        "steps.missed.recall": missed.measure(metrics.ratio([0], [0, 1]), there),
    }, worst


def sessions(ask: Ask) -> Suite:
    """Measure whole talks.

    Raises:
        DataError: cases of this split, or of dev for the baselines, are missing or broken.
    """
    path, learnt = (path_of("sessions", split, ask.folder) for split in (ask.split, "dev"))
    cases = load(SessionCase, path, split=ask.split)
    known = load(SessionCase, learnt, split="dev")
    played = [play(case) for case in ask.track(cases, title("sessions"), len(cases))]
    made = [report.make(session) for session in played]
    items = [_item(*one) for one in zip(cases, played, made, strict=True)]
    found = marks(items, [("\n".join(c.replies), c.labels) for c in known], seed=ask.seed)
    steps, wrong = _steps(cases, made, ask.seed)
    unused = sum(
        len(c.replies) - (len(s.turns) - 1) for c, s in zip(cases, played, strict=True)
    )  # fmt: skip
    left = f"{unused} 句回复在对话结束之后，没有用上。"
    return Suite(
        name="sessions", title=title("sessions"), n=len(cases), unit="场",
        figures=found.figures | steps, tables=found.tables, worst=(found.worst + wrong)[:30],
        notes=[*NOTES, *[SAME] * (ask.split == "dev"), *[left] * bool(unused)],
        cases={one.name: fingerprint(one) for one in {path, learnt}},
    )  # fmt: skip
