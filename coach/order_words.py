"""The words, fields and weights of work orders, loaded from data/work_order.yaml and checked.

Knows the file's shape; reads no order.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from coach import masking
from coach.order_block import TYPES, OrderType, Patterns
from coach.scenario import Scenario
from grading.pattern import Pattern, compile_any
from knowledge import standard
from knowledge.datafile import DataError, Entry, parse, read_yaml, refuse_repeats

FILE = Path(__file__).parent / "data" / "work_order.yaml"
VerdictKind = Literal["missing", "invented", "wrong", "unmasked", "vague", "judgement"]
Check = Literal[
    "type", "contact", "facts", "mine", "theirs", "demand", "promise", "person", "next", "dates"
]
Share = Annotated[float, Field(ge=0, le=1)]


class FieldSpec(Entry):
    """One field of a form; ``weight`` > 0, ``check`` is how it is held against the talk."""

    id: str = Field(pattern=r"^[a-z]{2,20}$")
    name: str
    hint: str
    weight: int = Field(ge=1, le=100)
    requirement: str
    check: Check


class VerdictSpec(Entry):
    """One kind of fault: the share of the field it costs, what it rests on, how to mend it."""

    name: str
    loses: Share
    requirement: str | None
    mend: str


class Private(Entry):
    """Patterns of addresses, accounts and secrets."""

    address: Patterns
    account: Patterns
    secret: Patterns


class Novelty(Entry):
    """When a clause counts as invented: share of new words, how many, of how many characters.

    ``nearest``: the highest likeness, 0-1, to any sentence of the talk at which it still counts.
    ``cost``: the share of the loss, as words alone can deceive.
    """

    share: Share
    words: int = Field(ge=1)
    chars: int = Field(ge=1)
    nearest: Share
    cost: Share


class Book(Entry):
    """The whole of work_order.yaml."""

    version: str
    label: str
    most_chars: int = Field(ge=50, le=2000)
    types: dict[OrderType, str]
    customer: Annotated[tuple[FieldSpec, ...], Field(min_length=1)]
    staff: Annotated[tuple[FieldSpec, ...], Field(min_length=1)]
    verdicts: dict[VerdictKind, VerdictSpec]
    vague: Patterns
    hollow: Patterns
    generic: str
    nobody: Patterns
    contact: Patterns
    judgement: Patterns
    not_judgement: Patterns
    private: Private
    masked_rules: tuple[str, ...]
    promise_cues: Patterns
    asking: Patterns
    extras: Patterns
    ordinary: str
    invented: Novelty
    shared: Share
    alike: Share


@dataclass(frozen=True)
class Words:
    """The book with its patterns compiled."""

    book: Book
    vague: Pattern
    hollow: Pattern
    nobody: Pattern
    contact: Pattern
    judgement: Pattern
    not_judgement: Pattern
    private: Pattern
    promise_cues: Pattern
    asking: Pattern
    extras: Pattern
    ordinary: frozenset[str]
    generic: frozenset[str]

    def fields(self, case: Scenario) -> tuple[FieldSpec, ...]:
        """Give the form of a scenario: a work order, or a coaching record for a staff talk."""
        return self.book.staff if case.kind == "staff" else self.book.customer


def _check(book: Book, name: str) -> None:
    known = standard.load().requirements
    for form in (book.customer, book.staff):
        refuse_repeats((spec.id for spec in form), name)
    wanted = [spec.requirement for spec in (*book.customer, *book.staff)]
    wanted += [spec.requirement for spec in book.verdicts.values() if spec.requirement]
    for requirement in wanted:
        if requirement not in known:
            raise DataError(f"{name}：标准里没有编号 {requirement}")
    if lacking := set(VerdictKind.__args__) - set(book.verdicts):  # type: ignore[attr-defined]
        raise DataError(f"{name}：verdicts 缺少 {'、'.join(sorted(lacking))}")
    if unnamed := set(TYPES) - set(book.types):
        raise DataError(f"{name}：types 缺少 {'、'.join(sorted(unnamed))}")
    rules = {rule.id for rule in masking.book().rules}
    if unknown := set(book.masked_rules) - rules:
        raise DataError(f"{name}：masking.yaml 里没有规则 {'、'.join(sorted(unknown))}")


@functools.lru_cache(maxsize=4)
def load(path: Path = FILE) -> Words:
    """Load words, fields and weights (cached).

    Raises:
        DataError: an unknown key, requirement or rule, a repeated field, a bad pattern.
    """
    book = parse(Book, read_yaml(path), path.name)
    _check(book, path.name)

    def ready(patterns: Patterns, key: str) -> Pattern:
        return compile_any(patterns, f"{path.name}：{key}")

    secret = book.private
    return Words(
        book=book,
        vague=ready(book.vague, "vague"), hollow=ready(book.hollow, "hollow"),
        nobody=ready(book.nobody, "nobody"), contact=ready(book.contact, "contact"),
        judgement=ready(book.judgement, "judgement"),
        not_judgement=ready(book.not_judgement, "not_judgement"),
        private=ready((*secret.address, *secret.account, *secret.secret), "private"),
        promise_cues=ready(book.promise_cues, "promise_cues"),
        asking=ready(book.asking, "asking"), extras=ready(book.extras, "extras"),
        ordinary=frozenset(book.ordinary.split()),
        generic=frozenset(book.generic.split()),
    )  # fmt: skip
