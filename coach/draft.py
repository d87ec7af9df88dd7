"""A scenario on demand: a wish in, a complete playable scenario out, honest about who wrote it.

Knows the order of things; reading, composing, asking a model and checking are other modules.
"""

from __future__ import annotations

import random
from typing import Literal

from pydantic import BaseModel, ConfigDict

import prompts
from coach import (
    draft_check,
    draft_compose,
    draft_data,
    draft_model,
    draft_near,
    draft_plan,
    draft_wish,
    draft_yaml,
    scenario,
)
from coach.draft_model import Generate
from coach.draft_wish import Wish
from coach.scenario import Scenario
from grading import rubric
from knowledge.datafile import DataError
from knowledge.retrieval import Hit

_TRIES = 4


class Draft(BaseModel):
    """A drafted scenario as ``kefu draft --json`` prints it.

    ``near``: ids of the nearest shipped scenarios; ``notes``: Chinese sentences on what was not
    followed or went wrong; ``status`` is the scenario's source.
    """

    model_config = ConfigDict(extra="forbid")
    id: str
    status: str
    scenario: Scenario
    requirements: list[str]
    near: list[str]
    by: Literal["composition", "model"]
    notes: list[str]
    versions: dict[str, str | int | None]


def draft(
    wish: str, *, level: str | None = None, generate: Generate | None = None, seed: int = 7
) -> Draft:
    """Draft a scenario.

    Args:
        wish: what to train, in the author's words; untrusted.
        level: 初级, 中级 or 高级; None for what the wish says, else 初级.
        generate: a language model; None composes from parts.
        seed: the same wish, level and seed compose the same scenario.

    Raises:
        DataError: the wish cannot be read, or no part fits it and no model could write it.
    """
    read = draft_wish.read(wish, level)
    limits = draft_data.book().limits
    found = draft_near.requirements(read.text, read.level)
    near = draft_near.scenarios(read.text, limits.near, staff=read.staff)
    dice = random.Random(f"{read.text}:{read.level}:{seed}")
    notes = list(read.notes)
    tried = ""
    if generate is not None:
        written = draft_model.write(
            read, found, near, generate=generate, mark=f"{dice.getrandbits(32):08x}"
        )
        if written.case:
            if written.faults:
                notes.append(f"模型写的前 {len(written.faults)} 稿不合格，改过才通过")
            return _told(written.case, [c.id for c in near], notes, seed=seed, by="model")
        tried = f"模型写了 {len(written.faults)} 稿都不合格（{written.faults[-1][:80]}）"
        notes.append(f"{tried}，改用拼配")
    if read.matter is None or read.staff:
        raise DataError(f"{tried}；{_nothing_fits(read)}" if tried else _nothing_fits(read))
    case = _composed(read, found, dice, notes)
    return _told(case, [one.id for one in near], notes, seed=seed, by="composition")


def as_yaml(case: Scenario) -> str:
    """Give a scenario as the YAML its author edits."""
    held = case.model_dump(mode="json", exclude_defaults=True)
    head = f"# 自拟情景（{case.source}）。改完先检查，再保存。\n"
    return head + draft_yaml.dump(held)


def check(text: str, where: str = "情景") -> Scenario:
    """Read an edited draft and play it the ways our own are played.

    Raises:
        DataError: line and field, or which course of replies fails.
    """
    case = draft_check.read(text, where)
    draft_check.try_out(case)
    return case


def _composed(wish: Wish, found: list[Hit], dice: random.Random, notes: list[str]) -> Scenario:
    """Compose until the trial passes: persons and numbers change from try to try."""
    content = draft_data.book().plan[wish.level].work
    own = [hit.id for hit in found if hit.work_content == content]
    fault: DataError | None = None
    for _ in range(_TRIES):
        plan = draft_plan.decide(wish, dice, own)
        try:
            text = draft_yaml.dump(draft_compose.compose(plan, dice))
            case = draft_check.read(text, "拼配的情景")
            draft_check.try_out(case)
        except DataError as error:
            fault = error
            continue
        notes += _filled_in(wish, case)
        return case
    raise DataError(f"这些部件拼不出能练通的情景（{fault}），请换个说法、换个种子再试")


def _nothing_fits(wish: Wish) -> str:
    most = draft_data.book().limits.near
    names = "、".join(draft_near.matter_names(wish.text, most))
    if wish.staff:
        return (
            "和组员谈话的情景没有现成部件，拼配不出来；"
            "请接上语言模型再起草，或从现有的班组谈话情景里选"
        )
    return (
        "没有合得上这个愿望的事由，拼配不出来，要接上语言模型才能写；"
        f"现有的事由里最接近的是：{names}"
    )


def _filled_in(wish: Wish, case: Scenario) -> list[str]:
    """Say what the wish left open and how it was filled."""
    notes = []
    if wish.customer_type is None:
        notes.append("愿望里没说客户是什么类型，按脾气暴躁拼配")
    if wish.channel is None:
        notes.append("愿望里没说渠道，按这类事最常见的来")
    if case.level == "高级":
        notes.append("高级的要求多在管理，这里按“客户满意度”练一通要改进闭环的对话")
    if case.customer_type == "dialect":
        notes.append("方言只在开场和一部分句子里，其余是普通话")
    return notes


def _told(
    case: Scenario, near: list[str], notes: list[str], *,
    seed: int, by: Literal["composition", "model"],
) -> Draft:  # fmt: skip
    return Draft(
        id=case.id, status=case.source, scenario=case, requirements=list(case.requirements),
        near=near, by=by, notes=notes,
        versions={
            "scenario": scenario.version(case), "parts": draft_data.version(),
            "prompts": prompts.version() if by == "model" else None,
            "rubric": rubric.load().version, "seed": seed,
        },
    )  # fmt: skip
