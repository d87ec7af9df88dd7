"""What a judging model is offered and held to: data/judge.yaml, loaded and checked.

Knows levels, limits and words for people; asks nobody and reads no answer.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import get_args

from pydantic import Field

from grading.lexicon import FOLDER
from grading.pattern import Pattern, compile_any
from grading.result import Fault, Question
from knowledge.datafile import DataError, Entry, parse, read_yaml, refuse_repeats


class Offered(Entry):
    """One level: the name a model must write word for word, and what it means."""

    name: str = Field(min_length=1)
    anchor: str = Field(min_length=1)
    empty_quote: bool = False


class Asking(Entry):
    """One question; its levels count from 0, worst first."""

    id: Question
    template: str
    shown: str
    levels: tuple[Offered, ...] = Field(min_length=2)

    @property
    def menu(self) -> str:
        """The levels as the model reads them, one a line."""
        return "\n".join(f"{one.name}：{one.anchor}" for one in self.levels)


class Rules(Entry):
    """All of judge.yaml; see there. Levels and their differences are whole numbers."""

    version: str
    questions: tuple[Asking, ...]
    apart: int = Field(ge=1)
    spread: int = Field(ge=1)
    counted_share: float = Field(gt=0, le=1)
    samples_most: int = Field(ge=1, le=15)
    heard_chars: int = Field(ge=20)
    point_chars: int = Field(ge=10)
    answer_chars: int = Field(ge=100)
    reason_chars: tuple[int, int]
    quote_chars: int = Field(ge=1)
    max_tokens: int = Field(ge=50)
    seconds: float = Field(gt=0)
    temperature: float = Field(gt=0, le=2)
    verdict_like: tuple[str, ...] = Field(min_length=1)
    causes: dict[Fault, str]

    def asking(self, question: Question) -> Asking:
        """Give one question."""
        return next(one for one in self.questions if one.id == question)


@functools.lru_cache(maxsize=4)
def load(folder: Path = FOLDER) -> Rules:
    """Load judge.yaml (cached).

    Raises:
        DataError: an unknown key, a question missing or twice, a level twice, an empty quote
            allowed above level 0, empathy without five levels, or a fault without its words.
    """
    where = "judge.yaml"
    found = parse(Rules, read_yaml(folder / where), where)
    refuse_repeats((one.id for one in found.questions), where)
    if lacking := set(get_args(Question)) - {one.id for one in found.questions}:
        raise DataError(f"{where}：questions 缺少 {'、'.join(sorted(lacking))}")
    for one in found.questions:
        refuse_repeats((level.name for level in one.levels), f"{where}：{one.id}")
        if any(level.empty_quote for level in one.levels[1:]):
            raise DataError(f"{where}：{one.id} 只有最低一级可以写 empty_quote: true")
    if len(found.asking("empathy").levels) != 5:
        raise DataError(f"{where}：empathy 要有五级，和规则评分的 0–4 级对应")
    if silent := set(get_args(Fault)) - found.causes.keys():
        raise DataError(f"{where}：causes 缺少 {'、'.join(sorted(silent))}")
    verdict_like(folder, found)
    return found


def verdict_like(folder: Path = FOLDER, found: Rules | None = None) -> Pattern:
    """Give the pattern of what looks like a verdict in a reply."""
    return _compiled((found or load(folder)).verdict_like)


@functools.lru_cache(maxsize=4)
def _compiled(alternatives: tuple[str, ...]) -> Pattern:
    return compile_any(alternatives, "judge.yaml：verdict_like")
