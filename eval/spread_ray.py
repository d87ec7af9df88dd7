"""Much work over a cluster, through Ray Data. The only door to Ray (extra ``ray``).

Every node needs the same kefu-coach; the rows travel, the file need not be there.
"""

from __future__ import annotations

import itertools
import logging
import os
import pickle
import socket
from collections.abc import Callable, Generator, Iterator
from types import ModuleType
from typing import Any

from eval.spread import Answer, How, Item, Work
from knowledge.datafile import DataError

_REACH_SECONDS = 5
_WINDOW = 200  # chunks handed to Ray Data at a time: what bounds the memory here


def _opened(how: How) -> Any:  # noqa: ANN401 - Ray is half typed
    """Join a cluster, or start Ray on this machine with as many processes as asked for.

    Raises:
        DataError: Ray is not installed, or there is no cluster at that address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise DataError(
            f"--ray 要用的 {error.name} 没有装，请运行 pip install 'kefu-coach[ray]'"
        ) from None
    ray_options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if not how.ray:
        ray.init(num_cpus=how.workers, include_dashboard=False, **ray_options)
    else:
        _reach(how.ray)
        try:
            ray.init(address=how.ray, **ray_options)
        except (ConnectionError, ValueError) as error:
            said = str(error).strip().splitlines() or ["没有说明"]
            raise DataError(f"连不上 Ray 集群 {how.ray}（{said[0]}），请检查地址") from None
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # it tells of every step
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    return ray


def _reach(address: str) -> None:
    """Knock at an address before Ray does, which would wait for minutes.

    Raises:
        DataError: nobody answers.
    """
    host, mark, port = address.rpartition("://")[2].rpartition(":")
    if not mark or not port.isdecimal():
        return  # "auto" and other names: Ray's own business
    try:
        socket.create_connection((host, int(port)), timeout=_REACH_SECONDS).close()
    except (OSError, OverflowError):
        raise DataError(f"连不上 Ray 集群 {address}，请检查地址，或先运行 ray start") from None


def answered(
    chunks: Iterator[list[Item]], work: Work[Item, Answer], how: How
) -> Generator[tuple[list[Item], list[Answer]], None, None]:
    """Give each chunk with its answers, in order; a chunk that twice kills its process is lost."""
    ray = _opened(how)
    try:
        while window := list(itertools.islice(chunks, _WINDOW)):
            yield from zip(window, _window(ray, window, work), strict=True)
    finally:
        ray.shutdown()


def _window(
    ray: ModuleType,
    window: list[list[Item]],
    work: Work[Item, Answer],
) -> Iterator[list[Answer]]:
    packed = [{"chunk": pickle.dumps(chunk)} for chunk in window]
    done = 0
    try:
        # one chunk a block, so that all processes have work and a dead one costs little
        data = ray.data.from_items(packed, override_num_blocks=len(packed))
        mapped = data.map(_Done(work), ray_remote_args_fn=_once_more)
        for row in mapped.iter_rows():
            yield pickle.loads(row["answers"])
            done += 1
    except ray.exceptions.RayError as error:
        if not _is_death(ray, error):
            raise
        for chunk in window[done:]:
            yield _alone(ray, chunk, work)


def _once_more() -> dict[str, Any]:
    """Left alone, Ray Data would try a chunk that kills its process for ever."""
    return {"max_retries": 1}


class _Done:
    """The work on one packed chunk, as Ray Data calls it."""

    def __init__(self, work: Work[Any, Any]) -> None:
        self.do = work.do

    def __call__(self, row: dict[str, bytes]) -> dict[str, bytes]:
        return {"answers": pickle.dumps(self.do(pickle.loads(row["chunk"])))}


def _is_death(ray: ModuleType, error: BaseException | None) -> bool:
    dead = (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError,
            ray.exceptions.NodeDiedError)  # fmt: skip
    while error is not None:
        if isinstance(error, dead):
            return True
        error = error.__cause__ or getattr(error, "cause", None)
    return False


def _do(do: Callable[[list[Item]], list[Answer]], chunk: list[Item]) -> list[Answer]:
    return do(chunk)


def _alone(ray: ModuleType, chunk: list[Item], work: Work[Item, Answer]) -> list[Answer]:
    task = ray.remote(**_once_more())(_do)
    try:
        answers: list[Answer] = ray.get(task.remote(work.do, chunk))
    except ray.exceptions.RayError as error:
        if not _is_death(ray, error):
            raise
        return [work.lost(item) for item in chunk]
    return answers
