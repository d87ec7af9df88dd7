import json
import threading

import pytest

from app import turn_clock
from app.pages import moves
from app.pages.talks import Offer
from app.turn_clock import LentLines, measure, replies
from coach import voices
from coach.engine import Message, Sampling
from coach.model_voice import ModelVoice
from knowledge.datafile import DataError


@pytest.fixture(autouse=True)
def at_once(monkeypatch, tmp_path):
    monkeypatch.setenv("KEFU_TYPING", "0")
    monkeypatch.setenv("KEFU_HOME", str(tmp_path))


class Tokens:
    """An engine of bare tokens: counts how many were drawn."""

    name, model = "transformers", "random"

    def __init__(self):
        self.asked = []

    def tokens(self, messages, sampling, *, session, cancel):
        self.asked.append(sampling)
        yield from range(sampling.max_tokens)

    def forget(self, session):
        self.forgotten = session

    def close(self):
        self.closed = True


def test_the_wait_of_each_turn_is_measured_and_showing_comes_after_storing():
    found = measure(None, 3)
    assert [one.turn for one in found] == [1, 2, 3]
    for one in found:
        assert 0 < one.stored_seconds <= one.shown_seconds
        assert one.engine == "scripted" and one.slips == 0 and one.chars > 0


def test_typing_is_part_of_the_wait_for_the_first_character(monkeypatch):
    monkeypatch.setenv("KEFU_TYPING", "1")
    one = measure(None, 1)[0]
    # A message takes 0.35 s and 0.04 s a character, at most 1.2 s.
    assert one.shown_seconds - one.stored_seconds == pytest.approx(
        min(1.2, moves.typing_seconds("x" * one.chars)), abs=0.4
    )


def test_a_talk_lasts_long_enough_to_show_growth():
    assert len(measure(None, 12)) >= 10
    assert len(set(replies(12))) > 6


def test_lent_words_take_as_many_tokens_as_they_would():
    engine = Tokens()
    lent = LentLines(engine)
    lent.line = "那到底什么时候能修好？"
    pieces = list(
        lent.stream([Message("user", "x")], Sampling(), session="s", cancel=threading.Event())
    )
    assert "".join(pieces) == lent.line
    # 11 characters at one and a half a token: 7.3, so 8 tokens.
    assert engine.asked[0].max_tokens == 8 and engine.asked[0].temperature == 0
    lent.forget("s")
    lent.close()
    assert engine.forgotten == "s" and engine.closed


def test_lent_lines_pass_the_review_and_are_the_models_own():
    lent = LentLines(Tokens())
    offer = Offer("random", lambda case: turn_clock._Lending(lent, voices.session_name(case)))
    found = measure(offer, 4)
    assert sum(one.engine == "transformers" for one in found) >= 3
    assert len(lent._engine.asked) >= 4


class Failing:
    name, model = "endpoint", "m"

    def stream(self, messages, sampling, *, session, cancel):
        raise DataError("连不上")
        yield ""


def test_a_turn_that_cannot_be_said_is_told():
    offer = Offer("m", lambda case: ModelVoice(Failing(), "s"))
    with pytest.raises(DataError, match="^这一轮没有说成：连不上$"):
        measure(offer, 1)


def test_the_command_writes_one_json_object(capsys):
    assert turn_clock.main(["--turns", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["engine"] == "scripted" and told["model"] is None and not told["typing"]
    assert len(told["turns"]) == 2


@pytest.mark.parametrize("more", [
    pytest.param(["--model", "/no/such"], id="named"),
    pytest.param(["--model", "/no/such", "--lend"], id="lending"),
])  # fmt: skip
@pytest.mark.slow
def test_a_model_that_cannot_be_had_is_one_sentence(capsys, more):
    assert turn_clock.main(["--engine", "transformers", *more]) == 2
    said = capsys.readouterr()
    assert said.out == "" and "本机没有模型“/no/such”" in said.err
