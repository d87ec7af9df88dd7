"""Switches the judging model on where a command line asks for it, and says so; off by default."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from app import out
from knowledge.datafile import DataError

if TYPE_CHECKING:
    from coach.judging import Judging


def asked(args: argparse.Namespace) -> Judging | None:
    """Give the judge of --judge, None without it; close coach.voices when done.

    A model that cannot be had is told in one sentence, and the verdicts stay unscored.

    Raises:
        DataError: options of the judge without --judge, or samples out of range.
    """
    if args.judge is None:
        if args.judge_model is not None or args.judge_samples is not None:
            raise DataError("--judge-model 和 --judge-samples 要和 --judge 一起用")
        return None
    from app.commands.model import chosen
    from coach import judging

    model = chosen(argparse.Namespace(engine=args.judge, model=args.judge_model))
    samples = 1 if args.judge_samples is None else args.judge_samples
    found = judging.opened(args.judge, model, samples=samples)
    if found.trouble:
        out.note(f"模型评判用不了：{found.trouble}。规则评分照常")
    else:
        where = f"，对话和回复会发到 {found.away}" if found.away else ""
        out.note(f"语言模型 {found.model} 另作评判（AI 生成），不改分数{where}")
    return found
