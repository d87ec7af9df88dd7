"""The report of a whole talk: score, steps, emotion over time, strengths, what to practise next.

Computed from graded turns and the scenario's steps; asks nobody and stores nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

from pydantic import BaseModel, ConfigDict

from coach.scenario import Step
from coach.session import PlayTurn, Session
from grading import rubric
from grading.result import DIMENSIONS, DimensionName, Versions
from knowledge import standard
from knowledge.text import plain

TEXT_ONLY = "本系统只看文字，不评语速、语调、音量、停顿"
DIMENSION_NAMES: dict[DimensionName, str] = {
    "empathy": "同理心", "politeness": "礼貌用语", "procedure": "规范步骤",
}  # fmt: skip


class Shape(BaseModel):
    """Base of the report's shapes."""

    model_config = ConfigDict(extra="forbid")


class StepResult(Shape):
    """One expected step and how it went; ``turn`` is where it was done, null if missed."""

    id: str
    what: str
    requirement: str
    citation: str
    status: Literal["done", "missed", "out_of_order"]
    turn: int | None


class CurvePoint(Shape):
    """The other side's numbers after a turn, 0-100."""

    turn: int
    anger: float
    trust: float
    patience: float


class Strength(Shape):
    """Something done well, quoted."""

    turn: int
    dimension: DimensionName
    quote: str
    why: str


class Practice(Shape):
    """One thing to practise next, with the requirement it rests on."""

    requirement: str
    citation: str
    why: str
    advice: str
    turns: list[int]


class Report(Shape):
    """The report of one talk; scores 0-100 or null."""

    scenario: str
    title: str
    level: str
    work_content: str
    kind: str
    label: str
    text_only: str
    ended: str | None
    turns: int
    overall: float | None
    fatal: bool
    dimensions: dict[DimensionName, float | None]
    scored_turns: int
    unscored_turns: int
    steps: list[StepResult]
    curve: list[CurvePoint]
    strengths: list[Strength]
    next: list[Practice]
    versions: Versions


def _graded(session: Session) -> list[PlayTurn]:
    return [turn for turn in session.turns if turn.grade is not None]


def _step_turns(step: Step, session: Session) -> list[int]:
    done: list[int] = []
    pattern = session.scenario.compiled.steps.get(step.id)
    for turn, found in zip(_graded(session), session.found, strict=True):
        grade = turn.grade
        if grade is None or grade.status != "scored":
            continue
        kinds = {span.kind for span in grade.signals}
        if (
            (step.signal and set(step.signal) & kinds)
            or (step.fact and step.fact == found.fact)
            or (step.goal and step.goal in found.met)
            or (pattern and turn.reply and pattern.search(plain(turn.reply)))
        ):
            done.append(turn.turn)
    return done


def _steps(session: Session) -> list[StepResult]:
    results: list[StepResult] = []
    latest = 0
    for step in session.scenario.steps:
        turns = _step_turns(step, session)
        turn = next((t for t in turns if t >= latest), turns[0] if turns else None)
        status: Literal["done", "missed", "out_of_order"] = "missed"
        if turn is not None:
            status = "out_of_order" if turn < latest else "done"
            latest = max(latest, turn)
        results.append(
            StepResult(
                id=step.id, what=step.what, requirement=step.requirement,
                citation=standard.load().cite(step.requirement), status=status, turn=turn,
            )
        )  # fmt: skip
    return results


def _means(session: Session) -> dict[DimensionName, float | None]:
    means: dict[DimensionName, float | None] = {}
    for name in DIMENSIONS:
        scores = [
            score
            for turn in _graded(session)
            if turn.grade and (score := getattr(turn.grade.dimensions, name).score) is not None
        ]
        means[name] = round(sum(scores) / len(scores), 1) if scores else None
    return means


def _overall(
    session: Session, means: dict[DimensionName, float | None], steps: list[StepResult]
) -> float | None:
    book = rubric.load()
    weights = book.staff_weights if session.scenario.kind == "staff" else book.weights
    scored = [(getattr(weights, n), s) for n, s in means.items() if s is not None]
    if not scored:
        return None
    mean: float = sum(w * s for w, s in scored) / sum(w for w, _ in scored)
    credit = {"done": 1.0, "out_of_order": 0.6, "missed": 0.0}
    share = 100 * sum(credit[step.status] for step in steps) / len(steps)
    part = book.session.steps_weight / 100
    total = mean * (1 - part) + share * part
    ended = session.state.ended
    if ended != "resolved":
        total = min(total, book.session.caps[ended or "unfinished"])
    caps = [g.overall for t in _graded(session) if (g := t.grade) and g.fatal]
    if caps:
        total = min(total, book.session.caps["fatal"])
    return round(total, 1)


def _strengths(session: Session) -> list[Strength]:
    least = rubric.load().session.strength_least
    found: list[tuple[float, Strength]] = []
    for turn in _graded(session):
        for name in DIMENSIONS:
            dimension = getattr(turn.grade.dimensions, name) if turn.grade else None
            if dimension is None or dimension.score is None or dimension.score < least:
                continue
            quotes = [s.text for s in dimension.evidence if s.text]
            if quotes:
                best = max(quotes, key=len)
                found.append(
                    (dimension.score,
                     Strength(turn=turn.turn, dimension=name, quote=best, why=dimension.why))
                )  # fmt: skip
    found.sort(key=lambda pair: -pair[0])
    kept: list[Strength] = []
    for _, strength in found:
        if strength.dimension not in {k.dimension for k in kept}:
            kept.append(strength)
    return kept[:3]


def _next(session: Session, steps: list[StepResult]) -> list[Practice]:
    weight = Counter[str]()
    notes: dict[str, tuple[str, str]] = {}
    turns: dict[str, list[int]] = {}

    def add(requirement: str, points: float, why: str, advice: str, turn: int | None) -> None:
        weight[requirement] += points  # type: ignore[assignment]
        notes.setdefault(requirement, (why, advice))
        if turn is not None and turn not in turns.setdefault(requirement, []):
            turns[requirement].append(turn)

    for step in steps:
        if step.status == "missed":
            add(step.requirement, 60, f"没有做到：{step.what}", step.what, None)
    for turn in _graded(session):
        if turn.grade is None:
            continue
        for name in DIMENSIONS:
            dimension = getattr(turn.grade.dimensions, name)
            if dimension.score is None or dimension.score >= 60 or not dimension.citations:
                continue
            add(dimension.citations[0], (100 - dimension.score) / 2, dimension.why,
                dimension.advice, turn.turn)  # fmt: skip
    cite = standard.load().cite
    return [
        Practice(
            requirement=rid, citation=cite(rid), why=notes[rid][0], advice=notes[rid][1],
            turns=turns.get(rid, []),
        )
        for rid, _ in weight.most_common(rubric.load().session.next_most)
    ]  # fmt: skip


def make(session: Session) -> Report:
    """Write the report of a talk, finished or not."""
    case, graded = session.scenario, _graded(session)
    steps, means = _steps(session), _means(session)
    return Report(
        scenario=case.id, title=case.title, level=case.level, work_content=case.work_content,
        kind=case.kind, label=rubric.load().label, text_only=TEXT_ONLY,
        ended=session.state.ended, turns=len(graded),
        overall=_overall(session, means, steps),
        fatal=any(turn.grade.fatal for turn in graded if turn.grade),
        dimensions=means,
        scored_turns=sum(t.grade.status == "scored" for t in graded if t.grade),
        unscored_turns=sum(t.grade.status != "scored" for t in graded if t.grade),
        steps=steps,
        curve=[
            CurvePoint(turn=at, anger=s.anger, trust=s.trust, patience=s.patience)
            for at, s in enumerate(session.states)
        ],
        strengths=_strengths(session), next=_next(session, steps),
        versions=session.turns[-1].versions,
    )  # fmt: skip
