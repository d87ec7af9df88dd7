"""What a scenario says about its work order: the right types, the demand, facts and promises due.

Knows the block's shape and its patterns; not how an order is marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from pydantic import Field

from grading.pattern import Pattern, compile_any
from knowledge.datafile import Entry, refuse_repeats

Patterns = Annotated[tuple[str, ...], Field(min_length=1)]
OrderType = Literal["complaint", "enquiry", "repair", "order", "suggestion", "other"]
TYPES: tuple[OrderType, ...] = get_args(OrderType)


class OrderFact(Entry):
    """A fact that belongs into the order once it was told; every group must be found in it."""

    id: str
    need: Annotated[tuple[Patterns, ...], Field(min_length=1)]


class Demand(Entry):
    """Wordings of what the customer wants; one of them must be found."""

    match: Patterns


class OrderBlock(Entry):
    """``types``: any is right. ``promises``: goals whose time belongs into the order when met.

    A staff talk has neither types nor a demand.
    """

    types: tuple[OrderType, ...] = ()
    demand: Demand | None = None
    facts: Annotated[tuple[OrderFact, ...], Field(min_length=1)]
    promises: tuple[str, ...] = ()


@dataclass(frozen=True)
class CompiledOrder:
    """The patterns of a block, ready for search."""

    demand: Pattern | None
    facts: dict[str, tuple[Pattern, ...]]


def compiled(block: OrderBlock, where: str) -> CompiledOrder:
    """Compile a block's patterns.

    Raises:
        DataError: a pattern that is not one, naming ``where``.
    """
    return CompiledOrder(
        compile_any(block.demand.match, f"{where}：order.demand") if block.demand else None,
        {
            fact.id: tuple(compile_any(group, f"{where}：order.{fact.id}") for group in fact.need)
            for fact in block.facts
        },
    )


def check(
    block: OrderBlock, facts: Sequence[str], goals: Sequence[str], *, customer: bool, where: str
) -> None:
    """Refuse a block that points to what the scenario lacks, or is not of its kind.

    Raises:
        ValueError: naming the unknown id, or what a customer's or a staff talk's block must hold.
        DataError: a fact that stands twice.
    """
    if customer and not (block.types and block.demand):
        raise ValueError("order 要写 types 和 demand")
    if not customer and (block.types or block.demand):
        raise ValueError("order：班组谈话没有 types 和 demand")
    refuse_repeats((fact.id for fact in block.facts), f"{where}：order.facts")
    if unknown := [fact.id for fact in block.facts if fact.id not in facts]:
        raise ValueError(f"order.facts 里没有这些事实：{'、'.join(unknown)}")
    if unknown := [goal for goal in block.promises if goal not in goals]:
        raise ValueError(f"order.promises 里没有这些目标：{'、'.join(unknown)}")
