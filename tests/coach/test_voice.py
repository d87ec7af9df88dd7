import dataclasses
import random

import pytest

from coach import scenario, state
from coach.act import Move
from coach.voice import ScriptedVoice

CASES = scenario.load_all()
PHONE = CASES["broadband-third-call"]
CHAT = next(case for case in CASES.values() if case.channel == "chat" and case.kind == "customer")
STAFF = next(case for case in CASES.values() if case.kind == "staff")
MEDIA = pytest.mark.parametrize("case", [PHONE, CHAT, STAFF], ids=["phone", "chat", "staff"])
ACTS = (
    "press", "vent", "ask", "doubt", "formula", "formula_again", "vague", "already_said", "jailbreak",
    "empty", "off_topic", "unreadable", "english", "parrot", "cold", "shirk", "threaten", "gate",
)  # fmt: skip


def say(voice, act, case, seed=1, ref=None, anger=50.0):
    now = dataclasses.replace(state.start(case), anger=anger)
    return voice.say([Move(act, ref)], case, now, random.Random(seed))


@MEDIA
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("anger", [10.0, 90.0])
def test_one_act_again_and_again_is_never_silent_and_never_repeated(case, act, anger):
    # 14 turns: as long as the longest talk in which nothing but one thing happens
    voice, lines = ScriptedVoice(), []
    lines.append(voice.opening(case, random.Random(1)))
    for turn in range(14):
        line = say(voice, act, case, seed=turn, ref=case.goals[0].id, anger=anger)
        assert line, f"silent in turn {turn}"
        lines.append(line)
    assert len(lines) == len(set(lines))


@MEDIA
def test_the_longest_talk_a_scenario_may_set_is_never_silent(case):
    # max_turns may be 30; an empty line is for an ended talk only
    voice = ScriptedVoice()
    said = [say(voice, "press", case, seed=turn) for turn in range(30)]
    assert "" not in said


@pytest.mark.parametrize("act", ACTS)
def test_no_single_chat_message_comes_twice(act):
    voice = ScriptedVoice()
    messages = voice.opening(CHAT, random.Random(1)).split("\n")
    for turn in range(8):
        messages += say(voice, act, CHAT, seed=turn, ref=CHAT.goals[0].id).split("\n")
    assert len(messages) == len(set(messages))


def test_a_fact_is_told_in_the_scenarios_own_words():
    assert say(ScriptedVoice(), "fact", PHONE, ref="light") in PHONE.fact("light").say
    assert say(ScriptedVoice(), "met", PHONE, ref="visit") in PHONE.goal("visit").met
    assert say(ScriptedVoice(), "ask", PHONE, ref="owner") in PHONE.goal("owner").ask
    for at, trap in enumerate(PHONE.worse):
        assert say(ScriptedVoice(), "trap", PHONE, ref=str(at)) in trap.say


def test_phone_lines_run_on_and_chat_lines_stand_apart():
    moves = [Move("doubt"), Move("press")]
    for case, lines in ((PHONE, 1), (CHAT, 2)):
        said = ScriptedVoice().say(moves, case, state.start(case), random.Random(1))
        assert len(said.split("\n")) >= lines
        assert ("\n" in said) is (case is CHAT)


@MEDIA
def test_an_empty_plan_is_silence_and_a_seed_is_a_voice(case):
    assert ScriptedVoice().say([], case, state.start(case), random.Random(1)) == ""
    one = [say(ScriptedVoice(), "press", case, seed=3) for _ in range(3)]
    assert len(set(one)) == 1
    assert len({say(ScriptedVoice(), "press", case, seed=seed) for seed in range(20)}) > 3


@MEDIA
def test_openings_vary_by_seed_and_come_from_the_scenario(case):
    found = {ScriptedVoice().opening(case, random.Random(seed)) for seed in range(20)}
    assert len(found) >= 2
    assert found <= {"\n".join(messages) for messages in case.opening}


def test_no_slot_is_left_unfilled_in_any_scenario():
    for case in CASES.values():
        for act in ("press", "vent", "threaten", "doubt", "thanks_close", "escalate"):
            for seed in range(4):
                assert "$" not in say(ScriptedVoice(), act, case, seed=seed), case.id
