"""`kefu eval`: runs the offline suite, prints its figures, writes the report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app import out
from app.report import words
from knowledge.datafile import DataError

_EXTRA = ("ir_measures", "openpyxl", "tqdm")


def _track(rows: Iterable[Any], title: str, total: int) -> Iterable[Any]:
    """Show how far a suite is, on a terminal only."""
    from tqdm import tqdm

    shown: Iterable[Any] = tqdm(
        rows, desc=title, total=total, file=sys.stderr, disable=None, leave=False
    )
    return shown


def run(args: argparse.Namespace) -> int:
    """Measure; 1 when an earlier report is given and a bar is not reached.

    Raises:
        DataError: options, cases or data are wrong, or a package of the extra is missing.
    """
    try:
        return _run(args)
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        raise DataError(
            f"评测要用的 {error.name} 没有装，请运行 pip install 'kefu-coach[eval]'"
        ) from None


def _run(args: argparse.Namespace) -> int:
    from eval import report, report_page, report_text, suites
    from eval.human_counts import PART
    from eval.run import run as measure
    from eval.spread import cores

    names = args.suite or list(suites.ALL)
    if args.data is not None and "human" not in names:
        raise DataError("--data 是给 --suite human 用的，请加上 --suite human")
    if args.resume and not (args.out and "human" in names):
        raise DataError("--resume 是给 --suite human 用的，要和 --out 一起用")
    if args.workers is not None and args.workers < 1:
        raise DataError(f"--workers 写成了 {args.workers}，至少要 1")
    part = Path(args.out) / PART if args.out and "human" in names else None
    ask = suites.Ask(
        split=args.split, seed=args.seed, track=_track, scale=args.scale,
        data=Path(args.data) if args.data else None, workers=args.workers or cores(),
        ray=args.ray, part=part, resume=args.resume,
        **({"folder": Path(args.cases)} if args.cases else {}),
    )  # fmt: skip
    try:
        made = measure(names, ask, Path(args.baseline) if args.baseline else None)
    except KeyboardInterrupt:
        if part and part.exists():
            out.note(f"已停下，算过的在 {part}，接着做请用同样的命令加 --resume")
        raise
    if args.out:
        report.write(made, Path(args.out), report_page.render(made, words.kind))
        out.note(f"报告写在 {Path(args.out) / report.HTML} 和 {report.JSON}")
    if args.json:
        out.as_json(made)
    else:
        for line in report_text.lines(made, words.kind):
            out.text(line)
    for bar in made.short:
        out.note(f"未达到：{bar.id}（{bar.note}）")
    return out.FAILED if args.baseline and made.short else out.OK
