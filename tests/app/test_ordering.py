import json

import pytest
from sqlalchemy import text

from app.pages import moves, ordering
from app.pages.talks import Talks
from app.records.store import opened
from app.report import html, orders
from app.report.told import tell
from coach import scenario, work_order
from knowledge.datafile import DataError

PLAN, ME, OTHER = "plan-call-old-overcharge", "a" * 32, "b" * 32
ORDER = {"type": "投诉", "customer": "苗先生 18751234567", "facts": "<img src=x onerror=1>铃音包",
         "owner": "冯"}  # fmt: skip
NONE = {"work": ORDER, "coaching": {}}


@pytest.fixture
def talk(talks):
    made = talks.start(ME, PLAN, seed=3)
    talks.say(made, "您好，请问是苗先生本人吗？")
    talks.stop(made)
    return made


def test_an_order_is_kept_before_it_is_shown_and_comes_back_after_a_restart(talks, talk):
    view = moves.hand_in(talks, ME, talk.token, **NONE)
    assert view.place == "report" and "没有打码" in view.order.result
    again = moves.arrive(Talks(talks.store), ME)
    assert again.order == view.order
    assert again.order.texts["owner"] == "冯" and again.order.texts["type"] == "complaint"


def test_a_second_version_is_kept_beside_the_first(talks, talk):
    moves.hand_in(talks, ME, talk.token, **NONE)
    moves.hand_in(talks, ME, talk.token, work=ORDER | {"owner": "廖"}, coaching={})
    kept = talks.store.orders(talk.token)
    assert [one.fields[6].text for one in kept] == ["冯", "廖"]
    told = tell(talk.session, stopped=True, orders=kept)
    assert "第 1 稿" in html.page(told) and len(json.loads(html.as_json(told))["orders"]) == 2


def test_hostile_text_is_escaped_on_the_page_and_in_the_file(talks, talk):
    view = moves.hand_in(talks, ME, talk.token, **NONE)
    page = html.page(tell(talk.session, orders=talks.store.orders(talk.token)))
    for shown in (view.order.result, page):
        assert "<img" not in shown and "&lt;img src=x onerror=1&gt;" in shown


def test_nobody_else_hands_in_for_a_talk_even_with_its_token(talks, talk):
    talks.start(OTHER, PLAN, seed=3)
    view = moves.hand_in(talks, OTHER, talk.token, **NONE)
    assert view.place is None and moves.MOVED in view.notice
    assert "没有正在进行的练习" in moves.hand_in(talks, "", talk.token, **NONE).notice
    assert talks.store.orders(talk.token) == []


@pytest.mark.parametrize("values, message", [
    ({}, "工单是空的"),
    ({"facts": "字" * 401}, "最多 400 个"),
    ({"type": "吵架", "facts": "x"}, "只能是"),
])  # fmt: skip
def test_a_bad_order_is_refused_and_nothing_is_kept(talks, talk, values, message):
    view = moves.hand_in(talks, ME, talk.token, work=values, coaching={})
    assert view.place is None and message in view.notice
    assert talks.store.orders(talk.token) == []


def test_an_order_waits_for_the_end_of_the_talk(talks):
    made = talks.start(ME, PLAN, seed=3)
    with pytest.raises(DataError, match="还没有结束"):
        ordering.hand_in(talks, made, ORDER)


def test_versions_are_limited(talks, talk, monkeypatch):
    monkeypatch.setattr(ordering, "MOST_DRAFTS", 1)
    ordering.hand_in(talks, talk, ORDER)
    with pytest.raises(DataError, match="已经交了 1 稿"):
        ordering.hand_in(talks, talk, ORDER)


def test_a_staff_talk_takes_a_coaching_record(talks):
    made = talks.start(ME, "newcomer-week-three", seed=3)
    talks.say(made, "小满，坐。是哪一通电话，让你觉得会害着别人？")
    talks.stop(made)
    view = moves.hand_in(talks, ME, made.token, work=ORDER, coaching={"facts": "看错停诊表"})
    kept = talks.store.orders(made.token)[0]
    assert view.order.is_staff and kept.kind == "coaching_record"
    assert [one.id for one in kept.fields] == ["facts", "said", "agreed", "date", "support"]
    assert orders.title(kept) == "辅导记录"


def test_the_order_never_touches_the_score_of_the_talk(talks, talk):
    before = tell(talk.session).report
    moves.hand_in(talks, ME, talk.token, **NONE)
    assert tell(talk.session, orders=talks.store.orders(talk.token)).report == before


def test_a_database_from_before_orders_is_brought_up_to_date(talks, talk, tmp_path):
    talks.store.close()
    with opened() as store, store.engine.begin() as work:
        work.execute(text("DROP TABLE orders"))
        work.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with opened() as store:
        store.add_order(talk.token, work_order.mark(talk.session, {"facts": "铃音包"}))
        assert len(store.orders(talk.token)) == 1 and store.count(talk.token) == 2


def test_every_field_says_what_to_write():
    for name in (PLAN, "newcomer-week-three"):
        assert all(spec.hint and spec.name for spec in work_order.form(scenario.get(name)))
