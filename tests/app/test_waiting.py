import io
import time

import pytest

from app import waiting
from coach import scenario, voices
from coach.model_voice import ModelVoice
from coach.session import Session

CASE = "rural-water-bill"


class Slow:
    """An engine that thinks for a while, then says a line."""

    name, model = "endpoint", "slow-1b"

    def __init__(self, seconds, place=None):
        self.seconds = seconds
        if place is not None:
            self.place = lambda session: place

    def stream(self, messages, sampling, *, session, cancel):
        time.sleep(self.seconds)
        yield "那到底什么时候能有个准话？"


class Screen(io.StringIO):
    def __init__(self, live):
        super().__init__()
        self.isatty = lambda: live


@pytest.fixture
def talk(monkeypatch):
    monkeypatch.setattr(waiting, "_FIRST_SECONDS", 0.05)
    monkeypatch.setattr(waiting, "_STEP_SECONDS", 0.05)
    monkeypatch.setattr(voices, "away", lambda name, model: None)

    def make(engine):
        case = scenario.get(CASE)
        return Session(case, 7, ModelVoice(engine, voices.session_name(case)) if engine else None)

    return make


def said(talk, engine, monkeypatch, live=False):
    screen = Screen(live)
    monkeypatch.setattr("sys.stderr", screen)
    turn = waiting.say(talk(engine), "您好，我是3076号，请讲。")
    assert turn.customer
    return screen.getvalue()


def test_while_a_model_thinks_a_line_says_so_and_stdout_stays_empty(talk, monkeypatch, capsys):
    text = said(talk, Slow(0.5), monkeypatch)
    assert text == "等待对方开口…（0 秒）\n", "elsewhere than at a terminal, once in ten seconds"
    assert capsys.readouterr().out == ""


def test_at_a_terminal_one_line_counts_and_is_wiped(talk, monkeypatch):
    text = said(talk, Slow(0.5), monkeypatch, live=True)
    assert text.count("等待对方开口…") > 1 and "\n" not in text
    assert text.endswith(waiting._CLEAR)


def test_the_place_in_line_is_told(talk, monkeypatch):
    assert "前面还有 2 位" in said(talk, Slow(0.5, place=2), monkeypatch)


def test_the_script_gets_no_words(talk, monkeypatch, capsys):
    assert said(talk, None, monkeypatch) == ""
    waiting.announce(talk(None), None)
    waiting.loading("scripted", None)
    assert capsys.readouterr().err == ""


def test_who_speaks_and_where_the_text_goes_is_told_first(talk, monkeypatch, capsys):
    waiting.announce(talk(Slow(0)), None)
    assert "语言模型 slow-1b 说（endpoint，这台机器）" in capsys.readouterr().err
    monkeypatch.setattr(voices, "away", lambda name, model: "http://far:8000/v1")
    waiting.announce(talk(Slow(0)), None)
    assert "http://far:8000/v1，姓名和号码遮住再发" in capsys.readouterr().err


def test_loading_weights_is_told_before(capsys):
    waiting.loading("transformers", "/models/q")
    assert "正在装入语言模型 /models/q" in capsys.readouterr().err


def test_a_failing_turn_ends_the_words(talk, monkeypatch):
    session = talk(Slow(0))
    screen = Screen(True)
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr(session, "say", lambda reply: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        waiting.say(session, "您好")
    assert screen.getvalue().endswith(waiting._CLEAR)
