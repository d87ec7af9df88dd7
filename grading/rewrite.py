"""A better wording: mends what was marked down, with slots 〔…〕 where a fact is missing.

Adds no fact, amount, time or promise; what it says comes from the reply and the history.
"""

from __future__ import annotations

import functools
import re
from string import Template
from typing import TYPE_CHECKING

from grading.lexicon import FOLDER
from grading.rubric import wording
from knowledge.datafile import DataError, read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grading.empathy import Finding
    from grading.moment import Moment
    from grading.reply import Reply
    from grading.result import DimensionName

_ME = re.compile(r"我们?")
_GOOD = 75.0
_MOST_ADDED = 3


@functools.lru_cache(maxsize=1)
def _instead() -> dict[str, str]:
    table = read_yaml(FOLDER / "instead.yaml")
    if not isinstance(table, dict):
        raise DataError("instead.yaml：应为“类别: 说法”的对照表")
    return {str(kind): str(text) for kind, text in table.items()}


@functools.lru_cache(maxsize=1)
def _table() -> dict[str, str]:
    table = read_yaml(FOLDER / "additions.yaml")
    if not isinstance(table, dict) or not {"opening", "event", "harm"} <= table.keys():
        raise DataError("additions.yaml：应为“缺少的内容: 说法”的对照表，并有 opening、event、harm")
    return {str(kind): str(text) for kind, text in table.items()}


def instead_of(kind: str) -> str:
    """Give the better wording for a kind of breach; empty for a kind without one."""
    return _instead().get(kind, "")


def _clean(reply: Reply) -> list[str]:
    """Give the reply's own clauses that can stay, without breaches."""
    reading = reply.reading
    empty = [hit for hit in reply.signals if hit.rule == "empathy.formula"]
    bad = [(hit.start, hit.end) for hit in (*reply.violations, *empty)] + list(reading.void)
    bad += [reading.sentence(h.start) for h in reply.violations if h.severity == "fatal"]
    raw = reading.text.raw
    kept: list[str] = []
    for clause in reading.clauses:
        if any(start < clause.end and clause.start < end for start, end in bad):
            continue
        start, end = reading.text.span(clause.start, clause.end)
        kept.append(raw[start:end].strip())
    return kept


def _event(moment: Moment) -> str:
    """Give the customer's own clause about what happened, turned to 您; empty if none."""
    happened = wording()["event"]
    clauses = re.split(r"[，。！？；\n ]", moment.last)
    best = max(
        (
            c
            for c in clauses
            if 4 <= len(c) <= 18 and happened.search(c) and not re.search("[你您吗呢]", c)
        ),
        key=len,
        default="",
    )
    return _ME.sub("您", best)


def better_wording(
    reply: Reply, moment: Moment, findings: Mapping[DimensionName, Finding]
) -> str | None:
    """Write a better wording, or None when nothing was marked down."""
    weak = {n for n, f in findings.items() if f.score is not None and f.score < _GOOD}
    if not weak and not reply.violations:
        return None
    missing = {kind for finding in findings.values() for kind, _ in finding.missing}
    parts: list[str] = []
    if "greeting" in missing and not moment.staff:
        parts.append(_table()["opening"])
    if "empathy" in weak and moment.heat and not moment.staff:
        event = _event(moment)
        opener = _table()["event" if event else "harm"]
        parts.append(Template(opener).substitute(event=event) if event else opener)
    body = [] if {"stacked", "copied", "repeated"} & reply.flags else _clean(reply)
    if body:
        text = "，".join(body)
        parts.append(text if moment.staff else re.sub("你(?!好)", "您", text))
    parts += [instead_of(kind) for kind in dict.fromkeys(h.kind for h in reply.violations)]
    parts += _additions(missing)
    return "。".join(dict.fromkeys(part.rstrip("。，") for part in parts if part)) + "。"


def _additions(missing: set[str]) -> list[str]:
    found = [text for kind, text in _table().items() if kind in missing]
    return found[:_MOST_ADDED]
