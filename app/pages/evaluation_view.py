"""What the evaluators' pages show, in words: bars, figures, what moved, where a run is.

Knows reports and names; no HTML and no HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.pages.evaluation_desk import Ended, Running
from app.pages.evaluation_shelf import Record
from app.report import words
from eval import bars, report_text, report_words, suites
from eval.bars import Held
from eval.metrics import Measured
from eval.report import Report
from eval.suites import Suite

HUMAN = "human"
ABOUT = {
    "levels": "一条条回复评成几档，和标注比；最常看的一项",
    "sessions": "整场对话评下来，和标注比",
    "pairs": "同一处境的好坏两条回复，好的要得高分",
    "signals": "问候、致歉、复述、给时限等认得准不准",
    "violations": "推诿、反问、泄露等认得准不准，致命错误一条不漏",
    "gaming": "堆客套、背标准、藏指令，都不许换来分",
    "retrieval": "用自己的话问，找不找得到该找的要求",
    "customer": "模拟客户守不守得住、会不会泄底和重复",
    "speed": "评一条、检索一句、谈一轮各要多久；最好没人在练的时候量",
}
SPLITS = {"dev": "dev 开发集", "test": "test 测试集"}
SPLIT_NOTES = {
    "dev": "可以照着它找毛病、改词表和标准。",
    "test": "只用来看结果，不能照着它改任何东西；改了，这份测试就不再作数。",
}
_NAMED = {
    "rubric": "评分标准", "scenarios": "情景", "index": "检索索引", "bars": "达标线",
    "date": "日期", "processor": "处理器", "cores": "核数", "threads_asked": "线程数",
    "system": "系统",
}  # fmt: skip
_WHOLE = "合起来看"
_HOW = {"done": "做完了", "failed": "没有做成", "stopped": "停下了", "lost": "没有做完"}


@dataclass(frozen=True)
class Line:
    """One figure as text, always with how many it rests on."""

    name: str
    value: str
    interval: str
    n: int


@dataclass(frozen=True)
class Group:
    """Figures that belong together; ``head`` may be ""."""

    head: str
    lines: list[Line]


@dataclass(frozen=True)
class Section:
    """One suite: how far people agree, the figures, and the rest of them."""

    suite: Suite
    agreed: list[Line]
    groups: list[Group]
    rest: list[Line]


@dataclass(frozen=True)
class BarLine:
    """One bar in words."""

    line: Line
    wanted: str
    verdict: str
    is_met: bool
    note: str


@dataclass(frozen=True)
class Moved:
    """One figure then and now, as text; ``n``: how many either rests on."""

    name: str
    before: str
    now: str
    change: str
    n: str
    is_outside: bool


def line(path: str, one: Measured) -> Line:
    """Give a figure as text."""
    return Line(report_words.figure(path, words.kind), report_words.number(path, one.value),
                report_words.interval(path, one), one.n)  # fmt: skip


def section(suite: Suite) -> Section:
    """Lay out one suite: a figure whose path has more than two parts is detail."""
    agreed, rest = [], []
    groups: dict[str, list[Line]] = {}
    for path in report_text.ordered(suite):
        pieces, shown = path.split("."), line(path, suite.figures[path])
        if {"passes", "raters"} & set(pieces):
            agreed.append(shown)
        elif len(pieces) > 2:
            rest.append(shown)
        else:
            own = pieces[0] in suite.tables
            head = report_words.part(pieces[0], words.kind) if own else _WHOLE
            name = shown.name.removeprefix(f"{head} · ")
            groups.setdefault(head, []).append(replace(shown, name=name))
    made = [Group(head if len(groups) > 1 else "", rows) for head, rows in groups.items()]
    return Section(suite, agreed, made, rest)


def bar_lines(report: Report) -> list[BarLine]:
    """Give the bars, those that are missed first."""
    figures = {suite.name: suite.figures for suite in report.suites}
    return [_bar(bar, figures[bar.suite]) for bar in sorted(report.bars, key=lambda b: b.is_met)]


def _bar(bar: Held, figures: dict[str, Measured]) -> BarLine:
    one = figures.get(bar.figure, Measured(value=None, n=0))
    shown = line(bar.figure, one)
    sign = "不低于" if bar.way == "least" else "不高于"
    verdict = "达到" if bar.is_met else ("没有数" if bar.value is None else "未达到")
    return BarLine(
        Line(f"{suites.title(bar.suite)} · {shown.name}", shown.value, shown.interval, shown.n),
        f"{sign} {report_words.number(bar.figure, bar.limit)}", verdict, bar.is_met, bar.note,
    )  # fmt: skip


def moved(before: Report, now: Report) -> list[Moved]:
    """Give what moved between two runs, what lies outside the interval first."""
    then, here = ({suite.name: suite.figures for suite in one.suites} for one in (before, now))
    found = sorted(bars.moved(before.suites, now.suites), key=lambda move: not move.is_outside)
    none = Measured(value=None, n=0)
    return [
        Moved(
            f"{suites.title(move.suite)} · {report_words.figure(move.figure, words.kind)}",
            report_words.number(move.figure, move.before),
            report_words.number(move.figure, move.now),
            report_words.number(move.figure, move.change, signed=True),
            " → ".join(str(side[move.suite].get(move.figure, none).n) for side in (then, here)),
            move.is_outside,
        )
        for move in found
    ]  # fmt: skip


def changed_cases(before: Report, now: Report) -> list[str]:
    """Give the files of cases that are not what they were: their figures cannot be set apart."""
    old, new = before.about.versions, now.about.versions
    return [
        name for name in new if name.endswith("jsonl") and old.get(name, new[name]) != new[name]
    ]


def comparable(record: Record, others: Sequence[Record]) -> list[Record]:
    """Give the runs a run can be compared with: same split, a suite in common, same own marks."""
    return [
        one for one in others
        if one.id != record.id and one.split == record.split
        and set(one.suites) & set(record.suites) and one.digest == record.digest
    ]  # fmt: skip


def title_of(record: Record) -> str:
    """Say in a few words what a run measured."""
    if record.data is not None:
        return f"{suites.title(HUMAN)}：{record.data}"
    if len(record.suites) == len(suites.ALL):
        return "全部评测"
    return "、".join(suites.title(name) for name in record.suites)


def facts(named: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Give versions or machine with the names people know."""
    return ((_NAMED.get(name, name), value) for name, value in named.items())


def told(ended: Ended) -> str:
    """Say how the last run ended."""
    who = f"{ended.record.started[:16]} {ended.record.by}的评测"
    if ended.how == "stopped":
        return f"{who}已由{ended.said}停下，没有留下结果。"
    said = f"：{ended.said}" if ended.said else ""
    return f"{who}{_HOW[ended.how]}{said}。"


@dataclass(frozen=True)
class Progress:
    """Where a run is: a sentence, how long it has gone on, and a share 0-1."""

    told: str
    since: str
    share: float


def progress(now: Running) -> Progress:
    """Say where a run is."""
    minutes, seconds = divmod(int(now.seconds), 60)
    since = f"已经 {minutes} 分 {seconds:02d} 秒" if minutes else f"已经 {seconds} 秒"
    step = now.step
    if step is None:
        return Progress("正在准备", since, 0.0)
    told = f"第 {step.at} 项，共 {step.of} 项：{suites.title(step.suite)}"
    inside = step.done / step.total if step.total else 0.0
    if step.total and step.done >= step.total:
        told += f"，{step.total} 例都评了，正在算区间"
    elif step.total:
        told += f"，第 {step.done + 1} / {step.total} 例"
    return Progress(told, since, round((step.at - 1 + min(inside, 1.0)) / step.of, 3))
