"""A model's opinion in the report: apart from the score, labelled, escaped, and in the file."""

import json

import pytest

from app.pages import scene
from app.report import html, opinions
from app.report.told import content, is_ai, made_by, tell
from coach import scenario
from coach.engine import EngineError
from coach.judging import JudgedSession, Judging
from coach.session import Session
from tests.judge_engine import Fake, verdict

CASE = scenario.get("broadband-third-call")
REPLY = "断网四天换谁都着急，我现在派师傅，今天 16:00 前到。"


def talk(say=verdict, model="m", samples=1):
    session = JudgedSession(CASE, 3, judging=Judging(Fake(say), model, samples))
    session.say(REPLY)
    return session


def test_the_opinion_stands_apart_from_the_score_and_is_labelled():
    session = talk()
    panel = opinions.panel(session.turns[1].grade)
    assert "模型另评，不计入分数" in panel and "AI 生成" in panel
    assert "同理心 4/4 说透并行动：说到了断网「断网四天换谁都着急」" in panel
    assert panel in scene.feedback(session)
    assert panel in html.page(tell(session, stopped=True))


def test_without_a_judge_nothing_of_it_is_shown_or_written():
    session = Session(CASE, 3)
    session.say(REPLY)
    assert opinions.panel(session.turns[1].grade) == "" and "另评" not in scene.feedback(session)
    told = content(tell(session, stopped=True))
    assert "judge" not in told["made_by"] and not is_ai(session)
    assert "judge" not in json.dumps(told)


def test_the_file_says_that_ai_judged_and_which_model():
    told = content(tell(talk(), stopped=True))
    assert told["made_by"]["ai_generated"] is True
    assert told["made_by"]["judge"] == {
        "model": "m", "same_model_plays": False, "ai_generated": True,
    }  # fmt: skip
    assert (
        "脚本客户（非 AI 生成）、规则评分；语言模型 m 另作评判（AI 生成内容，不计分）"
        in made_by(talk())
    )


def test_a_model_that_gave_no_opinion_made_nothing():
    session = talk(EngineError("slow", "没有说完"))
    assert not is_ai(session)
    panel = opinions.panel(session.turns[1].grade)
    assert "同理心：没有意见（没有说完）" in panel and "AI 生成" not in panel


def test_the_report_says_when_the_same_model_played():
    session = talk()
    for one in session.turns[1].grade.judge:
        one.same_model_plays = True
    assert made_by(session).endswith("，它也扮演了客户")
    assert "和扮演客户的是同一个模型" in opinions.panel(session.turns[1].grade)


def test_samples_are_shown_one_by_one():
    assert "（几次评为 4、4）" in opinions.panel(talk(samples=2).turns[1].grade)


@pytest.mark.parametrize("bad", ["<script>alert(1)</script>好的", "<img src=x>说到了事"])
def test_a_models_words_and_name_are_escaped(bad):
    def say(prompt):
        return verdict(prompt).replace("说到了断网", bad)

    panel = opinions.panel(talk(say, model="<b>m</b>").turns[1].grade)
    assert "<script>" not in panel and "<img" not in panel and "<b>m" not in panel
