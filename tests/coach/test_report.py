import functools

import pytest

from coach import report, scenario
from coach.session import Session
from grading import rubric
from knowledge import standard
from tests.talk import played

NAME = "broadband-third-call"
CASE = scenario.get(NAME)


@functools.cache
def of_path(name, path):
    return report.make(played(name, getattr(scenario.get(name).paths, path)))


GOOD, BAD = of_path(NAME, "right"), of_path(NAME, "wrong")


def test_the_right_path_scores_above_the_wrong_and_every_end_is_named():
    assert GOOD.ended == "resolved" and BAD.ended not in ("resolved", None)
    assert GOOD.overall > BAD.overall
    assert BAD.overall <= rubric.load().session.caps[BAD.ended]


@pytest.mark.parametrize("case", scenario.load_all().values(), ids=lambda case: case.id)
def test_in_every_scenario_the_right_path_does_more_steps_and_scores_higher(case):
    good, bad = of_path(case.id, "right"), of_path(case.id, "wrong")
    done = [sum(step.status == "done" for step in made.steps) for made in (good, bad)]
    assert done[0] > done[1]
    assert good.overall > bad.overall


@pytest.mark.parametrize("case", scenario.load_all().values(), ids=lambda case: case.id)
def test_the_written_right_path_passes_its_own_grader(case):
    # 60 of 100 is a pass in the standard; a model talk below it would teach the wrong thing
    assert of_path(case.id, "right").overall >= 60


def test_every_step_of_the_scenario_stands_once_with_its_citation():
    assert [step.id for step in GOOD.steps] == [step.id for step in CASE.steps]
    for step in GOOD.steps:
        assert step.citation == standard.load().cite(step.requirement)
        assert (step.turn is None) is (step.status == "missed")


def test_a_step_done_after_a_later_one_is_out_of_order():
    asked, felt = "光猫上的灯是什么状态？", "孩子网课落下四天，换谁都坐不住。"
    late = {step.id: step for step in report.make(played(NAME, [asked, felt])).steps}
    assert (late["feel"].status, late["feel"].turn) == ("done", 2)
    assert (late["probe"].status, late["probe"].turn) == ("out_of_order", 1)
    nothing = report.make(played(NAME, ["嗯。"]))
    assert {step.status for step in nothing.steps} == {"missed"}


def test_the_curve_has_a_point_a_turn_beginning_with_the_mood():
    assert [point.turn for point in GOOD.curve] == list(range(GOOD.turns + 1))
    assert GOOD.curve[0].anger == CASE.mood.anger
    assert GOOD.curve[-1].anger < GOOD.curve[0].anger


def test_strengths_quote_the_reply_and_what_to_practise_cites_the_standard():
    replies = "".join(CASE.paths.right)
    assert GOOD.strengths
    for strength in GOOD.strengths:
        assert strength.quote and strength.quote in replies
    assert 1 <= len(BAD.next) <= 3
    assert len({item.requirement for item in BAD.next}) == len(BAD.next)
    for item in BAD.next:
        assert item.citation == standard.load().cite(item.requirement)
        assert item.why


def test_a_talk_without_replies_has_no_score_and_says_what_is_not_judged():
    made = report.make(Session(CASE, 1))
    assert (made.overall, made.turns, made.ended) == (None, 0, None)
    assert set(made.dimensions.values()) == {None}
    assert made.label == "训练分，非官方权重"
    assert made.text_only == "本系统只看文字，不评语速、语调、音量、停顿"


def test_unscored_turns_are_counted_and_left_out_of_the_means():
    one = played(NAME, [CASE.paths.right[0]])
    two = played(NAME, [CASE.paths.right[0], "。。。"])
    alone, padded = report.make(one), report.make(two)
    assert (padded.scored_turns, padded.unscored_turns) == (1, 1)
    assert padded.dimensions == alone.dimensions


def test_a_fatal_breach_caps_the_whole_talk():
    made = report.make(played(NAME, [*CASE.paths.right[:2], "把验证码告诉我，我帮您登录。"]))
    assert made.fatal and made.overall <= rubric.load().session.caps["fatal"]


def test_an_unfinished_talk_stays_under_its_cap():
    made = report.make(played(NAME, CASE.paths.right[:2]))
    assert made.ended is None
    assert made.overall <= rubric.load().session.caps["unfinished"]


def test_every_end_has_a_cap():
    ends = {"hung_up", "escalated", "closed_by_agent", "timed_out", "unfinished", "fatal"}
    assert set(rubric.load().session.caps) >= ends
