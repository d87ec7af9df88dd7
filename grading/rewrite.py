"""A better wording: mends what was marked down, with slots 〔…〕 where a fact is missing.

Adds no fact, amount, time or promise; what it says comes from the reply and the history.
"""

from __future__ import annotations

import functools
import re
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


@functools.lru_cache(maxsize=1)
def _instead() -> dict[str, str]:
    table = read_yaml(FOLDER / "instead.yaml")
    if not isinstance(table, dict):
        raise DataError("instead.yaml：应为“类别: 说法”的对照表")
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
        parts.append("您好，我是〔单位〕的〔姓名或工号〕")
    if "empathy" in weak and moment.heat and not moment.staff:
        event = _event(moment)
        parts.append(
            f"您说{event}，换谁都不好受，这件事我来接"
            if event
            else "这件事给您添了〔具体影响〕，我先向您道歉"
        )
    body = [] if {"stacked", "copied", "repeated"} & reply.flags else _clean(reply)
    if body:
        text = "，".join(body)
        parts.append(text if moment.staff else re.sub("你(?!好)", "您", text))
    parts += [instead_of(kind) for kind in dict.fromkeys(h.kind for h in reply.violations)]
    parts += _additions(missing, reply)
    return "。".join(dict.fromkeys(part.rstrip("。，") for part in parts if part)) + "。"


def _additions(missing: set[str], reply: Reply) -> list[str]:
    table = _additions_table()
    found = [table[kind] for kind in table if kind in missing]
    return found[:3]


def _additions_table() -> dict[str, str]:
    return {
        "verify_identity": "为了保护您的账户，先跟您核对〔核对项〕，可以吗",
        "restate": "我跟您确认一下：〔要点〕，是这样吗",
        "solution": "我现在先〔动作〕",
        "timeframe": "〔时间〕前给您答复",
        "ownership": "这件事由〔姓名或工号〕跟进",
        "alternative": "原因是〔原因〕，您可以选〔另一条路〕",
        "confirm_satisfaction": "这样处理您看可以吗",
        "transfer": "我请〔主管〕在〔时间〕前给您回电，您的情况我来转告",
        "closing": "感谢您的来电，再见",
        "open_question": "你先说说当时是怎么回事",
        "options": "你自己觉得可以从哪一步试起",
        "follow_up": "〔日期〕我们再碰一次，看看有没有变化",
    }
