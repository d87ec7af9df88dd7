"""Thinking is never shown, wherever the pieces are cut."""

import pytest

from coach.engine import EngineError
from coach.thinking import ThinkFilter

THOUGHTS = [
    pytest.param("<think>\n想\n</think>\n\n你好", False, "你好", id="thinking first"),
    pytest.param("你好<think>想</think>呀", False, "你好呀", id="in the middle"),
    pytest.param("想</think>你好", True, "你好", id="opened by the prompt"),
    pytest.param("<think>想完了没有", False, "", id="never closed"),
    pytest.param("<think>一</think><think>二</think>好", False, "好", id="twice"),
    pytest.param("价格<100", False, "价格<100", id="no tag"),
    pytest.param("你好<", False, "你好<", id="a lone sign"),
    pytest.param("你好<thi", False, "你好", id="cut in the tag"),
]


@pytest.mark.parametrize("said, inside, shown", THOUGHTS)
def test_thinking_is_never_shown_wherever_the_pieces_are_cut(said, inside, shown):
    for size in range(1, len(said) + 1):
        think = ThinkFilter(inside)
        pieces = [think.feed(said[at : at + size]) for at in range(0, len(said), size)]
        assert "".join(pieces) + think.finish() == shown
        assert think.given is bool(shown)


def test_an_end_without_a_beginning_is_refused_since_what_was_shown_was_thinking():
    for size in range(1, 8):
        think = ThinkFilter()
        with pytest.raises(EngineError, match="把思考过程当成回答") as fault:
            for at in range(0, 12, size):
                think.feed("先想想</think>你好"[at : at + size])
        assert fault.value.kind == "broken"
