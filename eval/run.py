"""One run of the offline suite: measures, holds the bars, compares with an earlier run.

Knows the order of things; measures nothing itself and shows nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from coach import scenario, steering
from eval import bars, bench, report, suites
from eval.metrics import RESAMPLES
from eval.report import About, Report
from eval.suites import Ask, Suite
from grading import grade
from knowledge.datafile import DataError, fingerprint


def versions(measured: Sequence[Suite]) -> dict[str, str]:
    """Give what the figures rest on: rubric, scenarios, index, bars, and each file of cases."""
    stamp = grade.versions()
    found = {
        "rubric": str(stamp.rubric),
        "scenarios": fingerprint(*scenario.FOLDER.glob("*.yaml")),
        "index": steering.index().version,
        "bars": fingerprint(bars.BARS),
    }
    for suite in measured:
        found |= suite.cases
    return found


def run(
    names: Sequence[str],
    ask: Ask,
    before: Path | None = None,
    *,
    begin: Callable[[str], None] | None = None,
) -> Report:
    """Measure the suites named.

    Args:
        names: of suites, see ``suites.NAMES``; measured in that order, each once.
        ask: how to measure.
        before: folder of an earlier report to compare with.
        begin: told the name of each suite before it is measured.

    Raises:
        DataError: cases, bars or the earlier report are missing or broken.
    """
    limits = bars.load(bars.BARS)
    earlier = _earlier(before, ask.split) if before else None
    started = time.perf_counter()
    wanted = [name for name in suites.NAMES if name in names]
    measured = []
    for name in wanted:
        if begin:
            begin(name)
        measured.append(suites.measure(name, ask))
    is_human = wanted == ["human"]
    about = About(
        date=str(date.today()), split=ask.split, seed=ask.seed, resamples=RESAMPLES,
        labels="human" if is_human else "constructed",
        label_note=_label_note(wanted), seconds=round(time.perf_counter() - started, 1),
        machine=bench.machine(), versions=versions(measured),
    )  # fmt: skip
    return Report(
        about=about, suites=measured, bars=bars.held(limits, measured),
        moves=bars.moved(earlier.suites, measured) if earlier else None,
        baseline=None if earlier is None else f"{earlier.about.date}，{earlier.about.split}",
    )  # fmt: skip


def _earlier(folder: Path, split: str) -> Report:
    """Read the report to compare with; another split's figures are no comparison."""
    found = report.read(folder)
    if found.about.split != split:
        raise DataError(
            f"{folder} 量的是 {found.about.split}，这次量的是 {split}，不能比；"
            f"请加 --split {found.about.split}"
        )
    return found


def _label_note(wanted: Sequence[str]) -> str:
    theirs = "人工评分是本单位自己的（human），没有写进报告以外的地方。"
    if wanted == ["human"]:
        return theirs
    return report.CONSTRUCTED + (f"“{suites.title('human')}”除外：{theirs}" * ("human" in wanted))
