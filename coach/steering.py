"""What the index finds in a reply steers the other side: what was missed is what is pressed next.

Asks the index which requirements a reply touched and which the moment called for. Whether there is
any pressing in a turn stays with the state machine; this only chooses what it is about.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from coach.act import Move
from coach.findings import Findings
from coach.scenario import Scenario
from grading.result import Grade
from knowledge import retrieval, standard
from knowledge.datafile import DataError, Entry, parse, read_yaml, refuse_repeats

FILE = Path(__file__).parent / "data" / "steering.yaml"
_MISSING = "missing_"
_SENTENCE = re.compile(r"[。！？!?\n]+")
_CHARS = 4  # shorter sentences are about nothing


class Push(Entry):
    """One way of pressing: the requirement it exercises and the act that does it.

    ``missing`` are signal kinds whose absence the grader noted; ``indexed`` lets the index alone
    raise it: the other side's words call for the requirement, the reply does not touch it.
    """

    id: str
    side: Literal["customer", "staff"]
    requirement: str
    missing: tuple[str, ...] = ()
    indexed: bool = False
    act: str


class Settings(Entry):
    """The whole of steering.yaml; scores 0-100, share 0-1."""

    version: str
    depth: int = Field(ge=1, le=50)
    sentences: int = Field(ge=1, le=12)
    touched_least: float = Field(ge=0, le=100)
    called_least: float = Field(ge=0, le=100)
    share: float = Field(ge=0, le=1)
    first_share: float = Field(ge=0, le=1)
    after_met: tuple[str, ...]
    steerable: tuple[str, ...]
    pushes: tuple[Push, ...] = Field(min_length=1)


class Pressed(BaseModel):
    """What a turn's push exercised: the requirement, the act, and who saw that it was missed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    requirement: str
    act: str
    by: Literal["grade", "index"]


class Index(Protocol):
    """What is asked here of ``knowledge.retrieval.Retriever``."""

    version: str

    def search(self, query: str, level: str | None = None, k: int = 5) -> list[retrieval.Hit]:
        """Find the requirements a sentence is about, best first."""
        ...


@dataclass(frozen=True)
class Bearing:
    """Requirement ids a reply touched and those it missed, and what may be pressed for them.

    ``missed`` and ``pushes`` have the heaviest first.
    """

    touched: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    pushes: tuple[Pressed, ...] = ()


@functools.lru_cache(maxsize=2)
def settings(path: Path = FILE) -> Settings:
    """Load the pushes (cached).

    Raises:
        DataError: a repeated id, or a requirement that the standard does not have.
    """
    found = parse(Settings, read_yaml(path), path.name)
    refuse_repeats((push.id for push in found.pushes), path.name)
    for push in found.pushes:
        if push.requirement not in standard.load().requirements:
            raise DataError(f"{path.name}：{push.id} 的 {push.requirement} 不在标准里")
    return found


@functools.lru_cache(maxsize=1)
def index() -> Index:
    """Give the one index of this process; the first call loads or builds it (seconds)."""
    return retrieval.Retriever()


def _about(where: Index, text: str, case: Scenario, least: float) -> tuple[str, ...]:
    """Give which of a scenario's requirements a text is about, the surest first.

    Its longest sentences are read one by one: a long reply is about several things, and a search
    takes some milliseconds. Of a sentence the surest requirement counts that the scenario trains
    or a push exercises.
    """
    limit, depth = retrieval.settings().max_chars, settings().depth
    watched, found = _watched(case), dict[str, float]()
    said = sorted(_SENTENCE.split(text), key=len, reverse=True)[: settings().sentences]
    for sentence in said:
        if len(sentence) < _CHARS:
            continue
        hits = where.search(sentence[:limit], case.level, depth)
        hit = next((hit for hit in hits if hit.id in watched), None)
        if hit and hit.score >= least:
            found[hit.id] = max(hit.score, found.get(hit.id, 0.0))
    return tuple(sorted(found, key=lambda ref: -found[ref]))


def _watched(case: Scenario) -> frozenset[str]:
    own = (push.requirement for push in settings().pushes if push.side == case.kind)
    steps = (step.requirement for step in case.steps)
    return frozenset((*case.requirements, *steps, *own))


def bear(
    where: Index, case: Scenario, *, heard: str, reply: str, graded: Grade, found: Findings
) -> Bearing:
    """Work out what a reply touched, what it missed and what is to be pressed.

    Args:
        where: the index.
        case: whose talk it is.
        heard: the other side's words before the reply.
        reply: the trainee's words.
        graded: the reply's grade.
        found: what it did in the scenario; a step it made is touched whatever its words.
    """
    book = settings()
    made = [
        step.requirement for step in case.steps
        if step.goal in found.met or (step.fact and step.fact == found.fact)
    ]  # fmt: skip
    touched = tuple(dict.fromkeys((*made, *_about(where, reply, case, book.touched_least))))
    if graded.status != "scored":
        return Bearing(touched)
    called = _about(where, heard, case, book.called_least)
    lacking = _lacking(graded)
    by_index = tuple(ref for ref in called if ref not in touched and _unmet(ref, graded))
    cited = tuple(ref for kind in lacking for ref in _cited(kind, graded))
    pushes = _pushes(lacking, by_index, case)
    pushed = (push.requirement for push in pushes)
    return Bearing(touched, tuple(dict.fromkeys((*pushed, *cited, *by_index))), pushes)


def _lacking(graded: Grade) -> tuple[str, ...]:
    """Give the signal kinds that were due and missing, the weakest dimension's first."""
    parts = graded.dimensions
    scored = [d for d in (parts.procedure, parts.empathy, parts.politeness) if d.score is not None]
    scored.sort(key=lambda d: d.score or 0)
    kinds = [s.kind for d in scored for s in d.evidence if s.kind.startswith(_MISSING)]
    return tuple(dict.fromkeys(kind.removeprefix(_MISSING) for kind in kinds))


def _cited(kind: str, graded: Grade) -> tuple[str, ...]:
    """Give the requirements of the dimension in which a kind is missing."""
    parts = graded.dimensions
    return tuple(
        ref
        for part in (parts.procedure, parts.empathy, parts.politeness)
        if any(span.kind == _MISSING + kind for span in part.evidence)
        for ref in part.citations
    )


def _unmet(requirement: str, graded: Grade) -> bool:
    """Say whether no dimension that rests on a requirement was done well."""
    parts = graded.dimensions
    return not any(
        requirement in part.citations and (part.level or 0) >= 3
        for part in (parts.procedure, parts.empathy, parts.politeness)
    )


def _pushes(lacking: Sequence[str], called: Sequence[str], case: Scenario) -> tuple[Pressed, ...]:
    """Give the pushes there are: for what the grader misses, then for what the index alone does."""
    own = [push for push in settings().pushes if push.side == case.kind]
    graded = [(push, "grade") for kind in lacking for push in own if kind in push.missing]
    indexed = [
        (push, "index")
        for ref in called
        for push in own
        if push.indexed and push.requirement == ref
    ]
    found: dict[str, Pressed] = {}
    for push, by in (*graded, *indexed):
        made = {"requirement": push.requirement, "act": push.act, "by": by}
        found.setdefault(push.act, Pressed.model_validate(made))
    return tuple(found.values())


def steer(
    moves: Sequence[Move], bearing: Bearing, dice: random.Random
) -> tuple[tuple[Move, ...], Pressed | None]:
    """Turn the pressing move of a plan to something missed.

    Returns:
        The moves, as many as before, and the push that was made, None if none. Answers, endings
        and reactions to a breach are never touched, nor is a plan that does not press at all;
        after something was settled only plain questions follow.
    """
    book = settings()
    settled = any(move.act == "met" for move in moves)
    pushes = [p for p in bearing.pushes if not settled or p.act in book.after_met]
    at = next((i for i in reversed(range(len(moves))) if moves[i].act in book.steerable), None)
    if at is None or not pushes or dice.random() >= book.share:
        return tuple(moves), None
    push = pushes[0] if dice.random() < book.first_share else dice.choice(pushes)
    return (*moves[:at], replace(moves[at], act=push.act), *moves[at + 1 :]), push
