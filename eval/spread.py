"""Much work over all cores: in order, in constant memory, past a process that dies.

Knows chunks and processes; not what the work is. Little work is done in this very process.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

CHUNK = 100
FEW = 1000  # fewer replies than this are graded before other processes would have helped
_AHEAD = 3  # chunks a process that are read before the first of them is answered
_LOST_MOST = 3  # chunks lost in a row: then it is not the rows


class ProcessesDied(RuntimeError):
    """Processes die whatever they are given; the message is Chinese and says what to do."""


def cores() -> int:
    """Give how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class How:
    """How to spread: over ``workers`` processes, ``chunk`` items at a time.

    ``ray``: through Ray Data instead; the address of a cluster, "" for this machine, None for not.
    """

    workers: int = 1
    chunk: int = CHUNK
    ray: str | None = None


@dataclass(frozen=True)
class Work(Generic[Item, Answer]):
    """What to do with a chunk: one answer an item; ``lost`` answers for a process that died.

    ``do`` must be picklable, as what it is given and gives.
    """

    do: Callable[[list[Item]], list[Answer]]
    lost: Callable[[Item], Answer]


def spread(
    items: Iterable[Item], work: Work[Item, Answer], how: How
) -> Generator[tuple[Item, Answer], None, None]:
    """Give each item with its answer, in order.

    Raises:
        ProcessesDied: processes die whatever they are given.
    """
    rest = iter(items)
    chunks: Generator[tuple[list[Item], list[Answer]], None, None]
    if how.ray is not None:
        from eval import spread_ray

        chunks = spread_ray.answered(_in_chunks(rest, how.chunk), work, how)
    else:
        first = list(itertools.islice(rest, FEW)) if how.workers > 1 else []
        whole = _in_chunks(itertools.chain(first, rest), how.chunk)
        if len(first) < FEW:
            chunks = ((chunk, work.do(chunk)) for chunk in whole)
        else:
            chunks = _over_processes(whole, work, how.workers)
    with closing(chunks):
        for chunk, answers in chunks:
            yield from zip(chunk, answers, strict=True)


def _in_chunks(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    while chunk := list(itertools.islice(items, size)):
        yield chunk


def _begin() -> None:
    """Begin a process: Ctrl-C is the parent's business, and without a parent there is no use."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@dataclass
class _Processes(Generic[Item, Answer]):
    """Processes that are replaced when one of them dies."""

    work: Work[Item, Answer]
    workers: int
    pool: ProcessPoolExecutor | None = None
    waiting: deque[tuple[list[Item], Future[list[Answer]]]] = field(default_factory=deque)
    lost: int = 0

    def put(self, chunk: list[Item]) -> None:
        """Hand a chunk out."""
        self.pool = self.pool or _opened(self.workers)
        try:
            self.waiting.append((chunk, self.pool.submit(self.work.do, chunk)))
        except BrokenProcessPool as broken:
            self.waiting.append((chunk, _failed(broken)))

    def take(self) -> tuple[list[Item], list[Answer]]:
        """Give the oldest chunk with its answers.

        Raises:
            ProcessesDied: many chunks in a row could not be answered.
        """
        chunk, future = self.waiting.popleft()
        try:
            answers = future.result()
        except BrokenProcessPool:
            # all that waited went down with it, and nobody knows which chunk it was
            self.waiting.appendleft((chunk, future))
            self._again()
            chunk, future = self.waiting.popleft()
            return chunk, future.result()
        self.lost = 0
        return chunk, answers

    def _again(self) -> None:
        """Try what was not answered once more, chunk by chunk in one process; then go on."""
        self.close()
        self.pool = _opened(1)
        for at, (chunk, future) in enumerate(self.waiting):
            if not isinstance(future.exception(), BrokenProcessPool):
                continue
            second: Future[list[Answer]] = Future()
            second.set_result(self._alone(chunk))
            self.waiting[at] = chunk, second
        self.close()

    def _alone(self, chunk: list[Item]) -> list[Answer]:
        self.pool = self.pool or _opened(1)
        try:
            answers = self.pool.submit(self.work.do, chunk).result()
        except BrokenProcessPool:
            self.close()
            self.lost += 1
            if self.lost >= _LOST_MOST:
                raise ProcessesDied(
                    "处理数据的进程一再意外退出，可能是内存不够，请加 --workers 1 再试"
                ) from None
            return [self.work.lost(item) for item in chunk]
        self.lost = 0
        return answers

    def close(self) -> None:
        """Let the processes go; what they have not begun is dropped."""
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)
            self.pool = None


def _opened(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
    )


def _failed(error: BrokenProcessPool) -> Future[list[Answer]]:
    future: Future[list[Answer]] = Future()
    future.set_exception(error)
    return future


def _over_processes(
    chunks: Iterator[list[Item]], work: Work[Item, Answer], workers: int
) -> Generator[tuple[list[Item], list[Answer]], None, None]:
    processes = _Processes(work, workers)
    try:
        for chunk in chunks:
            processes.put(chunk)
            if len(processes.waiting) >= _AHEAD * workers:
                yield processes.take()
        while processes.waiting:
            yield processes.take()
    finally:
        processes.close()
