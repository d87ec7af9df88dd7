"""A centre's own human marks against the grader: the same figures, over any number of rows.

Keeps tables of counts, not rows, so memory does not grow with the file. Rows of one id that follow
one another are one reply marked by several raters, whose median is the label.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from eval import human_counts, metrics, metrics_levels
from eval.baseline import Baseline, fit
from eval.human_counts import SHOWN, Basis, Counts, Level
from eval.human_rows import MARKS, TOP, Marked, Scale, check, read
from eval.metrics import Floats, Measured
from eval.row_files import digest
from eval.spread import CHUNK, How, ProcessesDied, Work, spread
from eval.suites import Ask, Suite, title
from eval.suites_cases import ReplyCase, load, path_of
from eval.suites_marks import two_off
from grading.classifier import FOLDER
from grading.grade import grade, versions
from grading.result import DIMENSIONS, DimensionName, GradeRow, level_of
from knowledge.datafile import DataError, fingerprint

_SAVE_SECONDS = 10.0
_DIED = "评分进程两次意外退出"


@dataclass(frozen=True)
class Given:
    """What one reply was given: a level by mark, whether a human must look; levels by its words."""

    levels: dict[str, Level]
    to_human: bool
    guesses: dict[str, Level] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """One reply and the marks of its raters, by rater."""

    row: GradeRow
    marks: tuple[tuple[str, dict[str, float]], ...]


def level_from(mark: float, scale: Scale) -> int:
    """Give the level of a mark: 0-4 to the nearest, half upwards; 0-100 by the anchors."""
    return level_of(mark) if scale == "points" else min(4, int(mark + 0.5))


def scale_of(path: Path) -> tuple[Scale, int]:
    """Look through a file for its scale (a mark above 4 makes it points) and count its rows.

    Raises:
        DataError: the file cannot be read, or no row can be used.
    """
    top, rows, usable, first = 0.0, 0, 0, None
    for raw in read(path):
        rows += 1
        try:
            marks = check(raw, None).marks
        except DataError as error:
            first = first or error
            continue
        usable, top = usable + 1, max(top, *marks.values())
    if not usable:
        raise DataError(f"{path.name} 里没有一行能用" + (f"，第一处：{first}" if first else ""))
    return ("points" if top > TOP["levels"] else "levels"), rows


def _usable(path: Path, scale: Scale, counts: Counts) -> Iterator[Marked]:
    for raw in read(path):
        if len(counts.unused) < SHOWN:
            counts.unused.update(raw.unused)
        try:
            yield check(raw, scale)
        except DataError as error:
            counts.refuse(error)


def grouped(rows: Iterable[Marked]) -> Iterator[Group]:
    """Join rows of one id that follow one another; a row without an id stands alone."""
    places = itertools.count()

    def key(one: Marked) -> str:
        return f"id {one.row.id}" if one.row.id is not None else f"row {next(places)}"

    for _, part in itertools.groupby(rows, key):
        several = list(part)
        marks = [(one.rater or str(at), one.marks) for at, one in enumerate(several)]
        yield Group(several[0].row, tuple(sorted(marks, key=lambda pair: pair[0])))


def _lost(group: Group) -> None:
    """Answer for a reply whose process died twice."""


@dataclass(frozen=True)
class _Grading:
    """The work on a chunk of replies, in whichever process: the grader's levels, the words'."""

    fitted: dict[DimensionName, Baseline]

    def __call__(self, groups: list[Group]) -> list[Given | None]:
        texts = [group.row.reply for group in groups]
        guessed = {name: one.by_words(texts) for name, one in self.fitted.items()}
        found: list[Given | None] = []
        for at, group in enumerate(groups):
            one = grade(group.row)
            levels: dict[str, Level] = {n: getattr(one.dimensions, n).level for n in DIMENSIONS}
            levels["overall"] = None if one.overall is None else level_of(one.overall)
            guesses: dict[str, Level] = {name: given[at] for name, given in guessed.items()}
            found.append(Given(levels, one.review.needed, guesses))
        return found


def _count(group: Group, given: Given | None, scale: Scale, counts: Counts) -> None:
    """Add one reply to all tables it belongs to."""
    if given is None:
        counts.lost += 1
        return
    wrong = False
    for name in MARKS:
        levels = [level_from(m[name], scale) for _, m in group.marks if name in m]
        if not levels:
            continue
        label = int(statistics.median(levels) + 0.5)
        counts.add(name, "", (label, given.levels[name]))
        wrong |= two_off(label, given.levels[name])
        if name in given.guesses:
            counts.add(name, "words", (label, given.guesses[name]))
        for pair in itertools.combinations(levels, 2):
            counts.add(name, "raters", pair)
    counts.replies += 1
    counts.review[2 * given.to_human + wrong] += 1


def _baselines(ask: Ask) -> dict[DimensionName, Baseline]:
    """Fit the word counts on our own development cases; none where they are not installed."""
    path = path_of("replies", "dev", ask.folder)
    if not path.exists():
        return {}
    cases = load(ReplyCase, path, split="dev")
    texts = [case.reply for case in cases]
    made = {name: fit(texts, [case.labels.of(name) for case in cases]) for name in DIMENSIONS}
    return {name: one for name, one in made.items() if one is not None}


def _figures(counts: Counts, seed: int) -> tuple[dict[str, Measured], dict[str, list[list[int]]]]:
    figures: dict[str, Measured] = {}
    tables: dict[str, list[list[int]]] = {}
    for (name, who), table in sorted(counts.tables.items(), key=lambda one: one[0][1] != "raters"):
        drawn = metrics.by_row(table, seed=seed)
        if who == "raters":
            found = metrics_levels.passes(drawn)
        else:
            found = metrics_levels.agreement(drawn)
        prefix = f"{name}.{who}" if who else name
        figures |= {f"{prefix}.{which}": figure for which, figure in found.items()}
        if not who:
            square = table.reshape(metrics_levels.SIDE, -1)
            tables[name] = [[int(count) for count in row] for row in square]
            figures |= _constant(name, square.sum(axis=1), seed)
    drawn = metrics.by_row(counts.review, seed=seed)
    figures["review.sent"] = drawn.measure(metrics.ratio([2, 3], [0, 1, 2, 3]), counts.replies)
    figures["review.held"] = drawn.measure(metrics.ratio([3], [1, 3]), counts.review[[1, 3]].sum())
    return figures, tables


def _constant(name: str, labels: Floats, seed: int) -> dict[str, Measured]:
    """Give how saying the commonest level of this very file to everything would fare."""
    table = np.zeros((metrics_levels.SIDE, metrics_levels.SIDE))
    table[:, int(labels[: metrics_levels.LEVELS].argmax())] = labels
    found = metrics_levels.agreement(metrics.by_row(table.ravel(), seed=seed))
    kept = ("qwk", "exact", "within_one")
    return {f"{name}.constant.{which}": found[which] for which in kept}


def _notes(counts: Counts, path: Path, scale: Scale) -> list[str]:
    said = {"levels": "0 到 4 档", "points": "0 到 100 分"}[scale]
    notes = [
        f"人工分按 {said}读；几个人评同一条时取中位数。本单位的数据，不是自拟用例。",
        "每条回复各算一例；同一通对话里有好几条的，真实的区间会比这里宽一些。",
    ]
    if counts.unused:
        notes.append(f"没有用到的列：{'、'.join(sorted(counts.unused))}。")
    if counts.lost:
        notes.append(f"有 {counts.lost} 条没有算上：{_DIED}。")
    if counts.bad:
        notes.append(f"{path.name} 有 {counts.bad} 行没有用上，其余照算：")
        notes += counts.told
        if counts.bad > len(counts.told):
            notes.append(f"……另有 {counts.bad - len(counts.told)} 行")
    return notes


def _basis(data: Path, scale: Scale) -> Basis:
    made = {"rubric": str(versions().rubric), "models": fingerprint(*FOLDER.glob("*.npz"))}
    return Basis(input=digest(data), scale=scale, versions=made)


def _measured(ask: Ask, data: Path, counts: Counts, *, scale: Scale, rows: int) -> None:
    """Grade and count what is not counted yet, putting the counts on disk now and then."""
    usable = ask.track(_usable(data, scale, counts), title("human"), rows)
    todo = itertools.islice(grouped(usable), counts.seen, None)
    work = Work(_Grading(_baselines(ask)), _lost)
    saved, basis = time.monotonic(), _basis(data, scale) if ask.part else None
    try:
        with closing(spread(todo, work, How(ask.workers, CHUNK, ask.ray))) as found:
            for group, given in found:
                _count(group, given, scale, counts)
                if ask.part and basis and time.monotonic() - saved > _SAVE_SECONDS:
                    counts.save(ask.part, basis)
                    saved = time.monotonic()
    except ProcessesDied as error:
        raise DataError(str(error)) from None
    finally:
        if ask.part and basis:
            counts.save(ask.part, basis)


def human(ask: Ask) -> Suite:
    """Measure the grader on a centre's own marks.

    Raises:
        DataError: no file was given, it cannot be read, no row of it can be used, or what an
            earlier run left belongs to something else.
    """
    if ask.data is None:
        raise DataError("评测 human 要有数据，请加 --data 文件.jsonl 或 文件.xlsx")
    found, rows = scale_of(ask.data)
    scale: Scale = ask.scale or found
    counts = Counts()
    if ask.part and ask.resume and ask.part.exists():
        counts = human_counts.load(ask.part, _basis(ask.data, scale))
    _measured(ask, ask.data, counts, scale=scale, rows=rows)
    if not counts.replies:
        why = counts.told[0] if counts.told else _DIED
        raise DataError(f"{ask.data.name} 里没有一行能用，第一处：{why}")
    figures, tables = _figures(counts, ask.seed)
    if ask.part:
        ask.part.unlink()
    return Suite(
        name="human", title=title("human"), n=counts.replies, unit="条回复",
        figures=figures, tables=tables, notes=_notes(counts, ask.data, scale),
    )  # fmt: skip
