"""What is near a wish: requirements of the standard, shipped scenarios, matters.

Knows texts and the index; reads no wish and writes no scenario.
"""

from __future__ import annotations

import functools

import numpy as np

from coach import draft_data, scenario
from coach.scenario import Scenario
from knowledge import retrieval, standard
from knowledge.index import HybridIndex, build
from knowledge.retrieval import Hit, Retriever


def requirements(text: str, level: standard.Level, k: int = 8) -> list[Hit]:
    """Find the requirements a wish is about, best first; a level covers the lower ones."""
    return _retriever().search(text, level, k)


def scenarios(text: str, k: int, *, staff: bool = False) -> list[Scenario]:
    """Find the shipped scenarios nearest to a wish, best first: with customers, or with staff."""
    cases = list(scenario.load_all().values())
    found = [cases[at] for at in _order(_scenario_index(), text)]
    return [case for case in found if (case.kind == "staff") == staff][:k]


def matter_names(text: str, k: int) -> list[str]:
    """Find the names of the matters nearest to a wish, best first."""
    names = [matter.name for matter in draft_data.matters().values()]
    return [names[at] for at in _order(_matter_index(), text)[:k]]


@functools.lru_cache(maxsize=1)
def _retriever() -> Retriever:
    return Retriever()


def _order(index: HybridIndex, text: str) -> list[int]:
    scores = index.score(text).fused
    return [int(at) for at in np.argsort(-scores, kind="stable")]


def _index(rows: list[list[str]]) -> HybridIndex:
    texts = [text for row in rows for text in row]
    owners = [at for at, row in enumerate(rows) for _ in row]
    return build(texts, owners, retrieval.settings(), retrieval.own_encoders())


@functools.lru_cache(maxsize=1)
def _scenario_index() -> HybridIndex:
    return _index([_words_of(case) for case in scenario.load_all().values()])


def _words_of(case: Scenario) -> list[str]:
    """Give what a scenario is about, a few sentences."""
    return [
        f"{case.trade} {case.title}", case.trains, case.background, case.wants, case.person.about,
        " ".join(message for line in case.opening for message in line), " ".join(case.case_words),
        f"{case.level} {case.slots.thing} {case.slots.demand} {case.slots.harm}",
    ]  # fmt: skip


@functools.lru_cache(maxsize=1)
def _matter_index() -> HybridIndex:
    return _index(
        [[one.name, one.background, *one.opening] for one in draft_data.matters().values()]
    )
