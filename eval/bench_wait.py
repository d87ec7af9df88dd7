"""What the trainee waits from sending a reply to the first character of the answer.

Runs the page's own path (app.turn_clock) as a process for each engine; the folder of weights is of
true shape with random weights, its words are lent by the script, the server is an instant one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eval.bench_endpoint import MODEL, instant_server
from eval.figure import Figure
from eval.random_model import TINY, TRUE, write_model

_TURNS = 12
_LIMIT_SECONDS = 900


def _clock(home: str, *more: str, **environ: str) -> dict[str, Any]:
    """Run the clock with a home of its own; give what it wrote."""
    command = [sys.executable, "-m", "app.turn_clock", *more]
    env = os.environ | {"KEFU_HOME": home} | environ
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, encoding="utf-8", check=False,
        timeout=_LIMIT_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.strip()[-400:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _figures(name: str, told: dict[str, Any]) -> Iterator[Figure]:
    """Show the second turn and the last: whole turn stored, first character shown."""
    turns = told["turns"]
    for one in (turns[min(1, len(turns) - 1)], turns[-1]):
        label = f"{name}，第 {one['turn']} 轮（{one['chars']} 字）"
        yield Figure(f"{label}：整轮存好", one["stored_seconds"], "s")
        yield Figure(f"{label}：看到第一个字", one["shown_seconds"], "s")
    own = sum(one["engine"] == told["engine"] for one in turns)
    yield Figure(f"{name}：{len(turns)} 轮里由它说成的", own, "轮", 0)


def measured(quick: bool) -> Iterator[Figure]:
    """Play a talk on each engine; quick: three turns, a tiny model, no pause for typing."""
    turns = ("--turns", "3" if quick else str(_TURNS))
    typing = {"KEFU_TYPING": "0" if quick else "1"}
    with tempfile.TemporaryDirectory() as home:
        yield from _figures("脚本", _clock(home, *turns, **typing))
        with instant_server() as url:
            server = {"KEFU_ENDPOINT_URL": url, "KEFU_ENDPOINT_MODEL": MODEL}
            told = _clock(home, "--engine", "endpoint", *turns, **typing, **server)
            yield from _figures("接口（应答即到）", told)
        folder = Path(home) / "model"
        write_model(folder, TINY if quick else TRUE)
        told = _clock(
            home, "--engine", "transformers", "--model", str(folder), "--lend", *turns, **typing
        )
        name = "本机模型（很小的）" if quick else "本机模型（0.6B 的形状）"
        yield Figure(f"{name}：装入", told["ready_seconds"], "s", 1)
        yield from _figures(name, told)
