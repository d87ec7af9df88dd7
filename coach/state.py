"""The other side's state: anger, trust, patience, what was told and dealt with, how it ends.

Moves only on what the grader and the scenario's own patterns find in a reply; the rubric and the
trainee's wishes have no say. Numbers stand in data/dynamics.yaml.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import Field

from coach.findings import Findings
from coach.scenario import Scenario
from knowledge.datafile import Entry, parse, read_yaml

DYNAMICS = Path(__file__).parent / "data" / "dynamics.yaml"
_ESCALATING = ("threatening", "claimant", "expert")
End = Literal["resolved", "hung_up", "escalated", "timed_out", "closed_by_agent"]


class Effect(Entry):
    """How one finding moves the three numbers."""

    anger: float
    trust: float
    patience: float


class StageRule(Entry):
    """A stage and when it holds; ranges include both ends, goals is a share 0-1."""

    name: str
    goals: float = 0.0
    anger: tuple[float, float] = (0, 100)
    patience: tuple[float, float] = (0, 100)


class Dynamics(Entry):
    """The whole of dynamics.yaml."""

    version: str
    limits: dict[str, float]
    effects: dict[str, Effect]
    types: dict[str, Effect]
    ends: dict[str, dict[str, float]]
    stages: tuple[StageRule, ...] = Field(min_length=1)


@functools.lru_cache(maxsize=2)
def dynamics(path: Path = DYNAMICS) -> Dynamics:
    """Load the numbers (cached)."""
    return parse(Dynamics, read_yaml(path), path.name)


@dataclass(frozen=True)
class State:
    """Where the other side stands after a turn; numbers 0-100."""

    anger: float
    trust: float
    patience: float
    stage: str
    revealed: tuple[str, ...] = ()
    met: tuple[str, ...] = ()
    turn: int = 0
    boss_refused: int = 0
    closings: int = 0
    formulas: int = 0
    warnings: int = 0
    ended: End | None = None
    causes: tuple[str, ...] = field(default=())


def start(scenario: Scenario) -> State:
    """Give the state at the opening."""
    mood = scenario.mood
    first = State(mood.anger, mood.trust, mood.patience, "calm")
    return replace(first, stage=_stage(first, scenario))


def _stage(state: State, scenario: Scenario) -> str:
    share = len(state.met) / len(scenario.goals)
    for rule in dynamics().stages:
        low, high = rule.anger
        least, most = rule.patience
        if share >= rule.goals and low <= state.anger <= high and least <= state.patience <= most:
            return rule.name
    return dynamics().stages[-1].name


def _causes(found: Findings, state: State) -> list[str]:
    """Name the effects a reply has, in the words of dynamics.yaml."""
    causes: list[str] = ["goal_met"] * len(found.met)
    causes += ["fact_asked"] if found.fact else []
    causes += ["question_again"] if found.asked_again else []
    causes += ["restated"] if found.restated else []
    causes += _warmth(found, state)
    if found.concrete and not found.met:
        causes.append("concrete")
    causes += ["ownership"] if found.ownership and not found.met else []
    causes += ["vague"] if found.vague else []
    causes += ["hold"] if found.hold else []
    causes += ["trap"] if found.trap else []
    causes += ["odd"] if found.odd else []
    causes += list(found.severities)
    causes += ["boss_refused"] if found.boss_refused else []
    if found.closing and len(state.met) + len(found.met) < found.goals_total:
        causes.append("early_close")
    if found.idle_question:
        causes.append("question_idle")
    if not found.progress:
        causes.append("no_progress")
    return causes


def _warmth(found: Findings, state: State) -> list[str]:
    causes: list[str] = []
    if found.empathy_level is not None and found.empathy_words:
        if found.empathy_level >= 3 and not found.formula_only:
            causes.append("empathy_specific")
        elif found.empathy_level == 2 and not found.formula_only:
            causes.append("empathy_some")
        elif found.formula_again or state.formulas:
            causes.append("formula_again")
        else:
            causes.append("empathy_formula")
    elif found.formula_again:
        causes.append("formula_again")
    if found.apology:
        causes.append("apology_object" if found.apology >= 0.9 else "apology_bare")
    return causes


def _clip(value: float) -> float:
    return round(min(100.0, max(0.0, value)), 1)


def _moved(state: State, found: Findings, scenario: Scenario, causes: list[str]) -> State:
    book = dynamics()
    factor = book.types[scenario.customer_type]
    effects = [book.effects[cause] for cause in causes]
    anger = sum(e.anger * (factor.anger if e.anger > 0 else 1.0) for e in effects)
    trust = sum(e.trust * (factor.trust if e.trust > 0 else 1.0) for e in effects)
    patience = sum(e.patience * (factor.patience if e.patience < 0 else 1.0) for e in effects)
    if found.trap:
        anger, trust = anger + found.trap.anger, trust + found.trap.trust
    if any(cause in ("minor", "major", "fatal", "trap", "odd") for cause in causes):
        anger = max(anger, 1.0)
    limits = book.limits
    anger = min(limits["rise"], max(-limits["fall"], anger))
    trust = min(limits["trust_gain"], max(-limits["trust_loss"], trust))
    return replace(
        state,
        anger=_clip(state.anger + anger),
        trust=_clip(state.trust + trust),
        patience=_clip(state.patience + patience),
    )


def _ended(state: State, found: Findings, scenario: Scenario) -> End | None:
    ends = dynamics().ends
    done = len(state.met) == len(scenario.goals)
    settled = done and (not found.met or found.wrapping)
    calm = ends["resolved"]
    if (
        settled
        and state.anger <= calm["anger_most"]
        and state.trust >= calm["trust_least"]
        and state.turn >= calm["turns_least"]
        and "fatal" not in found.severities
    ):
        return "resolved"
    if found.hung_up_by_agent or (found.closing and state.closings >= 2 and not done):
        return "closed_by_agent"
    if found.abused or state.boss_refused >= ends["escalate"]["boss_refused"]:
        return "escalated"
    if state.turn >= ends["hang_up"]["turns_least"]:
        if state.anger >= ends["escalate"]["anger"]:
            return "escalated" if scenario.customer_type in _ESCALATING else "hung_up"
        if state.patience <= ends["hang_up"]["patience"]:
            return "hung_up"
    if state.turn >= scenario.max_turns:
        return "timed_out"
    return None


def step(state: State, found: Findings, scenario: Scenario) -> State:
    """Move the state by one reply.

    Args:
        state: before the reply; must not have ended.
        found: what the reply did.
        scenario: whose case it is.

    Raises:
        ValueError: the talk has ended already.
    """
    if state.ended:
        raise ValueError(f"step: the talk has ended ({state.ended})")
    causes = _causes(found, state)
    moved = _moved(state, found, scenario, causes)
    unresolved = len(state.met) + len(found.met) < len(scenario.goals)
    moved = replace(
        moved,
        turn=state.turn + 1,
        revealed=state.revealed + ((found.fact,) if found.fact else ()),
        met=state.met + found.met,
        boss_refused=state.boss_refused + bool(found.boss_refused),
        closings=state.closings + bool(found.closing and unresolved),
        formulas=state.formulas + bool(found.formula_only or found.formula_again),
        warnings=state.warnings + bool(found.warning),
        causes=tuple(causes),
    )
    moved = replace(moved, stage=_stage(moved, scenario))
    return replace(moved, ended=_ended(moved, found, scenario))
