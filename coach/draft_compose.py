"""A scenario put together from parts: a matter, a person, a customer type, a channel, a level.

Knows how parts join; whether the outcome can be played is found out in ``draft_check``.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from string import Template
from typing import Any

from coach import draft_data
from coach.draft_data import PartFact, PartGoal
from coach.draft_plan import DIALECT, Plan
from coach.scenario import DRAFT, Trap

SOURCE = "拼配，未审核"
Table = dict[str, Any]
_SENTENCE = re.compile(r"[^。！？；…]+(?:……)?[。！？；]?")
_SILENT_TYPE = "silent"


def compose(plan: Plan, dice: random.Random) -> Table:
    """Write the scenario of a plan, as a table that ``Scenario`` takes."""
    return _Writer(plan, dice).table()


class _Writer:
    """Writes one scenario; holds its slots and dice."""

    def __init__(self, plan: Plan, dice: random.Random) -> None:
        self.plan, self.dice = plan, dice
        self.book = draft_data.book()
        person = plan.person
        self.slots = {
            **plan.variant, "name": person.name, "call": person.call, "family": person.call[:-2],
            "tail": f"{dice.randrange(10_000):04}", "no": f"{dice.randrange(1000, 9999)}",
        }  # fmt: skip
        self.levels = self.book.plan[plan.level]
        self.has_before = "before" in self.levels.parts
        self.has_improve = "improve" in self.levels.parts

    def fill(self, value: Any) -> Any:  # noqa: ANN401 - tables hold anything
        """Fill the slots in every text of a value."""
        if isinstance(value, str):
            return Template(value).substitute(self.slots)
        if isinstance(value, dict):
            return {key: self.fill(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.fill(one) for one in value]
        return value

    def spoken(self, lines: Sequence[str]) -> list[str]:
        """Write lines as the other side says or types them."""
        filled = [str(line) for line in self.fill(list(lines))]
        if self.plan.customer_type == _SILENT_TYPE:
            filled = [_sentences(line)[0] for line in filled]
        return [typed(line) if self.plan.is_chat else line for line in filled]

    def table(self) -> Table:
        """Give the whole scenario."""
        plan, matter = self.plan, self.plan.matter
        mark = f"{self.dice.getrandbits(32):08x}"
        return {
            "id": f"{DRAFT}{matter.id}-{plan.customer_type}-{mark}".replace("_", "-"),
            "title": self.fill(self.dice.choice(matter.titles)),
            "level": plan.level, "work_content": plan.work, "kind": "customer",
            "channel": plan.channel, "trade": plan.variant["trade"],
            "customer_type": plan.customer_type, "difficulty": plan.difficulty,
            "trains": self.fill(matter.trains), "requirements": list(self.requirements()),
            "person": self.person(), "mood": self.mood(), "max_turns": 18,
            "slots": self.fill(matter.slots.model_dump()),
            "case_words": self.fill(matter.case_words), "opening": self.opening(),
            "background": self.fill(matter.background), "wants": self.fill(matter.wants),
            "facts": self.facts(), "card": self.fill(matter.card),
            "limits": self.fill([one.model_dump() for one in matter.limits]),
            "goals": self.goals(), "worse": [self.trap(matter.worse), self.trap(plan.part.trap)],
            "steps": self.steps(), "hints": self.fill([*matter.hints, plan.part.hint]),
            "model_reply": self.first(), "paths": {"right": self.right(), "wrong": self.wrong()},
            "source": SOURCE,
        }  # fmt: skip

    def requirements(self) -> tuple[str, ...]:
        """Give the requirements, the channel's own among them."""
        own = self.book.channel_requirements[self.plan.channel]
        return tuple(dict.fromkeys([*self.plan.requirements, own]))

    def person(self) -> Table:
        """Give who it is, with region and manner."""
        person, manner = self.plan.person, self.plan.part.manner
        regular = f"，{self.book.regular_about}" if self.plan.regular else ""
        about = f"{person.age} 岁，{person.place}人，{person.job}{regular}；{person.way}；{manner}"
        told: Table = {"name": person.name, "call": person.call, "about": about}
        if self.plan.customer_type == DIALECT:
            told["region"] = person.dialect
        return told

    def mood(self) -> Table:
        """Give the numbers at the start: the type's, moved by the difficulty."""
        base, step = self.plan.part.mood, self.book.difficulty_step
        away = self.plan.difficulty - 3
        return {
            "anger": min(80, max(10, base.anger + away * step.anger)),
            "trust": min(60, max(12, base.trust + away * step.trust)),
            "patience": min(80, max(44, base.patience + away * step.patience)),
        }

    def opening(self) -> list[list[str]]:
        """Give one opening for each of the matter's, in the person's manner."""
        part, plan = self.plan.part, self.plan
        silent = plan.customer_type == _SILENT_TYPE
        leads = (self.book.short_leads if silent else self.book.leads)[plan.channel]
        before, after = self._own(part.before), self._own(part.after)
        found: list[list[str]] = []
        for at, line in enumerate(plan.matter.short if silent else plan.matter.opening):
            pieces = [leads[at % len(leads)], _at(before, at), self.fill(line), _at(after, at)]
            if plan.is_chat and part.typed:
                pieces[1] = _at(part.typed, at)
            shown = [piece for piece in pieces if piece]
            found.append(typed("。".join(shown)).split("\n") if plan.is_chat else ["".join(shown)])
        return found

    def _own(self, lines: tuple[str, ...] | dict[str, tuple[str, ...]]) -> tuple[str, ...]:
        if isinstance(lines, dict):
            return lines.get(self.plan.person.dialect or "", ())
        return lines

    def trap(self, trap: Trap) -> Table:
        """Give a trap with its lines as this person says them."""
        return {**self.fill(trap.model_dump()), "say": self.spoken(trap.say)}

    def fact(self, name: str, part: PartFact, **more: Any) -> Table:  # noqa: ANN401
        """Give one fact."""
        return {
            "id": name, "what": self.fill(part.what), "asked": self.fill(part.asked),
            "say": self.spoken(part.say), **more,
        }  # fmt: skip

    def facts(self) -> list[Table]:
        """Give identity, the matter's own, and the earlier contact where the level has it."""
        own = [self.fact(one.id, one, open=one.open) for one in self.plan.matter.facts]
        found = [self.fact("ident", self.book.ident, signal="verify_identity")]
        before = [self.fact("before", self.book.before.fact)] if self.has_before else []
        return [*found, *before, *own]

    def goal(self, name: str, part: PartGoal, after: Sequence[str]) -> Table:
        """Give one goal; groups named @macro are looked up."""
        return {
            "id": name, "what": self.fill(part.what),
            "need": [self.fill(self._group(group)) for group in part.need],
            "after": list(after), "ask": self.spoken(part.ask), "met": self.spoken(part.met),
        }  # fmt: skip

    def _group(self, group: Sequence[str]) -> list[str]:
        words: list[str] = []
        for word in group:
            words += self.book.macros[word[1:]] if word.startswith("@") else [word]
        return words

    def goals(self) -> list[Table]:
        """Give the matter's goals, then the common ones of the level."""
        own = [self.goal(one.id, one, one.after) for one in self.plan.matter.goals]
        last = self.plan.matter.goals[-1].id
        found = [self.goal("mend", self.book.before.goal, ["before"])] if self.has_before else []
        found = [*own, *found, self.goal("owner", self.book.owner, [last])]
        if self.has_improve:
            found.append(self.goal("improve", self.book.improve.goal, ["owner"]))
        return found

    def steps(self) -> list[Table]:
        """Give the expected steps with the requirement behind each."""
        at, matter = self.levels, self.plan.matter
        own = self.book.channel_requirements[self.plan.channel]

        def step(name: str, what: str, requirement: str, **how: Any) -> Table:  # noqa: ANN401
            return {"id": name, "what": self.fill(what), "requirement": requirement, **how}

        feel = step("feel", f"先回应对方的难处：{matter.slots.harm}", at.feel,
                    signal=["empathy", "apology"])  # fmt: skip
        asks = [step(f"ask-{f.id}", f"问清{f.topic}", at.ask, fact=f.id) for f in matter.facts]
        ident = step("check", self.book.ident.step, own, fact="ident")
        solves = [step(f"do-{g.id}", g.what, at.solve, goal=g.id) for g in matter.goals]
        owner = step("do-owner", self.book.owner.step, at.solve, goal="owner")
        close = step("close", "征求意见，礼貌结束", at.close,
                     signal=["confirm_satisfaction", "closing"])  # fmt: skip
        before = [
            step("ask-before", self.book.before.ask_step, at.ask, fact="before"),
            step("do-mend", self.book.before.step, at.feel, goal="mend"),
        ]
        improve = [step("do-improve", self.book.improve.step, at.close, goal="improve")]
        return [
            feel, *asks, ident, *(before if self.has_before else []), *solves, owner,
            *(improve if self.has_improve else []), close,
        ]  # fmt: skip

    def first(self) -> str:
        """Give the agent's first reply on the matter."""
        return str(self.fill(self.plan.part.hello + self.plan.matter.right.first))

    def right(self) -> list[str]:
        """Give the course of replies that deals with everything, in order."""
        right, book, channel = self.plan.matter.right, self.book, self.plan.channel
        called = channel == "outbound"
        found = [book.callback, self.first()] if called else [self.first()]
        found += [right.second] if called else [right.second, book.ident.reply]
        found += [book.before.question] if self.has_before else []
        found += right.goals
        found += [book.before.reply] if self.has_before else []
        found.append(book.owner.reply[channel])
        found += [book.improve.reply] if self.has_improve else []
        return [str(self.fill(one)) for one in [*found, book.ending[channel]]]

    def wrong(self) -> list[str]:
        """Give the course that deals with nothing."""
        return [str(self.fill(one)) for one in [*self.plan.matter.wrong, *self.book.wrong]]


def typed(line: str) -> str:
    """Write a spoken line as messages typed on a phone: one sentence a line, few marks."""
    messages = []
    for sentence in _sentences(line):
        kept = sentence.strip().rstrip("。！；").replace("，", " ").replace("……", "")
        messages.append(kept)
    return "\n".join(one for one in messages if one)


def _sentences(line: str) -> list[str]:
    return [one.strip() for one in _SENTENCE.findall(line) if one.strip("。！？；… ")] or [line]


def _at(lines: Sequence[str], at: int) -> str:
    return lines[at % len(lines)] if lines else ""
