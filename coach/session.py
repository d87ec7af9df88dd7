"""One practice talk: takes the trainee's replies, gives back graded turns. Replayable by seed.

Knows how the parts work together; stores nothing and shows nothing.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from coach import act, findings, scenario, state, steering, voice
from coach.scenario import Scenario
from coach.state import End, State
from grading.grade import check_length, grade
from grading.result import Grade, GradeRow, Turn, Versions
from knowledge.datafile import DataError


class Numbers(BaseModel):
    """The other side's state as shown: stage and three numbers 0-100."""

    model_config = ConfigDict(extra="forbid")
    stage: str
    anger: float
    trust: float
    patience: float


class PlayTurn(BaseModel):
    """One turn as ``kefu play`` prints it; turn 0 is the opening.

    ``engine`` is who spoke this turn; ``slips`` are texts of a model that were thrown away.
    ``touched`` and ``missed`` are the requirements the reply dealt with and those it should have;
    ``pressed`` is the one the other side then came back to, if it was one of these.
    """

    model_config = ConfigDict(extra="forbid")
    turn: int
    reply: str | None
    grade: Grade | None
    customer: str
    act: str
    state: Numbers
    revealed: list[str]
    ended: End | None
    engine: str
    slips: list[voice.Slip] = []
    touched: list[str] = []
    missed: list[str] = []
    pressed: steering.Pressed | None = None
    versions: Versions


def stood_in(turns: Sequence[PlayTurn]) -> float:
    """Give the share, 0-1, of answers the script gave in a model's stead; 0 without answers."""
    answers = [turn for turn in turns if turn.turn and turn.customer]
    replaced = [t for t in answers if t.engine == voice.ENGINE != t.versions.engine]
    return len(replaced) / len(answers) if answers else 0.0


def _number(graded: Grade, turn: int) -> None:
    """Write the turn into every span of a grade, as spans of a session carry it."""
    parts = graded.dimensions
    evidence = [*parts.empathy.evidence, *parts.politeness.evidence, *parts.procedure.evidence]
    for span in (*graded.signals, *graded.violations, *evidence):
        span.turn = turn


class Session:
    """A talk in one scenario with one seed."""

    def __init__(
        self, case: Scenario, seed: int, speaker: voice.Voice | None = None, *,
        index: steering.Index | None = None,
    ) -> None:  # fmt: skip
        """Start the talk; the opening is ``turns[0]``.

        Args:
            case: whose talk it is.
            seed: the same seed and replies give the same talk on the scripted voice.
            speaker: who speaks the other side's lines; the script when None.
            index: where the requirements are looked up; the process's own when None.
        """
        self.index = index or steering.index()
        self.scenario = case
        self.seed = seed
        self.voice = speaker or voice.ScriptedVoice()
        self.state = state.start(case)
        self.states: list[State] = [self.state]
        self.found: list[findings.Findings] = []
        self.turns: list[PlayTurn] = []
        line = self.voice.opening(case, self._dice(0))
        said = voice.Said(line, voice.ENGINE)
        self.turns.append(self._turn(None, None, said, "opening"))

    def _dice(self, turn: int, what: str = "") -> random.Random:
        return random.Random(f"{self.scenario.id}:{self.seed}:{turn}{what}")

    def _turn(
        self, reply: str | None, graded: Grade | None, said: voice.Said, acts: str
    ) -> PlayTurn:
        now = self.state
        return PlayTurn(
            turn=now.turn, reply=reply, grade=graded, customer=said.text, act=acts,
            state=Numbers(
                stage=now.stage, anger=now.anger, trust=now.trust, patience=now.patience
            ),
            revealed=list(now.revealed), ended=now.ended, engine=said.engine,
            slips=list(said.slips), versions=self._versions(graded),
        )  # fmt: skip

    def _versions(self, graded: Grade | None) -> Versions:
        base = graded.versions if graded else Versions()
        return base.model_copy(
            update={
                "scenario": scenario.version(self.scenario),
                "engine": self.voice.engine,
                "model": self.voice.model,
                "prompts": self.voice.prompts,
                "index": self.index.version,
                "seed": self.seed,
            }
        )

    @property
    def history(self) -> list[Turn]:
        """The talk so far as the grader reads it, oldest first."""
        other: Any = "staff" if self.scenario.kind == "staff" else "customer"
        found: list[Turn] = []
        for turn in self.turns:
            if turn.reply is not None:
                found.append(Turn(role="agent", text=turn.reply))
            if turn.customer:
                found.append(Turn(role=other, text=turn.customer))
        return found

    def say(self, reply: str) -> PlayTurn:
        """Take one reply and give the graded turn with the other side's answer.

        Raises:
            DataError: the talk has ended, or the reply is past the length limit.
        """
        if self.state.ended:
            raise DataError("这次对话已经结束，请重新开始一个情景")
        check_length(reply)
        case = self.scenario
        row = GradeRow(channel=case.channel, history=self.history, reply=reply)
        graded = grade(
            row,
            scenario_version=scenario.version(case),
            extra=findings.limit_hits(reply, case),
            staff=case.kind == "staff",
        )
        _number(graded, self.state.turn + 1)
        before = findings.Before(
            known=frozenset(self.state.revealed) | frozenset(self.state.met),
            trust=self.state.trust,
            wanted_boss="demand_supervisor" in self.turns[-1].act,
        )
        found = findings.find(reply, graded, case, before)
        self.state = state.step(self.state, found, case)
        self.states.append(self.state)
        self.found.append(found)
        dice = self._dice(self.state.turn)
        planned = act.plan(found, self.state, case, dice)
        bearing = steering.bear(
            self.index, case,
            heard=self.turns[-1].customer, reply=reply, graded=graded, found=found,
        )  # fmt: skip
        moves, push = steering.steer(planned, bearing, self._dice(self.state.turn, "steer"))
        cue = voice.Cue(
            moves, case, self.state, dice,
            heard=row.history, reply=reply,
            missed=(push.requirement,) if push else bearing.missed,
        )  # fmt: skip
        said = self.voice.answer(cue)
        acts = "+".join(move.act for move in moves) or "none"
        turn = self._turn(reply, graded, said, acts)
        turn.touched, turn.missed = list(bearing.touched), list(bearing.missed)
        turn.pressed = push
        self.turns.append(turn)
        return turn
