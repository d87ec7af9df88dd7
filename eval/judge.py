"""Measures a judging model against labelled replies: agreement, refused quotes, spread.

`python -m eval.judge --judge endpoint --judge-model M` prints a table. Labels are constructed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field

from coach import judging, voices
from eval.grading import CASES
from grading import judge_rules
from grading.grade import grade
from grading.judge import Judge
from grading.result import Channel, GradeRow, Question, Turn, Verdict
from knowledge.datafile import DataError, Entry, json_lines, parse, read_text, refuse_repeats

SPLITS = ("dev",)


class Case(Entry):
    """One labelled reply; ``labels``: the level of each question a person gave it, from 0."""

    id: str
    split: str
    channel: Channel
    history: tuple[Turn, ...] = Field(min_length=1)
    reply: str
    point: str | None = None
    labels: dict[Question, int] = Field(min_length=1)
    source: str


class Agreement(BaseModel):
    """How a judge's levels agree with the labels of one question.

    Shares are 0-1 and null where nothing was counted; ``qwk`` is the quadratic weighted kappa,
    -1 to 1, null where it has no meaning (one level only). ``quote_refused``: share of all samples
    whose quote was missing, altered, another's or void. ``spread``: mean over verdicts with
    several samples.
    """

    model_config = ConfigDict(extra="forbid")
    question: Question
    cases: int
    judged: int
    exact: float | None
    near: float | None
    qwk: float | None
    quote_refused: float | None
    spread: float | None
    spread_most: int | None
    faults: dict[str, int]
    rule_exact: float | None
    rule_qwk: float | None


def load_cases(path: Path) -> list[Case]:
    """Load labelled replies.

    Raises:
        DataError: no case, a broken line, an unknown key, a repeated id, or a label off the menu.
    """
    rules, found = judge_rules.load(), []
    for number, value in json_lines(read_text(path)):
        where = f"{path.name} 第 {number} 行"
        if isinstance(value, DataError):
            raise DataError(f"{where}不是合法的 JSON")
        case = parse(Case, value, where)
        for question, level in case.labels.items():
            most = len(rules.asking(question).levels) - 1
            if not 0 <= level <= most:
                raise DataError(f"{where}：labels.{question} 写成了 {level}，只能是 0 到 {most}")
        found.append(case)
    if not found:
        raise DataError(f"{path.name} 里没有用例")
    refuse_repeats((case.id for case in found), path.name)
    return found


def _row(case: Case) -> GradeRow:
    return GradeRow(
        id=case.id, channel=case.channel, history=list(case.history), reply=case.reply
    )  # fmt: skip


def measure(judge: Judge, cases: Sequence[Case]) -> list[Agreement]:
    """Ask a judge about every labelled question; rows come by question."""
    rows = []
    for question in get_args(Question):
        asked = [case for case in cases if question in case.labels]
        if asked:
            verdicts = [
                judge.empathy(_row(case))
                if question == "empathy"
                else judge.deals(_row(case), point=case.point)
                for case in asked
            ]
            rows.append(_agreement(question, asked, verdicts))
    return rows


def _agreement(
    question: Question, cases: Sequence[Case], verdicts: Sequence[Verdict]
) -> Agreement:  # fmt: skip
    labels = [case.labels[question] for case in cases]
    rules: list[int | None] = [None] * len(cases)
    if question == "empathy":
        rules = [grade(_row(case)).dimensions.empathy.level for case in cases]
    ours = _pairs(labels, [verdict.level for verdict in verdicts])
    theirs = _pairs(labels, rules)
    samples = [sample for verdict in verdicts for sample in verdict.samples]
    quotes = sum(s.fault is not None and "quote" in s.fault for s in samples)
    spreads = [v.spread for v in verdicts if v.spread is not None]
    faults = Counter(s.fault for s in samples if s.fault)
    faults.update(v.fault for v in verdicts if not v.samples and v.fault)
    return Agreement(
        question=question, cases=len(cases), judged=len(ours), exact=_within(ours, 0),
        near=_within(ours, 1), qwk=_kappa(ours),
        quote_refused=quotes / len(samples) if samples else None,
        spread=statistics.mean(spreads) if spreads else None,
        spread_most=max(spreads, default=None), faults=dict(faults.most_common()),
        rule_exact=_within(theirs, 0), rule_qwk=_kappa(theirs),
    )  # fmt: skip


def _pairs(labels: Sequence[int], levels: Sequence[int | None]) -> list[tuple[int, int]]:
    pairs = zip(labels, levels, strict=True)
    return [(label, level) for label, level in pairs if level is not None]


def _within(pairs: Sequence[tuple[int, int]], most: int) -> float | None:
    return sum(abs(a - b) <= most for a, b in pairs) / len(pairs) if pairs else None


def _kappa(pairs: Sequence[tuple[int, int]]) -> float | None:
    """Give the quadratic weighted kappa; None where both sides know one level only."""
    if len({level for pair in pairs for level in pair}) < 2:
        return None
    from sklearn.metrics import cohen_kappa_score

    labels, levels = zip(*pairs, strict=True)
    return float(cohen_kappa_score(labels, levels, weights="quadratic"))


def _shown(value: float | None) -> str:
    return "—" if value is None else f"{value:.2f}"


def table(rows: Sequence[Agreement], model: str) -> str:
    """Give the table as text, Chinese headings."""
    rules = judge_rules.load()
    lines = [
        f"模型评判离线测评（{model}，judge.yaml {rules.version}，用例均为自拟）",
        "", "问题        用例  有意见  一致  差一级内  QWK   引文不算  离散   规则一致  规则QWK",
    ]  # fmt: skip
    for row in rows:
        figures = (row.exact, row.near, row.qwk, row.quote_refused, row.spread, row.rule_exact,
                   row.rule_qwk)  # fmt: skip
        shown = rules.asking(row.question).shown
        lines.append(
            f"{shown}{'　' * (5 - len(shown))}{row.cases:>5}{row.judged:>7}   "
            + "   ".join(f"{_shown(value):>5}" for value in figures)
        )
    for row in rows:
        why = "；".join(f"{rules.causes[f]} {n}" for f, n in row.faults.items())  # type: ignore[index]
        if why:
            lines.append(f"{rules.asking(row.question).shown}没有意见：{why}")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m eval.judge", description="模型评判离线测评：和人的标注比"
    )
    parser.add_argument("--judge", choices=("transformers", "endpoint"), required=True, help="引擎")
    parser.add_argument("--judge-model", help="模型的名称或目录")
    parser.add_argument("--judge-samples", type=int, default=1, help="每个问题评几次")
    cases = parser.add_mutually_exclusive_group()
    cases.add_argument("--split", choices=SPLITS, default="dev", help="用例分组")
    cases.add_argument("--file", help="自己的用例，一行一个 JSON")
    parser.add_argument("--json", action="store_true", help="只写 JSON")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; 2 where the cases or the judge cannot be had."""
    args = _parser().parse_args(argv)
    path = Path(args.file) if args.file else CASES / f"judge.{args.split}.jsonl"
    try:
        cases = load_cases(path)
        found = judging.opened(args.judge, args.judge_model, samples=args.judge_samples)
        if found.trouble:
            raise DataError(found.trouble)
        rows = measure(found.judge(), cases)
    except DataError as error:
        sys.stderr.write(f"eval.judge：{error}\n")
        return 2
    finally:
        voices.close()
    if args.json:
        body: dict[str, Any] = {"model": found.model, "rows": [row.model_dump() for row in rows]}
        sys.stdout.write(json.dumps(body, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(table(rows, found.model) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
