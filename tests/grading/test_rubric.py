import shutil

import pytest
import yaml

from grading import lexicon, moment, rubric
from grading.pattern import Pattern
from grading.rubric import When
from knowledge import standard
from knowledge.datafile import DataError


@pytest.fixture
def spoil(tmp_path):
    """Load a copy of the rubric after a change."""
    shutil.copy(lexicon.FOLDER / "rubric.yaml", tmp_path)

    def load(change):
        path = tmp_path / "rubric.yaml"
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(table)
        path.write_text(yaml.safe_dump(table, allow_unicode=True), encoding="utf-8")
        rubric.load.cache_clear()
        try:
            return rubric.load(tmp_path)
        finally:
            rubric.load.cache_clear()

    return load


@pytest.mark.parametrize(
    "when, flags, expected",
    [
        pytest.param({}, "", True, id="no condition"),
        pytest.param({"all": ["a", "b"]}, "a b c", True, id="all there"),
        pytest.param({"all": ["a", "b"]}, "a", False, id="one of all lacking"),
        pytest.param({"any": ["a", "b"]}, "b", True, id="one of any there"),
        pytest.param({"any": ["a", "b"]}, "c", False, id="none of any there"),
        pytest.param({"all": ["a"], "none": ["b"]}, "a", True, id="the forbidden one absent"),
        pytest.param({"all": ["a"], "none": ["b"]}, "a b", False, id="the forbidden one there"),
    ],
)
def test_a_condition_holds_for_the_right_flags(when, flags, expected):
    assert When.model_validate(when).holds(frozenset(flags.split())) is expected


def test_the_caps_are_those_of_the_design():
    caps = rubric.load().caps
    assert caps["overpromise"] == 40
    assert caps["interrogate"] == caps["sarcasm"] == 60
    assert caps["refuse"] == 70
    assert caps["fatal"] <= min(caps.values())


def test_the_scores_are_labelled_as_training_scores():
    assert rubric.load().label == "训练分，非官方权重"


def test_every_breach_has_a_penalty_in_some_dimension():
    book = rubric.load()
    for kind in {rule.kind for rule in lexicon.load().violations}:
        taken = book.penalties[kind]
        assert max(taken.empathy, taken.politeness, taken.procedure) > 0, kind


def test_every_breach_the_classifier_may_add_has_a_severity_and_a_penalty():
    book = rubric.load()
    assert set(book.classifier.severity) <= set(book.penalties)
    flags = {flag.id for flag in moment.flags_of(lexicon.FOLDER)} | {"warned3"}
    for needed in book.classifier.not_when.values():
        assert set(needed) <= flags


def test_every_expectation_cites_a_requirement_and_says_why_and_what_to_do():
    known = standard.load().requirements
    book = rubric.load()
    for entry in (*book.expectations, *book.deductions):
        assert entry.cites and set(entry.cites) <= set(known), entry.id
        assert entry.why and entry.advice, entry.id


def test_every_expectation_can_be_met_in_full():
    for entry in rubric.load().expectations:
        best = sum(entry.met.values()) if entry.sum else max(entry.met.values())
        assert best >= 1.0, entry.id


def test_every_word_list_of_the_code_is_there_and_compiled():
    assert all(isinstance(words, Pattern) for words in rubric.wording().values())
    assert rubric.wording().keys() >= {
        "vague", "defers", "refusal", "courtesy", "grader", "placeholder", "playful",
        "cheerful_bye", "consequence", "echo_block",
    }  # fmt: skip


@pytest.mark.parametrize(
    "change, message",
    [
        pytest.param(
            lambda t: t["expectations"][0].update(cites=["L1.9.S9"]),
            "rubric.yaml：po.greet 引用的 L1.9.S9 不在标准里", id="a citation nobody wrote",
        ),
        pytest.param(
            lambda t: t["deductions"][0].update(cites=["X"]),
            "引用的 X 不在标准里", id="a deduction's citation",
        ),
        pytest.param(
            lambda t: t["caps"].pop("fatal"), "rubric.yaml：caps 缺少 fatal", id="no fatal cap"
        ),
        pytest.param(
            lambda t: t["caps"].pop("other"), "rubric.yaml：caps 缺少 other", id="no other cap"
        ),
        pytest.param(
            lambda t: t["expectations"].append(t["expectations"][0]),
            "rubric.yaml：编号 po.greet 重复", id="an id twice",
        ),
        pytest.param(
            lambda t: t.update(mood=1), "rubric.yaml：mood：没有这个字段", id="unknown key"
        ),
        pytest.param(
            lambda t: t["expectations"][0].update(weight=0), "expectations.0.weight", id="no weight"
        ),
        pytest.param(
            lambda t: t["session"].update(steps_weight=101),
            "session.steps_weight：太大，最大为 100", id="steps above the whole",
        ),
        pytest.param(lambda t: t.pop("weights"), "weights：缺少这一项", id="no weights"),
    ],
)  # fmt: skip
def test_a_faulty_rubric_is_refused_by_file_and_place(spoil, change, message):
    with pytest.raises(DataError) as error:
        spoil(change)
    assert message in str(error.value)
