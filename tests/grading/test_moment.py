import pytest

from grading import moment
from knowledge.datafile import DataError
from tests.talk import history


def read(*said, channel="inbound", staff=False):
    return moment.read(channel, history(*said), staff=staff)


@pytest.mark.parametrize(
    "said, heat",
    [
        pytest.param("请问套餐怎么收费", 0, id="a question"),
        pytest.param("快递丢了，我很着急", 1, id="worried"),
        pytest.param("我打了三次了，没人管，我要投诉", 2, id="complaining"),
        pytest.param("你们就是骗子，气死我了", 3, id="furious"),
    ],
)
def test_heat_grows_with_the_words(said, heat):
    now = read(said)
    assert now.heat == heat
    # heat2 means "at least 2": one flag for each level reached
    assert {f for f in now.flags if f.startswith("heat") and "." not in f} == {
        f"heat{level}" for level in range(1, heat + 1)
    }


def test_anger_shown_before_leaves_some_heat_until_the_customer_thanks():
    before = ("我要投诉，没人管", "座席：我来查")
    assert read(*before, "那个型号是A3").heat == 1
    assert read(*before, "好的谢谢你").heat == 0


def test_the_agents_words_raise_no_heat():
    assert read("请问怎么收费", "座席：您别投诉，骗子才这样说", "哦").heat == 0


def test_the_last_words_are_all_since_the_agent_spoke():
    now = read("第一句", "座席：好", "第二句", "第三句")
    assert now.last == "第二句\n第三句"
    assert now.last_turn == 3


def test_a_flag_quotes_the_words_that_raised_it():
    now = read("我要找你们领导")
    assert "wants_boss" in now.flags
    assert now.quotes["wants_boss"] in now.last


@pytest.mark.parametrize(
    "said, flag, expected",
    [
        pytest.param(["喂，你好"], "cold_open", True, id="only a greeting"),
        pytest.param(["我的宽带断了"], "cold_open", False, id="straight to the matter"),
        pytest.param([], "cold_open", True, id="nobody spoke yet"),
        pytest.param([], "has_customer", False, id="no words yet"),
        pytest.param(["我的宽带断了"], "opening", True, id="no reply yet"),
        pytest.param(["在吗", "座席：在", "断了"], "opening", False, id="after a reply"),
        pytest.param(["一", "座席：二", "三"], "longtalk", False, id="three turns"),
        pytest.param(["一", "座席：二", "三", "四"], "longtalk", True, id="four turns"),
        pytest.param(["网断了"], "unclear", True, id="short and no question"),
        pytest.param(["网断了，怎么办"], "unclear", False, id="asks something"),
        pytest.param(["查下话费", "座席：信息核对一致", "嗯"], "unverified", False, id="checked"),
        pytest.param(["查下话费", "座席：请问尾号", "嗯"], "unverified", True, id="not checked"),
        pytest.param(["员工：我不想干了"], "staff", True, id="a colleague speaks"),
        pytest.param(["我不想干了"], "staff", False, id="a customer speaks"),
        pytest.param(["坏了", "座席：稍等，我查一下", "嗯"], "waited", True, id="was kept waiting"),
        pytest.param(
            ["坏了", "座席：稍等", "嗯", "座席：好了", "嗯"], "waited", False, id="waited long ago"
        ),
    ],
)
def test_what_stands_before_the_reply_raises_its_flag(said, flag, expected):
    assert (flag in read(*said).flags) is expected


@pytest.mark.parametrize("channel", ["inbound", "outbound", "chat", "in_person"])
def test_the_channel_is_a_flag_and_only_calls_are_phone(channel):
    flags = read("喂", channel=channel).flags
    assert channel in flags
    assert ("phone" in flags) is (channel in ("inbound", "outbound"))


def test_comfort_is_remembered_but_a_formula_is_not():
    told = "座席：孩子的网课落下了四天，换谁都着急"
    assert "comforted" in read("断网了", told, "嗯").flags
    assert "comforted" not in read("断网了", "座席：您的心情我非常理解", "嗯").flags


def test_a_long_message_is_read_in_bounded_part():
    assert len(read("很" * 20_000).last) == 600


def test_an_unknown_key_is_refused_by_file_and_entry(tmp_path):
    path = tmp_path / "moments.yaml"
    path.write_text("- {id: asks, last: [吗], mood: 1}", encoding="utf-8")
    with pytest.raises(DataError, match=r"moments\.yaml：asks：mood：没有这个字段"):
        moment.read("chat", [], staff=False, folder=tmp_path)


def test_a_broken_pattern_is_refused_by_file_and_entry(tmp_path):
    (tmp_path / "moments.yaml").write_text("- {id: asks, last: ['吗(']}", encoding="utf-8")
    with pytest.raises(DataError, match=r"moments\.yaml：asks：“吗\(”不是合法的句式"):
        moment.read("chat", [], staff=False, folder=tmp_path)
