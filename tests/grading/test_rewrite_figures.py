import pytest

from eval import rewrites
from eval.rewrites import filled, invented, measure, sentences, told
from grading.result import GradeRow
from knowledge.datafile import DataError

CASE = {
    "id": "x-001-a", "channel": "inbound", "card": [], "staff": False,
    "history": [{"role": "customer", "text": "宽带断了四天，没人管！"}], "reply": "等着吧。",
}  # fmt: skip


def _row(reply="好", card=()):
    return GradeRow(channel="chat", reply=reply, card=list(card))


def test_slots_are_filled_as_an_agent_would():
    assert "〔" not in filled("〔时限〕前给您准信，先〔动作〕。")


@pytest.mark.parametrize("rewrite, found", [
    ("最晚19号到账", []),
    ("最晚20号到账", [20]),
    ("退您三十元", [30]),
    ("退您〔金额〕", []),
])  # fmt: skip
def test_a_figure_that_stands_nowhere_is_invented(rewrite, found):
    row = _row(card=["最晚19号入账"])
    assert [figure.value for figure in invented(row, rewrite)] == found


def test_short_sentences_and_openings_may_be_shared():
    assert list(sentences("您看这样行吗？您好，我是工号三零七六，很高兴为您服务。")) == []
    assert len(list(sentences("宽带断了四天，没人来管，换谁都着急。"))) == 1


def test_the_figures_count_every_reply_once():
    good = {**CASE, "id": "x-001-b", "reply": "我现在就去查。"}
    found = measure([CASE, good])
    assert found.replies == 2
    assert found.rewritten + found.marked_left <= 2
    assert found.unmarked_rewritten == 0
    assert any("2 条" in line for line in told(found))


def test_no_cases_are_an_error():
    with pytest.raises(DataError, match="没有可量的回复"):
        measure([])


def test_the_command_prints_figures_and_details(capsys):
    assert rewrites.main(["--details"]) == 0
    assert "凭空的数字" in capsys.readouterr().out


def test_on_the_development_replies_nothing_is_invented_and_no_two_cases_share_a_sentence():
    from eval.grading import load_cases

    found = measure(load_cases("replies", "dev"))
    assert found.invented == []
    assert (found.unmarked_rewritten, found.marked_left, found.too_long) == (0, 0, 0)
    shared = [ids for ids in found.holders.values() if len({i[:-2] for i in ids}) > 1]
    assert shared == []
