"""What a language model is told for one turn: who it is, what was said, what it does now.

Knows words and their order. Decides nothing: the state machine chose the acts. The rubric, the
card, the goals' patterns, the hints and whatever is still hidden never come in.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator

import prompts
from coach import bank
from coach.act import Move
from coach.engine import Message
from coach.scenario import CustomerType, Scenario
from coach.state import State
from grading.result import Channel, Turn
from grading.words import case_words
from knowledge import standard
from knowledge.datafile import Entry, fingerprint, parse, read_yaml

STYLES = Path(__file__).parent / "data" / "styles.yaml"
WORDS = Path(__file__).parent / "data" / "state_words.yaml"
_SENTENCE, _CLAUSE = re.compile(r"[。；！？]"), re.compile(r"[，、：]")
_TONE_ACTS = ("press", "vent", "doubt", "ask_how", "ask_when")
_EXAMPLES = 3


class Wording(Entry):
    """The same thing said of a customer and of a team member."""

    customer: str
    staff: str | None = None

    def of(self, scenario: Scenario) -> str:
        """Give the words for the side a scenario plays."""
        return self.staff or self.customer if scenario.kind == "staff" else self.customer


class Way(Entry):
    """How one speaks by a medium, and how much: at a time, and when telling a fact."""

    how: Wording
    length: Wording
    telling: Wording


class Styles(Entry):
    """The whole of styles.yaml; every channel, medium and type is there."""

    version: str
    places: dict[Channel, Wording] = Field(min_length=len(get_args(Channel)))
    ways: dict[Literal["spoken", "chat"], Way] = Field(min_length=2)
    tongue: dict[Literal["plain", "abuse"], str] = Field(min_length=2)
    region: str
    phone_words: tuple[str, ...]
    types: dict[CustomerType, str] = Field(min_length=len(get_args(CustomerType)))


class Band(Wording):
    """Words for a number up to and including ``to``."""

    to: int = Field(ge=0, le=100)


Bands = Annotated[tuple[Band, ...], Field(min_length=2)]


class Words(Entry):
    """The whole of state_words.yaml."""

    version: str
    bands: dict[Literal["anger", "trust", "patience"], Bands] = Field(min_length=3)
    stages: dict[str, Wording]
    order: Annotated[tuple[str, ...], Field(min_length=3)]
    endings: dict[str, Wording]
    pushing: tuple[str, ...]
    asking: tuple[str, ...]
    acts: dict[str, Wording]

    @field_validator("bands")
    @classmethod
    def _rising(cls, bands: dict[str, Bands]) -> dict[str, Bands]:
        for name, scale in bands.items():
            tops = [band.to for band in scale]
            if tops != sorted(set(tops)) or tops[-1] != 100:
                raise ValueError(f"{name} 的 to 要从小到大，最后一档是 100")
        return bands


@functools.lru_cache(maxsize=2)
def styles(path: Path = STYLES) -> Styles:
    """Load the ways of speaking (cached)."""
    return parse(Styles, read_yaml(path), path.name)


@functools.lru_cache(maxsize=2)
def words(path: Path = WORDS) -> Words:
    """Load the words for states and acts (cached)."""
    return parse(Words, read_yaml(path), path.name)


def version() -> str:
    """Give the digest of all that shapes what a model is told: templates and these words."""
    return f"{prompts.version()}-{fingerprint(STYLES, WORDS)}"


def build(
    scenario: Scenario, state: State, moves: Sequence[Move], *, heard: Sequence[Turn],
    reply: str | None, allowed: Sequence[str], requirements: Sequence[str] = (),
) -> list[Message]:  # fmt: skip
    """Give the whole chat for one turn.

    Args:
        scenario: whose case it is.
        state: after the trainee's reply.
        moves: what the state machine chose, at least one.
        heard: the talk before the reply, oldest first, the opening included.
        reply: the trainee's newest words; None when there were none.
        allowed: ids of the facts that may be told in this turn.
        requirements: ids of requirements the reply missed; at most the first is used, and only
            with a move that pushes for something.

    Returns:
        One system message, the same for every turn of a scenario; the earlier turns; one user
        message with the reply and the note for this turn. Roles alternate after the first.

    Raises:
        ValueError: no move, or a move tells a fact that is not allowed.
        KeyError: an unknown act, fact, goal or requirement.
    """
    if not moves:
        raise ValueError("build: no move, so there is nothing to say")
    for move in moves:
        if move.act == "fact" and move.ref not in allowed:
            raise ValueError(f"build: fact {move.ref} is to be told but not allowed")
    # many chat templates want a user's message first
    chat = [Message("system", _system(scenario)), Message("user", prompts.fill("start"))]
    for turn in heard:
        if turn.role == "agent":
            chat.append(Message("user", _said(turn.text)))
        else:
            chat.append(Message("assistant", turn.text.strip()))
    way = _way(scenario)
    telling = any(move.act == "fact" for move in moves)
    note = prompts.fill(
        "turn", heard=_said(reply or ""), mood=_mood(state, scenario),
        moves=_moves(scenario, state, moves, heard, requirements),
        ending=words().endings[_ending(state, moves, scenario)].of(scenario),
        length=(way.telling if telling else way.length).of(scenario),
    )  # fmt: skip
    return _alternating([*chat, Message("user", note)])


def _said(text: str) -> str:
    """Quote the trainee, the same in the history as in the newest turn (prefix reuse)."""
    clean = prompts.unmarked(text)
    return prompts.fill("heard", said=clean) if clean else prompts.fill("silence")


def _alternating(chat: Sequence[Message]) -> list[Message]:
    """Join neighbours of one role: many chat templates refuse two in a row."""
    joined: list[Message] = []
    for message in chat:
        if joined and joined[-1].role == message.role:
            message = Message(message.role, f"{joined.pop().content}\n{message.content}")
        joined.append(message)
    return joined


def _system(scenario: Scenario) -> str:
    book, person, slots = styles(), scenario.person, scenario.slots
    staff = scenario.kind == "staff"
    facts = " ".join(fact.what for fact in scenario.facts)
    traits = person.about.replace("，", "；")  # each stands alone, unlike a sentence's clauses
    told = " ".join(line for fact in scenario.facts for line in fact.say)
    wants = _openly(scenario.wants, scenario, f"{facts} {told}")
    temper = book.types[scenario.customer_type]
    if person.region:
        temper += "\n" + Template(book.region).substitute(region=person.region)
    more = {"call": person.call} if staff else {}
    return prompts.fill(
        "staff" if staff else "customer",
        name=person.name, about=_openly(traits, scenario, facts) or person.call,
        place=book.places[scenario.channel].of(scenario),
        thing=slots.thing, demand=slots.demand, harm=slots.harm,
        wish=prompts.fill("wish", wants=wants) if wants else "",
        way=_way(scenario).how.of(scenario), temper=temper,
        tongue=book.tongue["abuse" if scenario.abuse else "plain"],
        examples="\n".join(f"“{line}”" for line in _examples(scenario)), **more,
    )  # fmt: skip


def _way(scenario: Scenario) -> Way:
    return styles().ways["chat" if scenario.channel == "chat" else "spoken"]


def _openly(text: str, scenario: Scenario, facts: str) -> str:
    """Cut each sentence where it touches a hidden fact: what a model reads it tells."""
    hidden = case_words(facts) - case_words(open_words(scenario))
    kept: list[str] = []
    for sentence in _SENTENCE.split(text):
        clauses = (clause.strip() for clause in _CLAUSE.split(sentence))
        kept += itertools.takewhile(lambda c: c and not case_words(c) & hidden, clauses)
    return "，".join(kept)


def open_words(scenario: Scenario) -> str:
    """Give all that the other side says of its own accord, before anything is asked."""
    asks = [line for goal in scenario.goals for line in goal.ask]
    openings = [line for opening in scenario.opening for line in opening]
    own = (scenario.person.name, scenario.person.call, *scenario.slots.model_dump().values())
    return "\n".join((*own, *openings, *asks))


def _examples(scenario: Scenario) -> list[str]:
    """Give a few lines for the tone: the scenario's own first, then those of this type."""
    own = [line for act in _TONE_ACTS for line in scenario.lines.get(act, ())[:1]][:1]
    medium = bank.medium_of(scenario)
    avoid = ("$", *(styles().phone_words if scenario.channel == "in_person" else ()))
    lines = [
        x for act in _TONE_ACTS for x in bank.by_act().get((medium, act), ())
        if bank.fits(x, scenario) and not any(word in x.say for word in avoid)
    ]  # fmt: skip
    typed = [x.say for x in lines if x.types]
    anybody = [x.say for x in lines if not x.types and x.heat == "mid"]
    return [*own, *typed, *anybody][:_EXAMPLES]


def _mood(state: State, scenario: Scenario) -> str:
    felt = [
        next(band for band in scale if getattr(state, name) <= band.to).of(scenario)
        for name, scale in words().bands.items()
    ]
    return f"{'，'.join(felt)}；{words().stages[state.stage].of(scenario)}。"


def _ending(state: State, moves: Sequence[Move], scenario: Scenario) -> str:
    if state.ended:
        return state.ended
    acts = {move.act for move in moves}
    if len(state.met) == len(scenario.goals) or "agree" in acts:
        return "open"
    return "partly" if "met" in acts else "unsettled"


def _moves(
    scenario: Scenario, state: State, moves: Sequence[Move], heard: Sequence[Turn],
    requirements: Sequence[str],
) -> str:  # fmt: skip
    """Give one line a move, in the order they are said."""
    known = standard.load().requirements
    missed = [known[ref].text.removeprefix("能够") for ref in requirements[:1]]
    book, said = words(), "\n".join(turn.text for turn in heard if turn.role != "agent")
    lines: list[str] = []
    for move in moves:
        act = book.acts[move.act].of(scenario)
        like = _fresh(_own_lines(move, scenario), said, state.turn)
        if move.act == "fact" and move.ref:
            act = prompts.fill("move_fact", act=act, what=scenario.fact(move.ref).what, like=like)
        elif like:
            act = prompts.fill("move_like", act=act, like=like)
        if missed and move.act in book.pushing:
            act = prompts.fill("move_missed", act=act, requirement=missed.pop())
        lines.append(act)
    if len(lines) == 1:
        return lines[0]
    return "\n".join(f"{first}：{line}" for first, line in zip(book.order, lines, strict=False))


def _own_lines(move: Move, scenario: Scenario) -> tuple[str, ...]:
    """Give the scenario's own lines for what a model cannot know otherwise."""
    if move.ref is None:
        return ()
    if move.act == "fact":
        return scenario.fact(move.ref).say
    if move.act == "met":
        return scenario.goal(move.ref).met
    if move.act == "trap":
        return scenario.worse[int(move.ref)].say
    return scenario.goal(move.ref).ask if move.act in words().asking else ()


def _fresh(lines: Sequence[str], said: str, turn: int) -> str:
    """Give a line not said before, else another than last turn's; chat lines on one line."""
    fresh = [line for line in lines if line not in said] or lines
    return fresh[turn % len(fresh)].replace("\n", " ") if fresh else ""
