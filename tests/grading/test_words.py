import pytest

from grading.words import case_words, copied_ratio

SAID = "我家宽带从周一断到今天周四一直没有人来修"


@pytest.mark.parametrize(
    "reply, expected",
    [
        pytest.param(SAID, 1.0, id="word for word"),
        pytest.param("，".join([SAID[:10], SAID[10:]]), 1.0, id="punctuation does not hide it"),
        pytest.param("一二三四五六七八九十" + SAID[:10], 0.5, id="half is ten of twenty"),
        pytest.param(SAID[:9] + "了我这就去给您看一看", 0.0, id="nine in a row are no copy"),
        pytest.param("宽带断了", 0.0, id="too short to tell"),
    ],
)
def test_copying_is_the_share_in_runs_of_ten(reply, expected):
    assert copied_ratio(reply, SAID) == pytest.approx(expected)


def test_nothing_is_copied_from_a_short_line():
    assert copied_ratio(SAID, "没网了") == 0.0


def test_case_words_are_pairs_and_numbers_but_not_everyday_pairs():
    found = case_words("你们扣了129.5元网费")
    assert {"129.5", "网费"} <= found
    assert "你们" not in found
    assert case_words("，。！") == set()
