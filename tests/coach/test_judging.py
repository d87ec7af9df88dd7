"""The judge on an engine: limits, failures, who plays and judges, and a judged talk."""

import threading
import time

import pytest

from coach import judging, scenario, voices
from coach.endpoint import EndpointEngine, Limits
from coach.engine import EngineError, Message
from coach.judging import JudgedSession, Judging, is_same, opened, writer
from coach.model_voice import ModelVoice
from coach.session import Session
from grading import judge_rules
from grading.judge import JudgeError
from knowledge.datafile import DataError
from tests.coach.fault_server import FaultServer
from tests.judge_engine import Fake, verdict

CASE = scenario.get("broadband-third-call")
REPLY = "断网四天换谁都着急，我现在派师傅，今天 16:00 前到。"
ASKED = [{"role": "user", "content": "判断一下"}]


@pytest.fixture
def rules(monkeypatch):
    """Change limits of judge.yaml for this module only."""

    def change(**limits):
        found = judge_rules.load().model_copy(update=limits)
        monkeypatch.setattr(judging.judge_rules, "load", lambda: found)

    return change


def test_the_pieces_of_a_stream_become_one_text_and_nothing_is_kept():
    engine = Fake("好的，这是评判。")
    assert writer(engine, case=CASE.id)(ASKED) == "好的，这是评判。"
    messages, sampling, session, _ = engine.calls[0]
    assert messages == [Message("user", "判断一下")]
    assert (sampling.temperature, sampling.max_tokens) == (0.0, judge_rules.load().max_tokens)
    assert session.startswith(CASE.id + ":judge-") and engine.forgotten == [session]


def test_the_same_question_is_drawn_with_the_same_seed_and_another_with_another():
    engine = Fake("好")
    for content in ("甲", "甲", "乙"):
        writer(engine)([{"role": "user", "content": content}])
    one, again, other = (sampling.seed for _, sampling, _, _ in engine.calls)
    assert one == again != other and 0 <= one < 2**31


def test_an_endless_text_is_stopped_soon_after_the_limit_and_does_not_count():
    engine = Fake("好" * 1_000_000)
    text = writer(engine)(ASKED)
    limit = judge_rules.load().answer_chars
    assert limit < len(text) <= limit + 5 and engine.given <= limit // 5 + 1


def test_a_text_that_takes_too_long_is_stopped(rules):
    class Slow(Fake):
        def stream(self, messages, sampling, *, session, cancel):
            while not cancel.is_set():
                time.sleep(0.02)
                yield "好"

    rules(seconds=0.2, answer_chars=10**6)
    start = time.monotonic()
    with pytest.raises(JudgeError, match=r"模型在 0.2 秒内没有写完评判，或练习已停下"):
        writer(Slow(""))(ASKED)
    assert time.monotonic() - start < 2


@pytest.mark.parametrize(
    "ends", [lambda: None, lambda: (_ for _ in ()).throw(EngineError("cancelled", "停"))]
)
def test_a_silent_engine_is_told_to_stop_when_the_time_is_up(rules, ends):
    class Silent(Fake):
        def stream(self, messages, sampling, *, session, cancel):
            assert cancel.wait(5), "nobody told the engine"
            ends()
            yield from ()

    rules(seconds=0.1)
    engine = Silent("")
    with pytest.raises(JudgeError, match="没有写完"):
        writer(engine)(ASKED)
    assert len(engine.forgotten) == 1


def test_the_alarm_of_a_finished_answer_is_off():
    before = threading.active_count()
    writer(Fake("好"))(ASKED)
    deadline = time.monotonic() + 2
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_what_the_engine_says_went_wrong_is_the_cause():
    engine = Fake(EngineError("context", "超出了窗口"))
    with pytest.raises(JudgeError, match="超出了窗口"):
        writer(engine)(ASKED)
    assert len(engine.forgotten) == 1


def test_a_judged_talk_carries_verdicts_and_the_same_scores_as_one_that_is_not():
    engine = Fake(verdict)
    plain, session = Session(CASE, 3), JudgedSession(CASE, 3, judging=Judging(engine, "m"))
    before, after = plain.say(REPLY), session.say(REPLY)
    assert [v.level for v in after.grade.judge] == [4, 3]
    assert session.turns[-1] is after and after.customer == before.customer
    assert after.grade.overall == before.grade.overall
    assert after.grade.dimensions == before.grade.dimensions and before.grade.judge == []
    # what they want is the scenario's, what was said is the opening
    point, heard = engine.calls[-1][0][0].content.split("刚才说】")
    assert CASE.slots.demand in point and session.turns[0].customer[:10] in heard


def test_a_reply_that_cannot_be_said_is_not_judged():
    engine = Fake(verdict)
    session = JudgedSession(CASE, 3, judging=Judging(engine, "m"))
    with pytest.raises(DataError, match="超过上限"):
        session.say("好" * 2001)
    assert engine.calls == [] and len(session.turns) == 1


def test_an_engine_that_fails_costs_the_talk_nothing_and_is_told_a_turn():
    engine = Fake(EngineError("refused", "连不上"))
    session = JudgedSession(CASE, 3, judging=Judging(engine, "m"))
    turn = session.say(REPLY)
    assert turn.grade.overall == Session(CASE, 3).say(REPLY).grade.overall
    assert [(v.status, v.fault, v.cause) for v in turn.grade.judge] == [
        ("unscored", "engine", "连不上")
    ] * 2


@pytest.mark.parametrize(
    "player, same", [("Qwen/Qwen3-0.6B", True), ("Qwen/Qwen3-1.7B", False), (None, False)]
)
def test_the_record_says_when_the_same_model_plays_and_judges(player, same):
    speaker = None
    if player:
        player_engine = Fake("你倒是说说，师傅几点能到我家？")
        player_engine.model = player
        speaker = ModelVoice(player_engine, "t:1", temperature=0.0)
    session = JudgedSession(CASE, 3, speaker, judging=Judging(Fake(verdict), "qwen3:0.6b"))
    found = session.say(REPLY).grade.judge
    assert [one.same_model_plays for one in found] == [same, same]


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("Qwen/Qwen3-0.6B", "/home/a/models/Qwen--Qwen3-0.6B/", True),
        ("Qwen/Qwen3-0.6B", "qwen3:0.6b", True),
        ("qwen3:latest", "qwen3", True),
        ("Qwen3-0.6B", "Qwen3-1.7B", False),
        ("模型甲", "模型乙", False),
        ("模型甲", "模型甲", True),
    ],
)
def test_two_spellings_of_a_models_name_are_one(one, other, same):
    assert is_same(one, other) is same is is_same(other, one)


def test_several_samples_are_drawn_warm_and_one_is_not():
    for samples, warm in ((1, 0.0), (2, judge_rules.load().temperature)):
        engine = Fake(verdict)
        JudgedSession(CASE, 3, judging=Judging(engine, "m", samples)).say(REPLY)
        assert {sampling.temperature for _, sampling, _, _ in engine.calls} == {warm}
        assert len(engine.calls) == 2 * samples


@pytest.fixture
def engines(monkeypatch):
    """No engine open before or after, and none named by the environment."""
    for name in ("KEFU_ENDPOINT_URL", "KEFU_ENDPOINT_MODEL", "KEFU_MODEL"):
        monkeypatch.delenv(name, raising=False)
    yield monkeypatch
    voices.close()


@pytest.mark.parametrize(
    "name, model, trouble",
    [
        pytest.param("transformers", None, "请加 --judge-model 权重目录", id="no model named"),
        pytest.param("transformers", "/no/such", "本机没有模型“/no/such”", id="no such folder"),
        pytest.param("endpoint", "m", "没有设置环境变量 KEFU_ENDPOINT_URL", id="no address"),
    ],
)
def test_an_engine_that_cannot_be_had_is_told_and_asked_nothing(engines, name, model, trouble):
    found = opened(name, model)
    assert found.engine is None and trouble in found.trouble
    assert found.model == (model or name)
    turn = JudgedSession(CASE, 3, judging=found).say(REPLY)
    assert {v.cause for v in turn.grade.judge} == {found.trouble}
    assert turn.grade.overall is not None


def test_a_server_in_trouble_is_not_asked_row_after_row(engines):
    engines.setenv("KEFU_ENDPOINT_URL", "http://127.0.0.1:9/v1")
    found = opened("endpoint", "m")
    assert found.engine is None and "连不上对话服务" in found.trouble and found.model == "m"


def test_a_number_of_samples_out_of_range_is_bad_usage(engines):
    with pytest.raises(DataError, match="评判次数写成了 10"):
        opened("endpoint", "m", samples=10)


def test_a_session_of_no_scenario_has_no_names_to_mask():
    assert voices._names(":judge-1") == ()
    assert CASE.person.name in voices._names(f"{CASE.id}:1")


def test_over_the_wire_a_server_that_echoes_chats_or_fails_gives_no_verdict():
    limits = Limits(tries=1, backoff_seconds=0.01, failures=9)
    faults = ("echo", "ok", "think_then_ok", "500", "json", "empty")
    with FaultServer() as server:
        engine = EndpointEngine(server.url, "m", limits=limits)
        try:
            session = JudgedSession(CASE, 3, judging=Judging(engine, "m"))
            session.say(REPLY)  # asked "ok" twice, which also learns whose server it is
            server.faults.extend(faults)
            found = [v for _ in range(3) for v in session.say(REPLY).grade.judge]
        finally:
            engine.close()
    # the echo holds the template's own example, whose level is not on the menu
    assert [v.fault for v in found] == [
        "off_menu", "no_verdict", "no_verdict", "engine", "engine", "engine",
    ]  # fmt: skip
    assert all(v.status == "unscored" and v.cause for v in found)
