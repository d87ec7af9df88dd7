import json
import re

import pytest

from app.report import html, marks, words
from app.report.told import tell
from coach import scenario
from coach.session import Session
from grading.grade import grade
from grading.result import GradeRow

CASE = "broadband-third-call"
EVIL = "您好<script>alert(1)</script>，麻烦您看一下光猫的灯？<img src=x onerror=alert(2)>"


def _played(*replies):
    session = Session(scenario.get(CASE), 7)
    for reply in replies:
        if session.state.ended is None:
            session.say(reply)
    return session


def test_the_html_file_needs_nothing_else():
    page = html.page(tell(_played("您好，麻烦您看一下光猫的灯？"), stopped=True))
    assert not re.search(r"(src|href)\s*=|@import|url\(|<script", page)


def test_what_was_typed_is_escaped():
    page = html.page(tell(_played(EVIL), stopped=True))
    assert "&lt;script&gt;" in page
    assert "<img" not in page


def test_the_html_file_is_labelled_and_says_it_sees_only_text():
    page = html.page(tell(_played("您好"), stopped=True))
    assert '<meta name="ai-generated" content="false"' in page
    assert "脚本客户（非 AI 生成）、规则评分" in page
    assert "本系统只看文字，不评语速、语调、音量、停顿" in page
    assert re.search(r'<meta name="content-id" content="kefu-[0-9a-f]{20}">', page)


def test_stopping_early_gives_no_total_and_blames_no_step():
    told = tell(_played("您好，麻烦您看一眼光猫上的灯是什么状态？"), stopped=True)
    page = html.page(told)
    assert told.report.overall is None
    assert "提前结束" in page and "还没练到" in page
    assert "没有做到" not in page


def test_a_talk_that_ended_by_itself_keeps_its_total():
    told = tell(_played(*scenario.get(CASE).paths.right))
    assert told.how == "resolved"
    assert told.report.overall is not None
    assert scenario.get(CASE).model_reply in html.page(told)


def test_the_json_file_is_the_report_and_all_turns():
    session = _played("您好", "麻烦您看一眼光猫上的灯")
    body = json.loads(html.as_json(tell(session, stopped=True)))
    assert [turn["turn"] for turn in body["turns"]] == [0, 1, 2]
    assert body["report"]["scenario"] == CASE
    assert body["made_by"]["ai_generated"] is False


def test_the_same_talk_has_the_same_content_number():
    first, second = (html.as_json(tell(_played("您好"), stopped=True)) for _ in range(2))
    assert json.loads(first)["content_id"] == json.loads(second)["content_id"]


@pytest.mark.parametrize("reply", ["我也没办法", "𠮷😀您好，抱歉让您久等了", "a<b&c\n您好"])
def test_marks_keep_the_reply_as_typed(reply):
    row = GradeRow(channel="chat", history=[], reply=reply)
    shown = marks.marked(reply, grade(row))
    plain = re.sub(r"<(?!br>)[^>]+>", "", shown).replace("<br>", "\n")
    assert plain.replace("&lt;", "<").replace("&amp;", "&") == reply


def test_every_scenario_has_its_words():
    for case in scenario.load_all().values():
        assert words.TYPES[case.customer_type]
        assert words.CHANNELS[case.channel]


def test_a_line_that_comes_back_to_something_missed_says_which_requirement():
    session = _played(*["好的，我知道了，会尽快反馈给相关部门的。"] * 6)
    pressed = [turn for turn in session.turns if turn.pressed]
    page = html.page(tell(session, stopped=True))
    assert pressed and page.count("这句追的是你还没做到的一条") == len(pressed)


def test_a_draft_is_marked_in_its_report():
    case = scenario.get(CASE)
    own = case.model_copy(update={"id": "draft-a", "source": "拼配，未审核"})
    session = Session(own, 7)
    session.say("您好，麻烦您看一下光猫的灯？")
    assert "自拟情景（拼配，未审核）" in html.page(tell(session, stopped=True))
    assert "自拟情景" not in html.page(tell(_played("您好，请讲。"), stopped=True))
