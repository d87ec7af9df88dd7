import pytest

from knowledge import text


@pytest.mark.parametrize(
    "raw, norm",
    [
        pytest.param("ＡＨＴ", "aht", id="full width and capitals"),
        pytest.param("您好!", "您好！", id="punctuation becomes wide"),
        pytest.param("歡迎來電", "欢迎来电", id="traditional becomes simplified"),
        pytest.param("对 不 起", "对不起", id="characters set apart are joined"),
        pytest.param("你好 世界", "你好 世界", id="a blank between words stays"),
        pytest.param("你\u200b好", "你好", id="an invisible character goes"),
        pytest.param("1,000元", "1,000元", id="the comma in a number stays narrow"),
        pytest.param("a  \t b", "a b", id="blanks are one blank"),
        pytest.param("一\r二", "一\n二", id="every line end is one"),
        pytest.param("坏\ud800字", "坏字", id="half a surrogate goes"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_plain_gives_the_normal_form(raw, norm):
    assert text.plain(raw) == norm


@pytest.mark.parametrize("raw", ["对 不 起，ＡＨＴ…", "㎏和½", "1,000：30", "歡 迎 您", "ﬁn"])
def test_every_normal_character_points_into_the_text_as_typed(raw):
    found = text.normalise(raw)
    assert len(found.origin) == len(found.norm) + 1
    assert found.origin[-1] == len(raw)
    assert list(found.origin) == sorted(found.origin)


def test_a_span_points_to_the_words_as_typed():
    found = text.normalise("他说对 不 起。")
    at = found.norm.index("对不起")
    start, end = found.span(at, at + 3)
    assert found.raw[start:end] == "对 不 起"


@pytest.mark.parametrize("start, end", [(-1, 1), (1, 1), (0, 3)])
def test_a_span_outside_the_text_is_refused(start, end):
    with pytest.raises(ValueError, match=f"span {start}:{end} outside 0:2"):
        text.normalise("您好").span(start, end)


def test_clauses_are_cut_at_marks_and_count_sentences():
    found = text.clauses("您好，请稍等。马上回来！")
    assert [(c.text, c.sentence, c.tail) for c in found] == [
        ("您好", 0, "，"), ("请稍等", 0, "。"), ("马上回来", 1, "！"),
    ]  # fmt: skip


@pytest.mark.parametrize("norm", ["", "。。。", "  "])
def test_nothing_but_marks_has_no_clause(norm):
    assert text.clauses(norm) == []


def test_our_trade_words_are_kept_whole():
    assert "同理心" in text.words("没有同理心")
    assert "接通率" in text.words("接通率低")


def test_words_leave_punctuation_out():
    assert text.words("您好。") == text.words("您好")


def test_ngrams_never_cross_a_mark():
    assert list(text.ngrams("倾听，反馈", (2,))) == ["倾听", "反馈"]


def test_ngrams_of_a_run_shorter_than_the_size_are_none():
    assert list(text.ngrams("听", (2, 3))) == []


@pytest.mark.parametrize("norm, is_chinese", [("aht是多少", True), ("aht", False), ("", False)])
def test_has_chinese(norm, is_chinese):
    assert text.has_chinese(norm) is is_chinese
