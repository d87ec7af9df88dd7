import pytest

from grading.result import GradeRow
from grading.rewrite_case import facts, hear, items_to_check
from grading.rewrite_words import openers
from knowledge.text import plain
from tests.talk import history


def _heard(*said, card=(), staff=False):
    row = GradeRow(channel="inbound", history=history(*said), reply="嗯", card=list(card))
    last = plain(row.history[-1].text)
    return row, hear(row, plain("\n".join(said)), last, staff=staff), last


@pytest.mark.parametrize("said, fact", [
    ("宽带断了四天，孩子网课全耽误了！", "宽带断了四天，孩子网课全耽误了"),
    ("喂，我妈住院等着用钱。", "您母亲住院等着用钱"),
    ("这是这个月第三次。", "这个月第三次"),
])  # fmt: skip
def test_a_clean_clause_becomes_the_fact(said, fact):
    assert _heard(said)[1].fact == fact


@pytest.mark.parametrize("said", [
    "凭什么扣我钱？",
    "你们什么时候来？",
    "你们是不是骗子？",
    "别跟我说重启。",
    "要是明天还不到，",
    "我就想知道",
])  # fmt: skip
def test_questions_insults_orders_and_half_clauses_are_no_facts(said):
    assert _heard(said)[1].fact == ""


def test_an_earlier_turn_gives_the_fact_where_the_last_holds_none():
    heard = _heard("宽带断了四天。", "座席：您好。", "到底怎么回事？")[1]
    assert heard.fact == "宽带断了四天"


@pytest.mark.parametrize("said, kind", [
    ("什么时候能到？", "when"),
    ("到底扣了多少钱？", "much"),
    ("为什么取消了？", "why"),
    ("能不能退？", "can"),
])  # fmt: skip
def test_what_is_asked_is_told_by_its_kind(said, kind):
    assert _heard(said)[1].asked.id == kind


def test_a_question_that_only_insults_asks_nothing():
    assert _heard("你们是不是废物，什么时候死？")[1].asked is None


def test_the_matter_is_named_by_its_noun():
    assert _heard("我的退款还没到。")[1].topic == "退款"
    assert _heard("你好，在吗。")[1].topic == ""


def test_an_insult_is_never_quoted():
    assert "骗子" not in _heard("你们这帮骗子，坑死我了")[1].words


def test_the_kind_of_event_decides_the_mood():
    heard = _heard("钱被骗走了三千。")[1]
    assert openers().moods[heard.mood].id == "risk"


def test_a_line_with_the_figure_that_was_asked_comes_first():
    card = ["运费由店里出", "最晚19号入账"]
    row, heard, last = _heard("钱什么时候到？", card=card)
    assert facts(row, heard, last, [])[0].line == card[1]


def test_a_line_that_the_reply_got_wrong_comes_before_all():
    card = ["最晚19号入账", "补送预计40分钟"]
    row, heard, last = _heard("钱什么时候到？", card=card)
    assert facts(row, heard, last, [card[1]])[0].line == card[1]


@pytest.mark.parametrize("line", ["不得索要密码", "坐席不可判断", "客服无法加快入账"])
def test_a_line_for_the_agent_alone_is_not_told(line):
    row, heard, last = _heard("怎么办？", card=[line])
    assert facts(row, heard, last, []) == []


@pytest.mark.parametrize("line, aloud", [
    ("可提供流水号供客户问银行", "可以提供流水号供您问银行"),
    ("入账一般1–7个工作日", "入账一般1到7个工作日"),
    ("停卡50元/月", "停卡50元每月"),
    ("拒赔理由:健康告知不符", "拒赔理由是健康告知不符"),
    ("管理员可在手机端解锁", "管理员可以在手机端解锁"),
    ("免费改次日6:40或8:20", "免费改次日6:40或8:20"),
])  # fmt: skip
def test_a_line_of_the_card_is_said_aloud(line, aloud):
    row, heard, last = _heard("怎么办？", card=[line])
    assert [fact.text for fact in facts(row, heard, last, [])] == [aloud]


def test_a_line_that_is_too_long_is_cut_at_a_mark_or_left_out():
    row, heard, last = _heard("怎么办？", card=["很长" * 40, "第一段" * 5 + "，" + "很长" * 30])
    assert [fact.text for fact in facts(row, heard, last, [])] == ["第一段" * 5]


def test_what_to_check_comes_from_the_card():
    assert items_to_check(["挂失需核对：姓名、证件号码"]) == "姓名、证件号码"
    assert items_to_check(["不得核对密码", "运费到付"]) == ""
