"""`kefu grade`: grades a file of replies, however long, on the screen or into a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from app import batch, batch_source, judging, out
from app.batch import Job
from eval.spread import CHUNK, How, ProcessesDied, cores
from knowledge.datafile import DataError


def _how(args: argparse.Namespace) -> How:
    """Say how to spread: a judge stays in this process, and is waited for row by row.

    Raises:
        DataError: options that do not go together, or are out of range.
    """
    if args.workers is not None and args.workers < 1:
        raise DataError(f"--workers 写成了 {args.workers}，至少要 1")
    if args.judge is not None:
        if args.ray is not None or (args.workers or 1) > 1:
            raise DataError("--judge 要在一个进程里做，不能和 --ray 或多个 --workers 一起用")
        return How(workers=1, chunk=1)
    return How(workers=args.workers or cores(), chunk=CHUNK, ray=args.ray)


def run(args: argparse.Namespace) -> int:
    """Grade every row of the file, in order; 1 after Ctrl-C or when processes keep dying."""
    how = _how(args)
    if args.resume and args.out is None:
        raise DataError("--resume 要和 --out 一起用")
    if args.out is not None and Path(args.out).suffix.lower() != ".jsonl":
        from app import batch_table

        batch_table.check_kind(Path(args.out))
    source = batch_source.opened(args.file)
    if source.unused:
        out.note(f"没有用到的列：{'、'.join(source.unused)}")
    judge = judging.asked(args)
    asked = {"engine": args.judge, "model": args.judge_model, "samples": args.judge_samples}
    job = Job(source, how, judge, asked if args.judge else None)
    try:
        if args.out is not None:
            return batch.to_file(job, Path(args.out), resume=args.resume, as_json=args.json)
        batch.to_screen(job, "json" if args.json else "people")
    except ProcessesDied as error:
        out.note(f"kefu grade：{error}")
        return out.FAILED
    finally:
        if judge:
            from coach import voices

            voices.close()
    return out.OK
