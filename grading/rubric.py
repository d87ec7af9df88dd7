"""The rubric as data: weights, caps, what is due when, penalties, and the small word lists.

Knows what the files say; not how a reply reads.
"""

from __future__ import annotations

import functools
from pathlib import Path

from pydantic import Field

from grading.lexicon import FOLDER
from grading.pattern import Pattern, compile_any
from grading.result import DimensionName, Severity
from knowledge import standard
from knowledge.datafile import DataError, Entry, parse, read_yaml, refuse_repeats


class When(Entry):
    """Flags that must all hold, of which one must hold, that must not hold."""

    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    none: tuple[str, ...] = ()

    def holds(self, flags: frozenset[str]) -> bool:
        """Say whether the condition holds for a set of flags."""
        if self.none and not flags.isdisjoint(self.none):
            return False
        if self.any and flags.isdisjoint(self.any):
            return False
        return flags.issuperset(self.all)


class Expectation(Entry):
    """Something that can be due, and what meets it.

    ``met``: signal kind to factor 0-1; credit is the best of them, or their sum with ``sum``.
    """

    id: str
    dimension: DimensionName
    weight: float = Field(gt=0)
    when: When
    met: dict[str, float]
    sum: bool = False
    missing: str
    why: str
    advice: str
    cites: tuple[str, ...]


class Deduction(Entry):
    """Points taken when a flag of the reply holds."""

    id: str
    flag: str
    dimension: DimensionName
    points: float = Field(gt=0)
    why: str
    advice: str
    cites: tuple[str, ...]


class Weights(Entry):
    """Weights of the dimensions; only their ratio matters."""

    empathy: float
    politeness: float
    procedure: float


class Penalty(Entry):
    """Points a breach takes from each dimension."""

    empathy: float
    politeness: float
    procedure: float


class EmpathyRule(Entry):
    """Numbers of the empathy dimension; see the comments in rubric.yaml."""

    formula: float
    feeling: float
    impact: float
    both: float
    specific_each: float
    specific_most: float
    solution: float
    timeframe: float
    ownership: float
    apology: float
    question: float
    no_words_apology: float
    no_words_action: float
    cancelled: float
    late: float
    copied: float
    invented: float
    cancel_words: tuple[str, ...]
    invented_words: tuple[str, ...]
    cites: tuple[str, ...]
    staff_cites: tuple[str, ...]
    staff_points: dict[str, float]
    staff_most: float


class ReviewRule(Entry):
    """When a person should look."""

    near_pass: tuple[float, float]
    thin_chars: int
    doubt: float


class ClassifierRule(Entry):
    """How sure the classifiers must be, 0-1; what their finds are worth."""

    add_signal: float
    keep_signal: float
    add_breach: float
    keep_breach: float
    keep_any: float
    add_fatal: float
    sure_fatal: float
    off_tone: float
    rude_from: float
    rude_points: float
    severity: dict[str, Severity]
    not_when: dict[str, tuple[str, ...]]
    excuse: dict[str, str]
    strength: dict[str, float]


class TrickRule(Entry):
    """When words are for the grader and not for the customer; see the comments in rubric.yaml."""

    least: float = Field(ge=0, le=1)
    least_chars: int
    points: float = Field(ge=0)
    nothing_left: float = Field(ge=0)
    pile_words: int
    pile_share: float
    noise_pairs: int
    noise_known: float
    repeat_chars: int
    repeats: int
    copy_run: int
    copy_least: int
    copy_share: float


class LevelRule(Entry):
    """How the level model joins the rules: its share 0-1 of a dimension, what it may leave out.

    ``faults``: the part of the points for faults found by rules that the model's score loses too.
    ``breaches``: so with the points a breach takes. ``well_from``: where politeness and procedure
    both read at this level or above, what only the classifier found is dropped, and a fatal find
    that no sure word bears out is major.
    ``standard``: the least for a set form that is whole (``standard_from`` by the rules) in a
    moment with one of the flags ``standard_in``.
    ``null_below``: where the rules see no feeling, empathy is judged all the same if the model
    finds it uncalled for by less than this, 0-1. ``shown``: a stretch that moves a dimension by
    this many levels is quoted.
    """

    share: float = Field(ge=0, le=1)
    faults: float = Field(ge=0, le=1)
    breaches: float = Field(ge=0, le=1)
    well_from: float
    standard: float = Field(ge=0, le=100)
    standard_from: float
    standard_in: tuple[str, ...]
    null_below: float = Field(ge=0, le=1)
    shown: float = Field(gt=0)


class SessionRule(Entry):
    """How a whole talk is scored; ``steps_weight`` in percent, caps by outcome."""

    steps_weight: float = Field(ge=0, le=100)
    caps: dict[str, float]
    strength_least: float
    next_most: int


class Rubric(Entry):
    """The whole rubric."""

    version: str
    label: str
    weights: Weights
    staff_weights: Weights
    caps: dict[str, float]
    review: ReviewRule
    formula_repeat: float
    session: SessionRule
    classifier: ClassifierRule
    levels: LevelRule
    tricks: TrickRule
    empathy: EmpathyRule
    expectations: tuple[Expectation, ...]
    penalties: dict[str, Penalty]
    deductions: tuple[Deduction, ...]


def _check(rubric: Rubric, name: str) -> None:
    known = standard.load().requirements
    entries: list[Expectation | Deduction] = [*rubric.expectations, *rubric.deductions]
    refuse_repeats((entry.id for entry in entries), name)
    for entry in entries:
        for requirement in entry.cites:
            if requirement not in known:
                raise DataError(f"{name}：{entry.id} 引用的 {requirement} 不在标准里")
    for needed in ("fatal", "other"):
        if needed not in rubric.caps:
            raise DataError(f"{name}：caps 缺少 {needed}")


@functools.lru_cache(maxsize=4)
def load(folder: Path = FOLDER) -> Rubric:
    """Load and check the rubric of a folder."""
    rubric = parse(Rubric, read_yaml(folder / "rubric.yaml"), "rubric.yaml")
    _check(rubric, "rubric.yaml")
    return rubric


@functools.lru_cache(maxsize=4)
def wording(folder: Path = FOLDER) -> dict[str, Pattern]:
    """Load the small word lists, compiled, by name."""
    lists = read_yaml(folder / "wording.yaml")
    return {name: compile_any(words, f"wording.yaml：{name}") for name, words in lists.items()}


@functools.lru_cache(maxsize=4)
def empathy_words(folder: Path = FOLDER) -> tuple[Pattern, Pattern]:
    """Give the compiled cancelling and invented-story patterns."""
    rule = load(folder).empathy
    return (
        compile_any(rule.cancel_words, "rubric.yaml：cancel_words"),
        compile_any(rule.invented_words, "rubric.yaml：invented_words"),
    )
