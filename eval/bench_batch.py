"""How fast many replies are graded: one by one, unseen before; 100,000 over two processes.

Measures what users run, on replies made from the cases; knows nothing of tables.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from eval.figure import Figure, milliseconds, percentile
from eval.grading import CASES
from grading.grade import grade
from grading.result import DIMENSIONS, MAX_REPLY_CHARS, GradeRow

MANY = 100_000
_WORKERS = 2
_SECONDS = 180.0  # what the many may take
_SINGLE = 2000
_TICK_SECONDS = 0.2
_REPLIES = ("reply", "better", "worse", "plain", "attack")
_MIB = 2**20


def replies(count: int) -> Iterator[dict[str, Any]]:
    """Give rows to grade, made from all cases in turn; no two texts are the same.

    Each turn and reply carries its number, so that nothing is answered from a cache.
    """
    cases = [
        json.loads(line)
        for path in sorted(CASES.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    base = [
        (case, case[key])
        for case in cases
        if "history" in case and "channel" in case
        for key in _REPLIES
        if case.get(key) and len(case[key]) < MAX_REPLY_CHARS - 20
    ]
    for number, (case, reply) in zip(range(count), itertools.cycle(base), strict=False):
        history = [turn | {"text": f"{turn['text']} {number}"} for turn in case["history"]]
        yield {
            "id": str(number), "channel": case["channel"], "history": history,
            "reply": f"{reply}工号{number}。", "card": case.get("card", []),
        }  # fmt: skip


def measured(quick: bool) -> Iterator[Figure]:
    """Time single replies, then the batch and a centre's own marks."""
    rows = [GradeRow.model_validate(one) for one in replies(200 if quick else _SINGLE)]
    for row in rows[:20]:
        grade(row)
    times = [milliseconds(partial(grade, row)) for row in rows[20:]]
    yield Figure(f"评一条没见过的回复，中位（{len(times)} 条）", statistics.median(times), "ms",
                 at_most=None if quick else 2.0)  # fmt: skip
    yield Figure("评一条没见过的回复，95 %", percentile(times, 0.95), "ms",
                 at_most=None if quick else 10.0)  # fmt: skip
    count = 1200 if quick else MANY
    with tempfile.TemporaryDirectory() as folder:
        yield from _batch(Path(folder), count, bar=None if quick else _SECONDS)
        yield from _human(Path(folder), count)


def _batch(folder: Path, count: int, *, bar: float | None) -> Iterator[Figure]:
    path = _written(folder / "rows.jsonl", replies(count))
    spent = _run(folder, "grade", "--file", str(path), "--out", str(folder / "out.jsonl"))
    with (folder / "out.jsonl").open(encoding="utf-8") as lines:
        missing = count - sum(1 for _ in lines)
    shown = f"kefu grade {count} 条，{_WORKERS} 个进程"
    yield Figure(shown, spent.seconds, "s", 1, at_most=bar)
    yield Figure("其中处理器用时，各进程合计", spent.cpu_seconds, "s", 1)
    yield Figure("最多用内存，各进程合计", spent.peak_mib, "MiB", 0)
    yield Figure("其中没有评到的", missing, "条", 0, at_most=0)


def _human(folder: Path, count: int) -> Iterator[Figure]:
    """The marks are made up: what they say does not matter to the time."""
    marked = (
        {key: one[key] for key in ("id", "channel", "history", "reply")}
        | {name: (number + at) % 5 for at, name in enumerate(DIMENSIONS)}
        for number, one in enumerate(replies(count))
    )
    path = _written(folder / "marks.jsonl", marked)
    spent = _run(folder, "eval", "--suite", "human", "--data", str(path))
    yield Figure(f"kefu eval --suite human {count} 条", spent.seconds, "s", 1)
    yield Figure("最多用内存，各进程合计", spent.peak_mib, "MiB", 0)


def _written(path: Path, rows: Iterator[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return path


@dataclass(frozen=True)
class _Spent:
    """What a command took; memory and processor time are those of all its processes together."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


def _run(folder: Path, *words: str) -> _Spent:
    """Run a command to its end and look at its processes now and then.

    Raises:
        CalledProcessError: it failed.
    """
    command = [sys.executable, "-m", "app.cli", *words, "--workers", str(_WORKERS)]
    started, peak, spent = time.monotonic(), 0, {}
    env = os.environ | {"KEFU_HOME": str(folder)}
    with subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as one:
        while one.poll() is None:
            sizes = []
            for process in _family(one.pid):
                try:
                    used = process.cpu_times()
                    spent[process.pid] = used.user + used.system
                    sizes.append(process.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue
            peak = max(peak, sum(sizes))
            time.sleep(_TICK_SECONDS)
    if one.returncode:
        raise subprocess.CalledProcessError(one.returncode, command)
    return _Spent(time.monotonic() - started, sum(spent.values()), peak / _MIB)


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
