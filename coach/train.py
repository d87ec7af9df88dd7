"""Trains what the reviewer of the simulated customer reads by: `python -m coach.train`, seconds.

One classifier tells agent from customer, from the agents' sentences of grading/data/train and the
customers' lines of coach/data. One tells lines that no customer here may say from hard but fair
ones, from coach/data/train/customer.jsonl. Nothing else imports this.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from coach import bank, scenario
from coach.scenario import Scenario
from coach.speaker import AGENT, FAULTS, FOLDER, NAME, sentences
from grading import train
from grading.classifier import save
from knowledge.datafile import Entry, json_lines, parse, read_text
from knowledge.text import plain

_LINES = FOLDER.parent / "train" / "customer.jsonl"
_LEAST_CHARS = 3
_FAIR = ("harsh", "demands", "holds", "refuses_order")
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


class Labelled(Entry):
    """One constructed line: what it does wrong, or why it is fair."""

    id: str
    label: Literal[
        "degrading", "coaches", "yields", "obeys", "harsh", "demands", "holds", "refuses_order"
    ]
    text: str
    source: str


def _written() -> list[str]:
    """Give every written line of the other side."""
    lines = [_SLOT.sub("东西", line.say) for line in bank.load()]
    for case in scenario.load_all().values():
        lines += _lines_of(case)
    return lines


def fault_rows() -> list[dict[str, Any]]:
    """Give training rows of the faults: the labelled lines, and our own lines as fair ones."""
    held = [
        parse(Labelled, row, f"{_LINES.name} 第 {number} 行")
        for number, row in json_lines(read_text(_LINES))
    ]
    found: list[dict[str, Any]] = [
        {"text": plain(row.text), "signals": [] if row.label in _FAIR else [row.label]}
        for row in held
    ]
    ours = {s for text in _written() for s in sentences(plain(text), _LEAST_CHARS)}
    return found + [{"text": text, "signals": []} for text in sorted(ours)]


def rows() -> list[dict[str, Any]]:
    """Give training rows as grading.train takes them: text, and signals [agent] or []."""
    agent = [str(row["text"]) for row in train.sentences("violations")]
    other = _written()
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
    for name, learned in ((NAME, rows()), (FAULTS, fault_rows())):
        save(train.fit("signals", learned), out / f"{name}.npz")
        sys.stdout.write(f"{name}：{len(learned)} 句\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
