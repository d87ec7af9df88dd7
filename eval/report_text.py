"""The report as lines for a terminal: passes first, then figures, bars, moves. Knows looks only."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from eval import report_words, suites
from eval.bars import Held, Move
from eval.report import Report
from eval.report_words import Namer
from eval.suites import Suite

_WIDTH = 46
_AGREED = ("passes", "raters")
# left to the report: a screen of figures is read, ten are not
_DETAIL = frozenset(("kind", "low", "middle", "high", "staff", "customers"))
_BASELINES = frozenset(("constant", "words"))


def pad(text: str, width: int) -> str:
    """Fill up with spaces to a width in columns, a Chinese character taking two."""
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    return text + " " * max(1, width - len(text) - wide)


def ordered(suite: Suite) -> list[str]:
    """Give the paths of a suite's figures, the label passes' own agreement first."""
    return sorted(suite.figures, key=lambda path: not set(path.split(".")) & set(_AGREED))


def _is_brief(path: str) -> bool:
    pieces = path.split(".")
    if set(pieces) & _DETAIL:
        return False
    return pieces[-1] == "qwk" or not set(pieces) & _BASELINES


def suite_lines(suite: Suite, kind: Namer = str, *, brief: bool = True) -> Iterator[str]:
    """Give the figures of one suite, a line each; ``brief`` leaves out bands, groups and kinds."""
    yield f"\n{suite.title}（{suite.n} {suite.unit}）"
    for path in ordered(suite):
        if brief and not _is_brief(path):
            continue
        one = suite.figures[path]
        value = report_words.number(path, one.value)
        yield (
            f"  {pad(report_words.figure(path, kind), _WIDTH)}{value:>9}  "
            f"{pad(report_words.interval(path, one), 22)}n={one.n}"
        )
    for note in suite.notes:
        yield f"  · {note}"


def _bar(bar: Held, kind: Namer) -> str:
    sign, mark = ("≤", "≥")[bar.way == "least"], "✓" if bar.is_met else "✗ 未达到"
    name = f"{suites.title(bar.suite)} · {report_words.figure(bar.figure, kind)}"
    limit = report_words.number(bar.figure, bar.limit)
    return (
        f"  {pad(name, 56)}{report_words.number(bar.figure, bar.value):>9}  {sign} {limit} {mark}"
    )


def _move(move: Move, kind: Namer) -> str:
    name = f"{suites.title(move.suite)} · {report_words.figure(move.figure, kind)}"
    then, now = (report_words.number(move.figure, v) for v in (move.before, move.now))
    change = report_words.number(move.figure, move.change, signed=True)
    return f"  {pad(name, 56)}{then:>9} → {now:>9}  {change:>9}{'  超出区间' * move.is_outside}"


def lines(report: Report, kind: Namer) -> Iterator[str]:
    """Give the whole report, a line at a time.

    Args:
        report: of a run.
        kind: gives the Chinese name of a signal or breach.
    """
    about = report.about
    yield f"客服陪练 离线评测  {about.date}  {about.split}  种子 {about.seed}"
    yield about.label_note
    yield "分档、分类别和对照的其余的数在报告里（--out 目录，或 --json）。"
    yield f"方括号里是 95 % 区间（按例重抽 {about.resamples} 次；速度是最快和最慢的一轮）。"
    for suite in report.suites:
        yield from suite_lines(suite, kind)
    if report.moves is not None:
        yield f"\n与上次（{report.baseline}）相比，变了 {len(report.moves)} 个数"
        for move in report.moves:
            yield _move(move, kind)
    if report.bars:
        yield f"\n达标线：{len(report.bars)} 条，{len(report.bars) - len(report.short)} 条达到"
        for bar in report.bars:
            yield _bar(bar, kind)
