"""How long a trainee waits: plays a talk through the page's own functions, by the clock.

`python -m app.turn_clock` writes one JSON object on stdout; ``kefu doctor`` and ``eval.bench`` run
it as a process of its own, so that it can be cut off and torch stays out of theirs. The talk is
kept in a database that is thrown away. Knows talks and clocks; nothing of what is said.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import re
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from html import unescape
from pathlib import Path
from typing import Any

from app import out
from app.pages import moves, scene
from app.pages.talks import Offer, Talk, Talks
from app.records import store
from coach import scenario, voices
from coach.engine import EngineError, Message, Sampling
from coach.model_voice import ModelVoice
from coach.scenario import Scenario
from coach.session import Session
from coach.voice import Cue, Said, ScriptedVoice, Voice
from knowledge.datafile import DataError

SCENARIO = "rural-water-bill"
_VISITOR = "turn-clock"
_SEED = 7
# How the Qwen tokenizer packs Chinese: about one and a half characters a token.
_CHARS_PER_TOKEN = 1.5
# Said between the steps of the written path, so that a talk lasts twelve turns.
_HOLDS = (
    "我理解您的着急，请您再说一下具体情况。", "好的，我记下了。请问您还有什么要补充的吗？",
    "很抱歉给您添了麻烦，您说的我都在听。", "谢谢您的耐心，我还在核对。",
)  # fmt: skip


@dataclass(frozen=True)
class Waited:
    """One turn: seconds until it was stored, until its first character showed, and who spoke."""

    turn: int
    stored_seconds: float
    shown_seconds: float
    engine: str
    slips: int
    chars: int


class LentLines:
    """An engine whose network works in earnest, token by token, while its words are lent.

    Random weights speak no Chinese: the reviewer would stop them after a few characters, and the
    time would say nothing. So as many tokens are drawn as ``line`` needs, and the line is given.
    """

    def __init__(self, engine: Any) -> None:  # noqa: ANN401 - a TransformersEngine
        """Wrap an engine that also gives bare tokens."""
        self.name, self.model, self._engine = engine.name, engine.model, engine
        self.line = ""

    def stream(
        self, messages: Sequence[Message], sampling: Sampling, *,
        session: str, cancel: threading.Event,
    ) -> Generator[str]:  # fmt: skip
        """Give the lent line piece by piece, a piece a token of the network."""
        count, given = max(1, math.ceil(len(self.line) / _CHARS_PER_TOKEN)), 0
        greedy = Sampling(max_tokens=count, temperature=0)
        drawn = self._engine.tokens(messages, greedy, session=session, cancel=cancel)
        for at, _ in enumerate(drawn, 1):
            upto = math.ceil(len(self.line) * at / count)
            yield self.line[given:upto]
            given = upto
        yield self.line[given:]

    def forget(self, session: str) -> None:
        """Drop what is kept for a session."""
        self._engine.forget(session)

    def close(self) -> None:
        """Let go of the engine's memory."""
        self._engine.close()


class _Lending(ModelVoice):
    """A model's voice that lends its engine the line the script would say."""

    def __init__(self, lent: LentLines, session: str) -> None:
        super().__init__(lent, session)
        self._lent, self._lines = lent, ScriptedVoice()

    def answer(self, cue: Cue) -> Said:
        dice = random.Random(cue.state.turn)
        self._lent.line = self._lines.say(cue.moves, cue.scenario, cue.state, dice)
        return super().answer(cue)


def replies(turns: int) -> list[str]:
    """Give what the trainee says: the written path but its last step, held up between steps."""
    path = iter(scenario.get(SCENARIO).paths.right[:-1])
    return [
        _HOLDS[at // 2 % len(_HOLDS)] if at % 2 else next(path, _HOLDS[at // 2 % len(_HOLDS)])
        for at in range(turns)
    ]


async def _send(talks: Talks, talk: Talk, reply: str) -> Waited:
    """Send one reply as the page does and watch for the first character of the answer."""
    began, stored, notice = time.perf_counter(), None, ""
    async for view in moves.send(talks, _VISITOR, reply, talk.token):
        notice = view.notice or notice
        if view.reply == "":
            stored = time.perf_counter()
        elif stored is not None and view.talk is not None:
            session = talk.session
            if view.talk not in [scene.bubbles(session, 0, waiting=w) for w in (True, False)]:
                shown, turn = time.perf_counter() - began, session.turns[-1]
                slips, chars = len(turn.slips), len(turn.customer)
                return Waited(turn.turn, stored - began, shown, turn.engine, slips, chars)
    why = unescape(re.sub("<[^>]*>", "", notice)) or "没有回答"
    raise DataError(f"这一轮没有说成：{why}")


def measure(offer: Offer | None, turns: int) -> list[Waited]:
    """Play up to so many turns, fewer where the talk ends before.

    Args:
        offer: the model that speaks; None for the script.
        turns: >= 1.

    Raises:
        DataError: a turn could not be said.
    """
    Session(scenario.get(SCENARIO), 0).say("您好，请讲")  # the server, too, warms up first
    with tempfile.TemporaryDirectory() as folder:
        with store.opened(f"sqlite:///{Path(folder) / 'clock.sqlite3'}") as records:
            talks = Talks(records, offer=offer)
            talk = talks.start(
                _VISITOR, SCENARIO, adult=True, seed=_SEED, with_model=offer is not None
            )
            found = []
            for reply in replies(turns):
                if talk.is_over:
                    break
                found.append(asyncio.run(_send(talks, talk, reply)))
            return found


def _offer(args: argparse.Namespace) -> Offer | None:
    if args.engine == "scripted":
        return None
    if not args.lend:
        first = voices.make(args.engine, scenario.get(SCENARIO), model=args.model)
        return Offer(
            str(first.model), lambda case: voices.make(args.engine, case, model=args.model)
        )
    from coach.transformers_engine import TransformersEngine

    try:
        lent = LentLines(TransformersEngine(args.model))
    except EngineError as error:
        raise DataError(str(error)) from error

    def make(case: Scenario) -> Voice:
        return _Lending(lent, voices.session_name(case))

    return Offer(lent.model, make)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure one engine and write what was found."""
    ask = argparse.ArgumentParser(prog="python -m app.turn_clock", description="学员每轮等多久")
    ask.add_argument("--engine", choices=voices.NAMES, default="scripted")
    ask.add_argument("--model", help="见 kefu play --model")
    ask.add_argument("--turns", type=int, default=1)
    ask.add_argument("--lend", action="store_true", help="词由脚本借给模型：随机权重不会说话")
    args = ask.parse_args(argv)
    began = time.perf_counter()
    try:
        offer = _offer(args)
        ready = time.perf_counter() - began
        waited = measure(offer, args.turns)
    except DataError as error:
        out.note(str(error))
        return out.BAD_INPUT
    finally:
        voices.close()
    told = {"engine": args.engine, "model": offer.label if offer else None}
    rows = [asdict(one) for one in waited]
    out.as_json(told | {"ready_seconds": ready, "typing": moves.is_typing_shown(), "turns": rows})
    return out.OK


if __name__ == "__main__":
    sys.exit(main())
