import dataclasses

import pytest

from coach import scenario, state
from coach.findings import Findings
from coach.scenario import CustomerType
from coach.state import State

CASE = scenario.get("broadband-third-call")
BOOK = state.dynamics()
GOALS = tuple(goal.id for goal in CASE.goals)
MIDDLE = State(50.0, 50.0, 60.0, "complaining", turn=3)
WORST = Findings(
    severities=("fatal", "major"), breaches=("abuse",), boss_refused=True, odd="off_topic", vague=True,
    closing=True, formula_again=True, goals_total=2,
)  # fmt: skip
BEST = Findings(
    met=GOALS, fact="light", restated=True, empathy_level=4, empathy_words=True, apology=1.0,
    ownership=True, concrete=True, progress=True, goals_total=2,
)  # fmt: skip


def step(found, before=MIDDLE):
    return state.step(before, found, CASE)


def test_the_start_is_the_scenarios_mood():
    first = state.start(CASE)
    assert (first.anger, first.trust, first.patience) == (66, 28, 66)
    assert (first.turn, first.ended, first.revealed, first.met) == (0, None, (), ())
    assert first.stage == "angry", "anger 66 lies in 60-82"


@pytest.mark.parametrize("name", state.dynamics().types)
def test_nobody_calms_or_flares_past_the_limits_in_one_turn(name):
    case = CASE.model_copy(update={"customer_type": name})
    for found in (BEST, WORST, Findings()):
        after = state.step(MIDDLE, found, case)
        assert -BOOK.limits["fall"] <= after.anger - MIDDLE.anger <= BOOK.limits["rise"]
        assert -BOOK.limits["trust_loss"] <= after.trust - 50 <= BOOK.limits["trust_gain"]


@pytest.mark.parametrize("level", [0.0, 100.0])
@pytest.mark.parametrize("found", [BEST, WORST])
def test_the_numbers_stay_between_0_and_100(found, level):
    after = step(found, State(level, level, level, "calm"))
    assert all(0 <= value <= 100 for value in (after.anger, after.trust, after.patience))


def test_every_customer_type_has_its_factors():
    assert set(BOOK.types) == set(CustomerType.__args__)


@pytest.mark.parametrize(
    "better, worse",
    [
        pytest.param(Findings(met=("visit",), progress=True), Findings(progress=True), id="a goal"),
        pytest.param(Findings(fact="light", progress=True), Findings(progress=True), id="a question"),
        pytest.param(
            Findings(empathy_level=4, empathy_words=True, progress=True),
            Findings(empathy_level=0, empathy_words=True, formula_only=True, progress=True),
            id="own words over a formula",
        ),
        pytest.param(Findings(progress=True), Findings(severities=("minor",), progress=True), id="minor"),
        pytest.param(
            Findings(severities=("minor",)), Findings(severities=("major",)), id="minor over major"
        ),
        pytest.param(
            Findings(severities=("major",)), Findings(severities=("fatal",)), id="major over fatal"
        ),
        pytest.param(Findings(progress=True), Findings(), id="something new"),
        pytest.param(Findings(), Findings(vague=True), id="no empty promise"),
        pytest.param(Findings(), Findings(odd="off_topic"), id="to the point"),
    ],
)  # fmt: skip
def test_the_better_turn_leaves_less_anger_or_more_trust_and_patience(better, worse):
    good, bad = step(better), step(worse)
    assert good.anger <= bad.anger and good.trust >= bad.trust and good.patience >= bad.patience
    assert (good.anger, good.trust, good.patience) != (bad.anger, bad.trust, bad.patience)


def test_a_second_formula_angers_where_the_first_did_not():
    formula = Findings(empathy_level=0, empathy_words=True, formula_only=True, progress=True)
    first = step(formula)
    second = step(formula, dataclasses.replace(MIDDLE, formulas=first.formulas))
    assert second.anger > MIDDLE.anger >= first.anger


def test_a_breach_never_calms_even_beside_good_work():
    found = dataclasses.replace(BEST, met=("visit",), severities=("minor",))
    assert step(found).anger > MIDDLE.anger


DONE = dataclasses.replace(MIDDLE, met=GOALS, anger=40.0, turn=5)
WRAP = Findings(wrapping=True, progress=True, goals_total=2)


def test_resolved_needs_all_goals_calm_trust_and_turns():
    assert step(WRAP, DONE).ended == "resolved"
    assert step(WRAP, dataclasses.replace(DONE, met=GOALS[:1])).ended is None
    assert step(WRAP, dataclasses.replace(DONE, anger=90.0)).ended is None
    assert step(WRAP, dataclasses.replace(DONE, trust=10.0)).ended is None
    assert step(WRAP, dataclasses.replace(DONE, turn=1)).ended is None
    fatal = dataclasses.replace(WRAP, severities=("fatal",))
    assert step(fatal, DONE).ended is None


def test_warm_words_alone_never_resolve():
    warm = Findings(empathy_level=4, empathy_words=True, apology=1.0, wrapping=True, progress=True)
    now = dataclasses.replace(MIDDLE, anger=0.0, trust=100.0)
    assert step(warm, now).ended is None


@pytest.mark.parametrize(
    "found, before, ended",
    [
        pytest.param(Findings(hung_up_by_agent=True), MIDDLE, "closed_by_agent", id="agent hangs up"),
        pytest.param(
            Findings(closing=True, goals_total=2), dataclasses.replace(MIDDLE, closings=1),
            "closed_by_agent", id="second farewell with work undone",
        ),
        pytest.param(Findings(closing=True, goals_total=2), MIDDLE, None, id="first farewell"),
        pytest.param(Findings(abused=True), MIDDLE, "escalated", id="sworn at"),
        pytest.param(
            Findings(boss_refused=True), dataclasses.replace(MIDDLE, boss_refused=1), "escalated",
            id="a supervisor refused twice",
        ),
        pytest.param(Findings(boss_refused=True), MIDDLE, None, id="refused once"),
        pytest.param(
            Findings(), dataclasses.replace(MIDDLE, patience=5.0), "hung_up", id="out of patience"
        ),
        pytest.param(
            Findings(), dataclasses.replace(MIDDLE, patience=5.0, turn=0), None, id="not so soon"
        ),
        pytest.param(
            Findings(severities=("major",)), dataclasses.replace(MIDDLE, anger=92.0), "hung_up",
            id="boiling over",
        ),
        pytest.param(
            Findings(progress=True), dataclasses.replace(MIDDLE, turn=15), "timed_out", id="turn 16"
        ),
        pytest.param(
            Findings(progress=True), dataclasses.replace(MIDDLE, turn=14), None, id="turn 15 of 16"
        ),
    ],
)  # fmt: skip
def test_each_other_end_has_its_cause(found, before, ended):
    assert step(found, before).ended == ended


def test_the_threatening_escalate_where_the_irritable_hang_up():
    case = CASE.model_copy(update={"customer_type": "threatening"})
    boiling = dataclasses.replace(MIDDLE, anger=92.0)
    assert state.step(boiling, Findings(severities=("major",)), case).ended == "escalated"


def test_an_ended_talk_takes_no_step():
    with pytest.raises(ValueError, match=r"the talk has ended \(resolved\)"):
        step(WRAP, dataclasses.replace(DONE, ended="resolved"))


@pytest.mark.parametrize("anger", range(0, 101, 5))
@pytest.mark.parametrize("patience", [0, 20, 60, 100])
def test_every_mixture_of_numbers_has_a_stage(anger, patience):
    now = State(float(anger), 50.0, float(patience), "calm")
    assert state._stage(now, CASE) in {rule.name for rule in BOOK.stages}


def test_every_cause_has_an_effect_on_file():
    for found in (BEST, WORST, Findings(hold=True, idle_question=True, asked_again="light")):
        assert set(state._causes(found, MIDDLE)) <= set(BOOK.effects)
