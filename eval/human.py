"""A centre's own human marks against the grader: the same figures, over any number of rows.

Keeps tables of counts, not rows, so memory does not grow with the file. Rows of one id that follow
one another are one reply marked by several raters, whose median is the label.
"""

from __future__ import annotations

import itertools
import multiprocessing
import statistics
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from eval import metrics, metrics_levels
from eval.baseline import Baseline, fit
from eval.human_rows import MARKS, TOP, Marked, Scale, check, read
from eval.metrics import Floats, Measured
from eval.suites import Ask, Suite, title
from eval.suites_cases import ReplyCase, load, path_of
from eval.suites_marks import two_off
from grading.grade import grade
from grading.result import DIMENSIONS, GradeRow, level_of
from knowledge.datafile import DataError

_CHUNK = 200
_FEW = 1000  # fewer rows than this are not worth other processes
_SHOWN = 20
Level = int | None


@dataclass(frozen=True)
class Given:
    """What the grader gave one reply: a level by mark, and whether a human must look."""

    levels: dict[str, Level]
    to_human: bool


@dataclass(frozen=True)
class Group:
    """One reply and the marks of its raters, by rater."""

    row: GradeRow
    marks: tuple[tuple[str, dict[str, float]], ...]


def levels_of(rows: list[GradeRow]) -> list[Given]:
    """Grade some replies; runs in another process."""
    found = []
    for row in rows:
        one = grade(row)
        levels: dict[str, Level] = {n: getattr(one.dimensions, n).level for n in DIMENSIONS}
        levels["overall"] = None if one.overall is None else level_of(one.overall)
        found.append(Given(levels, one.review.needed))
    return found


@dataclass
class Counts:
    """All that is kept of the rows: tables by mark, by who is compared, and what went wrong."""

    tables: dict[tuple[str, str], Floats] = field(default_factory=dict)
    review: Floats = field(default_factory=lambda: np.zeros(4))
    replies: int = 0
    bad: int = 0
    told: list[str] = field(default_factory=list)
    unused: set[str] = field(default_factory=set)

    def add(self, name: str, who: str, pair: tuple[Level, Level]) -> None:
        """Count one (label, level)."""
        table = self.tables.setdefault((name, who), np.zeros(metrics_levels.CELLS))
        table[metrics_levels.cell(*pair)] += 1

    def refuse(self, why: DataError) -> None:
        """Count a row that cannot be used, and keep the first reasons."""
        self.bad += 1
        if len(self.told) < _SHOWN:
            self.told.append(str(why))


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
        if len(counts.unused) < _SHOWN:
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


def _in_chunks(groups: Iterator[Group]) -> Iterator[list[Group]]:
    while chunk := list(itertools.islice(groups, _CHUNK)):
        yield chunk


def _graded(groups: Iterator[Group], workers: int) -> Iterator[tuple[list[Group], list[Given]]]:
    """Grade chunk by chunk, in order, at most two chunks a process waiting."""
    if workers < 2:
        for chunk in _in_chunks(groups):
            yield chunk, levels_of([one.row for one in chunk])
        return
    waiting: deque[tuple[list[Group], Future[list[Given]]]] = deque()
    spawn = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
            for chunk in _in_chunks(groups):
                waiting.append((chunk, pool.submit(levels_of, [one.row for one in chunk])))
                if len(waiting) >= 2 * workers:
                    first, graded = waiting.popleft()
                    yield first, graded.result()
            for first, graded in waiting:
                yield first, graded.result()
    except BrokenProcessPool:
        raise DataError("一个评分进程意外退出，可能是内存不够，请加 --workers 1 再试") from None


def _count(
    group: Group, given: Given, scale: Scale, counts: Counts, *, guesses: dict[str, Level]
) -> None:
    """Add one reply to all tables it belongs to."""
    wrong = False
    for name in MARKS:
        levels = [level_from(m[name], scale) for _, m in group.marks if name in m]
        if not levels:
            continue
        label = int(statistics.median(levels) + 0.5)
        counts.add(name, "", (label, given.levels[name]))
        wrong |= two_off(label, given.levels[name])
        if name in guesses:
            counts.add(name, "words", (label, guesses[name]))
        for pair in itertools.combinations(levels, 2):
            counts.add(name, "raters", pair)
    counts.replies += 1
    counts.review[2 * given.to_human + wrong] += 1


def _baselines(ask: Ask) -> dict[str, Baseline]:
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
    if counts.bad:
        notes.append(f"{path.name} 有 {counts.bad} 行没有用上，其余照算：")
        notes += counts.told
        if counts.bad > len(counts.told):
            notes.append(f"……另有 {counts.bad - len(counts.told)} 行")
    return notes


def human(ask: Ask) -> Suite:
    """Measure the grader on a centre's own marks.

    Raises:
        DataError: no file was given, it cannot be read, or no row of it can be used.
    """
    if ask.data is None:
        raise DataError("评测 human 要有数据，请加 --data 文件.jsonl 或 文件.xlsx")
    found, rows = scale_of(ask.data)
    scale: Scale = ask.scale or found
    counts, fitted = Counts(), _baselines(ask)
    usable = ask.track(_usable(ask.data, scale, counts), title("human"), rows)
    workers = ask.workers if rows >= _FEW else 1
    for groups, given in _graded(grouped(usable), workers):
        texts = [one.row.reply for one in groups]
        guessed = {name: one.by_words(texts) for name, one in fitted.items()}
        for at, (group, one) in enumerate(zip(groups, given, strict=True)):
            guesses = {name: levels[at] for name, levels in guessed.items()}
            _count(group, one, scale, counts, guesses=guesses)
    if not counts.replies:
        raise DataError(f"{ask.data.name} 里没有一行能用，第一处：{counts.told[0]}")
    figures, tables = _figures(counts, ask.seed)
    return Suite(
        name="human", title=title("human"), n=counts.replies, unit="条回复",
        figures=figures, tables=tables, notes=_notes(counts, ask.data, scale),
    )  # fmt: skip
