"""The level model: linear, quoted, off by default."""

from collections import Counter
from dataclasses import replace

import pytest

from grading import blend, level_store, levels, train_cases
from grading.grade import grade, look
from grading.level_features import Seen
from grading.result import DIMENSIONS, GradeRow, Turn
from grading.train import TRAIN
from knowledge.datafile import DataError

HEARD = [Turn(role="customer", text="第三次放我鸽子了，我今天又白请假。")]
WARM = "约了三回，您请了三回假，我们一回没到，这不像话。今天下午我盯着派单，四点前给您回话。"


def row(reply, **more):
    return GradeRow(channel="inbound", history=HEARD, reply=reply, **more)


def estimate(reply):
    return level_store.load().estimate(look(row(reply)).seen())


def test_a_reply_that_sees_the_customer_reads_better_than_a_rebuff():
    good, bad = estimate(WARM), estimate("师傅忙，谁都有排不开的时候，您别上火。")
    for name in DIMENSIONS:
        assert good[name].level > bad[name].level, name


def test_stretches_carry_the_whole_weight_of_the_words_in_the_linear_half():
    seen = look(row(WARM)).seen()
    model = replace(level_store.load(), tree_share=0.0)
    bare = model.estimate(Seen(seen.dense, ()))
    for name in DIMENSIONS:
        read = model.estimate(seen)[name]
        if -0.5 < read.level < 4.5 and -0.5 < bare[name].level < 4.5:
            moved = sum(part.levels for part in read.parts)
            assert bare[name].level + moved == pytest.approx(read.level, abs=1e-3)


def test_half_of_what_the_words_move_counts_when_trees_have_the_other_half():
    seen = look(row(WARM)).seen()
    whole = replace(level_store.load(), tree_share=0.0).estimate(seen)["empathy"].parts
    half = replace(level_store.load(), tree_share=0.5).estimate(seen)["empathy"].parts
    assert [part.levels for part in half] == pytest.approx([part.levels / 2 for part in whole])


def test_an_unknown_piece_or_name_moves_nothing():
    model = level_store.load()
    plain = model.estimate(Seen({}, ((0, 2, "\ue002\ue003"),)))
    strange = model.estimate(Seen({"no.such": 9.0}, ((0, 2, "\ue000\ue001"),)))
    assert {n: e.level for n, e in plain.items()} == {n: e.level for n, e in strange.items()}


@pytest.mark.parametrize("level, score", [(-0.5, 0), (0, 10), (2, 50), (4, 90), (4.5, 100)])
def test_a_level_lies_in_the_middle_of_its_band_of_twenty(level, score):
    assert levels.Estimate(level, ()).score == score


def test_the_training_cases_load_and_every_level_is_there():
    found = [reply for case in train_cases.load(TRAIN) for reply in case.replies]
    for name in DIMENSIONS:
        counts = Counter(getattr(reply, name) for reply in found)
        assert all(counts[level] >= len(found) * 0.05 for level in range(5)), (name, counts)


def test_a_broken_training_line_is_named(tmp_path):
    (tmp_path / "levels_a.jsonl").write_text('{"id": "a"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="levels_a.jsonl 第 1 行"):
        list(train_cases.load(tmp_path))


def test_a_missing_model_says_how_to_make_it(tmp_path):
    with pytest.raises(DataError, match="python -m grading.train"):
        level_store.load(tmp_path)


def test_a_model_is_the_same_after_it_was_stored(tmp_path):
    level_store.save(level_store.load(), tmp_path / "levels.npz")
    seen = look(row(WARM)).seen()
    again = level_store.load(tmp_path).estimate(seen)
    for name, read in level_store.load().estimate(seen).items():
        assert again[name].level == pytest.approx(read.level, abs=1e-4)


def test_every_dimension_has_five_anchors_with_three_examples_each():
    book = blend.anchors()
    for name in DIMENSIONS:
        scale = getattr(book, name)
        assert [anchor.level for anchor in scale.levels] == [0, 1, 2, 3, 4]
    assert set(book.staff) == set(DIMENSIONS)


def test_what_moved_a_level_is_quoted():
    made = grade(row(WARM))
    quoted = [s for s in made.dimensions.empathy.evidence if s.kind.startswith("reads_")]
    assert quoted and all(WARM[s.start : s.end] == s.text for s in quoted)


def test_a_figure_against_the_card_asks_for_a_persons_look():
    card = ["上门时间：今天 18:00–20:00"]
    wrong = grade(row("师傅今晚九点上门，您看行吗？", card=card))
    right = grade(row("师傅今晚七点到八点上门，您看行吗？", card=[*card, "七点出发"]))
    said = "有数字和手上的资料不一样，请核对"
    assert said in wrong.review.why
    assert said not in right.review.why
    assert said not in grade(row("师傅今晚九点上门，您看行吗？")).review.why
