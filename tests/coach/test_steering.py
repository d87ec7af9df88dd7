"""What the index finds in a reply, and what the other side then comes back to."""

import random

import pytest

from coach import bank, messages, scenario, steering
from coach.act import Move
from coach.findings import Findings
from coach.session import Session
from coach.steering import Bearing, Pressed
from coach.voice import Said
from grading.grade import grade
from grading.result import GradeRow, Turn
from knowledge.datafile import DataError
from knowledge.retrieval import Hit

CASES = scenario.load_all()
PHONE, STAFF = CASES["broadband-third-call"], CASES["newcomer-week-three"]
WHEN = Pressed(requirement="L1.5.S5", act="ask_when", by="grade")
UNSEEN = Pressed(requirement="L1.5.S6", act="unseen", by="index")


class Lookup:
    """An index that knows a few words."""

    version = "by hand"

    def __init__(self, table):
        self.table, self.asked = table, []

    def search(self, query, level=None, k=5):
        self.asked.append((query, level, k))
        found = [h for word, h in self.table.items() if word in query]
        return [
            Hit(
                id=of,
                kind="skill",
                level="初级",
                work_content=None,
                text="",
                score=score,
                citation="",
            )
            for of, score in found
        ]


def bear(where, heard, reply, case=PHONE, found=None):
    row = GradeRow(channel=case.channel, history=[Turn(role="customer", text=heard)], reply=reply)
    graded = grade(row, staff=case.kind == "staff")
    return steering.bear(
        where, case, heard=heard, reply=reply, graded=graded, found=found or Findings()
    )


def test_every_push_names_a_requirement_of_the_standard_and_an_act_all_voices_can_say():
    for push in steering.settings().pushes:
        media = ("staff",) if push.side == "staff" else ("phone", "chat")
        assert all(bank.by_act().get((medium, push.act)) for medium in media), push.id
        assert push.act in messages.words().acts, push.id
        assert push.missing or push.indexed, f"{push.id} can never be raised"


def test_a_push_goes_to_the_model_with_the_requirement_it_rests_on():
    pushing = messages.words().pushing
    assert {push.act for push in steering.settings().pushes} <= set(pushing)


def test_a_sentence_touches_the_surest_requirement_that_the_scenario_watches():
    where = Lookup(
        {"下午": ("L1.5.S5", 66.0), "抱歉": ("L1.5.S6", 52.0), "合同": ("L1.3.K4", 90.0)}
    )
    found = bear(
        where, "网断了三天了！", "真是非常抱歉，对不住您。下午四点前我给您回电话。合同在系统。"
    )
    assert found.touched == ("L1.5.S5", "L1.5.S6")  # surest first; L1.3.K4 is not watched


def test_below_the_threshold_nothing_is_touched():
    least = steering.settings().touched_least
    assert (
        bear(Lookup({"下午": ("L1.5.S5", least - 0.1)}), "喂？", "下午四点前回您。").touched == ()
    )
    assert bear(Lookup({"下午": ("L1.5.S5", least)}), "喂？", "下午四点前回您。").touched == (
        "L1.5.S5",
    )


def test_a_step_made_is_touched_whatever_the_index_says():
    step = next(s for s in PHONE.steps if s.goal)
    found = bear(Lookup({}), "喂？", "嗯。", found=Findings(met=(step.goal,)))
    assert found.touched == (step.requirement,)


def test_what_the_grader_misses_is_pressed_before_what_the_index_alone_misses():
    where = Lookup({"难受": ("L1.5.S6", 80.0)})
    found = bear(where, "到底什么时候修好？我难受得一晚没睡。", "会尽快给您处理的。")
    assert found.pushes[0].by == "grade"
    assert "ask_when" in [push.act for push in found.pushes]
    assert found.missed[0] == found.pushes[0].requirement


def test_the_index_alone_raises_a_push_only_where_the_reply_leaves_the_matter_untouched():
    called = {"几点": ("L1.5.S5", 80.0)}
    ignoring = bear(Lookup(called), "师傅到底几点来？", "您家的宽带是百兆的。")
    assert "L1.5.S5" in ignoring.missed
    dealing = {**called, "四点": ("L1.5.S5", 70.0)}
    assert (
        "L1.5.S5"
        not in bear(
            Lookup(dealing), "师傅到底几点来？", "师傅下午四点到您家，出发前先打电话，您看行吗？"
        ).missed
    )


def test_customers_and_team_members_have_pushes_of_their_own():
    blame = bear(Lookup({}), "班长，我想走。", "谁刚来都这么过来的，你别想多了。", STAFF)
    ids = {p.requirement for p in steering.settings().pushes if p.side == "staff"}
    assert blame.pushes and {push.requirement for push in blame.pushes} <= ids


def test_an_unscored_reply_misses_nothing_and_presses_nothing():
    found = bear(Lookup({"几点": ("L1.5.S5", 80.0)}), "师傅到底几点来？", "。。。")
    assert (found.missed, found.pushes) == ((), ())


def test_a_long_text_is_cut_to_what_the_index_takes():
    where = Lookup({})
    bear(where, "喂？", "一" * 1900)
    assert [len(query) for query, *_ in where.asked] == [2, 500][1:]


@pytest.mark.parametrize(
    "acts, expected",
    [
        pytest.param(("press",), ("ask_when",), id="pressing is turned"),
        pytest.param(("fact",), ("fact",), id="an answer is not"),
        pytest.param(("shirk", "ask"), ("shirk", "ask_when"), id="the reaction stays"),
        pytest.param(("met", "ask"), ("met", "ask_when"), id="after a settled goal a question"),
        pytest.param(("hang_up",), ("hang_up",), id="an ending is not"),
    ],
)
def test_only_the_pressing_move_of_a_plan_is_turned(acts, expected, monkeypatch):
    always = steering.settings().model_copy(update={"share": 1.0})
    monkeypatch.setattr(steering, "settings", lambda: always)
    plan = [Move(act, "repair") for act in acts]
    moves, push = steering.steer(plan, Bearing(pushes=(WHEN,)), random.Random(1))
    assert tuple(move.act for move in moves) == expected
    assert [move.ref for move in moves] == ["repair"] * len(acts)
    assert (push is None) == (acts == expected)


def test_a_settled_goal_is_not_followed_by_hurt_feelings(monkeypatch):
    always = steering.settings().model_copy(update={"share": 1.0})
    monkeypatch.setattr(steering, "settings", lambda: always)
    plan = [Move("met", "a"), Move("ask", "b")]
    assert steering.steer(plan, Bearing(pushes=(UNSEEN,)), random.Random(1)) == (tuple(plan), None)


def test_the_share_of_turned_plans_is_the_one_in_the_data():
    dice = random.Random(3)
    made = [steering.steer([Move("press")], Bearing(pushes=(WHEN,)), dice)[1] for _ in range(2000)]
    share = sum(push is not None for push in made) / 2000
    # standard error sqrt(.7 * .3 / 2000) = 0.010; four of them either way
    assert share == pytest.approx(steering.settings().share, abs=0.041)


class Told:
    """A voice that keeps its cues."""

    engine, model, prompts = "told", "none", None

    def __init__(self):
        self.cues = []

    def opening(self, case, dice):
        return case.opening[0][0]

    def answer(self, cue):
        self.cues.append(cue)
        return Said(f"第{len(self.cues)}句", self.engine)


@pytest.mark.parametrize("make", [lambda: None, Told], ids=["script", "another voice"])
def test_the_record_says_which_requirement_a_push_exercised_whoever_speaks(make):
    talk = Session(PHONE, 1, make(), index=Lookup({"急": ("L1.5.S6", 90.0)}))
    for _ in range(8):
        if not talk.state.ended:
            talk.say("好的，我知道了，会尽快反馈给相关部门的。")
    pressed = [turn for turn in talk.turns if turn.pressed]
    assert pressed
    for turn in pressed:
        assert turn.pressed.act in turn.act.split("+")
        assert turn.pressed.requirement in turn.missed
    assert {turn.versions.index for turn in talk.turns} == {"by hand"}


def test_a_models_note_names_the_pressed_requirement():
    voice = Told()
    talk = Session(PHONE, 1, voice, index=Lookup({}))
    for _ in range(8):
        if not talk.state.ended:
            talk.say("好的，我知道了，会尽快反馈给相关部门的。")
    for turn, cue in zip(talk.turns[1:], voice.cues, strict=False):
        if turn.pressed:
            assert cue.missed == (turn.pressed.requirement,)


def test_nobody_verified_so_the_customer_asks_for_the_data():
    row = "我要查我卡上那笔一千六的交易，给我查一下明细。"
    graded = grade(
        GradeRow(
            channel="inbound", history=[Turn(role="customer", text=row)], reply="好，我给您看看。"
        )
    )
    found = steering.bear(
        Lookup({}), CASES["bank-card-charged-twice"],
        heard=row, reply="好，我给您看看。", graded=graded, found=Findings(),
    )  # fmt: skip
    assert "pry" in [push.act for push in found.pushes]


@pytest.mark.parametrize(
    "text, message",
    [
        pytest.param("requirement: L9.9.S9", "L9.9.S9 不在标准里", id="requirement"),
        pytest.param("requirement: L1.5.S5, mood: 1", "没有这个字段", id="key"),
    ],
)
def test_a_faulty_file_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / "steering.yaml"
    path.write_text(
        "version: '1'\ndepth: 3\nsentences: 2\ntouched_least: 1\ncalled_least: 1\nshare: 1\nfirst_share: 1\n"
        "after_met: []\nsteerable: [ask]\npushes:\n"
        f"  - {{id: a, side: customer, act: ask_when, {text}}}\n",
        encoding="utf-8",
    )
    with pytest.raises(DataError, match="steering.yaml") as error:
        steering.settings(path)
    assert message in str(error.value)
