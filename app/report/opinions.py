"""A judging model's opinion for people: apart from the scores, labelled as made by AI."""

from __future__ import annotations

from html import escape

from app.report import words
from grading import judge_rules
from grading.result import Grade, Verdict

_SAME = "和扮演客户的是同一个模型，可能偏向自己"


def _name(verdict: Verdict) -> str:
    return judge_rules.load().asking(verdict.question).shown


def _asides(verdict: Verdict) -> str:
    """Give what limits trust in a verdict, as one bracket; "" where nothing does."""
    asides = [_SAME] if verdict.same_model_plays and verdict.samples else []
    if len(verdict.samples) > 1:
        given = "、".join("—" if s.level is None else str(s.level) for s in verdict.samples)
        asides.insert(0, f"几次评为 {given}")
    return f"（{'；'.join(asides)}）" if asides else ""


def told(verdict: Verdict) -> str:
    """Give one verdict as a line of plain text."""
    if verdict.level is None:
        return f"{_name(verdict)}：没有意见（{verdict.cause}）{_asides(verdict)}"
    quote = f"「{verdict.quote}」" if verdict.quote else ""
    return (
        f"{_name(verdict)} {verdict.level}/{verdict.most} {verdict.name}{_asides(verdict)}："
        f"{verdict.reason}{quote}"
    )


def lines(grade: Grade) -> list[str]:
    """Give all verdicts as lines for the terminal."""
    return [
        f"  模型另评（{'AI 生成，' if one.status == 'scored' else ''}不计分）{told(one)}"
        for one in grade.judge
    ]


def panel(grade: Grade) -> str:
    """Give all verdicts as HTML; "" where no model was asked."""
    if not grade.judge:
        return ""
    rows = "".join(f"<li>{escape(told(one))}</li>" for one in grade.judge)
    mark = words.AI_MARK if any(one.status == "scored" for one in grade.judge) else ""
    model = escape(grade.judge[0].model) + mark
    return (
        f'<div class="opinion"><p class="small">模型另评，不计入分数 · {model}</p>'
        f'<ul class="plain small">{rows}</ul></div>'
    )
