"""A scenario written by a language model: what it is asked, how its answer is read and repaired.

Knows prompts and YAML; which engine answers it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import get_args

import prompts
from coach import draft_check, draft_data, draft_yaml
from coach.draft_wish import Wish
from coach.engine import Message
from coach.scenario import DRAFT, CustomerType, Scenario
from grading.result import Channel
from knowledge import standard
from knowledge.datafile import DataError
from knowledge.retrieval import Hit

SOURCE = "机器起草，未审核"
Generate = Callable[[Sequence[Message]], str]
_FENCE = re.compile(r"^\s*```[a-zA-Z]*\n(.*?)\n?```", re.DOTALL | re.MULTILINE)
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_STAFF_TYPES = 6  # the last of CustomerType are staff members


@dataclass(frozen=True)
class Written:
    """What came of asking a model: the scenario, or why none; ``faults`` of each attempt."""

    case: Scenario | None
    faults: tuple[str, ...] = field(default=())


def write(
    wish: Wish, found: Sequence[Hit], near: Sequence[Scenario], *,
    generate: Generate, mark: str,
) -> Written:  # fmt: skip
    """Ask a model for a scenario; a faulty one goes back with its fault, at most ``repairs`` times.

    Args:
        wish: as read.
        found: the requirements to train, best first.
        near: the nearest scenarios, the nearest first.
        generate: the model.
        mark: eight characters that make the id unique.
    """
    messages = [Message("user", _ask(wish, found, near))]
    faults: list[str] = []
    for _ in range(draft_data.book().limits.repairs + 1):
        answer = generate(messages)
        try:
            case = _read(answer, wish, mark)
            draft_check.try_out(case)
            return Written(case, tuple(faults))
        except DataError as error:
            faults.append(str(error))
            again = prompts.fill("scenario_repair", fault=prompts.unmarked(str(error))[:300])
            messages += [Message("assistant", answer), Message("user", again)]
    return Written(None, tuple(faults))


def _ask(wish: Wish, found: Sequence[Hit], near: Sequence[Scenario]) -> str:
    types = get_args(CustomerType)
    held = near[0].model_dump(exclude_defaults=True, exclude={"lines"}, mode="json")
    example = draft_yaml.dump(held)
    facts = [f"- {line}" for case in near[:1] for line in case.card]
    if wish.matter:
        facts += [f"- {line}" for line in _shown(wish)]
    return prompts.fill(
        "scenario_draft",
        wish=wish.text, level=wish.level,
        requirements="\n".join(_requirements(wish, found)), facts="\n".join(facts),
        example=example.rstrip("\n"),
        types="、".join(types if wish.staff else types[:-_STAFF_TYPES]),
        channels="、".join(get_args(Channel)),
    )  # fmt: skip


def _requirements(wish: Wish, found: Sequence[Hit]) -> list[str]:
    """Give the requirements as lines, the level's own work content before them."""
    content = standard.load().contents[draft_data.book().plan[wish.level].work]
    lines = [f"- work_content {content.id} {content.title}"]
    named = dict.fromkeys(
        [*draft_data.book().plan[wish.level].requirements, *(h.id for h in found)]
    )
    return lines + [f"- {one} {standard.load().requirements[one].text}" for one in named]


def _shown(wish: Wish) -> list[str]:
    """Give a matter's card with its slots as the first variant fills them."""
    if wish.matter is None:
        return []
    lines = list(wish.matter.card)
    for name, value in wish.matter.variants[0].items():
        lines = [line.replace(f"${name}", value) for line in lines]
    return lines


def _read(answer: str, wish: Wish, mark: str) -> Scenario:
    """Read a model's answer; id and source are ours to write, the level is the wish's.

    Raises:
        DataError: not a scenario, or one of another level.
    """
    text = _THOUGHT.sub("", answer)
    fenced = _FENCE.search(text)
    case = draft_check.read(_ours((fenced[1] if fenced else text).strip(), mark), "模型写的情景")
    if case.level != wish.level:
        raise DataError(f"level 写成了“{case.level}”，应为 {wish.level}")
    return case


def _ours(text: str, mark: str) -> str:
    """Write our id and source into a model's YAML, so that neither is the model's to choose."""
    lines = [line for line in text.split("\n") if not re.match(r"(?:id|source)\s*:", line)]
    return "\n".join([f"id: {DRAFT}model-{mark}", *lines, f"source: {SOURCE}"])
