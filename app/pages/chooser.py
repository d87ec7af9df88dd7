"""Choosing a scenario: lists and descriptions made of public facts only, nothing that spoils it."""

from __future__ import annotations

from html import escape

from app.report import marks, words
from coach import scenario
from coach.scenario import Scenario
from knowledge import standard

ALL_WORK = "全部工作内容"
Choices = list[tuple[str, str]]


def _open(case: Scenario, adult: bool) -> bool:
    return adult or not case.abuse


def works(level: str, adult: bool = False) -> Choices:
    """List the work contents of a level that have scenarios, with how many."""
    counts: dict[str, int] = {}
    for case in scenario.load_all().values():
        if case.level == level and _open(case, adult):
            counts[case.work_content] = counts.get(case.work_content, 0) + 1
    contents = standard.load().contents
    return [(ALL_WORK, ALL_WORK)] + [
        (f"({contents[one].number}){contents[one].title} · {count} 个情景", one)
        for one, count in counts.items()
    ]


def cases(level: str, work: str, adult: bool = False) -> list[Scenario]:
    """Give the scenarios of a level and work content, easiest first."""
    found = [
        case
        for case in scenario.load_all().values()
        if case.level == level and work in (ALL_WORK, case.work_content) and _open(case, adult)
    ]
    return sorted(found, key=lambda case: (case.difficulty, case.work_content, case.id))


def labels(found: list[Scenario]) -> Choices:
    """Give scenarios as choices; each label has a title line and a line of facts."""
    return [
        (
            f"{case.title}\n{case.trade} · {words.channel(case)}"
            f" · {words.TYPES[case.customer_type]} · 难度 {words.stars(case.difficulty)}"
            f"{' · 含辱骂' if case.abuse else ''}",
            case.id,
        )
        for case in found
    ]


def detail(scenario_id: str | None) -> str:
    """Describe one scenario before it starts: what it trains and the requirements it rests on."""
    if scenario_id is None:
        return '<div class="kefu sheet empty"><p>这里还没有情景，请换一个级别或工作内容。</p></div>'
    case = scenario.get(scenario_id)
    work = standard.load().contents[case.work_content]
    rows = (
        ("级别", f"{case.level} · ({work.number}){escape(work.title)}"),
        ("行业", escape(case.trade)),
        ("方式", words.channel(case)), (words.other(case), words.TYPES[case.customer_type]),
        ("难度", f'<span class="stars" aria-label="难度 {case.difficulty}，最高 5">'
                 f"{words.stars(case.difficulty)}</span>"),
    )  # fmt: skip
    facts = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in rows)
    warning = (
        '<p class="warning" role="note">含辱骂：对方会说难听的话。觉得不舒服随时点“暂停 / 结束”，'
        "不扣分。先提醒、再提醒、三次提醒后礼貌结束，也是对的做法。</p>"
        if case.abuse
        else ""
    )
    return (
        f'<div class="kefu sheet detail"><h2>{escape(case.title)}</h2>'
        f'<dl class="facts-list">{facts}</dl>'
        f"{warning}<h3>练什么</h3><p>{escape(case.trains)}</p>"
        f"<h3>对应标准</h3>{marks.citations(case.requirements)}</div>"
    )
