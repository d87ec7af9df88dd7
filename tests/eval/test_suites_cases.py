import pytest

from eval.suites_cases import (
    GamingCase,
    PairCase,
    ReplyCase,
    SessionCase,
    SignalCase,
    ViolationCase,
    load,
    path_of,
)
from knowledge.datafile import DataError
from tests.eval.conftest import GOOD, HISTORY, gaming_case, marks, reply_case, session_case


def without(case, key):
    return {name: value for name, value in case.items() if name != key}


VIOLATION = {"kind": "cold", "severity": "major", "text": "等着吧"}


@pytest.mark.parametrize(
    "rows, message",
    [
        pytest.param(
            [reply_case(0), "{broken"], "第 2 行不是合法的 JSON，请检查引号和逗号", id="broken"
        ),
        pytest.param(
            [reply_case(0), reply_case(1, "dev")],
            "第 2 行：split 写成了“dev”，这个文件里只能是 test",
            id="another split",
        ),
        pytest.param([reply_case(0), reply_case(0)], "编号 t-000-a 重复", id="an id twice"),
        pytest.param(
            [reply_case(0, lables={})], "第 1 行：lables：没有这个字段", id="an unknown field"
        ),
        pytest.param(
            [without(reply_case(0), "labels")], "第 1 行：labels：缺少这一项", id="no label"
        ),
        pytest.param(
            [
                reply_case(
                    0, labels={"empathy": 1, "politeness": 1, "signals": [], "violations": []}
                )
            ],
            "第 1 行：labels.procedure：缺少这一项",
            id="a dimension without a label, which is not null",
        ),
        pytest.param(
            [reply_case(0, labels=marks(5, 0, 0) | {"signals": [], "violations": []})],
            "第 1 行：labels.empathy：太大，最大为 4",
            id="a level off the scale",
        ),
        pytest.param(
            [reply_case(0, labels=marks(1, 0, 0) | {"signals": ["smile"], "violations": []})],
            "第 1 行：labels.signals.0",
            id="an unknown signal",
        ),
        pytest.param(
            [reply_case(0, labels=marks(1, 0, 0) | {"signals": [], "violations": [VIOLATION]})],
            "violations 的“等着吧”不是回复里的原话",
            id="words that are not the reply's",
        ),
        pytest.param(
            [reply_case(0, passes={"x": marks(1, 1, 1)})],
            "第 1 行：passes.y：缺少这一项",
            id="one pass only",
        ),
        pytest.param([""], "replies.test.jsonl 里没有用例", id="no case"),
    ],
)
def test_a_faulty_reply_is_refused_by_file_and_line(cases, rows, message):
    path = cases.write("replies.test.jsonl", *rows)
    with pytest.raises(DataError) as error:
        load(ReplyCase, path, split="test")
    assert str(error.value).startswith("replies.test.jsonl")
    assert message in str(error.value)


def test_null_is_a_label(cases):
    labels = marks(None, 2, None) | {"signals": ["greeting"], "violations": []}
    path = cases.write("replies.test.jsonl", reply_case(0, labels=labels))
    assert load(ReplyCase, path, split="test")[0].labels.of("empathy") is None


@pytest.mark.parametrize(
    "model, row, message",
    [
        pytest.param(
            SessionCase,
            session_case(0, labels=marks(1, 1, 1) | {"steps": {"fly": "done"}}),
            "第 1 行：.*情景 broadband-third-call 没有步骤 fly",
            id="a step the scenario does not have",
        ),
        pytest.param(
            SessionCase, session_case(0, scenario="nowhere"), "第 1 行：.*nowhere", id="no scenario"
        ),
        pytest.param(
            SessionCase, session_case(0, replies=[]), "replies：至少要有 1 项", id="empty"
        ),
        pytest.param(
            GamingCase, gaming_case(0, attack=GOOD), "plain 和 attack 一模一样", id="no attack"
        ),
        pytest.param(
            PairCase,
            {
                "id": "p",
                "split": "test",
                "channel": "chat",
                "dimension": "empathy",
                "history": HISTORY,
                "better": "好",
                "worse": "好",
                "why": "",
                "source": "x",
            },
            "better 和 worse 一模一样",
            id="no difference",
        ),
    ],
)
def test_a_faulty_case_says_where_and_what(cases, model, row, message):
    path = cases.write("some.jsonl", row)
    with pytest.raises(DataError, match=message):
        load(model, path)


@pytest.mark.parametrize("split", ["dev", "test"])
@pytest.mark.parametrize(
    "name, model", [("signals", SignalCase), ("violations", ViolationCase), ("pairs", PairCase)]
)
def test_the_shipped_cases_are_sound(name, model, split):
    assert len(load(model, path_of(name, split), split=split)) >= 100


def test_the_card_goes_to_the_grader_with_the_reply(cases):
    path = cases.write("replies.test.jsonl", reply_case(0))
    row = load(ReplyCase, path, split="test")[0].graded_row()
    assert row.card == ["今天 16:00 前可以上门"]
    assert row.reply == "嗯。"
