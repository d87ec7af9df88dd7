"""自拟情景 on the page, called directly: whose drafts, what is shown, a talk resumed."""

import asyncio

import pytest

from app import private_scenarios
from app.pages import drafting, moves
from app.pages.talks import Offer, Talks
from app.records.store import author_of
from knowledge.datafile import DataError
from tests.coach.drafts import Model, text

ANN, BOB = "a" * 32, "b" * 32
WISH = "暴躁的老客户，七天无理由退货被拒，中级"


def _all(views):
    async def collect():
        return [view async for view in views]

    return asyncio.run(collect())


def test_a_wish_is_drafted_shown_kept_played_and_resumed(talks):
    made = drafting.wish(talks, ANN, WISH, drafting.BY_WISH)
    assert "还没有保存" in made.told and "拼配，未审核" in made.sheet
    for part in (
        "问到才说的事",
        "要办成的事",
        "资料卡",
        "左女士" if "左女士" in made.text else "岁",
    ):
        assert part in made.sheet
    assert drafting.mine(ANN) == []
    kept = drafting.keep(ANN, made.text)
    assert kept.picked and [one for _, one in drafting.mine(ANN)] == [kept.picked]
    views = _all(moves.start(talks, ANN, kept.picked))
    assert "自拟情景 · 拼配，未审核" in views[0].head and kept.picked in views[0].head
    _all(moves.send(talks, ANN, "您好，抱歉让您等了，商品现在什么样？"))
    again = Talks(talks.store).of(ANN)
    assert again.session.scenario.id == kept.picked and len(again.session.turns) == 2
    assert "未审核" in moves.finish(talks, ANN).report
    body = talks.store.turns(again.token)[0]
    assert body["versions"]["scenario"].startswith(f"{kept.picked}@")


def test_another_visitor_neither_sees_nor_plays_it(talks):
    kept = drafting.keep(ANN, text())
    assert drafting.mine(BOB) == [] and drafting.mine("") == []
    assert "没有你自拟的情景" in drafting.fetch(BOB, kept.picked).told
    with pytest.raises(DataError, match="没有你自拟的情景"):
        talks.start(BOB, kept.picked)
    assert drafting.fetch(ANN, kept.picked).text == text()


def test_a_talk_of_a_draft_that_was_changed_does_not_go_on(talks):
    kept = drafting.keep(ANN, text())
    talks.start(ANN, kept.picked)
    drafting.keep(ANN, text().replace("title: ", "title: 新"))
    with pytest.raises(DataError, match="后来改过了"):
        Talks(talks.store).of(ANN)


@pytest.mark.parametrize(
    "move",
    [
        lambda talks: drafting.wish(talks, "", WISH, drafting.BY_WISH),
        lambda talks: drafting.check("", text()),
        lambda talks: drafting.keep("", text()),
        lambda talks: drafting.fetch("", "draft-x"),
    ],
)
def test_without_a_cookie_nothing_is_drafted_or_kept(talks, move):
    assert "Cookie" in move(talks).told


def test_what_is_wrong_is_told_and_nothing_is_lost(talks):
    assert "愿望太短" in drafting.wish(talks, ANN, "", drafting.BY_WISH).told
    assert "先写愿望" in drafting.check(ANN, " ").told
    assert "第 6 行：channel" in drafting.check(ANN, text().replace("inbound", "fax")).told
    assert "检查通过" in drafting.check(ANN, text()).told
    bad = drafting.keep(ANN, "id: [")
    assert "YAML 写法有误" in bad.told and bad.text is None and bad.own is None
    assert "请先选一个" in drafting.fetch(ANN, None).told


def test_markup_in_a_draft_is_shown_as_text(talks):
    told = drafting.check(ANN, "<img src=x onerror=alert(1)>: [").told
    assert "<img" not in told
    sheet = drafting.check(ANN, text().replace("wants: ", "wants: 3 < 5 & ")).sheet
    assert "3 &lt; 5 &amp;" in sheet


def test_a_damaged_draft_is_named_on_arriving(talks, tmp_path):
    folder = tmp_path / "scenarios" / author_of(ANN)
    folder.mkdir(parents=True)
    (folder / "draft-torn.yaml").write_text("id: [", encoding="utf-8")
    assert "draft-torn.yaml" in drafting.faults(ANN) and drafting.faults("") == ""
    assert private_scenarios.mine(author_of(ANN)).cases == ()


def test_the_operators_model_drafts_only_for_grown_ups(store):
    model = Model(*["不会写"] * 3)
    talks = Talks(store, offer=Offer("模型", make=lambda case: None, generate=model))
    drafting.wish(talks, ANN, WISH, "中级")
    assert model.asked == []
    assert "模型写了 3 稿都不合格" in drafting.wish(talks, ANN, WISH, "中级", adult=True).told


def test_a_shipped_scenario_carries_no_mark(talks):
    talk = talks.start(ANN, "broadband-third-call")
    assert drafting.mark(talk.session.scenario) == ""
