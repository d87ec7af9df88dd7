"""What an edited rubric would change: the development cases graded before and after.

The new grading runs in a process of its own, whose ``grading`` package has the edited data, so
nothing that is loaded here changes. The test cases are left alone: nothing is tuned on them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

import grading
from eval import metrics, metrics_levels
from eval.grading import CASES
from eval.metrics import Measured
from eval.suites import Shape
from eval.suites_cases import Levels, ReplyCase, SignalCase, ViolationCase, load
from grading.grade import grade
from grading.result import DIMENSIONS, DimensionName, Grade, GradeRow
from grading.rubric_check import check, gather
from knowledge.datafile import DataError

SPLIT = "dev"
POINTS = 5.0  # from here on a change of score is worth telling
_SHOWN = 10
_MODELS: dict[str, type[ReplyCase] | type[SignalCase] | type[ViolationCase]] = {
    "replies": ReplyCase, "signals": SignalCase, "violations": ViolationCase,
}  # fmt: skip
_GRADES = ("qwk", "exact", "within_one", "coverage")


@dataclass(frozen=True)
class Gold:
    """One case: what is graded, and its levels where it carries labels."""

    row: GradeRow
    labels: Levels | None = None


class Outcome(Shape):
    """What one reply got: overall, levels by dimension, breaches as ``kind:severity``."""

    status: str
    overall: float | None
    levels: dict[DimensionName, int | None]
    scores: dict[DimensionName, float | None]
    fatal: bool
    violations: list[str]


class Change(Shape):
    """One reply whose grade would change; ``points``: by how much at most, overall or a score."""

    id: str
    reply: str
    points: float
    before: Outcome
    after: Outcome


class Counted(Shape):
    """How many replies would change, in which way; ``any`` counts each once."""

    any: int
    score: int
    level: int
    verdict: int


class Effect(Shape):
    """What an edited rubric would do; ``agreement``: with the labels, before and after."""

    files: list[str]
    rubric: dict[str, str]
    doubts: list[str]
    n: int
    changed: Counted
    largest: list[Change]
    agreement: dict[str, dict[str, Measured]]


def gold(folder: Path = CASES) -> list[Gold]:
    """Load the development cases there are; a row met twice is kept once.

    Raises:
        DataError: none is there, or one is broken.
    """
    found: dict[str, Gold] = {}
    for name, model in _MODELS.items():
        for path in sorted(folder.glob(f"{name}.{SPLIT}*.jsonl")):
            split = path.name.split(".")[1]
            for case in load(model, path, split=split):
                if isinstance(case, ReplyCase):
                    found.setdefault(case.id, Gold(case.graded_row(), case.labels))
                else:
                    found.setdefault(case.id, Gold(case.row(case.reply)))
    if not found:
        raise DataError(f"{folder} 里没有 {SPLIT} 用例，比不出改动")
    return list(found.values())


def measure(given: Path, folder: Path = CASES, *, seed: int = 7) -> Effect:
    """Check edited data and say what it would change.

    Args:
        given: an edited rubric.yaml, or a folder with it and its lexicons.
        folder: of the cases.
        seed: of the intervals.

    Raises:
        DataError: the data are wrong, by file, line and field; or the cases are.
    """
    with tempfile.TemporaryDirectory() as place:
        edited = gather(given, Path(place) / "grading" / "data")
        doubts = check(edited)
        cases = gold(folder)
        after = _graded_with(Path(place), [case.row for case in cases])
    before = [grade(case.row) for case in cases]
    pairs = list(zip(cases, map(_outcome, before), map(_outcome, after), strict=True))
    changes = [one for case, old, new in pairs if (one := _change(case.row, old, new))]
    changes.sort(key=lambda one: (-one.points, one.id))
    return Effect(
        files=list(edited.names), doubts=doubts, n=len(cases),
        rubric={"before": str(before[0].versions.rubric), "after": str(after[0].versions.rubric)},
        changed=Counted(
            any=len(changes), score=sum(_is_score(one) for one in changes),
            level=sum(one.before.levels != one.after.levels for one in changes),
            verdict=sum(_is_verdict(one) for one in changes),
        ),
        largest=changes[:_SHOWN],
        agreement={
            when: _agreement([(case, one[at]) for case, *one in pairs], seed)
            for at, when in enumerate(("before", "after"))
        },
    )  # fmt: skip


def _graded_with(place: Path, rows: Sequence[GradeRow]) -> list[Grade]:
    """Grade in a process that finds its ``grading`` package in ``place``, with the data there."""
    for code in Path(grading.__file__).parent.glob("*.py"):
        (place / "grading" / code.name).write_bytes(code.read_bytes())
    text = "".join(row.model_dump_json() + "\n" for row in rows)
    roots = [str(place), str(Path(grading.__file__).parent.parent)]
    done = subprocess.run(
        [sys.executable, "-c", _CHILD], input=text, capture_output=True, encoding="utf-8",
        env=os.environ | {"PYTHONPATH": os.pathsep.join(roots), "PYTHONIOENCODING": "utf-8"},
        cwd=place, check=False,
    )  # fmt: skip
    try:
        return [Grade.model_validate_json(line) for line in _lines(done, len(rows))]
    except ValidationError:
        raise DataError("改过的评分数据评不出结果，请检查刚才的改动") from None


_CHILD = """
import sys
from grading.grade import grade
from grading.result import GradeRow
for line in sys.stdin:
    sys.stdout.write(grade(GradeRow.model_validate_json(line)).model_dump_json() + chr(10))
"""


def _lines(done: subprocess.CompletedProcess[str], wanted: int) -> list[str]:
    found = done.stdout.split("\n")[:-1]  # a reply may hold other ends of lines
    if done.returncode or len(found) != wanted:
        said = (done.stderr.strip().splitlines() or ["没有说明"])[-1]
        raise DataError(f"改过的评分数据在第 {len(found) + 1} 条用例上评不下去：{said}")
    return found


def _outcome(graded: Grade) -> Outcome:
    parts = {name: getattr(graded.dimensions, name) for name in DIMENSIONS}
    return Outcome(
        status=graded.status, overall=graded.overall, fatal=graded.fatal,
        levels={name: part.level for name, part in parts.items()},
        scores={name: part.score for name, part in parts.items()},
        violations=sorted(f"{one.kind}:{one.severity}" for one in graded.violations),
    )  # fmt: skip


def _gap(before: float | None, after: float | None) -> float:
    """Give how far two scores are apart; one that is null on one side only is all of it."""
    if before is None or after is None:
        return 0.0 if before is after else 100.0
    return round(abs(after - before), 1)


def _change(row: GradeRow, before: Outcome, after: Outcome) -> Change | None:
    gaps = [_gap(before.scores[name], after.scores[name]) for name in DIMENSIONS]
    found = Change(
        id=str(row.id), reply=row.reply, before=before, after=after,
        points=max(*gaps, _gap(before.overall, after.overall)),
    )  # fmt: skip
    is_told = _is_score(found) or _is_verdict(found) or before.levels != after.levels
    return found if is_told else None


def _is_score(change: Change) -> bool:
    return change.points >= POINTS


def _is_verdict(change: Change) -> bool:
    old, new = change.before, change.after
    return (old.status, old.fatal, old.violations) != (new.status, new.fatal, new.violations)


def _agreement(graded: Iterable[tuple[Gold, Outcome]], seed: int) -> dict[str, Measured]:
    """Give the figures of levels against labels, by dimension; empty where no case has labels."""
    labelled = [(case.row, case.labels, one) for case, one in graded if case.labels]
    found: dict[str, Measured] = {}
    for name in DIMENSIONS if labelled else ():
        pairs = [(labels.of(name), one.levels[name]) for _, labels, one in labelled]
        cases = [metrics.case_of(str(row.id)) for row, *_ in labelled]
        drawn = metrics.by_case(cases, metrics_levels.one_hot(pairs), seed=seed)
        figures = metrics_levels.agreement(drawn)
        found |= {f"{name}.{which}": figures[which] for which in _GRADES}
    return found
