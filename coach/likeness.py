"""Whether a reply means what a goal asks for, in other words than its patterns foresee.

Compares sentences with those of the scenario's own right path by the built-in sentence encoder.
Knows likeness, not truth: the encoder cannot tell a negation, so patterns must bear part of it out.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import Field

from coach.scenario import Goal, Scenario
from grading.detect import Reading, read
from grading.pattern import Pattern
from knowledge.datafile import DataError, Entry, parse, read_yaml
from knowledge.encoder import Encoder, embedded
from knowledge.text import plain

FILE = Path(__file__).parent / "data" / "likeness.yaml"
_CHARS = 4  # shorter sentences mean nothing by themselves
Vectors = npt.NDArray[np.float32]


class Settings(Entry):
    """The whole of likeness.yaml; shares and cosines 0-1."""

    version: str
    covered_least: float = Field(gt=0, le=1)
    alike_least: float = Field(gt=0, le=1)
    alone_least: float = Field(gt=0, le=1)
    missing_facts: float = Field(ge=0, le=1)


@functools.lru_cache(maxsize=2)
def settings(path: Path = FILE) -> Settings:
    """Load the thresholds (cached)."""
    return parse(Settings, read_yaml(path), path.name)


def sentences(reading: Reading) -> list[str]:
    """Cut a reply into its sentences, those too short left out."""
    spans = dict.fromkeys(reading.sentence(clause.start) for clause in reading.clauses)
    found = (reading.norm[low:high].strip() for low, high in spans)
    return [text for text in found if len(text) >= _CHARS]


def _encoder() -> Encoder | None:
    try:
        return embedded()
    except DataError:  # said by the search and by doctor; patterns go on alone
        return None


def examples(goal: Goal, patterns: Sequence[Pattern], right: Sequence[str]) -> list[str]:
    """Give the sentences that fulfil a goal on the right path, and the goal's own words."""
    found = [plain(goal.what)]
    for text in right:
        reading = read(text)
        if all(pattern.search(reading.norm) for pattern in patterns):
            found += [
                one for one in sentences(reading) if any(p.search(one) for p in patterns)
            ]  # fmt: skip
    return found


@functools.lru_cache(maxsize=1024)
def _vectors(goal: Goal, patterns: tuple[Pattern, ...], right: tuple[str, ...]) -> Vectors:
    """Encode a goal's examples once: (n_examples, dim) float32, rows of length 1."""
    return embedded().encode(examples(goal, patterns, right))


def means(reading: Reading, case: Scenario, goal: Goal, covered: float) -> bool:
    """Say whether a reply fulfils a goal in other words.

    Args:
        reading: of the reply.
        case: whose goal it is.
        goal: the goal.
        covered: the share of its pattern groups that the reply touches, 0-1.
    """
    book, encoder = settings(), _encoder()
    said = sentences(reading)
    if encoder is None or not said:
        return False
    known = _vectors(goal, tuple(case.compiled.needs[goal.id]), tuple(case.paths.right))
    alike = float((encoder.encode(said) @ known.T).max())
    return alike >= (book.alike_least if covered >= book.covered_least else book.alone_least)
