import pytest

from tests.talk import COMPLAINT, graded, kinds


def dimension(name, reply, *said, channel="inbound", **more):
    return getattr(graded(reply, *said, channel=channel, **more).dimensions, name)


BILL = "帮我查一下我这个月的话费账单"
MOTHER = "帮我查下我妈的住院报告"
BOSS = "我要找你们领导"
BYE = "没别的事了，再见"


@pytest.mark.parametrize(
    "name, said, better, worse",
    [
        pytest.param("politeness", "喂，你好", "您好，星河宽带 3076 号为您服务，请讲。", "说。",
                     id="greeting at the start"),
        pytest.param("politeness", COMPLAINT, "您慢慢说，我记着。", "说吧，我记着。", id="courteous"),
        pytest.param("politeness", BILL, "麻烦您报一下登记姓名，可以吗？", "报一下登记姓名。",
                     id="asked and not told"),
        pytest.param("politeness", BILL, "请问您的尾号是多少？", "请问你的尾号是多少？", id="您 over 你"),
        pytest.param("politeness", BYE, "感谢您的来电，再见。", "嗯。", id="a farewell"),
        pytest.param("procedure", COMPLAINT, "我现在给您派师傅，今天四点前到，您看可以吗？",
                     "我们会尽快处理。", id="a deed and a time over 尽快"),
        pytest.param("procedure", BILL, "为了保护账户，先跟您核对登记姓名和证件后四位，可以吗？",
                     "您这个月一共 128 元。", id="identity first"),
        pytest.param("procedure", MOTHER, "为了保护她本人，报告要本人或持委托书办理，请问您方便带她的证件来吗？",
                     "好的，她的报告我念给您听。", id="a third party's data"),
        pytest.param("procedure", BOSS, "我请值班主管在下午三点前给您回电，情况我来转告。",
                     "您先说什么事。", id="the way to a supervisor"),
        pytest.param("procedure", "打错了？你们发的货不对",
                     "您收到的是哪一件，跟订单差在哪里？", "好的。", id="a question over a nod"),
        pytest.param("procedure", "厨房有煤气味，我头晕",
                     "先别开灯，打开窗户，马上到屋外去，再拨 119。", "请报一下您的户号。", id="safety"),
    ],
)  # fmt: skip
def test_what_the_moment_makes_due_scores_higher_when_given(name, said, better, worse):
    chosen = dimension(name, better, said).score, dimension(name, worse, said).score
    assert chosen[0] > chosen[1]


def test_closing_words_are_not_asked_for_in_the_middle_of_a_complaint():
    for name in ("politeness", "procedure"):
        judged = dimension(name, "请问光猫亮红灯吗？", COMPLAINT)
        assert "missing_closing" not in kinds(judged.evidence)
    assert "missing_closing" in kinds(dimension("politeness", "嗯知道", BYE).evidence)


def test_identity_is_not_asked_for_in_a_public_question():
    public = dimension("procedure", "上午九点到下午五点。", "你们营业厅几点开门")
    assert "missing_verify_identity" not in kinds(public.evidence)
    private = dimension("procedure", "您这个月一共 128 元。", BILL)
    assert "missing_verify_identity" in kinds(private.evidence)


def test_every_gap_quotes_words_that_made_it_due():
    said = COMPLAINT + "什么时候来人？我要找你们领导！"
    result = graded("嗯。", said)
    gaps = [
        span
        for one in (result.dimensions.politeness, result.dimensions.procedure)
        for span in one.evidence
        if span.kind.startswith("missing_")
    ]
    assert {"missing_timeframe", "missing_transfer"} <= kinds(gaps)
    for gap in gaps:
        assert (gap.text, gap.start, gap.end) == ("", None, None)
        assert gap.because.text and gap.because.text in said, gap.kind


def test_a_staff_talk_is_asked_for_listening_and_not_for_service_phrases():
    said = "员工：我这个月又没达标，不想说了"
    asked = dimension("procedure", "当时是怎么回事，你先说说？", said)
    told = dimension("procedure", "达标是规定，下个月补上。", said)
    assert asked.score > told.score
    for name in ("politeness", "procedure"):
        found = kinds(dimension(name, "当时是怎么回事，你先说说？", said).evidence)
        assert not found & {"missing_greeting", "missing_self_intro", "missing_address"}


HONEST = "这几天耽误您了，抱歉。我现在给您派师傅，今天四点前到，您看可以吗？"


@pytest.mark.parametrize(
    "padded, flag",
    [
        pytest.param(HONEST + "等我哦～亲", "playful", id="coy words to an angry customer"),
        pytest.param(HONEST + "😊", "playful", id="a smile to an angry customer"),
        pytest.param(HONEST.replace("到，", "到！！！"), "shouting", id="many marks"),
        pytest.param("{昵称}，" + HONEST, "placeholder", id="a slot left open"),
        pytest.param(HONEST + "祝您生活愉快。", "cheerful_bye", id="cheer after a loss"),
        pytest.param(HONEST + "你放心。", "mixed_you", id="你 beside 您"),
    ],
)
def test_a_fault_of_manner_is_flagged_and_takes_points(padded, flag):
    clean, faulty = graded(HONEST), graded(padded)
    assert flag not in clean.flags and flag in faulty.flags
    assert faulty.dimensions.politeness.score < clean.dimensions.politeness.score


def test_a_wave_in_a_cheerful_talk_is_no_fault():
    assert "playful" not in graded("好的哦～", "请问几点开门", channel="chat").flags


@pytest.mark.parametrize(
    "reply, words",
    [
        pytest.param("我们会尽快处理的。", "尽快", id="a vague promise"),
        pytest.param("哎呀姐，您拿个主意嘛～", "嘛", id="too familiar"),
    ],
)
def test_points_taken_for_something_said_name_its_words(reply, words):
    result = graded(reply, "我的快递还没到，你们到底怎么回事")
    parts = result.dimensions
    spans = [s for p in (parts.politeness, parts.procedure) for s in p.evidence if s.kind == "tone"]
    assert any(words in span.text for span in spans)
    for span in spans:
        assert reply[span.start : span.end] == span.text
