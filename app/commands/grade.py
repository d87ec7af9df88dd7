"""`kefu grade`: grades a file of replies."""

from __future__ import annotations

import argparse
import functools
from typing import TYPE_CHECKING, Any

from app import judging, out
from app.commands import rows
from grading.grade import grade
from grading.result import Grade, GradeRow

if TYPE_CHECKING:
    from coach.judging import Judging

_NAMES = {"empathy": "同理心", "politeness": "礼貌用语", "procedure": "规范步骤"}


def _grade(row: GradeRow, judge: Judging | None) -> Grade:
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


def show(answer: Any) -> None:  # noqa: ANN401
    """Write one grade for people."""
    if isinstance(answer, dict):
        out.text(f"[{answer['id'] or '-'}] 出错：{answer['reason']}")
        return
    total = "未评分" if answer.overall is None else f"{answer.overall:g} 分"
    fatal = "，致命错误" if answer.fatal else ""
    out.text(f"[{answer.id or '-'}] {total}{fatal}（训练分，非官方权重）")
    if answer.reason:
        out.text(f"  {answer.reason}")
    for name, shown in _NAMES.items():
        part = getattr(answer.dimensions, name)
        score = "—" if part.score is None else f"{part.score:g}"
        out.text(f"  {shown} {score}：{part.why}")
    for breach in answer.violations:
        out.text(f"  违规「{breach.text}」→ {breach.instead}")
    if answer.rewrite:
        out.text(f"  更好的说法：{answer.rewrite}")
    if answer.judge:
        from app.report import opinions

        for line in opinions.lines(answer):
            out.text(line)


def run(args: argparse.Namespace) -> int:
    """Grade every row of the file, in order."""
    failed = total = 0
    text = rows.read(args.file)
    judge = judging.asked(args)
    try:
        answers = rows.answer(text, GradeRow, functools.partial(_grade, judge=judge))
        for answer, bad in answers:
            total, failed = total + 1, failed + bad
            if args.json:
                out.as_json(answer)
            else:
                show(answer)
    finally:
        if judge:
            from coach import voices

            voices.close()
    rows.report(failed, total)
    return out.OK
