"""How good the better wordings are: `python -m eval.rewrites` prints figures over labelled replies.

Regrades each rewrite with the grader itself, its slots filled by stand-ins as an agent would fill
them. Knows no reader's opinion: whether people prefer it is asked elsewhere.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from eval.grading import load_cases
from grading.grade import grade, look
from grading.result import DIMENSIONS, Grade, GradeRow
from grading.rewrite import GOOD, better_wording
from knowledge.datafile import DataError
from knowledge.quantity import Quantity, quantities
from knowledge.text import plain

SHARED_CHARS = 12
_LEAST_GAIN = 0.05
_ROUNDS = 3  # the median of them is an item's cost: other work on the machine disturbs
_SLOT = re.compile(r"〔([^〕]*)〕")
_SENTENCE = re.compile(r"[。！？；\n]")
_OPENING = re.compile(r"您好|工号|请讲|再见|来电")
_STAND_INS = {
    "时限": "今天下午六点", "时长": "两分钟", "日期": "下周三", "姓名或工号": "工号3076",
    "姓": "林", "主管": "主管", "金额": "三十元", "核对项": "姓名和证件号后四位",
    "负责人": "维修班长", "工号": "工号3076",
}  # fmt: skip
_ANY = "登记的资料"
_CHECKED = frozenset({"duration", "workdays", "months", "clock", "date", "money", "share"})


@dataclass
class Found:
    """What was measured; sentences with the items that hold them, cost in milliseconds."""

    replies: int = 0
    rewritten: int = 0
    unmarked_rewritten: int = 0
    marked_left: int = 0
    too_long: int = 0
    doubled: int = 0
    raised: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    kept: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    lowered: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    weak: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    holders: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    invented: list[str] = field(default_factory=list)
    fatal: list[str] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)


def filled(text: str) -> str:
    """Fill the slots as an agent would."""
    return _SLOT.sub(lambda slot: _STAND_INS.get(slot[1], _ANY), text)


def invented(row: GradeRow, rewrite: str) -> Iterator[Quantity]:
    """Give the figures of a rewrite that stand neither in the talk, nor the reply, nor the card."""
    texts = [row.reply, *row.card, *(turn.text for turn in row.history)]
    known = [one for text in texts for one in quantities(plain(text))]
    for figure in quantities(plain(_SLOT.sub("", rewrite))):
        if figure.kind in _CHECKED and not any(figure.same(one) for one in known):
            yield figure


def sentences(rewrite: str) -> Iterator[str]:
    """Give the long sentences of a rewrite that are neither opening nor closing words."""
    for sentence in _SENTENCE.split(rewrite):
        bare = re.sub(r"[，、：\s]", "", sentence)
        if len(bare) > SHARED_CHARS and not _OPENING.search(bare):
            yield bare


def _is_marked(graded: Grade) -> bool:
    scores = [getattr(graded.dimensions, name).score for name in DIMENSIONS]
    return bool(graded.violations) or any(s is not None and s < GOOD for s in scores)


def _compare(found: Found, row: GradeRow, *, first: Grade, staff: bool) -> None:
    rewrite = first.rewrite or ""
    second = grade(row.model_copy(update={"reply": filled(rewrite)}), staff=staff)
    name = row.id or ""
    for dimension in DIMENSIONS:
        before = getattr(first.dimensions, dimension).score
        after = getattr(second.dimensions, dimension).score
        if before is None:
            continue
        weak = before < GOOD
        found.weak[dimension] += weak
        if after is None or after >= before - _LEAST_GAIN:
            found.raised[dimension] += weak and (after is None or after > before + _LEAST_GAIN)
            found.kept[dimension] += 1
        else:
            found.lowered[dimension].append(f"{name} {before:g}→{after:g}")
    if second.fatal:
        found.fatal.append(name)


def _cost(row: GradeRow, *, staff: bool) -> float | None:
    looked = look(row, staff=staff)
    if looked is None:
        return None
    spent = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        better_wording(looked.reply, looked.now, looked.findings, row=row, hits=looked.card)
        spent.append((time.perf_counter() - start) * 1000)
    return statistics.median(spent)


def measure(cases: Sequence[dict[str, Any]]) -> Found:
    """Measure the rewrites of cases (rows with channel, history, reply, card, staff).

    Raises:
        DataError: no cases.
    """
    if not cases:
        raise DataError("没有可量的回复，请检查案例文件")
    found = Found()
    for case in cases:
        fields = {key: case[key] for key in ("id", "channel", "history", "reply", "card")}
        row, staff = GradeRow.model_validate(fields), bool(case.get("staff"))
        first = grade(row, staff=staff)
        found.replies += 1
        if first.rewrite is None:
            found.marked_left += first.status == "scored" and _is_marked(first)
            continue
        found.rewritten += 1
        found.unmarked_rewritten += not _is_marked(first)
        found.too_long += len(first.rewrite) > 140
        found.doubled += len(first.rewrite) > 2 * len(row.reply)
        for sentence in sentences(first.rewrite):
            found.holders[sentence].add(row.id or "")
        found.invented += [f"{row.id} {q.kind} {q.value:g}" for q in invented(row, first.rewrite)]
        _compare(found, row, first=first, staff=staff)
        cost = _cost(row, staff=staff)
        found.cost += [cost] if cost is not None else []
    return found


def _case(name: str) -> str:
    """Give the case of a reply's id: ga-001-b is the second reply of ga-001."""
    return name.rpartition("-")[0] or name


def told(found: Found) -> Iterator[str]:
    """Say the figures, one a line."""
    yield f"回复 {found.replies} 条，给出更好说法 {found.rewritten} 条"
    yield f"没有扣分却改写 {found.unmarked_rewritten} 条，扣了分却没有改写 {found.marked_left} 条"
    yield f"超过 140 字 {found.too_long} 条，超过原话两倍 {found.doubled} 条"
    for name in DIMENSIONS:
        judged = found.kept[name] + len(found.lowered[name])
        yield (
            f"{name}：扣过分的 {found.weak[name]} 条里提高 {found.raised[name]} 条；"
            f"评过的 {judged} 条里降低 {len(found.lowered[name])} 条"
        )
    shared = [ids for ids in found.holders.values() if len(ids) > 1]
    across = sum(len({_case(name) for name in ids}) > 1 for ids in shared)
    yield (
        f"两条共用的长句（超过 {SHARED_CHARS} 字，开头结尾除外）{len(shared)} 句，"
        f"其中不同情境之间 {across} 句"
    )
    yield f"凭空的数字 {len(found.invented)} 处；改写后仍有致命错误 {len(found.fatal)} 条"
    if found.cost:
        worst = max(found.cost)
        yield f"耗时：中位 {statistics.median(found.cost):.2f} 毫秒，最慢 {worst:.2f} 毫秒"


def details(found: Found) -> Iterator[str]:
    """Say what fell short, item by item."""
    for text, ids in found.holders.items():
        if len(ids) > 1:
            yield f"共用：{text}（{'、'.join(sorted(ids))}）"
    for name, items in found.lowered.items():
        yield from (f"{name} 降低：{item}" for item in items)
    yield from (f"凭空的数字：{item}" for item in found.invented)
    yield from (f"仍致命：{item}" for item in found.fatal)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m eval.rewrites", description="量一量“更好的说法”"
    )
    parser.add_argument("--details", action="store_true", help="逐条列出不足之处")
    asked = parser.parse_args(argv)
    try:
        found = measure(load_cases("replies", "dev"))
    except DataError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    lines = [*told(found), *(details(found) if asked.details else ())]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
