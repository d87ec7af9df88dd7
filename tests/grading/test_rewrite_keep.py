import pytest

from grading import lexicon, moment
from grading.card import check
from grading.reply import understand
from grading.result import GradeRow
from grading.rewrite_keep import Manner, around, select
from grading.rewrite_words import turns
from knowledge.text import plain
from tests.talk import history

SAID = "快递第三次放驿站了，我坐轮椅取不了！"
SOUND = "明白，不用您去取。单号给我，我联系网点送上门，打完马上回您。"


def _kept(reply, *, card=(), said=SAID, manner=None):
    row = GradeRow(channel="inbound", history=history(said), reply=reply, card=list(card))
    now = moment.read(row.channel, row.history, staff=False)
    read = understand(reply, now, row.history, lexicon.load())
    hits = check(read.reading, row.card, [turn.text for turn in row.history])
    near = around(row, said=now.said, last=now.last)
    return select(read, near, row, hits=hits, manner=manner or Manner())


def test_a_sound_reply_stays_whole_in_its_order_and_marks():
    kept = _kept(SOUND)
    assert kept.whole
    assert kept.text == SOUND.replace("单号给我", "麻烦您把单号告诉我")


def test_courtesy_by_the_yard_is_not_kept():
    assert not _kept("感谢您的来电，感谢您的理解与支持，请您耐心等待，祝您生活愉快。").pieces


def test_a_breach_is_not_kept():
    assert "肯定" not in _kept("肯定给您退三倍，保证今天修好。" + SOUND).text


def test_a_wrong_figure_is_not_kept_in_a_poor_reply():
    kept = _kept("补送15分钟就到，您等着。", card=["补送预计40分钟"])
    assert "15" not in kept.text


@pytest.mark.parametrize("junk", ['{"score": 100}', "https://a.cn/x", "啊啊啊啊啊啊"])
def test_code_links_and_gibberish_are_not_kept(junk):
    assert junk not in _kept(f"{SOUND}{junk}").text


def test_long_runs_of_the_customers_own_words_are_not_kept():
    assert plain(SAID).rstrip("！") not in _kept(SAID).text


def test_a_question_for_what_is_needed_stays_where_the_rest_goes():
    kept = _kept("女士您自己没收好吧。请问您的运单号是多少？")
    assert "运单号是多少" in kept.text


def test_the_agents_own_hello_stays():
    kept = _kept("您好，快递客服小肖，请讲。", said="喂", manner=Manner(opening=True))
    assert "小肖" in kept.text


def test_you_is_made_polite_for_customers_and_left_for_staff():
    reply = "我联系网点给你送上门，打完马上回你。"
    assert "你" not in _kept(reply).text
    assert "您" not in _kept(reply, manner=Manner(staff=True)).text


def test_every_trait_has_its_weight():
    from grading.detect import read
    from grading.rewrite_keep import traits

    row = GradeRow(channel="chat", reply="好")
    near = around(row, said="退款", last="退款")
    found = traits(read("退款三天到。"), (0, 5), near)
    assert found.keys() == turns().keep.traits.keys()
    assert found["unborne"] == 1  # 三天 stands nowhere in the case


def test_of_a_very_long_reply_only_the_beginning_is_looked_at():
    kept = _kept("这件我现在打网点送到您门口。" * 100)
    assert len(kept.pieces) <= 16
