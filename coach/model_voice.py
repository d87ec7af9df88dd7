"""A language model speaks the other side's lines: every turn reviewed, else the script speaks.

Knows how often to try and what to record; not how a model is reached, nor what makes a fault.
"""

from __future__ import annotations

import functools
import random
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from pydantic import Field

from coach import messages, reviewer
from coach.engine import Engine, EngineError, Message, Sampling
from coach.reviewer import Scene
from coach.scenario import Scenario
from coach.session import PlayTurn, stood_in
from coach.voice import Cue, RecordedVoice, Said, ScriptedVoice, Slip, Voice
from knowledge.datafile import Entry, parse, read_yaml

_FILE = Path(__file__).parent / "data" / "model_voice.yaml"


class Settings(Entry):
    """All of data/model_voice.yaml."""

    attempts: int = Field(ge=1, le=3)
    max_tokens: dict[str, int]
    retry_temperature: float = Field(gt=0, le=2)
    review_every_chars: int = Field(ge=1)
    unfit_share: float = Field(ge=0, le=1)


@functools.lru_cache(maxsize=1)
def settings() -> Settings:
    """Load the parameters (cached)."""
    return parse(Settings, read_yaml(_FILE), _FILE.name)


class ModelVoice:
    """Speaks through an engine; one instance a session."""

    def __init__(self, engine: Engine, session: str, *, temperature: float | None = None) -> None:
        """Start with nothing said.

        Args:
            engine: the model.
            session: names this conversation to the engine (prefix reuse, place in line).
            temperature: 0 for the same lines every time; None for the model's own.
        """
        self.engine, self.model = engine.name, engine.model
        self.prompts = messages.version()
        self.cancel = threading.Event()
        self._engine, self._session, self._temperature = engine, session, temperature
        self._script = ScriptedVoice()
        self._settings = settings()

    def opening(self, scenario: Scenario, dice: random.Random) -> str:
        """Say the written opening: the talk starts the same whoever speaks."""
        return self._script.opening(scenario, dice)

    def answer(self, cue: Cue) -> Said:
        """Say a plan of acts: the model's first text without a fault, else the script's."""
        if not cue.moves:
            return Said("", self.engine)
        for turn in cue.heard:
            self._script.said.update(turn.text.split("\n"))
        slips: list[Slip] = []
        chat, scene = self._chat(cue), self._scene(cue)
        for attempt in range(1, self._settings.attempts + 1):
            try:
                text, faults = self._draw(chat, scene, self._sampling(cue, attempt))
            except EngineError as error:
                slips.append(Slip(attempt=attempt, kind=f"engine_{error.kind}", text=str(error)))
                break  # the engine has tried again itself where that makes sense
            if not faults:
                return Said(text, self.engine, tuple(slips))
            slips += [Slip(attempt=attempt, kind=f.kind, text=f.text) for f in faults]
        line = self._script.say(cue.moves, cue.scenario, cue.state, cue.dice)
        return Said(line, self._script.engine, tuple(slips))

    def place(self) -> int | None:
        """Say how many calls stand before this talk's; None where the engine keeps no line."""
        place = getattr(self._engine, "place", None)
        return place(self._session) if place else None

    def _chat(self, cue: Cue) -> list[Message]:
        return messages.build(
            cue.scenario, cue.state, cue.moves,
            heard=cue.heard, reply=cue.reply, allowed=_allowed(cue), requirements=cue.missed,
        )  # fmt: skip

    def _scene(self, cue: Cue) -> Scene:
        said = tuple(turn.text for turn in cue.heard if turn.role != "agent")
        return Scene(
            scenario=cue.scenario, state=cue.state, acts=tuple(move.act for move in cue.moves),
            allowed_facts=_allowed(cue), said=said, reply=cue.reply,
        )  # fmt: skip

    def _sampling(self, cue: Cue, attempt: int) -> Sampling:
        """Draw otherwise at each attempt, yet the same for the same session and turn."""
        temperature = self._temperature
        if attempt > 1 and temperature == 0:
            temperature = self._settings.retry_temperature  # greedy would say the same again
        return Sampling(
            max_tokens=self._settings.max_tokens[cue.scenario.channel],
            temperature=temperature, seed=cue.dice.randrange(2**31),
        )  # fmt: skip

    def _draw(
        self, chat: list[Message], scene: Scene, sampling: Sampling
    ) -> tuple[str, list[reviewer.Fault]]:
        """Let the model write and read along; a faulty text is stopped early."""
        text, read = "", 0
        pieces = self._engine.stream(chat, sampling, session=self._session, cancel=self.cancel)
        with closing(pieces):  # a paused stream would hold the model
            for piece in pieces:
                text += piece
                if len(text) - read >= self._settings.review_every_chars:
                    read = len(text)
                    if faults := reviewer.review(text, scene, final=False):
                        return text, faults
        if self.cancel.is_set():
            raise EngineError("cancelled", "已停止生成")
        text = text.strip()
        return text, reviewer.review(text, scene, final=True)


def is_unfit(turns: Sequence[PlayTurn]) -> bool:
    """Whether the script had to stand in too often for the talk to serve in an examination."""
    return stood_in(turns) > settings().unfit_share


def speaking(voice: Voice) -> ModelVoice | None:
    """Give the model's voice, also where it goes on with a stored talk; None for the script."""
    last = voice.then if isinstance(voice, RecordedVoice) else voice
    return last if isinstance(last, ModelVoice) else None


def _allowed(cue: Cue) -> tuple[str, ...]:
    """Give the ids of the facts that this turn may tell anew."""
    return tuple(move.ref for move in cue.moves if move.act == "fact" and move.ref)
