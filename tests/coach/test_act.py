import dataclasses
import random

import pytest

from coach import act, scenario, state
from coach.act import Move, next_goal
from coach.findings import Findings
from coach.state import State

CASE = scenario.get("broadband-third-call")
GOALS = tuple(goal.id for goal in CASE.goals)
NOW = State(50.0, 50.0, 50.0, "complaining", turn=3)
TRAP = CASE.worse[0]


def acts(found, after=NOW, seed=1):
    return [move.act for move in plan(found, after, seed)]


def plan(found, after=NOW, seed=1):
    return act.plan(found, after, CASE, random.Random(seed))


def test_the_next_goal_is_the_first_open_one_whose_turn_has_come():
    assert next_goal(NOW, CASE) == "visit"
    assert next_goal(dataclasses.replace(NOW, met=("visit",)), CASE) == "owner"
    assert next_goal(dataclasses.replace(NOW, met=GOALS), CASE) is None


@pytest.mark.parametrize(
    "ended, expected",
    [
        pytest.param("resolved", "thanks_close", id="resolved"),
        pytest.param("hung_up", "hang_up", id="hung up"),
        pytest.param("escalated", "escalate", id="escalated"),
        pytest.param("timed_out", "timed_out", id="timed out"),
    ],
)
def test_an_end_has_its_last_words(ended, expected):
    assert acts(Findings(), dataclasses.replace(NOW, ended=ended))[-1] == expected


def test_nothing_is_said_when_the_agent_has_left():
    assert plan(Findings(), dataclasses.replace(NOW, ended="closed_by_agent")) == ()


@pytest.mark.parametrize(
    "found, first",
    [
        pytest.param(Findings(odd="jailbreak", met=("visit",)), "jailbreak", id="orders the machine"),
        pytest.param(Findings(odd="empty"), "empty", id="nothing said"),
        pytest.param(Findings(trap=TRAP), "trap", id="steps into a trap"),
        pytest.param(Findings(breaches=("cold",), severities=("major",)), "cold", id="a breach"),
        pytest.param(Findings(breaches=("hang_up",)), "hang_up_try", id="tries to hang up"),
        pytest.param(Findings(breaches=("refuse",), boss_refused=True), "refuse", id="no supervisor"),
        pytest.param(Findings(met=("visit",)), "met", id="a goal"),
        pytest.param(Findings(fact="light"), "fact", id="asked"),
        pytest.param(Findings(fact="light", restated=True), "confirm", id="restated, then asked"),
        pytest.param(Findings(locked="light"), "gate", id="asked too soon"),
        pytest.param(Findings(asked_again="light"), "already_said", id="asked again"),
        pytest.param(Findings(wrong_restate=True), "correct", id="restated wrongly"),
        pytest.param(Findings(closing=True), "refuse_close", id="closes too soon"),
        pytest.param(Findings(formula_again=True), "formula_again", id="the formula again"),
        pytest.param(Findings(vague=True), "vague", id="an empty promise"),
        pytest.param(Findings(empathy_words=True, formula_only=True), "formula", id="a formula"),
        pytest.param(Findings(hold=True), "wait_ok", id="asked to wait"),
        pytest.param(Findings(hold=True, returned=True), "back", id="back from waiting"),
        pytest.param(Findings(transferred=True), "agree", id="passed on"),
        pytest.param(Findings(idle_question=True), "unknown", id="an idle question"),
        pytest.param(Findings(concrete=True), "doubt", id="a deed that is not the goal"),
        pytest.param(Findings(empathy_words=True), "soften", id="understood"),
        pytest.param(Findings(greeting_only=True), "greet_back", id="only a greeting"),
    ],
)  # fmt: skip
def test_what_was_done_is_what_is_answered(found, first):
    for seed in range(5):
        assert acts(found, seed=seed)[0] == first


def test_a_plan_is_one_to_three_moves_and_tells_one_fact_at_most():
    every = [
        Findings(**{name: True})
        for name in ("vague", "hold", "closing", "transferred", "concrete", "greeting_only")
    ]
    every += [
        Findings(),
        Findings(met=GOALS, fact="light"),
        Findings(breaches=("cold",), fact="light"),
    ]
    for found in every:
        for stage in ("calm", "angry", "confronting", "deadlocked"):
            for seed in range(6):
                moves = plan(found, dataclasses.replace(NOW, stage=stage), seed)
                assert 1 <= len(moves) <= 3
                assert sum(move.act == "fact" for move in moves) <= 1


def test_no_fact_is_told_beside_a_fatal_breach():
    found = Findings(breaches=("abuse",), severities=("fatal",), fact="light")
    assert all("fact" not in acts(found, seed=seed) for seed in range(10))


def test_the_same_dice_give_the_same_plan_and_others_vary():
    plans = {plan(Findings(), NOW, seed) for seed in range(30)}
    assert plan(Findings(), NOW, 3) == plan(Findings(), NOW, 3)
    assert len(plans) > 1


def test_after_a_goal_the_next_is_pressed_for():
    after = dataclasses.replace(NOW, met=("visit",))
    assert plan(Findings(met=("visit",)), after) == (Move("met", "visit"), Move("ask", "owner"))


def test_anger_presses_harder_than_calm():
    calm = {a for seed in range(40) for a in acts(Findings(), seed=seed)}
    hot = dataclasses.replace(NOW, stage="confronting")
    angry = {a for seed in range(40) for a in acts(Findings(), hot, seed)}
    assert "threaten" in angry and "demand_supervisor" in angry
    assert not {"threaten", "demand_supervisor"} & calm


def test_every_stage_name_the_plan_knows_is_one_of_the_machine():
    names = {rule.name for rule in state.dynamics().stages}
    assert {"confronting", "deadlocked", "angry"} <= names
