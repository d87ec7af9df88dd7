"""The judge on one of our engines: gathers what a stream gives, within limits, and judges a talk.

Knows engines and sessions; not what a verdict is worth, which is grading's.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import time
from contextlib import closing
from dataclasses import dataclass

from coach import voices
from coach.engine import Engine, EngineError, Message, Sampling
from coach.scenario import Scenario
from coach.session import PlayTurn, Session
from coach.voice import Voice
from grading import judge_rules
from grading.judge import Generate, Judge, JudgeError, check_samples
from grading.result import Grade, GradeRow, Turn
from knowledge.datafile import DataError


def writer(
    engine: Engine, *, case: str = "", temperature: float = 0.0,
    cancel: threading.Event | None = None,
) -> Generate:  # fmt: skip
    """Give the ``generate(messages) -> str`` of an engine, limited as judge.yaml says.

    The same messages are drawn with the same seed; the ids in them make samples differ.

    Args:
        engine: the model.
        case: id of the talk's scenario, whose names no other machine may read; "" for none.
        temperature: 0 is greedy.
        cancel: once set, by anybody or by the clock, no answer is waited for any more.
    """
    rules = judge_rules.load()

    def generate(messages: list[dict[str, str]]) -> str:
        chat = [Message("user", message["content"]) for message in messages]
        session = f"{case}:judge-{secrets.token_hex(8)}"
        digest = hashlib.sha256(chat[-1].content.encode("utf-8", "replace")).digest()
        sampling = Sampling(
            max_tokens=rules.max_tokens, temperature=temperature,
            seed=int.from_bytes(digest[:4], "big") >> 1,
        )  # fmt: skip
        return _gathered(engine, chat, sampling, session, cancel or threading.Event())

    return generate


def _gathered(
    engine: Engine, chat: list[Message], sampling: Sampling, session: str, cancel: threading.Event
) -> str:
    """Take a whole answer; one past the length is given cut off, too long to count.

    Raises:
        JudgeError: the engine failed, or it was told to stop, by the clock or from outside.
    """
    rules, text = judge_rules.load(), ""
    late = JudgeError(f"模型在 {rules.seconds:g} 秒内没有写完评判，或练习已停下")
    alarm = threading.Timer(rules.seconds, cancel.set)  # also while no piece comes
    alarm.daemon = True
    alarm.start()
    end = time.monotonic() + rules.seconds
    try:
        with closing(engine.stream(chat, sampling, session=session, cancel=cancel)) as pieces:
            for piece in pieces:
                text += piece
                if len(text) > rules.answer_chars or time.monotonic() > end:
                    break
    except EngineError as error:
        raise late if cancel.is_set() else JudgeError(str(error)) from error
    finally:
        alarm.cancel()
        engine.forget(session)
    if cancel.is_set() or time.monotonic() > end:
        raise late
    return text


@dataclass(frozen=True)
class Judging:
    """A judge that was switched on; ``trouble`` says why it cannot judge, None where it can.

    ``model``: its name for the record. ``samples``: how often each question is asked. ``away``:
    the other machine the text goes to, None where it stays on this one.
    """

    engine: Engine | None
    model: str
    samples: int = 1
    seed: int = 0
    trouble: str | None = None
    away: str | None = None

    def judge(
        self, case: Scenario | None = None, *, player: str | None = None,
        cancel: threading.Event | None = None,
    ) -> Judge:  # fmt: skip
        """Give the judge for a talk.

        Args:
            case: its scenario.
            player: the model that speaks the other side's lines, None for none or unknown.
            cancel: see writer.
        """
        heat = judge_rules.load().temperature if self.samples > 1 else 0.0
        generate = (
            writer(self.engine, case=case.id if case else "", temperature=heat, cancel=cancel)
            if self.engine
            else self._refuse
        )
        return Judge(
            generate, name=self.model, samples=self.samples, seed=self.seed,
            same_model_plays=player is not None and is_same(player, self.model),
        )  # fmt: skip

    def add(
        self, graded: Grade, row: GradeRow, case: Scenario | None = None, *,
        player: str | None = None, cancel: threading.Event | None = None,
    ) -> Grade:  # fmt: skip
        """Give a grade with the verdicts beside it; what they want is the scenario's demand."""
        point = case.slots.demand if case else None
        return self.judge(case, player=player, cancel=cancel).add(graded, row, point=point)

    def turn(
        self, session: Session, turn: PlayTurn, heard: list[Turn],
        cancel: threading.Event | None = None,
    ) -> None:  # fmt: skip
        """Put the verdicts beside the grade of a talk's turn; ``heard``: the talk before it."""
        if turn.grade is None or turn.reply is None:
            return
        row = GradeRow(channel=session.scenario.channel, history=heard, reply=turn.reply)
        turn.grade = self.add(
            turn.grade, row, session.scenario, player=session.voice.model, cancel=cancel
        )

    def _refuse(self, _: list[dict[str, str]]) -> str:
        raise JudgeError(self.trouble or "没有可用的模型")


class JudgedSession(Session):
    """A talk whose graded turns also carry a model's verdicts."""

    def __init__(
        self, case: Scenario, seed: int, speaker: Voice | None = None, *, judging: Judging
    ) -> None:
        """Start the talk; see Session."""
        super().__init__(case, seed, speaker)
        self.judging = judging

    def say(self, reply: str) -> PlayTurn:
        """Take one reply and give the graded and judged turn; see Session.say."""
        heard, turn = self.history, super().say(reply)
        self.judging.turn(self, turn, heard)
        return turn


def is_same(one: str, other: str) -> bool:
    """Whether two names are likely the same model's: folder, hub and server write it differently.

    ``/models/Qwen--Qwen3-0.6B``, ``Qwen/Qwen3-0.6B`` and ``qwen3:0.6b`` are the same.
    """
    return _bare(one) == _bare(other)


def _bare(name: str) -> str:
    last = re.split(r"[/\\]|--", name.rstrip("/\\"))[-1]
    return re.sub(r"[^0-9a-z]", "", last.casefold().removesuffix(":latest")) or name


def opened(name: str, model: str | None, *, samples: int = 1, seed: int = 0) -> Judging:
    """Open a judge's engine, the customer's own where it is the same model.

    Args:
        name: transformers or endpoint.
        model: see voices.make.
        samples: how often each question is asked.
        seed: for the questions' ids.

    Raises:
        DataError: samples out of range. An engine that cannot be had is no error: see Judging.
    """
    check_samples(samples)
    shown = model or name
    if name == "transformers" and not model:
        trouble = "没有说由哪个模型评判，请加 --judge-model 权重目录，或设置环境变量 KEFU_MODEL"
        return Judging(None, shown, samples, seed, trouble)
    try:
        engine = voices.engine(name, model)
        problem = voices.problem(name, model)
    except (DataError, EngineError) as error:
        return Judging(None, shown, samples, seed, str(error))
    away = voices.away(name, model)
    return Judging(None if problem else engine, engine.model, samples, seed, problem, away)
