"""Trains the classifier that tells agent from customer: `python -m coach.train`, some seconds.

Learns from the agents' sentences of grading/data/train and the customers' lines of coach/data;
nothing else imports it.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from coach import bank, scenario
from coach.scenario import Scenario
from coach.speaker import AGENT, FOLDER, NAME, sentences
from grading import train
from grading.classifier import save
from knowledge.text import plain

_LEAST_CHARS = 3
_SLOT = re.compile(r"\$\{?[a-z]+\}?")


def _lines_of(case: Scenario) -> Iterator[str]:
    """Give every written line of a scenario's other side."""
    for opening in case.opening:
        yield from opening
    for fact in case.facts:
        yield from fact.say
    for goal in case.goals:
        yield from (*goal.ask, *goal.met)
    for trap in case.worse:
        yield from trap.say
    for lines in case.lines.values():
        yield from lines


def rows() -> list[dict[str, Any]]:
    """Give training rows as grading.train takes them: text, and signals [agent] or []."""
    agent = [str(row["text"]) for row in train.sentences("violations")]
    other = [_SLOT.sub("东西", line.say) for line in bank.load()]
    for case in scenario.load_all().values():
        other += _lines_of(case)
    found: dict[str, dict[str, Any]] = {}
    for texts, signals in ((other, []), (agent, [AGENT])):
        for text in texts:
            for sentence in sentences(plain(text), _LEAST_CHARS):
                found.setdefault(sentence, {"text": sentence, "signals": signals})
    return list(found.values())


def main(argv: Sequence[str] | None = None) -> int:
    """Fit and write the classifier."""
    parser = argparse.ArgumentParser(
        prog="python -m coach.train", description="训练分辨座席与客户的分类器"
    )
    parser.add_argument("--out", type=Path, default=FOLDER, help="写到哪个目录")
    out: Path = parser.parse_args(argv).out
    out.mkdir(parents=True, exist_ok=True)
    learned = rows()
    save(train.fit("signals", learned), out / f"{NAME}.npz")
    sys.stdout.write(f"{NAME}：{len(learned)} 句\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
