import json

import pytest

from grading import classifier, rubric, train
from knowledge.datafile import DataError

ROWS = [
    {"text": "你烦不烦", "kind": "cold"},
    {"text": "你真烦人", "kind": "cold"},
    {"text": "我帮您查", "kind": "clean"},
    {"text": "我帮您办", "kind": "clean"},
]


def write(folder, name, lines):
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / name).write_text(text, encoding="utf-8")


def test_sentences_come_from_all_files_of_a_task_each_once(tmp_path):
    write(tmp_path, "violations_a.jsonl", ROWS[:2])
    write(tmp_path, "violations_b.jsonl", [*ROWS[1:], {"text": "你真煩人", "kind": "cold"}])
    write(tmp_path, "signals_a.jsonl", [{"text": "您好", "signals": ["greeting"]}])
    found = [row["text"] for row in train.sentences("violations", tmp_path)]
    assert found[:4] == [row["text"] for row in ROWS]
    assert "你真煩人" not in found, "the traditional form is the same sentence"
    assert [row["text"] for row in train.sentences("signals", tmp_path)] == ["您好"]


def test_a_file_can_be_left_out(tmp_path):
    write(tmp_path, "violations_a.jsonl", ROWS[:2])
    write(tmp_path, "violations_b.jsonl", ROWS[2:])
    write(tmp_path, "signals_a.jsonl", [{"text": "我帮您查", "signals": []}])
    found = train.sentences("violations", tmp_path, skip=["violations_a.jsonl"])
    assert found == ROWS[2:]


@pytest.mark.parametrize("line", ["{broken", '["text"]', '{"kind": "cold"}'])
def test_a_broken_line_is_named(tmp_path, line):
    write(tmp_path, "violations_a.jsonl", [ROWS[0], line])
    with pytest.raises(DataError, match=r"violations_a\.jsonl 第 2 行缺少 text"):
        train.sentences("violations", tmp_path)


def test_no_sentence_at_all_is_an_error(tmp_path):
    with pytest.raises(DataError, match="里没有 signals 的训练句"):
        train.sentences("signals", tmp_path)


def test_training_twice_gives_the_same_weights_that_know_their_sentences():
    first, second = train.fit("violations", ROWS), train.fit("violations", ROWS)
    assert first.exclusive and set(first.labels) >= {"cold"}
    assert (first.weights == second.weights).all()


def test_three_kinds_are_told_apart():
    rows = [
        *ROWS,
        {"text": "等着吧等着吧", "kind": "shirk"},
        {"text": "你就等着吧", "kind": "shirk"},
    ]
    model = train.fit("violations", rows)
    assert model.labels == ("clean", "cold", "shirk")
    for row in rows:
        shares = model.probabilities(row["text"])
        assert max(shares, key=shares.get) == row["kind"]


def test_signals_are_each_learnt_alone():
    rows = [
        {"text": "您好请讲", "signals": ["greeting", "please"]},
        {"text": "您好在的", "signals": ["greeting"]},
        {"text": "请讲清楚", "signals": ["please"]},
        {"text": "断网四天", "signals": []},
        {"text": "断网三天", "signals": []},
    ]
    model = train.fit("signals", rows)
    shares = model.probabilities("您好请讲")
    assert not model.exclusive
    assert min(shares["greeting"], shares["please"]) > 0.5
    assert max(model.probabilities("断网四天").values()) < 0.5


@pytest.mark.parametrize("task, field", [("violations", "kind"), ("signals", "signals")])
def test_every_shipped_sentence_is_labelled_with_known_kinds(task, field):
    rows = train.sentences(task)
    labels = set(classifier.load(task).labels)
    for row in rows:
        values = [row[field]] if isinstance(row[field], str) else row[field]
        assert set(values) <= labels, row
    if task == "violations":
        assert {row["kind"] for row in rows} - {"clean"} <= set(rubric.load().penalties)
