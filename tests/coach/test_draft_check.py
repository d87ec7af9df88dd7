"""What a draft's text may hold and how it must play: each refusal names line, field and remedy."""

import pytest

from coach import draft_check, scenario
from coach.draft import check
from coach.draft_yaml import dump
from knowledge.datafile import DataError
from tests.coach.drafts import composed, text

GOOD = text()


def changed(**fields):
    table = composed()
    table.update(fields)
    return dump(table)


def spoilt(change):
    table = composed()
    change(table)
    return dump(table)


def _unfinished(table):
    right = table["paths"]["right"]
    table["paths"]["right"] = [*right[:-2], right[-2].replace("这样安排，您看可以吗？", "")]


def test_a_good_draft_passes():
    assert check(GOOD).is_draft


@pytest.mark.parametrize(
    "bad, message",
    [
        pytest.param("x" * 70_000, "超过 64 KB", id="large"),
        pytest.param("a: [1\nb: 2", "第 2 行：YAML 写法有误", id="torn"),
        pytest.param("- 一\n- 二", "应为一组键值", id="a list"),
        pytest.param("a: &x [1]\nb: *x", "不能用 & \\* !", id="anchors"),
        pytest.param("a: !!python/object:os.system x", "不能用 & \\* !", id="tags"),
        pytest.param("a: " + "[" * 3000, "太深|写法有误", id="deep"),
        pytest.param("a: 2026-13-45", "有不能用的值", id="no such day"),
        pytest.param("", "应为一组键值", id="empty"),
        pytest.param(
            GOOD.replace("channel: inbound", "channel: fax"), "第 6 行：channel 写成了“fax”", id="a field"
        ),
        pytest.param(
            GOOD.replace("trade: 快递\n", ""), "第 1 行：trade：缺少这一项", id="a gap",
        ),
        pytest.param(changed(id="other-name"), "自拟情景的 id 要以 draft- 开头", id="id"),
        pytest.param(changed(abuse=True), "不能标 abuse", id="abuse"),
        pytest.param(changed(wants="打 13912345678 给我"), "有电话、证件、卡号或网址", id="phone"),
        pytest.param(changed(wants="看 https://a.b"), "有电话、证件、卡号或网址", id="link"),
        pytest.param(changed(wants="<b>快点</b>"), "里有标签", id="markup"),
        pytest.param(changed(opening=[["喂", "你们都是傻逼"], ["喂"]]), "侮辱或威胁人", id="slur"),
        pytest.param(
            spoilt(lambda t: t["facts"][0].update(asked=["(号|码){0,9}" + "x"])),
            "括号后面不能写重复次数", id="nested",
        ),
        pytest.param(
            spoilt(lambda t: t["facts"][0].update(asked=["号" * 401])), "一条最多 400 个字", id="long"
        ),
        pytest.param(
            spoilt(lambda t: t["facts"][0].update(asked=["号…" * 6])), "太复杂", id="9 to the 6th ways"
        ),
        pytest.param(
            spoilt(lambda t: t["facts"][0].update(asked=["(号|码)" * 13])), "太复杂", id="13 groups"
        ),
        pytest.param(
            spoilt(lambda t: t["goals"][0].update(after=["ghost"])), "after 里没有这些编号", id="after"
        ),
        pytest.param(
            spoilt(lambda t: t["limits"][0].update(kind="nothing")), "没有这一类", id="limit's kind"
        ),
        pytest.param(
            spoilt(lambda t: t["limits"][0].update(match=["派件员"])), "paths.right 里的.*犯了", id="limit"
        ),
        pytest.param(
            spoilt(lambda t: t.update(opening=[[t["facts"][1]["say"][0]], ["喂"]])),
            "opening 里把 place 先说出来了", id="spoilt opening",
        ),
        pytest.param(
            spoilt(lambda t: t["paths"].update(right=["您好。"] * 4)), "goals 的 .* 没有办成", id="right"
        ),
        pytest.param(
            spoilt(lambda t: t["paths"].update(wrong=["您好。"] * 3)), "对方还没有离开", id="wrong"
        ),
        pytest.param(spoilt(_unfinished), "说完没有谈妥（没有结束，怒气", id="never asked if it is all right"),
        pytest.param(
            spoilt(lambda t: t["goals"][0].update(need=[["您"]], after=[])), "光说客气话就算做到了", id="kind"
        ),
        pytest.param(changed(opening=[["喂", "喂"], ["喂", "喂"]]), "说了两遍", id="repeats"),
    ],
)  # fmt: skip
def test_a_faulty_draft_is_refused_and_says_why(bad, message):
    with pytest.raises(DataError, match=message):
        check(bad)


@pytest.mark.parametrize("name", scenario.load_all())
def test_a_shipped_scenario_under_a_drafts_id_may_be_read(name):
    case = scenario.get(name)
    if case.abuse:
        pytest.skip("insults are not for drafts")
    table = case.model_dump(mode="json") | {"id": f"draft-{name}"}
    assert draft_check.read(dump(table), name).title == case.title
