import json

import pytest

from eval import grading, suites
from eval.grading import Score
from eval.suites import Ask
from knowledge.datafile import DataError

ANGRY = [{"role": "customer", "text": "宽带断了四天，打了三次没人管！"}]


def case(**more):
    return {"id": "t", "split": "dev", "channel": "inbound", "history": ANGRY} | more


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "CASES", tmp_path)

    def write(*lines):
        text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
        (tmp_path / "pairs.dev.jsonl").write_text(text, encoding="utf-8")

    return write


def test_the_measures_follow_from_the_counts():
    score = Score(hit=6, missed=2, false=4)
    # precision 6/10, recall 6/8, F1 2·6 / (2·6 + 2 + 4)
    assert (score.precision, score.recall) == (0.6, 0.75)
    assert score.f1 == pytest.approx(12 / 18)


def test_nothing_counted_is_zero_and_never_full_marks():
    assert (Score(0, 0, 0).precision, Score(0, 0, 0).recall, Score(0, 0, 0).f1) == (0.0, 0.0, 0.0)


def test_kinds_are_counted_apart_and_together():
    table = grading.count_kinds([({"a", "b"}, {"a"}), ({"a"}, {"a", "c"}), (set(), set())])
    assert table["a"] == Score(hit=2, missed=0, false=0)
    assert table["b"] == Score(hit=0, missed=1, false=0)
    assert table["c"] == Score(hit=0, missed=0, false=1)
    assert table["all"] == Score(hit=2, missed=1, false=1)


def test_the_entry_prints_the_suites_of_a_split(capsys):
    assert grading.main(["--split", "dev2"]) == 0
    shown = capsys.readouterr().out
    assert "用例均为自拟" in shown
    assert "违规（" in shown and "好坏对比（" in shown
    assert "privacy · F1" in shown, "every kind"


@pytest.mark.parametrize(
    "lines, message",
    [
        pytest.param(
            [case(), "{broken"], "pairs.dev.jsonl 第 2 行不是合法的 JSON 对象", id="broken"
        ),
        pytest.param(["[1]"], "pairs.dev.jsonl 第 1 行不是合法的 JSON 对象", id="not an object"),
        pytest.param([case(split="test")], "第 1 行的 split 不是 dev", id="another split"),
        pytest.param([""], "pairs.dev.jsonl 里没有用例", id="no case"),
    ],
)
def test_a_faulty_case_file_is_refused_by_file_and_line(folder, lines, message):
    folder(*lines)
    with pytest.raises(DataError) as error:
        grading.load_cases("pairs", "dev")
    assert message in str(error.value)


def test_a_missing_case_file_is_named(folder):
    with pytest.raises(DataError, match=r"找不到文件 .*signals\.dev\.jsonl"):
        grading.load_cases("signals", "dev")


@pytest.mark.parametrize("split", ["dev", "test"])
@pytest.mark.parametrize(
    "name, fields",
    [
        ("signals", {"reply", "signals"}),
        ("violations", {"reply", "violations"}),
        ("pairs", {"dimension", "better", "worse", "why"}),
    ],
)
def test_every_shipped_case_has_its_expected_value(name, fields, split):
    cases = grading.load_cases(name, split)
    assert len(cases) >= 100
    ids = [one["id"] for one in cases]
    assert len(ids) == len(set(ids))
    for one in cases:
        assert fields <= set(one), one["id"]
        assert one["source"], one["id"]
        if name == "signals":
            assert set(one["signals"]) <= grading.SIGNALS, one["id"]
        if name == "pairs":
            assert one["better"] != one["worse"]


def test_no_case_to_be_measured_stands_among_the_cases_tuned_on():
    for name, field in (("signals", "reply"), ("violations", "reply"), ("pairs", "better")):
        seen = {one[field] for one in grading.load_cases(name, "dev")}
        assert not seen & {one[field] for one in grading.load_cases(name, "test")}


def test_the_figures_of_the_readme_hold_on_cases_kept_apart():
    # issue 2: pairs won at least 85 %, signal F1 at least 0.85, breach F1 at least 0.80
    least = {"signals": ("f1", 0.85), "violations": ("f1", 0.80), "pairs": ("accuracy", 0.85)}
    for name, (figure, bar) in least.items():
        assert suites.measure(name, Ask()).figures[figure].value >= bar, name
