"""Goals met in words their patterns do not foresee."""

import pytest

from coach import findings, likeness, scenario
from grading.detect import read
from knowledge.datafile import DataError

CASES = scenario.load_all()
GAS = CASES["gas-meter-stranger-call"]
GOALS = {goal.id: goal for goal in GAS.goals}


def covered(reply, goal):
    reading = read(reply)
    groups = GAS.compiled.needs[goal.id]
    return sum(findings._matches(group, reading) for group in groups) / len(groups)


def means(reply, goal_id):
    goal = GOALS[goal_id]
    return likeness.means(read(reply), GAS, goal, covered(reply, goal))


@pytest.mark.parametrize(
    "reply, goal",
    [
        ("我查过了，您小区今天没有换表，公司没有人打过这个电话。", "fake"),
        ("我查了，今天没有派人到您小区换表，那个电话是冒充的，换表不收钱。", "fake"),
    ],
)
def test_a_paraphrase_of_the_right_path_counts(reply, goal):
    assert covered(reply, GOALS[goal]) < 1 or means(reply, goal)
    assert means(reply, goal)


@pytest.mark.parametrize(
    "reply",
    [
        "您好，请问有什么可以帮您？", "给您带来不便非常抱歉，我们会尽快处理。", "今天天气挺冷的，您注意保暖。",
        "您的心情我特别理解，请您放心。", "嗯。", "",
    ],
)  # fmt: skip
@pytest.mark.parametrize("goal", GOALS)
def test_kind_or_idle_words_fulfil_nothing(reply, goal):
    assert not means(reply, goal)


def test_without_the_encoder_only_patterns_count(monkeypatch):
    def missing():
        raise DataError("没有")

    monkeypatch.setattr(likeness, "embedded", missing)
    assert not means("我查过了，您小区今天没有换表，公司没有人打过这个电话。", "fake")


@pytest.mark.parametrize("name", CASES)
def test_every_goal_has_an_example_on_the_right_path(name):
    case = CASES[name]
    for goal in case.goals:
        found = likeness.examples(goal, case.compiled.needs[goal.id], case.paths.right)
        assert len(found) >= 2, goal.id  # its own words and at least one sentence


def test_a_faulty_threshold_is_refused_by_name(tmp_path):
    path = tmp_path / "likeness.yaml"
    text = likeness.FILE.read_text(encoding="utf-8").replace("alike_least: 0.60", "alike_least: 6")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="alike_least"):
        likeness.settings(path)
