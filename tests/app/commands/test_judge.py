"""`--judge` on `kefu grade` and `kefu play`: off by default, apart from the scores, never fatal."""

import pytest

from app.records.store import opened
from coach import voices
from coach.engine import EngineError
from tests.judge_engine import Fake, verdict

ROW = {
    "id": "a", "channel": "inbound",
    "history": [{"role": "customer", "text": "宽带断了四天，打了三次电话没人管！"}],
    "reply": "断网四天换谁都着急，向您道歉。我现在派师傅，今天 16:00 前到。",
}  # fmt: skip
SAID = "断网四天换谁都着急，我现在派师傅，今天 16:00 前到。\n。。。\n".encode()


@pytest.fixture
def engine(monkeypatch):
    """Every engine is this one; it plays badly, so that the script speaks, and judges well."""
    found = Fake(lambda prompt: verdict(prompt) if "【编号】" in prompt else "嗯")
    monkeypatch.setattr(voices, "engine", lambda name, model: found)
    return found


def test_without_judge_nobody_is_asked_and_the_json_is_as_before(kefu, write, engine):
    run = kefu("grade", "--file", write([ROW]), "--json")
    assert "judge" not in run.json[0] and engine.calls == []
    turns = kefu("play", "broadband-third-call", "--replies", "-", "--json", stdin=SAID).json
    assert all("judge" not in (turn["grade"] or {}) for turn in turns)


def test_with_judge_the_verdicts_stand_beside_the_same_scores(kefu, write, engine):
    plain = kefu("grade", "--file", write([ROW]), "--json").json[0]
    run = kefu("grade", "--file", write([ROW]), "--judge", "endpoint", "--json")
    found = run.json[0]
    verdicts = found.pop("judge")
    assert [(v["question"], v["level"], v["most"]) for v in verdicts] == [
        ("empathy", 4, 4), ("deals", 3, 3),
    ]  # fmt: skip
    for one in verdicts:
        assert ROW["reply"][one["start"] : one["end"]] == one["quote"]
    assert found | {"review": None} == plain | {"review": None}
    assert "另作评判（AI 生成），不改分数" in run.err and run.code == 0


def test_people_see_the_opinion_apart_and_labelled(kefu, write, engine):
    out = kefu(
        "grade", "--file", write([ROW, ROW | {"reply": "。。"}]), "--judge", "endpoint",
        "--judge-samples", "3",
    ).out  # fmt: skip
    assert "模型另评（AI 生成，不计分）同理心 4/4 说透并行动（几次评为 4、4、4）：说到了断网" in out
    assert "模型另评（不计分）回应诉求：没有意见（没有可评的内容）" in out
    assert len(engine.calls) == 6, "two questions, three samples, nothing for the empty reply"


def test_the_rows_scenario_tells_what_the_customer_wants(kefu, write, engine):
    kefu(
        "grade", "--file", write([ROW | {"scenario": "broadband-third-call"}]), "--judge",
        "endpoint", "--json",
    )  # fmt: skip
    assert "把网修好" in engine.calls[-1][0][0].content
    assert engine.calls[-1][2].startswith("broadband-third-call:")


def test_an_engine_that_fails_on_the_way_is_told_row_by_row(kefu, write, engine):
    engine.say = EngineError("slow", "没有在时限内说完")
    run = kefu("grade", "--file", write([ROW, ROW]), "--judge", "endpoint", "--json")
    assert run.code == 0
    for one in run.json:
        assert one["overall"] is not None
        assert {v["cause"] for v in one["judge"]} == {"没有在时限内说完"}
        assert {v["status"] for v in one["judge"]} == {"unscored"}


@pytest.mark.parametrize(
    "argv, environment, cause",
    [
        pytest.param(["transformers"], {}, "请加 --judge-model", id="no model"),
        pytest.param(["transformers", "--judge-model", "/no"], {}, "没有模型“/no”", id="bad model"),
        pytest.param(["endpoint"], {}, "没有设置环境变量 KEFU_ENDPOINT_URL", id="no URL"),
        pytest.param(
            ["endpoint", "--judge-model", "m"], {"KEFU_ENDPOINT_URL": "ftp://x"},
            "对话服务的地址写成了“ftp://x”", id="bad URL",
        ),
        pytest.param(
            ["endpoint", "--judge-model", "m"], {"KEFU_ENDPOINT_URL": "http://127.0.0.1:9/v1"},
            "连不上对话服务", id="nobody there",
        ),
    ],
)  # fmt: skip
def test_a_judge_that_cannot_be_had_is_one_sentence_and_grading_goes_on(
    kefu, write, monkeypatch, argv, environment, cause
):
    for name in ("KEFU_ENDPOINT_URL", "KEFU_ENDPOINT_MODEL", "KEFU_MODEL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    run = kefu("grade", "--file", write([ROW]), "--judge", *argv, "--json")
    assert run.code == 0 and run.json[0]["overall"] is not None
    assert all(cause in one["cause"] for one in run.json[0]["judge"])
    told = [line for line in run.err.splitlines() if line.startswith("模型评判用不了：")]
    assert len(told) == 1 and cause in told[0] and told[0].endswith("规则评分照常")


@pytest.mark.parametrize(
    "argv, message",
    [
        (["--judge", "gpt"], "--judge 不能是“gpt”"),
        (["--judge"], "--judge 后面要跟一个值"),
        (["--judge-samples", "3"], "要和 --judge 一起用"),
        (["--judge-model", "m"], "要和 --judge 一起用"),
        (["--judge", "endpoint", "--judge-samples", "many"], "应为整数"),
        (["--judge", "endpoint", "--judge-samples", "0"], "评判次数写成了 0，只能是 1 到 9"),
    ],
)
@pytest.mark.parametrize("command", ["grade", "play"])
def test_bad_usage_is_code_2_and_one_line(kefu, write, command, argv, message):
    first = ["--file", write([ROW])] if command == "grade" else ["broadband-third-call"]
    run = kefu(command, *first, *argv)
    assert (run.code, run.out) == (2, "") and message in run.err and run.err.count("\n") == 1


def test_a_talk_is_judged_turn_by_turn_and_the_record_keeps_it(kefu, engine):
    run = kefu(
        "play", "broadband-third-call", "--replies", "-", "--judge", "endpoint", "--save",
        "--json", stdin=SAID,
    )  # fmt: skip
    verdicts = [[v["level"] for v in turn["grade"]["judge"]] for turn in run.json[1:]]
    assert verdicts == [[4, 3], [None, None]]
    with opened() as records:
        from sqlalchemy import text

        with records.engine.connect() as connection:
            token = connection.execute(text("select token from talks")).scalar_one()
        kept = records.turns(token)
    assert kept[1]["grade"]["judge"] == run.json[1]["grade"]["judge"]


@pytest.mark.parametrize("player, same", [("endpoint", True), ("scripted", False)])
def test_the_same_model_playing_and_judging_is_told(kefu, engine, player, same):
    argv = ("play", "broadband-third-call", "--replies", "-", "--judge", "endpoint")
    turns = kefu(*argv, "--engine", player, "--json", stdin=SAID).json
    assert turns[1]["grade"]["judge"][0]["same_model_plays"] is same
    shown = kefu(*argv, "--engine", player, stdin=SAID).out
    assert ("和扮演客户的是同一个模型" in shown) is same
