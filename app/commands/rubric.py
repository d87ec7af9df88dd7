"""`kefu rubric check`: checks an edited rubric and shows what it would change."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from app import out
from app.report import words
from eval import rubric_gold
from eval.grading import CASES
from eval.rubric_gold import POINTS, Effect, Outcome
from grading.result import DIMENSIONS

_REPLY_CHARS = 60
_FIGURES = {"qwk": "QWK", "exact": "完全一致", "within_one": "差不超过一档", "coverage": "评到的"}


def run(args: argparse.Namespace) -> int:
    """Check and show.

    Raises:
        DataError: the data are wrong, by file, line and field.
    """
    effect = rubric_gold.measure(Path(args.file), Path(args.cases) if args.cases else CASES)
    if args.json:
        out.as_json(effect)
        return out.OK
    for line in _lines(effect):
        out.text(line)
    return out.OK


def _lines(effect: Effect) -> Iterator[str]:
    yield f"{'、'.join(effect.files)}：写法没有问题"
    yield from (f"  留意：{doubt}" for doubt in effect.doubts)
    yield f"版本 {effect.rubric['before']} → {effect.rubric['after']}"
    counted = effect.changed
    yield (
        f"开发集 {effect.n} 条回复（自拟），{counted.any} 条会变：分数差 {POINTS:g} 分以上 "
        f"{counted.score}，档位 {counted.level}，结论（违规、致命、评不评）{counted.verdict}"
    )
    if effect.largest:
        yield f"变得最多的 {len(effect.largest)} 条："
    for one in effect.largest:
        reply = one.reply.replace("\n", " ")
        yield f"  [{one.id}] {reply[:_REPLY_CHARS]}{'…' * (len(reply) > _REPLY_CHARS)}"
        yield f"    前：{_told(one.before)}"
        yield f"    后：{_told(one.after)}"
    if effect.agreement["before"]:
        yield "和标注的一致（前 → 后）："
    else:
        yield "没有带档位标注的用例，不比一致"
    for name in DIMENSIONS if effect.agreement["before"] else ():
        shown = [
            f"{title} {_moved(effect, f'{name}.{which}')}" for which, title in _FIGURES.items()
        ]
        yield f"  {words.DIMENSIONS[name]}：{'，'.join(shown)}"


def _told(outcome: Outcome) -> str:
    parts = [
        f"{words.DIMENSIONS[name]} {words.points(outcome.scores[name])}" for name in DIMENSIONS
    ]
    total = "未评分" if outcome.overall is None else f"{outcome.overall:g} 分"
    kinds = [one.partition(":") for one in outcome.violations]
    breaches = [f"{words.kind(kind)}（{words.SEVERITIES[how]}）" for kind, _, how in kinds]
    return "，".join([total, *parts, *breaches])


def _moved(effect: Effect, figure: str) -> str:
    shown = [effect.agreement[when][figure].value for when in ("before", "after")]
    return " → ".join("—" if value is None else f"{value:.2f}" for value in shown)
