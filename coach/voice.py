"""The scripted voice: turns a plan of acts into lines from the scenario and the bank.

Knows words; decides nothing. Never says a line twice in a session.
"""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from coach import bank
from coach.act import Move
from coach.scenario import Scenario
from coach.state import State
from grading.result import Turn

ENGINE = "scripted"
_FALLBACK = {
    "ask": ("press", "ask_how", "ask_when"), "met": ("agree",), "trap": ("press",),
    "english": ("unreadable",), "hang_up_try": ("refuse_close",), "back": ("ack",),
    "threaten": ("vent",), "ask_who": ("ask_how",), "gate": ("unknown",), "internal": ("doubt",),
    "cold": ("vent",), "comparison": ("interrogate",), "public_blame": ("interrogate",),
    "empty_consolation": ("formula",), "formula_again": ("formula",), "parrot": ("off_topic",),
    "pry": ("ask_how",), "unheard": ("already_said", "press"), "unseen": ("vent",),
    "no_sorry": ("vent",), "wait_why": ("ask_when",), "retell": ("ask_who",),
    "not_asked": ("decline",), "ask_cost": ("ask_how",), "stop_calling": ("decline",),
    "ask_fact": ("doubt",),
}  # fmt: skip
_LAST_RESORT = ("press", "vent", "doubt", "ask_when", "ask_how", "ask_who", "vague", "ack",
                "demand_supervisor", "decline")  # fmt: skip
_NEAR_HEAT = {"low": ("low", "any", "mid", "high"), "mid": ("mid", "any", "low", "high"),
              "high": ("high", "any", "mid", "low")}  # fmt: skip
_SCENARIO_FIRST = 0.6


@dataclass(frozen=True)
class Cue:
    """What a voice is asked to say: the plan, and what was said before (``heard``, oldest first).

    ``state`` is the one after the trainee's ``reply``; ``dice`` are this turn's; ``missed`` are
    the requirements the moment called for and the reply did not meet.
    """

    moves: Sequence[Move]
    scenario: Scenario
    state: State
    dice: random.Random
    heard: Sequence[Turn]
    reply: str
    missed: Sequence[str] = ()


class Slip(BaseModel):
    """One thing wrong with a text that was thrown away: what, which words, at which attempt."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    attempt: int
    kind: str
    text: str


@dataclass(frozen=True)
class Said:
    """A turn's text, who spoke it in the end, and what was thrown away before."""

    text: str
    engine: str
    slips: tuple[Slip, ...] = ()


class Voice(Protocol):
    """Whoever speaks the other side's lines; one a session."""

    @property
    def engine(self) -> str:
        """Who speaks: scripted, transformers or endpoint."""
        ...

    @property
    def model(self) -> str | None:
        """Which model, None for the script."""
        ...

    @property
    def prompts(self) -> str | None:
        """The version of what the model is told, None for the script."""
        ...

    def opening(self, scenario: Scenario, dice: random.Random) -> str:
        """Say the opening."""
        ...

    def answer(self, cue: Cue) -> Said:
        """Say a plan of acts; the text is "" for an empty plan."""
        ...


class ScriptedVoice:
    """Picks written lines; one instance a session, as it remembers what was said."""

    engine = ENGINE
    model = prompts = None

    def __init__(self) -> None:
        """Start with nothing said."""
        self.said: set[str] = set()

    def opening(self, scenario: Scenario, dice: random.Random) -> str:
        """Say one of the scenario's openings, chat messages one a line."""
        messages = dice.choice(scenario.opening)
        self.said.update(messages)
        return "\n".join(messages)

    def answer(self, cue: Cue) -> Said:
        """Say each move's line."""
        return Said(self.say(cue.moves, cue.scenario, cue.state, cue.dice), ENGINE)

    def say(
        self, moves: Sequence[Move], scenario: Scenario, state: State, dice: random.Random
    ) -> str:
        """Say each move's line; phone lines run on, chat lines stand one a line."""
        lines = [line for move in moves if (line := self._line(move, scenario, state, dice))]
        return ("\n" if scenario.channel == "chat" else "").join(lines)

    def _line(self, move: Move, scenario: Scenario, state: State, dice: random.Random) -> str:
        own = _own_lines(move, scenario)
        fresh = [line for line in own if self._is_new(line)]
        must = move.act in ("fact", "met", "trap")
        if fresh and (must or move.act == "ask" or dice.random() < _SCENARIO_FIRST):
            return self._take(dice.choice(fresh))
        for act in (move.act, *_FALLBACK.get(move.act, ())):
            if line := self._generic(act, scenario, state, dice):
                return line
        if fresh:
            return self._take(dice.choice(fresh))
        for act in _LAST_RESORT:
            if line := self._generic(act, scenario, state, dice):
                return line
        return ""

    def _generic(self, act: str, scenario: Scenario, state: State, dice: random.Random) -> str:
        medium = bank.medium_of(scenario)
        lines = [x for x in bank.by_act().get((medium, act), ()) if bank.fits(x, scenario)]
        for heat in _NEAR_HEAT[bank.heat_of(state.anger)]:
            pool = [x for x in lines if x.heat == heat]
            typed = [x for x in pool if x.types]
            if typed and dice.random() < 0.55:
                pool = typed
            texts = [t for x in pool if self._is_new(t := _fill(x.say, scenario))]
            if texts:
                return self._take(dice.choice(texts))
        return ""

    def _is_new(self, line: str) -> bool:
        return self.said.isdisjoint(line.split("\n"))

    def _take(self, line: str) -> str:
        self.said.update(line.split("\n"))
        return line


class RecordedVoice:
    """Says again what a stored talk said, then lets another voice go on: a model cannot replay."""

    def __init__(
        self, engine: str, told: Sequence[Said], then: Voice, *,
        model: str | None = None, prompts: str | None = None,
    ) -> None:  # fmt: skip
        """Take the stored turns.

        Args:
            engine: who spoke the talk, as it was stored.
            model: which model, if one did.
            prompts: which version of the words to it.
            told: the opening and every turn after it.
            then: speaks once the stored turns are through.
        """
        self.engine, self.model, self.prompts = engine, model, prompts
        self.then = then
        self._told, self._at = told, 0

    def opening(self, scenario: Scenario, dice: random.Random) -> str:
        """Say the stored opening."""
        self._at = 1
        return self._told[0].text

    def answer(self, cue: Cue) -> Said:
        """Say the next stored turn."""
        if self._at >= len(self._told):
            return self.then.answer(cue)
        self._at += 1
        return self._told[self._at - 1]


def _own_lines(move: Move, scenario: Scenario) -> tuple[str, ...]:
    if move.act == "fact" and move.ref:
        return scenario.fact(move.ref).say
    if move.act == "met" and move.ref:
        return scenario.goal(move.ref).met
    if move.act == "ask" and move.ref:
        return scenario.goal(move.ref).ask
    if move.act == "trap" and move.ref:
        return scenario.worse[int(move.ref)].say
    return scenario.lines.get(move.act, ())


def _fill(say: str, scenario: Scenario) -> str:
    slots = scenario.slots
    return string.Template(say).substitute(thing=slots.thing, demand=slots.demand, harm=slots.harm)
