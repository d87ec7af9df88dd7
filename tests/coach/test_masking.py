"""Masking: what identifies a person is hidden, what a talk needs stays, and only this machine is ours."""

import pytest

from coach import masking
from coach.masking import is_loopback, mask
from knowledge.datafile import DataError

HIDDEN = [
    # mobile numbers: the first three and the last four stay
    ("我手机13812341234", "我手机138****1234"),
    ("打我电话 13912345678，谢谢", "打我电话 139****5678，谢谢"),
    ("138 1234 1234", "138****1234"),
    ("138-1234-1234 这个号", "138****1234 这个号"),
    ("+8613812341234", "+86138****1234"),
    ("+86 138 1234 1234", "+86 138****1234"),
    ("0086-13812341234", "0086-138****1234"),
    ("8613812341234打不通", "86138****1234打不通"),
    ("138 123 41234", "138****1234"),
    ("1381 234 1234", "138****1234"),
    ("1381 2341 234", "138****1234"),
    ("13812341234、18900001111都是我的", "138****1234、189****1111都是我的"),
    ("１３８１２３４１２３４", "１３８****１２３４"),
    ("手机号是:19912345678。", "手机号是:199****5678。"),
    ("联系方式17012345678(微信同号)", "联系方式170****5678(微信同号)"),
    ("138·1234·1234", "138****1234"),
    # landlines: the area code and the last four
    ("座机0731-88221234", "座机0731-****1234"),
    ("010 62345678", "010 ****5678"),
    ("(0731)88221234", "(0731)****1234"),
    ("（021）6234 5678", "（021）****5678"),
    ("02162345678", "021****5678"),
    ("家里电话是88221234", "家里电话是****1234"),
    ("固话8822-1234", "固话****1234"),
    # identity numbers: only the last character; 17 hidden
    ("身份证430602198001011234", "身份证*****************4"),
    ("43060219800101123X", "*****************X"),
    ("号码是11010519491231002x，核对一下", "号码是*****************x，核对一下"),
    ("430602 19800101 1234", "*****************4"),
    ("430602-1980-0101-1234", "*****************4"),
    ("430602-19800101-1234", "*****************4"),
    ("身份证号：430602800101123", "身份证号：**************3"),
    ("身份证号码为 430602198013411234", "身份证号码为 *****************4"),
    # cards: the last four
    ("卡号6222021234567890123", "卡号***************0123"),
    ("6222 0212 3456 7890 123", "***************0123"),
    ("6222-0212-3456-7890", "************7890"),
    ("4392250012345678扣了两次", "************5678扣了两次"),
    ("银行卡号是 6217001234567890", "银行卡号是 ************7890"),
    ("信用卡卡号：5123 4567 8901 2345", "信用卡卡号：************2345"),
    ("储蓄卡号62284801234567", "储蓄卡号**********4567"),
    # orders and the like: the last four
    ("订单号E20261124001", "订单号********4001"),
    ("订单号是 7788990012", "订单号是 ******0012"),
    ("订单编号：202611240015", "订单编号：********0015"),
    ("单号SF1234567890123", "单号***********0123"),
    ("SF1234567890123 到哪了", "***********0123 到哪了"),
    ("快递单号 YT9876543210", "快递单号 ********3210"),
    ("运单号JD0012345678", "运单号********5678"),
    ("工单号GD20261124008", "工单号*********4008"),
    ("保单号 PICC2026001234", "保单号 **********1234"),
    ("合同号HT-2026-00123", "合同号*******0123"),
    ("户号0012345678", "户号******5678"),
    ("会员号880012345", "会员号*****2345"),
    ("流水号20261124093011", "流水号**********3011"),
    ("账号为 66778899", "账号为 ****8899"),
    ("订单8899001122一直没发", "订单******1122一直没发"),
    ("票号7812345678901", "票号*********8901"),
    ("取件号 100234567", "取件号 *****4567"),
    ("单号“9900112233”", "单号“******2233”"),
    # numbers read out in characters
    ("一三八一二三四一二三四", "*******一二三四"),
    ("我号码幺三八零零零零幺二三四，记一下", "我号码*******幺二三四，记一下"),
    ("一三八，一二三四，一二三四", "*******一二三四"),
    # names
    ("我叫邓桂芳，", "我叫邓**，"),
    ("我叫张伟", "我叫张**"),
    ("户主叫彭大勇，你们记一下", "户主叫彭**，你们记一下"),
    ("姓名：欧阳建国", "姓名：欧阳**"),
    ("收件人李晓明，", "收件人李**，"),
    ("机主是王强吧", "机主是王**吧"),
    ("邓桂芳女士您好", "邓**女士您好"),
    ("您是张伟先生吗", "您是张**先生吗"),
    ("李建国师傅上门", "李**师傅上门"),
    ("联系人：何敏 电话13812341234", "联系人：何** 电话138****1234"),
    ("被保险人司马青云的保单", "被保险人司马**的保单"),
    ("投保人是周一鸣。", "投保人是周**。"),
]

STAYS = [
    "下午四点到六点师傅上门",
    "16:00–18:00 能来吗",
    "18:30之前",
    "2026-11-24 10:30:00",
    "2026年11月24日",
    "2026/11/24 到 2026/12/24",
    "2026.11.24开始算",
    "20261124那天",
    "订单2026-11-24下的",
    "一共1299.50元",
    "扣了我300000块钱",
    "¥12,345,678.90",
    "一百二十三万四千五百",
    "12315投诉",
    "打10086、10010、10000都没用",
    "95588和95566",
    "400-800-8888",
    "4008008888",
    "12345热线，110报警，120急救",
    "工号1024",
    "我的工号是8866，有事找我",
    "24小时内回电",
    "48小时、3个工作日",
    "1年3个月零12天",
    "距离350公里，开车4小时",
    "离您1.5km",
    "版本 v5.23.0",
    "系统 10.0.19045.3803",
    "iOS 17.6.1，iPhone15ProMax",
    "路由器型号AX3000，频段5.8G",
    "192.168.1.1",
    "100M宽带，下载只有2.5MB/s",
    "GB/T 28181-2016",
    "温度36.5度，湿度60%",
    "尾号1234的卡",
    "身份证后四位1234",
    "验证码后两位是66",
    "一二三四五六七八九十",
    "打了三次，等了四天",
    "对于张女士的意见",
    "张先生您好，王女士您好",
    "李经理、王师傅、何主任",
    "我叫了师傅，他没来",
    "我叫你们经理来",
    "马上处理，方便的话",
    "高兴先生？没这人",
    "我是高兴还是难过您听不出来吗",
    "联系人还没定",
    "任何一位女士",
    "户主是我老公",
    "3号楼2单元1501室",
    "CA1234航班，G1024次",
    "第1500-2000名",
    "满分100，得了86",
    "¥0.01",
    "B2.1.2.3 和 L1.5.S6",
    "订单金额1000000元",
    "每月1日扣39元，共12期468元",
    "8:00-20:00，周一至周五",
    "1小时40分钟",
]


@pytest.mark.parametrize("text, expected", HIDDEN, ids=[row[0] for row in HIDDEN])
def test_what_identifies_a_person_is_hidden(text, expected):
    assert mask(text) == expected


@pytest.mark.parametrize("text", STAYS)
def test_what_a_talk_needs_stays(text):
    assert mask(text) == text


def test_both_lists_are_long_enough_to_measure():
    assert len(HIDDEN) >= 60
    assert len(STAYS) >= 40


@pytest.mark.parametrize("text", [row[0] for row in HIDDEN] + STAYS)
def test_masking_twice_changes_nothing(text):
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize(
    "text, names, expected",
    [
        pytest.param("罗小满今天请假", ["罗小满"], "罗**今天请假", id="anywhere in the text"),
        pytest.param("欧阳娜娜在", ["欧阳娜娜"], "欧阳**在", id="compound surname"),
        pytest.param("单丽萍和单丽", ["单丽", "单丽萍"], "单**和单**", id="the longer one first"),
        pytest.param("他姓王，王道", ["王"], "他姓王，王道", id="one character is no name"),
        pytest.param("John来了", [" John "], "J**来了", id="not Chinese"),
        pytest.param("没有人", [], "没有人", id="none given"),
    ],
)
def test_given_names_are_hidden_wherever_they_stand(text, names, expected):
    assert mask(text, names) == expected


@pytest.mark.parametrize(
    "url, ours",
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://localhost:11434/v1", True),
        ("http://LOCALHOST/v1", True),
        ("http://[::1]:8080/v1", True),
        ("http://127.8.9.1/v1", True),
        ("http://0.0.0.0:8000/v1", False),
        ("http://192.168.1.5:8000/v1", False),
        ("http://10.0.0.1/v1", False),
        ("https://llm.example.cn/v1", False),
        ("http://localhost.example.cn/v1", False),
        ("http://127.0.0.1.example.cn/v1", False),
        ("http://127.0.0.1@example.cn/v1", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_only_this_machine_is_loopback(url, ours):
    assert is_loopback(url) is ours


HEAD = 'version: "1"\ncompound: [欧阳]\nsurnames: 王李\ntitles: [先生]\nnot_names: []\nnot_exactly: []\nrules:\n'
RULE = "  - {id: a, keep: tail4, match: '[0-9]{12}'}\n"


@pytest.mark.parametrize(
    "text, message",
    [
        pytest.param(HEAD + RULE + RULE, "编号 a 重复", id="an id twice"),
        pytest.param(
            HEAD + RULE.replace("[0-9]{12}", "(12"), "a 的 match 写法有误", id="a pattern"
        ),
        pytest.param(HEAD + RULE.replace("tail4", "tail5"), "keep 写成了“tail5”", id="a kind"),
        pytest.param(HEAD + RULE.replace("keep", "kept"), "rules", id="a key"),
    ],
)
def test_a_wrong_rule_is_named(tmp_path, text, message):
    path = tmp_path / "masking.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="masking.yaml") as caught:
        masking.book(path)
    assert message in str(caught.value)
