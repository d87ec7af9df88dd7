"""Two hundred turns on the page's own path while the model's server goes wrong in every way."""

import asyncio
import random

import pytest

from app.pages import moves
from app.pages.talks import Offer
from coach import scenario
from coach.breaker import Limits
from coach.endpoint import EndpointEngine
from coach.model_voice import ModelVoice
from tests.coach.fault_server import FAULTS, TEXT, FaultServer

pytestmark = pytest.mark.slow
ANN, CASES = (
    "a" * 32,
    ("broadband-third-call", "return-three-items-law", "plan-call-old-overcharge"),
)
LIMITS = Limits(
    connect_seconds=0.5, stall_seconds=0.2, retry_after_seconds=0.1, backoff_seconds=0.01,
    tries=2, failures=7, rest_seconds=0.3,
)  # fmt: skip
# After these the engine may still give a text: what it gives is a whole answer.
WELL = {name for name in FAULTS if name.startswith("ok") or "_then_ok" in name}
WELL |= {"echo", "slow", "think_split"}


class Told:
    """Calls an engine and keeps what became of each call: its text, or the error it raised."""

    name = "endpoint"

    def __init__(self, engine):
        self.model, self.ends, self._engine = engine.model, [], engine

    def stream(self, messages, sampling, *, session, cancel):
        said = ""
        try:
            for piece in self._engine.stream(messages, sampling, session=session, cancel=cancel):
                said += piece
                yield piece
        except RuntimeError as error:
            self.ends.append(error)
            raise
        self.ends.append(said)


def _all(views):
    async def collect():
        return [view async for view in views]

    return asyncio.run(collect())


@pytest.mark.timeout(300)
def test_over_200_turns_nothing_is_lost_nothing_is_raised_and_every_fallback_is_recorded(store):
    dice, tokens, turns = random.Random(4), [], []
    with FaultServer() as server:
        engine = EndpointEngine(server.url, "qwen3", timeout_seconds=0.8, limits=LIMITS)
        told = Told(engine)
        offer = Offer("语言模型 qwen3", lambda case: ModelVoice(told, case.id, temperature=0.0))
        talks = moves.Talks(store, offer=offer)
        queue = [fault for _ in range(4) for fault in dice.sample(FAULTS, len(FAULTS))]
        while len(turns) < 200:
            case = scenario.get(CASES[len(tokens) % len(CASES)])
            _all(moves.start(talks, ANN, case.id, adult=True, with_model=True))
            talk = talks.of(ANN)
            tokens.append(talk.token)
            for reply in case.paths.right if len(tokens) % 2 else case.paths.wrong:
                if talk.is_over or len(turns) == 200:
                    break
                fault = queue.pop() if queue else "ok"
                server.faults.clear()
                server.faults.extend([fault] * 6)  # for the second try and the reviewer's retries
                called = len(told.ends)
                shown = _all(moves.send(talks, ANN, reply))
                turn = talk.session.turns[-1]
                turns.append((fault, turn, told.ends[called:]))
                assert turn.reply == reply and (turn.customer or turn.ended), fault
                assert not any(view.notice for view in shown), "no error reaches the page"
                assert turn.customer.split("\n")[-1] in shown[-1].talk
                stored = store.turns(talk.token)
                assert len(stored) == len(talk.session.turns)
                assert stored[-1] == turn.model_dump(mode="json"), "the record is what was said"
        engine.close()
    assert len(turns) == 200 == sum(store.count(token) - 1 for token in tokens)
    _check_records(turns)
    assert {fault for fault, *_ in turns} == set(FAULTS), "every fault had its turn"


def _check_records(turns):
    """Each error of the engine stands in the record by its kind, each stand-in has its cause."""
    for fault, turn, ends in turns:
        errors = [end for end in ends if isinstance(end, RuntimeError)]
        assert [s.kind for s in turn.slips if s.kind.startswith("engine_")] == [
            f"engine_{error.kind}" for error in errors
        ], fault
        assert turn.engine in ("endpoint", "scripted")
        if turn.engine == "endpoint" and turn.customer:
            assert turn.customer == ends[-1].strip(), "only a whole text of the model is its own"
            assert fault in WELL
        elif turn.customer:
            assert turn.slips, "no fallback without its cause"
    spoken = {turn.engine for _, turn, _ in turns}
    assert spoken == {"endpoint", "scripted"}
    assert {slip.kind for _, turn, _ in turns for slip in turn.slips} >= {
        "engine_slow", "engine_status", "engine_broken", "engine_empty", "engine_context",
        "engine_refused",
    }  # fmt: skip
    assert any(TEXT == turn.customer for _, turn, _ in turns)
