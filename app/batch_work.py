"""The work on the rows of a batch: grades them and writes each answer as text, in any process.

Knows one row at a time; not files, processes or order.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from app import out
from app.batch_source import Row
from app.commands import rows
from eval.spread import Work
from grading.grade import grade
from grading.result import Grade, GradeRow

if TYPE_CHECKING:
    from coach.judging import Judging

NAMES = {"empathy": "同理心", "politeness": "礼貌用语", "procedure": "规范步骤"}
Form = Literal["json", "people"]


@dataclass(frozen=True)
class Answered:
    """The answer to one row as it is written, without the last line's end; whether it failed."""

    text: str
    failed: bool


def one(row: GradeRow, judge: Judging | None) -> Grade:
    """Grade one row, by its scenario's card where it names one.

    Raises:
        DataError: the reply is too long, or there is no such scenario.
    """
    if row.scenario is None:
        graded = grade(row)
        return judge.add(graded, row) if judge else graded
    from coach import findings, scenario

    case = scenario.get(row.scenario)
    graded = grade(
        row,
        scenario_version=scenario.version(case),
        extra=findings.limit_hits(row.reply, case),
        staff=case.kind == "staff",
    )
    return judge.add(graded, row, case) if judge else graded


def work(form: Form, judge: Judging | None = None) -> Work[Row, Answered]:
    """Give the work on a batch; with a judge it cannot leave this process."""
    return Work(
        functools.partial(_answers, form=form, judge=judge), functools.partial(_lost, form=form)
    )


def _answers(chunk: list[Row], *, form: Form, judge: Judging | None) -> list[Answered]:
    return [_answer(row, form, judge) for row in chunk]


def _answer(row: Row, form: Form, judge: Judging | None) -> Answered:
    value = row.parsed()
    if row.trouble is not None:
        return _written(rows.failed(value, row.line, row.trouble), form)
    found, _ = rows.answer_one(row.line, value, GradeRow, functools.partial(one, judge=judge))
    return _written(found, form)


def _lost(row: Row, *, form: Form) -> Answered:
    why = f"第 {row.line} 行所在的一批让评分进程两次意外退出，没有评"
    return _written(rows.failed(row.parsed(), row.line, why), form)


def id_of(row: Row) -> str | int | None:
    """Give the id that the answer to a row carries."""
    found: str | int | None = rows.failed(row.parsed(), row.line, "")["id"]
    return found


def _written(answer: Grade | dict[str, Any], form: Form) -> Answered:
    is_bad = isinstance(answer, dict)
    text = out.json_line(answer) if form == "json" else "\n".join(lines(answer))
    return Answered(text, is_bad)


def lines(answer: Grade | dict[str, Any]) -> Iterator[str]:
    """Give one answer for people."""
    if isinstance(answer, dict):
        yield f"[{answer['id'] or '-'}] 出错：{answer['reason']}"
        return
    total = "未评分" if answer.overall is None else f"{answer.overall:g} 分"
    fatal = "，致命错误" if answer.fatal else ""
    yield f"[{answer.id or '-'}] {total}{fatal}（训练分，非官方权重）"
    if answer.reason:
        yield f"  {answer.reason}"
    for name, shown in NAMES.items():
        part = getattr(answer.dimensions, name)
        score = "—" if part.score is None else f"{part.score:g}"
        yield f"  {shown} {score}：{part.why}"
    for breach in answer.violations:
        yield f"  违规「{breach.text}」→ {breach.instead}"
    if answer.rewrite:
        yield f"  更好的说法：{answer.rewrite}"
    if answer.judge:
        from app.report import opinions

        yield from opinions.lines(answer)
