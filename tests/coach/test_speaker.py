import pytest

from coach import speaker, train
from grading.pattern import compile_any


@pytest.mark.parametrize("text", [
    "我这就帮您登记加急，稍后有专员跟您联系",
    "请您提供一下订单号，我为您核实",
    "给您带来的不便，我们深表歉意",
])  # fmt: skip
def test_an_agents_sentence_sounds_like_an_agent(text):
    assert speaker.like_agent(f"哎呀，{text}。行了吧。", 0.9, 5)


@pytest.mark.parametrize("text", [
    "你们到底什么时候给我修", "我都打了三回了，没一个人理我", "别跟我扯这些，退钱",
])  # fmt: skip
def test_a_customers_sentence_does_not(text):
    assert speaker.like_agent(text, 0.9, 5) is None


def test_what_is_quoted_too_short_or_without_the_words_is_not_judged():
    said = "我这就帮您登记加急，稍后有专员跟您联系"
    assert speaker.like_agent(f"又是“{said}”。", 0.5, 5) is None
    assert speaker.like_agent(said, 0.5, 99) is None
    assert speaker.like_agent(said, 0.5, 5, compile_any(["网断了"], "test")) is None


def test_sentences_are_counted_in_chinese_characters():
    assert speaker.sentences("好的。您稍等一下！abc def。", 3) == ["您稍等一下"]


def test_it_is_trained_on_both_sides_and_never_on_cases():
    learned = train.rows()
    sides = [bool(row["signals"]) for row in learned]
    assert min(sides.count(True), sides.count(False)) > 2000
    assert len({row["text"] for row in learned}) == len(learned)
