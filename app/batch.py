"""Grading a batch: rows in, answers out in the same order, on the screen or in a file.

Knows the order of things: reading, spreading, writing, progress, going on after a stop.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import batch_journal, batch_source, batch_work, home, out
from app.batch_journal import Journal
from app.batch_source import Row, Source
from app.batch_work import Answered, Form
from app.commands import rows
from eval.spread import How, spread
from grading import classifier
from grading.grade import versions
from knowledge.datafile import DataError, fingerprint

if TYPE_CHECKING:
    from coach.judging import Judging

TELL_SECONDS = 5.0
_LEAST = 100  # rows before which nobody knows how long it will take
_LINES = ".jsonl"
_PART = ".part.jsonl"


@dataclass(frozen=True)
class Job:
    """What to do: where rows come from, how to spread them, and who else judges."""

    source: Source
    how: How
    judge: Judging | None = None
    about_judge: dict[str, Any] | None = None

    def head(self) -> dict[str, Any]:
        """Say what the answers belong to: the input, what made them, and the judge asked."""
        from coach import scenario

        return {
            "input": self.source.digest,
            "versions": {
                "program": home.version(), "rubric": versions().rubric,
                "models": fingerprint(*classifier.FOLDER.glob("*.npz")),
                "scenarios": fingerprint(*scenario.FOLDER.glob("*.yaml")),
            },
            "judge": self.about_judge,
        }  # fmt: skip


class Progress:
    """Tells on stderr now and then how far a batch is."""

    def __init__(self, done: int, total: int | None) -> None:
        self.done, self.total = done, total
        self._before, self._started = done, time.monotonic()
        self._told = self._started

    def step(self) -> None:
        """Count one row."""
        self.done += 1
        now = time.monotonic()
        if now - self._told < TELL_SECONDS:
            return
        self._told = now
        said = f"已评 {self.done} 行"
        if self.total and self.done - self._before >= _LEAST:
            rate = (self.done - self._before) / (now - self._started)
            minutes, seconds = divmod(round(max(0, self.total - self.done) / rate), 60)
            said += f"，共 {self.total} 行，约还要 {minutes} 分 {seconds} 秒"
        out.note(said)


def _answers(job: Job, form: Form, skip: int = 0) -> Generator[Answered, None, None]:
    todo: Iterator[Row] = itertools.islice(job.source.rows(), skip, None)
    progress = Progress(skip, job.source.total)
    with closing(spread(todo, batch_work.work(form, job.judge), job.how)) as found:
        for _, answered in found:
            yield answered
            progress.step()


def to_screen(job: Job, form: Form) -> None:
    """Answer on stdout, line by line.

    Raises:
        DataError: standard input is not UTF-8.
        ProcessesDied: processes die whatever they are given.
    """
    failed = total = 0
    with closing(_answers(job, form)) as found:
        for answered in found:
            total, failed = total + 1, failed + answered.failed
            sys.stdout.write(answered.text + "\n")
            sys.stdout.flush()
    rows.report(failed, total)


def to_file(job: Job, target: Path, *, resume: bool, as_json: bool) -> int:
    """Answer in a file, and give the exit code: 0, or 1 after Ctrl-C.

    Args:
        job: what to do.
        target: .jsonl, .csv or .xlsx; the latter two are written when all rows are answered.
        resume: whether to go on where an earlier run stopped.
        as_json: whether to say on stdout what was done, as JSON.

    Raises:
        DataError: the file is there already, or belongs to something else.
        ProcessesDied: processes die whatever they are given.
    """
    if job.source.path is None and (resume or target.suffix.lower() != _LINES):
        raise DataError("标准输入只能读一遍：--resume 和 .csv、.xlsx 要用 --file 给出文件")
    lines = target if target.suffix.lower() == _LINES else target.with_name(target.name + _PART)
    if resume and target.exists() and not lines.exists():
        batch_journal.check(target, job.head())
        out.note(f"{target} 以前就做完了")
        return out.OK
    journal = _journal(job, target, lines, resume=resume)
    if resume and journal.answered:
        out.note(f"{target} 里已有 {journal.answered} 行，从下一行接着做")
    try:
        with journal, closing(_answers(job, "json", journal.answered)) as found:
            for answered in found:
                journal.add(answered.text, failed=answered.failed)
        if lines != target:
            from app import batch_table

            batch_table.write(target, lines, job.source, count=journal.answered)
            lines.unlink()
    except KeyboardInterrupt:
        again = "" if job.source.path is None else "，接着做请用同样的命令加 --resume"
        out.note(f"已停下：{lines} 里有 {journal.answered} 行{again}")
        return out.FAILED
    rows.report(journal.failed, journal.answered)
    out.note(f"结果写在 {target}")
    if as_json:
        out.as_json({"out": str(target), "rows": journal.answered, "failed": journal.failed})
    return out.OK


def _journal(job: Job, target: Path, lines: Path, *, resume: bool) -> Journal:
    """Begin a file of answers, or open the one that is there.

    Raises:
        DataError: it is there and must not be, or belongs to something else.
    """
    if not resume or not lines.exists():
        return batch_journal.begin(target, lines, job.head())
    batch_journal.check(target, job.head())
    journal = batch_journal.go_on(lines)
    if journal.answered:
        row = batch_source.at_row(job.source, journal.answered)
        if row is None or batch_work.id_of(row) != journal.last_id:
            raise DataError(f"{lines} 的最后一行和输入对不上，被改动过，请换个名字重做")
    return journal
