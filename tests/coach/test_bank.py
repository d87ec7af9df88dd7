import string

import pytest

from coach import bank, scenario
from knowledge.datafile import DataError

LINES = bank.load()
CASES = scenario.load_all().values()


def test_every_line_fills_from_the_slots_and_says_something():
    for line in LINES:
        filled = string.Template(line.say).substitute(thing="宽带", demand="修好", harm="误课")
        assert filled.strip(), line.id
        assert "$" not in filled, line.id
        assert set(string.Template(line.say).get_identifiers()) <= {"thing", "demand", "harm"}


def test_only_chat_lines_run_over_several_messages():
    assert all("\n" not in line.say for line in LINES if line.medium != "chat")


def test_no_text_stands_twice_in_a_medium():
    for medium in ("phone", "chat", "staff"):
        texts = [line.say for line in LINES if line.medium == medium]
        assert len(texts) == len(set(texts)), medium


def test_lines_are_difficult_but_never_degrading():
    banned = (
        "傻逼",
        "操你",
        "他妈",
        "去死",
        "贱",
        "婊",
        "自杀",
        "弄死",
        "杀了",
        "砍",
        "脑残",
        "智障",
    )
    for text in [line.say for line in LINES]:
        assert not any(word in text for word in banned), text


@pytest.mark.parametrize(
    "act",
    [
        "press", "ask_how", "ask_when", "vent", "doubt", "formula", "vague", "agree", "ack", "confirm",
        "jailbreak", "empty", "unreadable", "off_topic", "already_said", "thanks_close", "hang_up",
        "escalate", "timed_out", "refuse_close", "soften", "greet_back", "unknown", "correct", "wait_ok",
        "demand_supervisor", "decline",
    ],
)  # fmt: skip
@pytest.mark.parametrize("medium", ["phone", "chat", "staff"])
def test_every_act_has_lines_for_anybody_in_every_medium(act, medium):
    lines = bank.by_act().get((medium, act), ())
    assert [line for line in lines if not line.types and line.region is None], (medium, act)


@pytest.mark.parametrize(
    "anger, heat", [(0, "low"), (39.9, "low"), (40, "mid"), (69.9, "mid"), (70, "high"), (100, "high")]
)  # fmt: skip
def test_heat_is_the_band_of_anger(anger, heat):
    assert bank.heat_of(anger) == heat


def test_the_medium_follows_kind_and_channel():
    for case in CASES:
        expected = (
            "staff" if case.kind == "staff" else "chat" if case.channel == "chat" else "phone"
        )
        assert bank.medium_of(case) == expected


def test_a_line_fits_its_type_and_region_only():
    case = scenario.get("broadband-third-call")
    base = {"id": "t", "act": "vent", "medium": "phone", "heat": "mid", "say": "哼"}
    assert bank.fits(bank.Line(**base), case)
    assert bank.fits(bank.Line(**base, types=("irritable",)), case)
    assert not bank.fits(bank.Line(**base, types=("elderly",)), case)
    assert not bank.fits(bank.Line(**base, region="nowhere"), case)


@pytest.mark.parametrize(
    "text, message",
    [
        pytest.param(
            "- {id: a, act: vent, medium: fax, heat: low, say: 哼}", "只能是 phone、chat、staff 之一",
            id="medium",
        ),
        pytest.param(
            "- {id: a, act: vent, medium: chat, heat: low, say: 哼, mood: 1}", "没有这个字段", id="key"
        ),
        pytest.param(
            "- {id: a, act: vent, medium: chat, heat: low, say: 哼}\n"
            "- {id: a, act: vent, medium: chat, heat: low, say: 哈}", "编号 a 重复", id="id twice",
        ),
        pytest.param("[]", "应为一个非空列表", id="empty"),
    ],
)  # fmt: skip
def test_a_faulty_bank_is_refused(tmp_path, text, message):
    (tmp_path / "lines.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="lines"):
        bank.load(tmp_path)
    with pytest.raises(DataError) as error:
        bank.load(tmp_path)
    assert message in str(error.value)


def test_an_id_in_two_files_is_refused(tmp_path):
    line = "- {id: a, act: vent, medium: chat, heat: low, say: 哼}"
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_text(line, encoding="utf-8")
    with pytest.raises(DataError, match="编号 a 重复"):
        bank.load(tmp_path)
