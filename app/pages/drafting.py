"""Scenarios on demand on the page, as plain functions: what is drafted, how it is shown.

Whose drafts they are is told by the caller from the cookie. Knows nothing of Gradio.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from app import private_scenarios
from app.pages.talks import Talks
from app.records.store import author_of
from app.report import marks, words
from coach import draft
from coach.scenario import Scenario
from knowledge import standard
from knowledge.datafile import DataError

BY_WISH = "看愿望"
LEVELS = (BY_WISH, *standard.LEVELS)
NO_VISITOR = "浏览器没有带上 Cookie，请允许本站的 Cookie，再刷新页面"


@dataclass(frozen=True)
class Outcome:
    """What to show after a move; None leaves a part as it is.

    ``own``: the visitor's drafts as (label, id); ``picked`` is the one just kept.
    """

    told: str
    sheet: str | None = None
    text: str | None = None
    own: list[tuple[str, str]] | None = field(default=None)
    picked: str | None = None


def mark(case: Scenario) -> str:
    """Say above a talk or report that its scenario is a draft; nothing for a shipped one."""
    if not case.is_draft:
        return ""
    return (
        '<p class="kefu unreviewed" role="note">'
        f"自拟情景 · {escape(case.source)} · 只供自己练习，不用于考试（{escape(case.id)}）</p>"
    )


def wish(
    talks: Talks, visitor: str, text: str, level: str, *, adult: bool = False, seed: int = 7
) -> Outcome:
    """Draft a scenario from a wish; nothing is kept yet."""
    generate = talks.offer.generate if talks.offer and adult else None
    try:
        _author(visitor)
        made = draft.draft(
            text, level=None if level == BY_WISH else level, generate=generate, seed=seed
        )
    except DataError as error:
        return Outcome(_told(str(error), bad=True))
    notes = "；".join(made.notes)
    told = f"起草好了，还没有保存。{notes}。" if notes else "起草好了，还没有保存。"
    return Outcome(_told(told), sheet=describe(made.scenario), text=draft.as_yaml(made.scenario))


def check(visitor: str, text: str) -> Outcome:
    """Check an edited draft; shows it anew."""
    try:
        _author(visitor)
        case = draft.check(_written(text))
    except DataError as error:
        return Outcome(_told(str(error), bad=True))
    return Outcome(_told("检查通过：照写好的对法能谈妥，照错法谈不妥。"), sheet=describe(case))


def keep(visitor: str, text: str) -> Outcome:
    """Check and keep an edited draft under the visitor's own name."""
    try:
        case = private_scenarios.keep(_author(visitor), _written(text))
        own = mine(visitor)
    except DataError as error:
        return Outcome(_told(str(error), bad=True))
    told = "已保存，只有这个浏览器看得到。"
    return Outcome(_told(told), sheet=describe(case), own=own, picked=case.id)


def fetch(visitor: str, scenario_id: str | None) -> Outcome:
    """Show a kept draft again; only the visitor's own."""
    try:
        if not scenario_id:
            raise DataError("请先选一个自拟的情景")
        text = private_scenarios.text_of(_author(visitor), scenario_id)
        case = private_scenarios.get(_author(visitor), scenario_id)
    except DataError as error:
        return Outcome(_told(str(error), bad=True))
    return Outcome("", sheet=describe(case), text=text, picked=case.id)


def mine(visitor: str) -> list[tuple[str, str]]:
    """Give a visitor's drafts as choices; none without a cookie."""
    if not visitor:
        return []
    cases = private_scenarios.mine(author_of(visitor)).cases
    return [(f"{one.title}（{one.level}，{one.source}）", one.id) for one in cases]


def faults(visitor: str) -> str:
    """Give a notice naming damaged drafts, "" without one."""
    found = private_scenarios.mine(author_of(visitor)).faults if visitor else ()
    return "".join(_told(fault, bad=True) for fault in found)


def describe(case: Scenario) -> str:
    """Show a draft to its author: who, what about, what is hidden, what must be done, the card."""
    person = case.person
    rows = (
        ("谁", f"{escape(person.name)}（{escape(person.call)}），{escape(person.about)}"),
        ("级别", f"{case.level} · {standard.load().contents[case.work_content].title}"),
        ("怎样", f"{words.channel(case)} · {words.TYPES[case.customer_type]} · "
                 f"难度 {words.stars(case.difficulty)} · {escape(case.trade)}"),
        ("练什么", escape(case.trains)),
        ("想要", escape(case.wants)),
    )  # fmt: skip
    facts = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in rows)
    opening = "<br>".join(escape(line) for line in case.opening[0])
    return (
        f'<div class="kefu sheet detail drafted"><h2>{escape(case.title)} '
        f'<span class="pill quiet">{escape(case.source)}</span></h2>'
        f'<dl class="facts-list">{facts}</dl>'
        f"<h3>开口第一句</h3><p>{opening}</p>"
        f"<h3>问到才说的事</h3>{_list([fact.what for fact in case.facts])}"
        f"<h3>要办成的事</h3>{_list([goal.what for goal in case.goals])}"
        f"<h3>资料卡</h3>{_list(case.card)}"
        f"<h3>对应标准</h3>{marks.citations(case.requirements)}</div>"
    )


def _list(lines: tuple[str, ...] | list[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _author(visitor: str) -> str:
    if not visitor:
        raise DataError(NO_VISITOR)
    return author_of(visitor)


def _written(text: str) -> str:
    if not text.strip():
        raise DataError("还没有情景：先写愿望，点“起草”")
    return text


def _told(text: str, *, bad: bool = False) -> str:
    kind, role = ("notice", "alert") if bad else ("told", "status")
    return f'<div class="kefu {kind}" role="{role}">{escape(text)}</div>'
