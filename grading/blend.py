"""Joins what the rules found with how the whole reply reads; the shares stand in rubric.yaml.

Every point of the level model is quoted: the stretches that moved a dimension are its evidence.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import Field

from grading import rubric
from grading.detect import Hit
from grading.empathy import Finding
from grading.fusion import BY_MODEL
from grading.levels import Estimate
from grading.lexicon import FOLDER
from grading.moment import Moment
from grading.reply import Reply
from grading.result import DIMENSIONS, DimensionName, level_of
from knowledge.datafile import Entry, parse, read_yaml

NULL = "empathy_null"
_FULL = 2  # levels from which on what is missing is no longer held against a reply


class Example(Entry):
    """One reply at a level, and why it is there."""

    heard: str
    reply: str
    why: str


class Anchor(Entry):
    """What a level means."""

    level: int = Field(ge=0, le=4)
    what: str
    examples: tuple[Example, ...] = Field(min_length=3)


class Scale(Entry):
    """The anchors of a dimension."""

    name: str
    asks: str
    null_when: str
    notes: tuple[str, ...]
    levels: tuple[Anchor, ...] = Field(min_length=5, max_length=5)


class Anchors(Entry):
    """The whole of anchors.yaml."""

    version: str
    empathy: Scale
    politeness: Scale
    procedure: Scale
    staff: dict[DimensionName, str]


@functools.lru_cache(maxsize=2)
def anchors(folder: Path = FOLDER) -> Anchors:
    """Load the anchors (cached)."""
    return parse(Anchors, read_yaml(folder / "anchors.yaml"), "anchors.yaml")


def _quoted(read: Estimate, score: float) -> list[Hit]:
    """Quote the stretches that moved a dimension most, the way it went; one at the least."""
    least = rubric.load().levels.shown
    up = score >= 60
    ordered = sorted(read.parts, key=lambda part: -part.levels if up else part.levels)
    strong = [part for part in ordered if (part.levels if up else -part.levels) >= least]
    strong = strong or ordered[:1]
    kind = "reads_well" if up else "reads_badly"
    return [
        Hit(kind, f"{kind}.levels", part.start, part.end, min(1.0, abs(part.levels)))
        for part in strong[:2]
    ]  # fmt: skip


def tempered(reply: Reply, read: Mapping[str, Estimate]) -> Reply:
    """Hold finds against a whole reply that reads well.

    What only the classifier found is dropped there; a fatal find without a sure word is major.
    """
    least = rubric.load().levels.well_from
    if min(read["politeness"].level, read["procedure"].level) < least:
        return reply
    hits = tuple(
        replace(hit, severity="major") if hit.severity == "fatal" and not hit.sure else hit
        for hit in reply.violations
        if not hit.rule.endswith(BY_MODEL)
    )
    return replace(reply, violations=hits)


def _is_standard(polite: Finding, reply: Reply, now: Moment) -> bool:
    """Say whether this is a moment of set forms, and the form is whole by the rules."""
    rule = rubric.load().levels
    whole = polite.score is not None and polite.score >= rule.standard_from
    spoilt = reply.violations or reply.tricks
    return whole and not spoilt and not now.flags.isdisjoint(rule.standard_in)


def _joined(
    name: DimensionName, found: Finding, read: Estimate, reply: Reply, *, least: float
) -> Finding:
    rule = rubric.load()
    share = rule.levels.share
    points = [(getattr(rule.penalties.get(v.kind), name, 0.0)) for v in reply.violations]
    penalties = [taken * rule.levels.breaches for taken in points]
    level_score = max(least, read.score - rule.levels.faults * found.taken)
    ruled = found.score if found.score is not None else level_score
    # breaches are taken off afterwards: the model has seen them, the rules have not yet
    score = share * min(100.0, level_score + sum(penalties)) + (1 - share) * ruled
    after = max(0.0, score - sum(penalties))
    level = level_of(round(min(100.0, after), 1))
    what = f"整条读下来近于 {level} 档（{getattr(anchors(), name).levels[level].what}）"
    agrees = found.score is not None and abs(found.score - score) < 20
    why = tuple(dict.fromkeys((*found.faults, *(found.why if agrees else ()), what)))
    hits = (*found.hits, *_quoted(read, after))
    missing = found.missing if level <= _FULL else ()
    return replace(found, score=min(100.0, score), why=why, hits=hits, missing=missing)


def blend(
    findings: Mapping[DimensionName, Finding],
    read: Mapping[str, Estimate],
    reply: Reply,
    now: Moment,
) -> dict[DimensionName, Finding]:
    """Join both views of every dimension.

    Args:
        findings: of the rules.
        read: of the level model, and how likely empathy is not called for.
        reply: as read; its breaches are taken off later.
        now: what stood before it.
    """
    standard = _is_standard(findings["politeness"], reply, now)
    least = {
        "politeness": rubric.load().levels.standard,
        "procedure": rubric.load().levels.standard,
    }
    joined = {
        name: _joined(
            name, findings[name], read[name], reply, least=least.get(name, 0.0) if standard else 0.0
        )
        for name in DIMENSIONS
    }
    uncalled = read[NULL].level
    rule = rubric.load().levels
    if findings["empathy"].score is None and uncalled >= rule.null_below:
        joined["empathy"] = findings["empathy"]
    return joined
