"""The judge on the page: only the operator's, apart from the score, kept, and never in the way."""

import argparse
import asyncio
import threading

import httpx
import pytest

from app.commands import serve
from app.pages import frame, moves
from app.pages.talks import Talks
from app.report import html, told
from app.web import create_app
from coach import voices
from coach.judging import Judging
from tests.judge_engine import Fake, verdict

ANN = "a" * 32
CASE = "broadband-third-call"
REPLY = "断网四天换谁都着急，我现在派师傅，今天 16:00 前到。"


def views(stream):
    async def collect():
        return [view async for view in stream]

    return asyncio.run(collect())


@pytest.fixture
def judged(store):
    return Talks(store, judging=Judging(Fake(verdict), "m"))


def test_the_opinion_is_shown_beside_the_score_and_labelled(judged):
    views(moves.start(judged, ANN, CASE, adult=True))
    feedback = views(moves.send(judged, ANN, REPLY))[-2].feedback
    assert "模型另评，不计入分数" in feedback and "AI 生成" in feedback
    assert "同理心 4/4 说透并行动：说到了断网「断网四天换谁都着急」" in feedback
    talk = judged.of(ANN)
    page = html.page(told.tell(talk.session, stopped=True))
    assert "模型另评" in page and 'name="ai-generated" content="true"' in page


def test_nobody_under_18_is_shown_a_models_words(judged):
    views(moves.start(judged, ANN, CASE))
    feedback = views(moves.send(judged, ANN, REPLY))[-2].feedback
    assert "模型另评" not in feedback and judged.judging.engine.calls == []


def test_without_the_operator_nothing_is_judged(talks):
    views(moves.start(talks, ANN, CASE, adult=True))
    assert "模型另评" not in views(moves.send(talks, ANN, REPLY))[-2].feedback


def test_verdicts_outlive_a_restart_and_are_not_asked_for_again(judged, store):
    views(moves.start(judged, ANN, CASE, adult=True))
    views(moves.send(judged, ANN, REPLY))
    before = judged.of(ANN).session.turns[1].grade
    later = Talks(store, judging=Judging(Fake(verdict), "m"))
    assert later.of(ANN).session.turns[1].grade == before and len(before.judge) == 2
    assert later.judging.engine.calls == []
    views(moves.send(later, ANN, REPLY))
    assert later.of(ANN).session.turns[2].grade.judge, "and judging goes on"
    off = Talks(store)
    assert off.of(ANN).session.turns[1].grade == before
    views(moves.send(off, ANN, REPLY))
    assert off.of(ANN).session.turns[3].grade.judge == []


def test_another_try_at_the_same_scenario_is_judged_too(judged):
    views(moves.start(judged, ANN, CASE, adult=True))
    views(moves.again(judged, ANN))
    assert judged.of(ANN).judged


class Silent(Fake):
    """Says nothing until it is told to stop."""

    def __init__(self):
        super().__init__("")
        self.asked = threading.Event()

    def stream(self, messages, sampling, *, session, cancel):
        self.asked.set()
        assert cancel.wait(10), "nobody told the judge"
        yield from ()


def test_a_practice_ended_early_does_not_wait_for_the_judge(store):
    engine = Silent()
    talks = Talks(store, judging=Judging(engine, "m"))
    views(moves.start(talks, ANN, CASE, adult=True))
    talk = talks.of(ANN)
    saying = threading.Thread(target=talks.say, args=(talk, REPLY))
    saying.start()
    assert engine.asked.wait(10)
    talks.stop(talk)
    saying.join(5)
    assert not saying.is_alive() and talk.stopped
    grade = talk.session.turns[1].grade
    assert grade.overall is not None and {v.fault for v in grade.judge} == {"engine"}
    assert len(store.turns(talk.token)) == 2, "the turn is kept"


def test_while_the_judge_writes_the_page_shows_that_something_comes(store, monkeypatch):
    monkeypatch.setattr(moves, "_LOOK_SECONDS", 0.05)
    engine = Silent()
    talks = Talks(store, judging=Judging(engine, "m"))
    views(moves.start(talks, ANN, CASE, adult=True))
    talk = talks.of(ANN)
    threading.Timer(0.6, lambda: talk.hurry.set()).start()
    shown = views(moves.send(talks, ANN, REPLY))
    assert "waiting" in shown[0].talk


def test_the_page_names_the_model_and_the_server_before_anything_is_sent():
    away = frame.judged("<b>m</b>", "http://10.0.0.5:8000/v1")
    assert "&lt;b&gt;m" in away and "会发到 http://10.0.0.5:8000/v1，姓名和号码先遮住" in away
    assert "AI 生成" in away and "不计分" in away
    assert "内容不出这台机器" in frame.judged("m", None)


@pytest.fixture
def served(monkeypatch, store):
    """Run `kefu serve` without serving; gives the judge that the application got."""
    got = []

    class Server:
        def run(self):
            pass

    monkeypatch.setattr("app.web.create_app", lambda records, offer, judging: got.append(judging))
    monkeypatch.setattr(serve, "_server", lambda *_: Server())
    monkeypatch.setattr(serve, "_check_port", lambda *_: None)

    def run(**options):
        args = {"host": "127.0.0.1", "port": 7860, "engine": "scripted", "model": None}
        args |= {"judge": None, "judge_model": None, "judge_samples": None} | options
        assert serve.run(argparse.Namespace(**args)) == 0
        return got[-1]

    return run


def test_serve_judges_only_when_the_operator_says_so_and_the_model_can(served, monkeypatch, capsys):
    assert served() is None
    monkeypatch.delenv("KEFU_ENDPOINT_URL", raising=False)
    assert served(judge="endpoint", judge_model="m") is None
    assert "模型评判用不了：没有设置环境变量" in capsys.readouterr().err
    monkeypatch.setattr(voices, "engine", lambda name, model: Fake(verdict))
    assert served(judge="endpoint", judge_samples=3).samples == 3


@pytest.mark.parametrize("switched_on", [True, False])
def test_the_page_says_that_a_model_judges_only_where_it_does(store, switched_on):
    judging = Judging(Fake(verdict), "m") if switched_on else None

    async def front():
        app = create_app(store, judging=judging)  # Gradio wants a running loop
        to = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=to, base_url="http://127.0.0.1:7860") as client:
            return (await client.get("/")).text

    assert ("这里开着模型评判（m）" in asyncio.run(front())) is switched_on
