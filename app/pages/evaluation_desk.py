"""One evaluation at a time, in a process of its own, so that people who practise are not slowed.

Knows the process, its progress and its end; not how a run is shown.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

from app.pages import evaluation_shelf as shelf
from app.pages.evaluation_shelf import Record, Shelf
from knowledge.datafile import DataError

_EVERY_SECONDS = 0.2
_PATIENCE_SECONDS = 5.0
_NICE = 5


@dataclass(frozen=True)
class Wish:
    """What to measure; ``data``: a centre's own marks in the run's folder, called ``name``."""

    suites: tuple[str, ...]
    split: str
    seed: int
    data: Path | None = None
    name: str | None = None


@dataclass(frozen=True)
class Step:
    """Where a run is: suite ``at`` of ``of``, row ``done`` of ``total``; 0 of 0 between rows."""

    at: int
    of: int
    suite: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class Ended:
    """How the last run ended; ``said``: why it failed, who stopped it, "" when done."""

    record: Record
    how: Literal["done", "failed", "stopped", "lost"]
    said: str = ""


@dataclass
class _Job:
    record: Record
    part: Path
    process: BaseProcess
    begun: float
    step: Step | None = None
    stopped_by: str | None = None
    thread: threading.Thread | None = None


@dataclass(frozen=True)
class Running:
    """The run that is going on, and since how many seconds."""

    record: Record
    step: Step | None
    seconds: float


class Desk:
    """The one place where runs are asked for, watched and stopped.

    Args:
        kept: where they are put.
    """

    def __init__(self, kept: Shelf) -> None:
        """Look for what an earlier server left undone."""
        self.shelf = kept
        self._lock = threading.Lock()
        self._job: _Job | None = None
        left = sorted(kept.left(), key=lambda record: record.started)
        self.last: Ended | None = Ended(left[-1], "lost", "服务器停了") if left else None

    @property
    def running(self) -> Running | None:
        """The run that is going on, None when the place is free."""
        with self._lock:
            job = self._job
            if job is None:
                return None
            return Running(job.record, job.step, time.monotonic() - job.begun)

    def check_free(self) -> None:
        """Refuse a second run.

        Raises:
            DataError: naming whose run it is and since when.
        """
        if now := self.running:
            raise DataError(
                f"{now.record.by}的评测正在跑（{now.record.started[11:16]} 开始），一次只能跑一个，"
                "请等它做完，或先把它停下"
            )

    def start(self, wish: Wish, by: str, *, part: Path | None = None) -> None:
        """Begin a run.

        Args:
            wish: what to measure.
            by: who asks.
            part: the folder that ``shelf.begin`` gave, where it holds uploaded marks.

        Raises:
            DataError: another is going on, or the disk is full.
        """
        self.check_free()
        part = part or self.shelf.begin()[1]
        record = Record(
            id=part.stem, by=by, started=shelf.now(), suites=wish.suites, split=wish.split,
            seed=wish.seed, data=wish.name, pid=os.getpid(),
        )  # fmt: skip
        shelf.put(record, part)
        context = multiprocessing.get_context("spawn")
        heard, told = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(part, wish, told), name="kefu-eval")
        job = _Job(record, part, process, time.monotonic())
        job.thread = threading.Thread(target=self._follow, args=(job, heard), daemon=True)
        with self._lock:
            is_free = self._job is None
            if is_free:
                process.start()
                self._job = job
        told.close()
        if not is_free:  # somebody was quicker
            heard.close()
            shutil.rmtree(part, ignore_errors=True)
            self.check_free()
            raise DataError("刚才有人先开始了一次评测，请再试")
        job.thread.start()

    def _follow(self, job: _Job, heard: Connection) -> None:
        """Take in what the process says until it ends."""
        ended: Ended | None = None
        try:
            while True:
                said = heard.recv()
                if isinstance(said, Step):
                    with self._lock:
                        job.step = said
                else:
                    ended = Ended(job.record, "failed" if said else "done", said)
        except (EOFError, ConnectionResetError):
            heard.close()
        job.process.join(_PATIENCE_SECONDS)
        if job.process.is_alive():
            job.process.kill()
        shutil.rmtree(job.part, ignore_errors=True)
        if ended is None and job.stopped_by is not None:
            ended = Ended(job.record, "stopped", job.stopped_by)
        why = "评测的进程意外退出，可能是内存不够，请再试一次，或少选几项"
        with self._lock:
            self.last, self._job = ended or Ended(job.record, "failed", why), None

    def stop(self, by: str, name: str) -> None:
        """Stop the run of that id and wait until it is gone; one that ended is left as it is."""
        with self._lock:
            job = self._job
            if job is None or job.record.id != name:
                return
            job.stopped_by = by
        job.process.terminate()
        if job.thread is not None:
            job.thread.join(2 * _PATIENCE_SECONDS)

    def close(self) -> None:
        """Let nothing go on when the server ends."""
        if now := self.running:
            self.stop("服务器", now.record.id)


# In the process of its own --------------------------------------------------------------------


def work(part: Path, wish: Wish, line: Connection) -> None:
    """Measure, put the result on the shelf, and tell steps and the end: "" or why it failed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the server's business
    if hasattr(os, "nice"):
        os.nice(_NICE)
    try:
        _measure(part, wish, line.send)
        line.send("")
    except DataError as error:
        line.send(str(error))
    except ModuleNotFoundError as error:
        line.send(f"评测要用的 {error.name} 没有装，请运行 pip install 'kefu-coach[eval]'")
    except BrokenPipeError:  # the server is gone, nobody is left to tell
        return


def _measure(part: Path, wish: Wish, tell: Callable[[Any], None]) -> None:
    from app.pages import evaluation_marks
    from app.report import words
    from eval import report_page, row_files
    from eval.run import run
    from eval.spread import cores
    from eval.suites import Ask

    if wish.data is not None:
        evaluation_marks.check(wish.data)
        digest = row_files.digest(wish.data)
        shelf.put(shelf.record_in(part).model_copy(update={"digest": digest}), part)
    progress = _Progress(len(wish.suites), tell)
    ask = Ask(split=wish.split, seed=wish.seed, track=progress.track, data=wish.data,
              workers=cores())  # fmt: skip
    made = run(wish.suites, ask, begin=progress.begin)
    page = report_page.render(made, words.kind)
    if wish.data is not None:
        wish.data.unlink()  # words of real customers are not kept, only counts are
    shelf.finish(part, made, page)


class _Progress:
    """Tells where the run is, a few times a second at most."""

    def __init__(self, of: int, tell: Callable[[Any], None]) -> None:
        self.step, self.tell, self.told = Step(0, of, ""), tell, 0.0

    def begin(self, suite: str) -> None:
        """Say that a suite begins."""
        self.step = Step(self.step.at + 1, self.step.of, suite)
        self.tell(self.step)

    def track(self, rows: Iterable[Any], title: str, total: int) -> Iterator[Any]:
        """Go through rows and say how many are done."""
        for done, row in enumerate(rows):
            if time.monotonic() - self.told > _EVERY_SECONDS:
                self.told = time.monotonic()
                self.tell(Step(self.step.at, self.step.of, self.step.suite, done, total))
            yield row
        self.tell(Step(self.step.at, self.step.of, self.step.suite, total, total))
