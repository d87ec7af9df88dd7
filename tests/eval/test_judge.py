import json
import re

import pytest

from coach import voices
from coach.engine import EngineError
from eval import judge as measured
from eval.grading import CASES
from grading import judge_rules
from grading.judge import Judge
from knowledge.datafile import DataError
from tests.judge_engine import Fake

SAID = [{"role": "customer", "text": "宽带断了四天，打了三次没人管！"}]
REPLIES = (
    "断网四天换谁都着急。",
    "断网四天，我来查。",
    "断网四天，我派师傅。",
    "断网四天，请稍等。",
)
NAMES = [level.name for level in judge_rules.load().asking("empathy").levels]


def case(number, label, **change):
    return {
        "id": f"t{number}", "split": "dev", "channel": "chat", "history": SAID,
        "reply": REPLIES[number], "labels": {"empathy": label}, "source": "constructed",
    } | change  # fmt: skip


@pytest.fixture
def file(tmp_path):
    def write(*rows):
        path = tmp_path / "judge.jsonl"
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    return write


def says(levels, quote="断网四天"):
    """A model that gives each reply its level by turns; None gives an altered quote."""
    left = {reply: list(given) for reply, given in zip(REPLIES, levels, strict=False)}

    def generate(messages):
        prompt = messages[0]["content"] if isinstance(messages, list) else messages
        level = left[re.search("回复】\n“(.*)”", prompt)[1]].pop(0)
        fields = {
            "id": re.search(r"【编号】(\S+)", prompt)[1], "reason": "说到了断网",
            "quote": quote if level is not None else "断网五天", "level": NAMES[level or 0],
        }  # fmt: skip
        return json.dumps(fields, ensure_ascii=False)

    return generate


def agreement(file, labels, levels, samples=1):
    cases = measured.load_cases(file(*(case(at, label) for at, label in enumerate(labels))))
    (row,) = measured.measure(Judge(says(levels), name="m", samples=samples), cases)
    return row


def test_full_agreement_is_one(file):
    row = agreement(file, [0, 1, 3, 4], [[0], [1], [3], [4]])
    assert (row.exact, row.near, row.qwk, row.judged, row.faults) == (1, 1, 1, 4, {})
    assert (row.quote_refused, row.spread, row.spread_most) == (0, None, None)


def test_agreement_follows_from_the_levels(file):
    # labels 0 2 3 4, levels 1 2 3 2: exact 2/4, within one 3/4.
    # Quadratic kappa 1 - Σ(a-b)² / Σ expected: observed 1+0+0+4 = 5; expected, all pairs / 4:
    # 0:(1+4+9+4) 2:(1+0+1+0) 3:(4+1+0+1) 4:(9+4+1+4) = 18+2+6+18 = 44, /4 = 11; 1 - 5/11
    row = agreement(file, [0, 2, 3, 4], [[1], [2], [3], [2]])
    assert (row.exact, row.near) == (0.5, 0.75)
    assert row.qwk == pytest.approx(1 - 5 / 11)


def test_a_refused_quote_is_counted_and_left_out_of_agreement(file):
    row = agreement(file, [0, 1, 3, 4], [[0], [None], [3], [None]])
    assert (row.cases, row.judged, row.exact) == (4, 2, 1)
    assert row.quote_refused == 0.5 and row.faults == {"quote_missing": 2}


def test_nothing_judged_has_no_figure_rather_than_zero(file):
    row = agreement(file, [0, 1], [[None], [None]])
    assert (row.judged, row.exact, row.near, row.qwk) == (0, None, None, None)


def test_one_level_on_both_sides_has_no_kappa(file):
    assert agreement(file, [2, 2], [[2], [2]]).qwk is None


def test_the_spread_of_samples_is_averaged(file):
    row = agreement(file, [1, 3], [[0, 1, 2], [3, 3, 3]], samples=3)
    # spreads 2 and 0
    assert (row.exact, row.spread, row.spread_most) == (1, 1, 2)


def test_the_rules_agreement_stands_beside_the_judges(file):
    row = agreement(file, [4, 0], [[4], [0]])
    assert row.rule_exact is not None
    deals = case(0, 0, labels={"deals": 1})
    assert measured.load_cases(file(deals))[0].labels == {"deals": 1}


@pytest.mark.parametrize(
    "rows, message",
    [
        pytest.param(["{broken"], "第 1 行不是合法的 JSON", id="broken"),
        pytest.param([""], "judge.jsonl 里没有用例", id="no case"),
        pytest.param([case(0, 5)], "labels.empathy 写成了 5，只能是 0 到 4", id="label too high"),
        pytest.param([case(0, -1)], "写成了 -1", id="label too low"),
        pytest.param([case(0, 0, labels={"deals": 4})], "只能是 0 到 3", id="deals has four"),
        pytest.param([case(0, 0, labels={})], "labels", id="no label"),
        pytest.param([case(0, 0, labels={"mood": 1})], "labels", id="unknown question"),
        pytest.param([case(0, 0, mood=1)], "第 1 行：mood：没有这个字段", id="unknown key"),
        pytest.param([case(0, 0), case(0, 1)], "编号 t0 重复", id="an id twice"),
    ],
)
def test_a_faulty_case_file_is_refused_by_file_and_line(file, rows, message):
    with pytest.raises(DataError) as error:
        measured.load_cases(file(*rows))
    assert message in str(error.value)


@pytest.mark.parametrize("split", measured.SPLITS)
def test_the_shipped_cases_use_every_level_and_name_their_source(split):
    cases = measured.load_cases(CASES / f"judge.{split}.jsonl")
    assert {one.split for one in cases} == {split} and {one.source for one in cases} == {
        "constructed"
    }
    for question in judge_rules.load().questions:
        assert {one.labels[question.id] for one in cases} == set(range(len(question.levels)))


@pytest.fixture
def engine(monkeypatch):
    found = Fake(says([[4], [1]]))
    monkeypatch.setattr(voices, "engine", lambda name, model: found)
    return found


def test_the_table_and_the_json_are_printed(file, engine, capsys):
    path = str(file(case(0, 4), case(1, 1)))
    assert measured.main(["--judge", "endpoint", "--file", path]) == 0
    shown = capsys.readouterr().out
    assert "均为自拟" in shown and "同理心" in shown and "QWK" in shown and "1.00" in shown
    engine.say = EngineError("slow", "没有说完")
    assert measured.main(["--judge", "endpoint", "--file", path, "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["rows"][0]["faults"] == {"engine": 2} and body["rows"][0]["exact"] is None


def test_a_judge_or_a_file_that_cannot_be_had_is_code_2_and_one_line(file, capsys, monkeypatch):
    monkeypatch.delenv("KEFU_ENDPOINT_URL", raising=False)
    good = str(file(case(0, 1)))
    for path, why in ((good, "没有设置环境变量"), ("/no/such.jsonl", "找不到文件")):
        assert measured.main(["--judge", "endpoint", "--file", path]) == 2
        err = capsys.readouterr().err
        assert why in err and err.count("\n") == 1
