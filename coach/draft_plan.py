"""Which parts a scenario is put together from: a wish's own where it names them, the rest by dice.

Knows parts and choices; writes no words.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from coach import draft_data
from coach.draft_data import Matter, Person, TypePart
from coach.draft_wish import Wish
from coach.scenario import CustomerType
from grading.result import Channel
from knowledge import standard
from knowledge.datafile import DataError

ELDERLY, DIALECT = "elderly", "dialect"


@dataclass(frozen=True)
class Plan:
    """All that is decided before the words are written."""

    matter: Matter
    variant: dict[str, str]
    person: Person
    customer_type: CustomerType
    channel: Channel
    level: standard.Level
    work: str
    difficulty: int
    regular: bool
    requirements: tuple[str, ...]

    @property
    def part(self) -> TypePart:
        """What the customer type adds."""
        return draft_data.book().types[self.customer_type]

    @property
    def is_chat(self) -> bool:
        """Whether the two write to each other."""
        return self.channel == "chat"


def decide(wish: Wish, dice: random.Random, requirements: Sequence[str] = ()) -> Plan:
    """Choose the parts a wish asks for, the rest by dice.

    Args:
        wish: must name a matter.
        dice: this draft's.
        requirements: of the wish's level, as retrieval found them, best first.

    Raises:
        DataError: no matter fits the wish.
    """
    if wish.matter is None:
        raise DataError("愿望里没有现成的事由，拼配不出来")
    book = draft_data.book()
    kind: CustomerType = wish.customer_type or "irritable"
    steps = book.plan[wish.level]
    work = steps.work
    if wish.work and standard.load().contents[wish.work].level == wish.level:
        work = wish.work
    channel = wish.channel or wish.matter.channel
    elsewhere = {own for at, own in book.channel_requirements.items() if at != channel}
    found = [*steps.requirements, *wish.matter.level_extra]
    found += [one for one in requirements if one not in elsewhere]
    hard = steps.difficulty + book.types[kind].harder + wish.harder
    return Plan(
        matter=wish.matter, variant=_variant(wish, dice), person=_person(wish, kind, dice),
        customer_type=kind, channel=channel, level=wish.level,
        work=work, difficulty=min(5, max(1, hard)), regular=wish.regular,
        requirements=tuple(dict.fromkeys(found))[: book.limits.requirements],
    )  # fmt: skip


def _variant(wish: Wish, dice: random.Random) -> dict[str, str]:
    """Choose the variant the wish's words are nearest to; by dice where they say nothing."""
    variants = wish.matter.variants if wish.matter else ()
    ranked = [sum(value in wish.text for value in one.values()) for one in variants]
    best = [one for one, score in zip(variants, ranked, strict=True) if score == max(ranked)]
    return dice.choice(best)


def _person(wish: Wish, kind: CustomerType, dice: random.Random) -> Person:
    people = draft_data.persons()
    elder = kind == ELDERLY or wish.elder
    found = [one for one in people if one.elder == elder]
    if kind == DIALECT:
        spoken = draft_data.book().types[kind].before
        found = [one for one in people if one.dialect in spoken]
        found = [one for one in found if one.dialect == wish.dialect] or found
    if any(wish.calls):
        found = [one for one in found if one.call.endswith(wish.calls)] or found
    return dice.choice(found)
