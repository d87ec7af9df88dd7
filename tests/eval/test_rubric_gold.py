import json

import pytest

from eval import rubric_gold
from eval.rubric_gold import Effect
from grading.grade import grade
from grading.lexicon import FOLDER
from grading.result import GradeRow
from knowledge.datafile import DataError
from tests.eval.conftest import HISTORY, reply_case

RUBRIC = (FOLDER / "rubric.yaml").read_text(encoding="utf-8")


def signal_case(at, reply):
    return {"id": f"g.{at}", "split": "dev", "channel": "chat", "history": HISTORY, "reply": reply,
            "signals": [], "source": "constructed"}  # fmt: skip


@pytest.fixture
def small(cases):
    """Six cases without labels; the third holds a promise nobody may make, the fourth an odd end."""
    texts = ("您好，我来查。", "嗯。", "今天肯定给您修好。", "您好\u2028我来查。", "等着吧。", "…")
    cases.write("signals.dev.jsonl", *(signal_case(n, text) for n, text in enumerate(texts)))
    return cases


@pytest.fixture
def edited(tmp_path):
    def write(*changes):
        text = RUBRIC
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_the_shipped_rubric_changes_nothing(small, edited):
    effect = rubric_gold.measure(edited(), small.path)
    assert (effect.n, effect.changed.any, effect.largest) == (6, 0, [])
    assert effect.agreement == {"before": {}, "after": {}}, "no case has levels"
    assert effect.rubric["before"] == effect.rubric["after"]


def test_a_lower_cap_shows_whom_it_meets_and_by_how_much(small, edited):
    row = GradeRow(channel="chat", history=HISTORY, reply="今天肯定给您修好。")
    before = grade(row)
    effect = rubric_gold.measure(
        edited(("  overpromise: 40 ", "  overpromise: 5 "), ("  overpromise: 40\n", "  overpromise: 5\n"))
        if "  overpromise: 40 " in RUBRIC else edited(("  overpromise: 40\n", "  overpromise: 5\n")),
        small.path,
    )  # fmt: skip
    (change,) = effect.largest
    assert change.id == "g.2" and change.before.overall == before.overall == change.points + 5
    assert change.after.overall == 5
    assert (effect.changed.any, effect.changed.score) == (1, 1)
    assert (effect.changed.level, effect.changed.verdict) == (0, 0)
    assert "version 还是" in effect.doubts[0]
    assert grade(row) == before, "what is loaded here stays"


def test_a_word_that_is_no_breach_any_more_changes_the_verdict(small, tmp_path):
    text = (FOLDER / "violations.yaml").read_text(encoding="utf-8")
    given = tmp_path / "given"
    given.mkdir()
    (given / "violations.yaml").write_text(
        text.replace("severity: major", "severity: minor"), encoding="utf-8"
    )
    effect = rubric_gold.measure(given, small.path)
    assert effect.changed.verdict >= 1
    assert effect.files == ["violations.yaml"]


def test_changes_are_told_largest_first_and_at_most_ten(cases, edited):
    many = [signal_case(n, "您好" + "，我来查" * (n % 5) + "。") for n in range(24)]
    cases.write("signals.dev.jsonl", *many)
    effect = rubric_gold.measure(edited(("share: 1.0", "share: 0.0")), cases.path)
    points = [change.points for change in effect.largest]
    assert len(points) == 10 < effect.changed.any
    assert points == sorted(points, reverse=True)


def test_levels_are_held_against_labels_before_and_after(cases, edited):
    cases.write("replies.dev.jsonl", *(reply_case(n, "dev") for n in range(12)))
    effect = rubric_gold.measure(edited(("  feeling: 44", "  feeling: 0")), cases.path)
    assert effect.agreement["before"].keys() == effect.agreement["after"].keys()
    assert {"empathy.qwk", "procedure.exact"} <= effect.agreement["before"].keys()
    assert (
        effect.agreement["before"]["politeness.qwk"] == effect.agreement["after"]["politeness.qwk"]
    )


def test_test_cases_are_left_alone(cases, edited):
    cases.write("signals.test.jsonl", signal_case(0, "您好。") | {"split": "test"})
    with pytest.raises(DataError, match="没有 dev 用例，比不出改动"):
        rubric_gold.measure(edited(), cases.path)


def test_a_second_file_of_development_cases_counts_too(small):
    again = [
        signal_case(9, "您好。") | {"split": "dev2"},
        signal_case(0, "嗯。") | {"split": "dev2"},
    ]
    small.write("signals.dev2.jsonl", *again)
    assert [one.row.id for one in rubric_gold.gold(small.path)] == [
        f"g.{n}" for n in (0, 1, 2, 3, 4, 5, 9)
    ]


def test_data_that_break_the_grading_itself_are_told(small, tmp_path):
    place = tmp_path / "place"
    (place / "grading" / "data").mkdir(parents=True)
    with pytest.raises(DataError, match="改过的评分数据在第 1 条用例上评不下去："):
        rubric_gold._graded_with(place, [GradeRow(channel="chat", reply="您好")])


def test_an_effect_is_plain_json(small, edited):
    effect = rubric_gold.measure(edited(("weight: 26", "weight: 27")), small.path)
    assert Effect.model_validate(json.loads(effect.model_dump_json())) == effect
