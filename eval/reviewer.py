"""Measures the reviewer of the simulated customer on labelled lines.

`python -m eval.reviewer [--split SPLIT]` prints a table. Lines are constructed, not real models'.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coach import reviewer, scenario, state
from coach.reviewer import Scene
from coach.state import End, State
from eval.grading import Score, count_kinds, load_cases

SPLITS = ("dev", "dev2", "dev3", "test", "test2")
_ENDS: dict[str, End] = {
    "thanks_close": "resolved", "hang_up": "hung_up",
    "escalate": "escalated", "timed_out": "timed_out",
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """One case: the kinds expected and found, and the time of one review in milliseconds."""

    id: str
    expected: frozenset[str]
    found: frozenset[str]
    took_ms: float


def _state(case: dict[str, Any], acts: tuple[str, ...]) -> State:
    """Give the state a row stands for: its ending act says how it ended, goals are open else."""
    given = scenario.get(case["scenario"])
    ended = next((_ENDS[act] for act in acts if act in _ENDS), None)
    goals = tuple(goal.id for goal in given.goals) if ended == "resolved" else ()
    now = state.start(given)
    return dataclasses.replace(now, revealed=tuple(case["revealed"]), met=goals, ended=ended)


def scene_of(case: dict[str, Any]) -> Scene:
    """Build the scene of a row."""
    acts = tuple(case["acts"])
    return Scene(
        scenario=scenario.get(case["scenario"]), state=_state(case, acts), acts=acts,
        allowed_facts=tuple(case["allowed"]), said=tuple(case["said"]), reply=case["reply"],
    )  # fmt: skip


def outcome(case: dict[str, Any]) -> Outcome:
    """Review one row, as it stands in the file."""
    scene = scene_of(case)
    reviewer.review(case["text"], scene, final=True)  # the first call loads and caches
    start = time.perf_counter()
    faults = reviewer.review(case["text"], scene, final=True)
    took = (time.perf_counter() - start) * 1000
    kinds = frozenset[str](fault.kind for fault in faults)
    return Outcome(case["id"], frozenset(case["faults"]), kinds, took)


def run(split: str) -> list[Outcome]:
    """Review every case of a split.

    Raises:
        DataError: no cases, or a broken line.
    """
    return [outcome(case) for case in load_cases("customer", split)]


def any_fault(outcomes: Sequence[Outcome]) -> Score:
    """Count lines, not kinds: was a faulty line stopped, was a clean one let through?"""
    return Score(
        hit=sum(bool(o.expected and o.found) for o in outcomes),
        missed=sum(bool(o.expected and not o.found) for o in outcomes),
        false=sum(bool(o.found and not o.expected) for o in outcomes),
    )


def table(split: str) -> str:
    """Give the whole table as text, Chinese headings."""
    outcomes = run(split)
    lines = [
        f"客户审查离线测评（{split}，{len(outcomes)} 条，用例均为自拟）",
        "",
        "种类              P     R     F1    n",
    ]
    scores = count_kinds((set(o.expected), set(o.found)) for o in outcomes)
    for kind, score in [*scores.items(), ("any", any_fault(outcomes))]:
        count = score.hit + score.missed
        figures = f"{score.precision:>6.2f}{score.recall:>6.2f}{score.f1:>6.2f}"
        lines.append(f"{kind:<16}{figures}{count:>5}")
    clean = [o for o in outcomes if not o.expected]
    alarms = sum(bool(o.found) for o in clean)
    median = statistics.median(o.took_ms for o in outcomes)
    lines += ["", f"误报：干净的 {len(clean)} 条里 {alarms} 条；每条用时中位数 {median:.2f} 毫秒"]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table of one split."""
    parser = argparse.ArgumentParser(prog="python -m eval.reviewer", description="客户审查离线测评")
    parser.add_argument("--split", choices=SPLITS, default="test", help="用例分组")
    sys.stdout.write(table(parser.parse_args(argv).split) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
