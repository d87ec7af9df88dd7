import time

import pytest

from grading.pattern import compile_any
from knowledge.datafile import DataError


def found(pattern, text):
    return compile_any([pattern], "t.yaml：a").search(text) is not None


@pytest.mark.parametrize(
    "pattern, text, expected",
    [
        pytest.param("派…师傅", "派一二三四五六七八师傅", True, id="eight characters between"),
        pytest.param("派…师傅", "派一二三四五六七八九师傅", False, id="nine are too many"),
        pytest.param("派…师傅", "派人，师傅", False, id="never over a comma"),
        pytest.param("派……师傅", "派人，让师傅", True, id="the long gap passes a comma"),
        pytest.param("派……师傅", "派人。师傅", False, id="the long gap stops at a full stop"),
        pytest.param("派……师傅", "派" + "一" * 24 + "师傅", True, id="24 characters between"),
        pytest.param("派……师傅", "派" + "一" * 25 + "师傅", False, id="25 are too many"),
        pytest.param("派……师傅", "派人\n师傅", False, id="the long gap stops at a line's end"),
    ],
)
def test_gaps_are_bounded_and_stay_in_their_clause_or_sentence(pattern, text, expected):
    assert found(pattern, text) is expected


def test_any_alternative_finds_and_its_place_is_given():
    pattern = compile_any(["没有的", "师(傅|父)"], "t.yaml：a")
    assert [m.span() for m in pattern.finditer("师傅和师父")] == [(0, 2), (3, 5)]
    assert pattern.source == ("没有的", "师(傅|父)")


def test_a_search_stays_between_start_and_end():
    pattern = compile_any(["师傅"], "t.yaml：a")
    assert pattern.search("来师傅了", 0, 3).span() == (1, 3)
    assert pattern.search("来师傅了", 0, 2) is None
    assert pattern.search("来师傅了", 2) is None


@pytest.mark.parametrize(
    "alternatives, message",
    [
        pytest.param([], "t.yaml：a：至少要写一个词或句式", id="empty list"),
        pytest.param([""], "t.yaml：a：“”不能为空", id="empty word"),
        pytest.param(["派.*人"], "“派.*人”不能为空，也不能用 * 或 + ", id="star"),
        pytest.param(["派.+人"], "“派.+人”不能为空，也不能用 * 或 + ", id="plus"),
        pytest.param(["派.{2,}人"], "“派.{2,}人”不能为空，也不能用", id="open braces"),
        pytest.param(["好", "派(人"], "“派(人”不是合法的句式", id="open bracket"),
    ],
)
def test_a_bad_alternative_is_refused_by_name(alternatives, message):
    with pytest.raises(DataError) as error:
        compile_any(alternatives, "t.yaml：a")
    assert message in str(error.value)


@pytest.mark.parametrize("pattern", ["[*+]", r"\+", r"\*", "派.{1,3}人"])
def test_a_bounded_or_escaped_sign_is_allowed(pattern):
    assert compile_any([pattern], "t.yaml：a").source == (pattern,)


def test_time_grows_no_faster_than_the_text():
    pattern = compile_any(["派……师傅……上门", "(派|叫)…人…来"], "t.yaml：a")

    def seconds(length):
        text, start = "派叫" * (length // 2), time.perf_counter()
        pattern.search(text)
        return time.perf_counter() - start

    short = min(seconds(2_000) for _ in range(5))
    # ten times the text: linear is ×10, quadratic ×100; the bar stands between
    assert min(seconds(20_000) for _ in range(5)) < 40 * short
