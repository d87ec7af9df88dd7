"""Scenarios: what they are made of, loaded from YAML and checked.

Knows the shape of a scenario and its references; not how a conversation moves.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from coach import order_block
from coach.order_block import OrderBlock
from grading.pattern import Pattern, compile_any
from grading.result import Channel
from knowledge import standard
from knowledge.datafile import (
    DataError,
    Entry,
    fingerprint,
    parse,
    read_yaml,
    refuse_repeats,
)

FOLDER = Path(__file__).parent / "data" / "scenarios"
DRAFT = "draft-"
_ID = re.compile(r"[a-z0-9-]{1,80}")
Lines = Annotated[tuple[str, ...], Field(min_length=2)]
Patterns = Annotated[tuple[str, ...], Field(min_length=1)]
CustomerType = Literal[
    "irritable", "talkative", "indecisive", "sceptical", "silent", "expert", "threatening",
    "demanding", "claimant", "elderly", "dialect", "urgent", "ashamed", "overpolite",
    "burnt_out", "conflict", "underperforming", "newcomer", "star", "defensive",
]  # fmt: skip


class Person(Entry):
    """Who the other side is; ``call`` is how the agent may address them."""

    name: str
    call: str
    about: str
    region: str | None = None


class Mood(Entry):
    """Where anger, trust and patience start, 0-100."""

    anger: int = Field(ge=0, le=90)
    trust: int = Field(ge=5, le=90)
    patience: int = Field(ge=20, le=100)


class Slots(Entry):
    """Words the generic lines borrow: the matter, the wish, the damage."""

    thing: str
    demand: str
    harm: str


class Fact(Entry):
    """Something the other side knows and tells only when asked.

    ``asked``: wordings of the agent's question that draw it out; ``signal`` draws it out too.
    ``say``: ways to tell it. ``trust``: told only from this trust on. ``open``: told as well when
    the agent invites an account (请您说说经过).
    """

    id: str
    what: str
    asked: Patterns
    say: Lines
    signal: str | None = None
    trust: int = Field(default=0, ge=0, le=80)
    open: bool = False


class Goal(Entry):
    """One thing that must be dealt with.

    ``need``: groups of wordings; one reply must match every group, not negated and not as a
    question. ``after``: facts that must be known and goals that must be met first. ``ask``: how
    the other side presses for it; ``met``: what they say when it is done.
    """

    id: str
    what: str
    need: Annotated[tuple[Patterns, ...], Field(min_length=1)]
    forbid: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    ask: Lines
    met: Lines


class Trap(Entry):
    """Something that makes it worse here, beyond the general breaches."""

    match: Patterns
    anger: int = Field(ge=1, le=40)
    trust: int = Field(default=0, ge=-40, le=0)
    say: Lines
    why: str


class Limit(Entry):
    """Something the agent's card forbids to say: a breach in this scenario."""

    match: Patterns
    kind: str
    severity: Literal["minor", "major", "fatal"]
    why: str
    instead: str


class Step(Entry):
    """An expected step; done when one of its signals, patterns, facts or goals happens."""

    id: str
    what: str
    requirement: str
    signal: tuple[str, ...] = ()
    match: tuple[str, ...] = ()
    fact: str | None = None
    goal: str | None = None


class Paths(Entry):
    """Two written courses of agent replies, one that deals with it and one that does not."""

    right: Annotated[tuple[str, ...], Field(min_length=4)]
    wrong: Annotated[tuple[str, ...], Field(min_length=3)]


class Scenario(Entry):
    """One scenario as a trainer writes it."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: str
    level: standard.Level
    work_content: str
    kind: Literal["customer", "staff"]
    channel: Channel
    trade: str
    customer_type: CustomerType
    difficulty: int = Field(ge=1, le=5)
    abuse: bool = False
    trains: str
    requirements: Annotated[tuple[str, ...], Field(min_length=2)]
    person: Person
    mood: Mood
    max_turns: int = Field(ge=8, le=30)
    slots: Slots
    case_words: Annotated[tuple[str, ...], Field(min_length=4)]
    opening: Annotated[tuple[tuple[str, ...], ...], Field(min_length=2)]
    background: str
    wants: str
    facts: Annotated[tuple[Fact, ...], Field(min_length=2)]
    card: Annotated[tuple[str, ...], Field(min_length=3)]
    limits: tuple[Limit, ...] = ()
    goals: Annotated[tuple[Goal, ...], Field(min_length=2)]
    worse: tuple[Trap, ...] = ()
    steps: Annotated[tuple[Step, ...], Field(min_length=4)]
    hints: Annotated[tuple[str, ...], Field(min_length=2)]
    lines: dict[str, tuple[str, ...]] = {}
    model_reply: str
    paths: Paths
    order: OrderBlock | None = None
    source: str

    @model_validator(mode="after")
    def _check(self) -> Scenario:
        _check_references(self)
        _check_patterns(self)
        return self

    @property
    def is_draft(self) -> bool:
        """Whether it was drafted on demand: its author's alone, never in an examination."""
        return self.id.startswith(DRAFT)

    def fact(self, fact_id: str) -> Fact:
        """Give a fact by id; KeyError if there is none."""
        return {fact.id: fact for fact in self.facts}[fact_id]

    def goal(self, goal_id: str) -> Goal:
        """Give a goal by id; KeyError if there is none."""
        return {goal.id: goal for goal in self.goals}[goal_id]

    @functools.cached_property
    def compiled(self) -> Compiled:
        """All patterns of the scenario, compiled once."""
        return Compiled(self)


class Compiled:
    """A scenario's patterns ready for search."""

    def __init__(self, scenario: Scenario) -> None:
        """Compile facts, goals, traps, limits and steps of a checked scenario."""
        name = scenario.id
        self.facts = {f.id: compile_any(f.asked, f"{name}：{f.id}") for f in scenario.facts}
        self.needs: dict[str, list[Pattern]] = {
            g.id: [compile_any(group, f"{name}：{g.id}") for group in g.need]
            for g in scenario.goals
        }
        self.order = order_block.compiled(scenario.order, name) if scenario.order else None
        self.forbids = {
            g.id: compile_any(g.forbid, f"{name}：{g.id}") for g in scenario.goals if g.forbid
        }
        self.traps = [(trap, compile_any(trap.match, f"{name}：worse")) for trap in scenario.worse]
        self.limits = [(lim, compile_any(lim.match, f"{name}：limits")) for lim in scenario.limits]
        self.steps = {
            s.id: compile_any(s.match, f"{name}：{s.id}") for s in scenario.steps if s.match
        }


def _check_references(scenario: Scenario) -> None:
    known = standard.load()
    if scenario.work_content not in known.contents:
        raise ValueError(f"work_content {scenario.work_content} 不在标准里")
    if known.contents[scenario.work_content].level != scenario.level:
        raise ValueError(f"work_content {scenario.work_content} 不属于{scenario.level}")
    wanted = [*scenario.requirements, *(step.requirement for step in scenario.steps)]
    for requirement in wanted:
        if requirement not in known.requirements:
            raise ValueError(f"标准里没有编号 {requirement}")
    facts, goals = {f.id for f in scenario.facts}, {g.id for g in scenario.goals}
    refuse_repeats([f.id for f in scenario.facts] + [g.id for g in scenario.goals], scenario.id)
    refuse_repeats((step.id for step in scenario.steps), scenario.id)
    if scenario.order:
        is_customer, name = scenario.kind == "customer", scenario.id
        order_block.check(
            scenario.order, sorted(facts), sorted(goals), customer=is_customer, where=name
        )
    for goal in scenario.goals:
        if unknown := set(goal.after) - facts - goals:
            raise ValueError(f"goals {goal.id} 的 after 里没有这些编号：{'、'.join(unknown)}")
    for step in scenario.steps:
        if (step.fact and step.fact not in facts) or (step.goal and step.goal not in goals):
            raise ValueError(f"steps {step.id} 指向的 fact 或 goal 不存在")
        if not (step.signal or step.match or step.fact or step.goal):
            raise ValueError(f"steps {step.id} 没有写怎样算做到")


def _check_patterns(scenario: Scenario) -> None:
    Compiled(scenario)


@functools.lru_cache(maxsize=256)
def load_file(path: Path) -> Scenario:
    """Load one scenario.

    Raises:
        DataError: naming the file and the faulty field.
    """
    scenario = parse(Scenario, read_yaml(path), path.name)
    if scenario.id != path.stem:
        raise DataError(f"{path.name}：id 写成了“{scenario.id}”，应与文件名一致")
    return scenario


@functools.lru_cache(maxsize=4)
def load_all(folder: Path = FOLDER) -> dict[str, Scenario]:
    """Load all scenarios of a folder by id, sorted by level, work content and difficulty."""
    found = [load_file(path) for path in sorted(folder.glob("*.yaml"))]
    refuse_repeats((scenario.id for scenario in found), folder.name)
    order = {level: at for at, level in enumerate(standard.LEVELS)}
    found.sort(key=lambda s: (order[s.level], s.work_content, s.difficulty, s.id))
    return {scenario.id: scenario for scenario in found}


def get(scenario_id: str, folder: Path = FOLDER) -> Scenario:
    """Give a scenario by id.

    Raises:
        DataError: no such scenario, with near names.
    """
    path = folder / f"{scenario_id}.yaml"
    if _ID.fullmatch(scenario_id) and path.is_file():
        return load_file(path)
    known = [found.stem for found in folder.glob("*.yaml")]
    near = difflib.get_close_matches(scenario_id, known, n=3)
    more = f"，是不是 {'、'.join(near)}？" if near else "，可用 kefu scenarios 查看全部"
    raise DataError(f"没有情景“{scenario_id[:60]}”{more}")


def version(scenario: Scenario, folder: Path = FOLDER) -> str:
    """Give id and digest of a scenario's file, of a draft's content, for version fields."""
    if scenario.is_draft:
        content = scenario.model_dump_json().encode("utf-8")
        return f"{scenario.id}@{hashlib.sha256(content).hexdigest()[:12]}"
    return f"{scenario.id}@{fingerprint(folder / f'{scenario.id}.yaml')}"
