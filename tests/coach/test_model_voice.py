import threading

import pytest

from coach import scenario
from coach.engine import EngineError
from coach.model_voice import ModelVoice, is_unfit, settings
from coach.session import Session, stood_in
from coach.voice import RecordedVoice, Said, ScriptedVoice
from knowledge import standard
from knowledge.datafile import DataError

CASE = scenario.get("broadband-third-call")
GOOD = ["你倒是说说，师傅几点能到我家？", "那我这几天的网费总不能白交吧？", "行，你接着说。"]
ASK = "邓女士，断网四天换谁都着急。麻烦您看一眼光猫，灯是什么状态？"


class Scripted:
    """An engine with a list of answers; an exception among them is raised."""

    name, model = "fake", "six-lines"

    def __init__(self, *answers):
        self.answers, self.calls, self.given = list(answers), [], 0

    def stream(self, messages, sampling, *, session, cancel):
        self.calls.append((messages, sampling, session))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        for at in range(0, len(answer), 4):
            self.given += 1
            yield answer[at : at + 4]

    def forget(self, session):
        pass


def talk(*answers, temperature=0.0):
    engine = Scripted(*answers)
    return engine, Session(CASE, 7, ModelVoice(engine, "t:1", temperature=temperature))


def test_the_opening_is_the_written_one_and_costs_no_call():
    engine, session = talk()
    assert session.turns[0].customer in {"\n".join(lines) for lines in CASE.opening}
    assert session.turns[0].engine == "scripted" and engine.calls == []


def test_a_good_text_is_said_as_it_is_and_recorded():
    engine, session = talk(GOOD[0])
    turn = session.say("您好，很抱歉，我马上为您登记。")
    assert (turn.customer, turn.engine, turn.slips) == (GOOD[0], "fake", [])
    assert turn.versions.engine == "fake" and turn.versions.model == "six-lines"
    assert turn.versions.prompts
    assert len(engine.calls) == 1 and engine.calls[0][2] == "t:1"


def test_a_faulty_text_is_thrown_away_and_asked_for_again():
    engine, session = talk("作为一个人工智能语言模型，我不能扮演客户。", GOOD[0])
    turn = session.say("您好，很抱歉，我马上为您登记。")
    assert turn.customer == GOOD[0] and turn.engine == "fake"
    assert [(slip.attempt, slip.kind) for slip in turn.slips] == [(1, "ai_voice")]
    first, second = (sampling for _, sampling, _ in engine.calls)
    assert first.temperature == 0 and second.temperature == settings().retry_temperature
    assert first.seed != second.seed


def test_a_faulty_text_is_stopped_before_its_end():
    long = "作为一个人工智能语言模型，" + "我不能扮演客户。" * 40
    engine, session = talk(long, GOOD[0])
    session.say("您好，很抱歉，我马上为您登记。")
    assert engine.given * 4 < len(GOOD[0]) + 60 < len(long)


def test_a_stop_reaches_an_engine_that_has_not_begun_to_speak():
    class Waiting(Scripted):
        """Speaks only once it is told to stop: never, for a trainee who left."""

        def stream(self, messages, sampling, *, session, cancel):
            assert cancel.wait(5), "nobody told the engine"
            yield from ()

    voice = ModelVoice(Waiting(), "t:1")
    threading.Timer(0.1, voice.cancel.set).start()
    turn = Session(CASE, 7, voice).say("您好，很抱歉，我马上为您登记。")
    assert turn.engine == "scripted" and [s.kind for s in turn.slips] == ["engine_cancelled"]


def test_after_three_faulty_texts_the_script_speaks_and_it_is_recorded():
    engine, session = talk(*["请问有什么可以帮您？我帮您查一下。"] * 3)
    turn = session.say("您好，很抱歉，我马上为您登记。")
    assert turn.engine == "scripted" and turn.customer
    assert {slip.attempt for slip in turn.slips} == {1, 2, 3}
    assert len(engine.calls) == 3


def test_a_dead_engine_is_asked_once_and_the_script_speaks():
    engine, session = talk(EngineError("refused", "连不上模型服务，请检查地址"))
    turn = session.say("您好，很抱歉，我马上为您登记。")
    assert turn.engine == "scripted" and turn.customer
    assert [slip.kind for slip in turn.slips] == ["engine_refused"]
    assert len(engine.calls) == 1


def test_a_line_is_never_said_twice_across_model_and_script():
    engine, session = talk(GOOD[0], GOOD[0], GOOD[0], GOOD[0])
    session.say("您好，很抱歉，我马上为您登记。")
    turn = session.say("请您稍等，我看一下。")
    assert turn.engine == "scripted" and turn.customer != GOOD[0]
    assert {slip.kind for slip in turn.slips} == {"repeats"}


def test_what_is_told_is_in_the_last_message_only_and_earlier_ones_never_change():
    engine, session = talk(*GOOD)
    session.say(ASK)
    session.say("那我们给您派师傅上门，您几点在家？")
    (before, _, _), (after, _, _) = engine.calls
    assert after[: len(before) - 1] == before[:-1]
    light = CASE.fact("light").what
    assert light in before[-1].content
    assert not any(light in message.content for message in before[:-1])


def test_a_fault_of_the_customer_never_counts_against_the_trainee():
    _, faulty = talk("我是人工智能助手。", "我是人工智能助手。", "我是人工智能助手。")
    _, fine = talk(GOOD[0])
    reply = "您好，很抱歉，我马上为您登记。"
    assert faulty.say(reply).grade.overall == fine.say(reply).grade.overall


def test_what_the_reply_missed_is_told_to_the_model_and_only_then():
    engine, session = talk(GOOD[0])
    session.say("我们会尽快处理的，您等通知吧。")
    told = engine.calls[0][0][-1].content
    cited = session.turns[-1].grade.dimensions
    texts = [
        standard.load().requirements[one].text.removeprefix("能够")
        for part in (cited.procedure, cited.empathy, cited.politeness)
        for one in part.citations
    ]
    assert any(text in told for text in texts)
    assert not any(text in engine.calls[0][0][0].content for text in texts)


def test_a_stored_talk_is_said_again_word_for_word_and_then_goes_on():
    _, session = talk(GOOD[0])
    session.say("您好，很抱歉，我马上为您登记。")
    told = [Said(turn.customer, turn.engine, tuple(turn.slips)) for turn in session.turns]
    again = Session(CASE, 7, RecordedVoice("fake", told, ScriptedVoice(), model="six-lines"))
    turn = again.say("您好，很抱歉，我马上为您登记。")
    assert (turn.customer, turn.engine) == (GOOD[0], "fake")
    assert again.say("请您稍等。").engine == "scripted"


def test_a_talk_in_which_the_script_stood_in_too_often_is_unfit_for_an_examination():
    bad = ["我是人工智能助手。"] * 3
    # Of three answers one is the script's: a third, and the bar in the data is 0.3.
    _, session = talk(GOOD[0], *bad, GOOD[1])
    for reply in ("您好，很抱歉，我马上为您登记。", "请您稍等，我看一下。", "好的，您请讲。"):
        session.say(reply)
    assert stood_in(session.turns) == pytest.approx(1 / 3) and is_unfit(session.turns)
    _, fine = talk(GOOD[0], GOOD[1])
    fine.say("您好，很抱歉，我马上为您登记。")
    assert stood_in(fine.turns) == 0 and not is_unfit(fine.turns)
    scripted = Session(CASE, 7)
    scripted.say("您好，很抱歉，我马上为您登记。")
    assert not is_unfit(scripted.turns)


def test_the_script_is_named_when_no_engine_can_be_had(monkeypatch):
    from coach import voices

    monkeypatch.delenv("KEFU_ENDPOINT_URL", raising=False)
    with pytest.raises(DataError, match="没有设置环境变量 KEFU_ENDPOINT_URL"):
        voices.make("endpoint", CASE)
    with pytest.raises(DataError, match="没有说用哪个模型，请加 --model"):
        voices.make("transformers", CASE)
    with pytest.raises(DataError, match="引擎写成了“gpt”，只能是 scripted、transformers、endpoint"):
        voices.make("gpt", CASE)
    assert voices.make("scripted", CASE).engine == "scripted"
