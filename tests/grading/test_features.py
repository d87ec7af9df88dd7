from collections import Counter

from grading.features import MAX_CHARS, pieces


def test_pieces_are_runs_of_one_to_four_and_pairs_apart():
    # "^好的$": 4 + 3 + 2 + 1 runs; pairs two apart ^的 好$, three apart ^$
    found = Counter(pieces("好的"))
    assert set(found) == {
        "^", "好", "的", "$", "^好", "好的", "的$", "^好的", "好的$", "^好的$", "^~的", "好~$", "^~$",
    }  # fmt: skip
    assert found.total() == 13


def test_white_space_around_a_sentence_changes_nothing():
    assert list(pieces(" 好的 ")) == list(pieces("好的"))


def test_only_the_beginning_of_a_long_text_counts():
    assert list(pieces("好" * MAX_CHARS)) == list(pieces("好" * MAX_CHARS + "的" * 100_000))
