import argparse
import asyncio
import json
import re
import socket

import pytest
from starlette.testclient import TestClient

from app.commands import doctor, serve
from app.pages import chooser, moves
from app.pages.practice import Page
from app.pages.talks import Offer
from app.records.store import Store
from app.report import html, told
from app.web import create_app
from coach import scenario
from coach.model_voice import ModelVoice
from knowledge.datafile import DataError

CASE = "broadband-third-call"
ABUSE = "shop-power-cut-insults"
ANN, BOB = "a" * 32, "b" * 32


def _all(views):
    async def collect():
        return [view async for view in views]

    return asyncio.run(collect())


def _built(records):
    """Build inside a running loop: without one, Gradio makes a loop a lock and leaves it open."""

    async def build():
        return create_app(records)

    return asyncio.run(build())


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    records = Store(f"sqlite:///{tmp_path_factory.mktemp('web') / 'kefu.sqlite3'}")
    yield _built(records), moves.Talks(records)
    records.close()


@pytest.fixture
def web(app):
    return TestClient(app[0], base_url="http://127.0.0.1")


# The visitor's cookie and the door ------------------------------------------------------------


def test_a_visitor_gets_128_random_bits_only_the_browser_can_send(web):
    cookie = web.get("/").headers["set-cookie"]
    assert re.fullmatch(
        r"kefu_visitor=[0-9a-f]{32}; Path=/; Max-Age=[0-9]+; HttpOnly; SameSite=Strict", cookie
    )


def test_a_visitor_keeps_the_cookie(web):
    web.get("/")
    assert "set-cookie" not in web.get("/").headers


def test_a_cookie_that_is_not_ours_is_replaced(web):
    answer = web.get("/", headers={"Cookie": "kefu_visitor=1"})
    assert "kefu_visitor=" in answer.headers["set-cookie"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:7860", ""])
def test_another_host_name_is_refused(web, host):
    assert web.get("/", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "[::1]:7860"])
def test_this_machine_is_let_in(web, host):
    assert web.get("/report.json", headers={"Host": host}).status_code == 404


def test_a_request_from_another_site_is_refused(web):
    sent = web.post("/gradio_api/queue/join", headers={"Origin": "http://evil.example"}, json={})
    assert sent.status_code == 403


@pytest.mark.parametrize("path", ["/gradio_api/file=/etc/passwd", "/gradio_api/upload", "/docs"])
def test_files_and_api_pages_are_closed(web, path):
    assert web.get(path).status_code == 404


def test_security_headers(web):
    headers = web.get("/").headers
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'self'" in headers["content-security-policy"]


def test_the_page_asks_no_other_site_for_fonts_or_scripts(web):
    page = web.get("/").text
    assert not re.search(r"<(script|link)[^>]+(src|href)=.https?://", page)
    assert "fonts.googleapis" not in page


def test_no_event_is_offered_as_a_named_api(web):
    assert web.get("/gradio_api/info").status_code == 404


def test_another_visitor_cannot_listen_to_a_session(web):
    mine, other = "a" * 32, "b" * 32
    body = {"data": [], "fn_index": 0, "session_hash": "s1"}
    web.post("/gradio_api/queue/join", json=body, headers={"Cookie": f"kefu_visitor={mine}"})
    heard = "/gradio_api/queue/data?session_hash=s1"
    refused = web.get(heard, headers={"Cookie": f"kefu_visitor={other}"})
    assert refused.status_code == 403
    joined = web.post(
        "/gradio_api/queue/join", json=body, headers={"Cookie": f"kefu_visitor={other}"}
    )
    assert joined.status_code == 403


def test_a_link_from_another_site_does_not_replace_the_visitor(web):
    answer = web.get("/", headers={"Sec-Fetch-Site": "cross-site"})
    assert "set-cookie" not in answer.headers and "refresh" in answer.text


def test_a_body_past_the_limit_is_refused(web):
    sent = web.post("/gradio_api/queue/join", content=b"x" * 300_000)
    assert sent.status_code == 413


# Downloads ------------------------------------------------------------------------------------


def test_no_download_without_a_talk(web):
    assert web.get("/report.html").status_code == 404
    assert "还没有可下载的报告" in web.get("/report.json").text


def test_no_download_before_the_end_then_only_for_its_visitor(app, web):
    _, talks = app
    talk = talks.start(ANN, CASE, seed=7)
    mine, other = ({"Cookie": f"kefu_visitor={one}"} for one in (ANN, BOB))
    page = web.app
    assert (
        TestClient(page, base_url="http://127.0.0.1").get("/report.html", headers=mine).status_code
        == 404
    )
    _all(moves.send(talks, ANN, "=1+1 您好<script>", talk.token))
    # The application holds its own live talks; ended in the database, it shows there too.
    talks.store.stop(talk.token, "stopped")
    fresh = TestClient(_built(talks.store), base_url="http://127.0.0.1")
    got = fresh.get("/report.html", headers=mine)
    assert got.status_code == 200 and got.headers["cache-control"] == "no-store"
    assert "<script" not in got.text
    body = fresh.get("/report.json", headers=mine).json()
    assert body["turns"][1]["reply"] == "=1+1 您好<script>"
    for path in ("/report.html", "/report.json"):
        assert fresh.get(path, headers=other).status_code == 404


# Handlers, called directly --------------------------------------------------------------------


def test_a_talk_comes_back_after_a_restart(store, talks):
    _all(moves.start(talks, ANN, CASE))
    _all(moves.send(talks, ANN, "您好，麻烦您看一眼光猫上的灯是什么状态？"))
    before = moves.arrive(talks, ANN)
    after = moves.arrive(moves.Talks(store), ANN)
    assert after.place == "talk" and after.talk == before.talk


def test_two_visitors_never_meet(talks):
    _all(moves.start(talks, ANN, CASE))
    assert moves.arrive(talks, BOB).place == "choose"
    _all(moves.start(talks, BOB, CASE))
    _all(moves.send(talks, ANN, "这句只有安看得见，您好"))
    assert "只有安" in moves.arrive(talks, ANN).talk
    assert "只有安" not in moves.arrive(talks, BOB).talk


def test_a_page_of_an_older_talk_cannot_write_into_the_new_one(talks):
    old = _all(moves.start(talks, ANN, CASE))[0].token
    _all(moves.start(talks, ANN, CASE))
    (view,) = _all(moves.send(talks, ANN, "您好", old))
    assert "另一个窗口" in view.notice
    assert len(talks.of(ANN).session.turns) == 1


def test_without_a_cookie_nothing_starts(talks):
    (view,) = _all(moves.start(talks, "", CASE))
    assert "Cookie" in view.notice


@pytest.mark.parametrize(
    "reply, said", [("  ", "还没有写回复"), ("您" * 2001, "超过上限 2000")]
)  # fmt: skip
def test_a_reply_that_cannot_be_taken_is_explained_and_left_in_the_box(talks, reply, said):
    _all(moves.start(talks, ANN, CASE))
    (view,) = _all(moves.send(talks, ANN, reply))
    assert said in view.notice and view.reply is None


def test_what_is_typed_and_said_is_escaped(talks):
    _all(moves.start(talks, ANN, CASE))
    views = _all(moves.send(talks, ANN, "您好<script>alert(1)</script>"))
    shown = "".join(filter(None, (part for v in views for part in (v.talk, v.feedback))))
    assert "<script" not in shown and "&lt;script&gt;" in shown


def test_a_turn_is_stored_before_it_is_shown(talks):
    token = _all(moves.start(talks, ANN, CASE))[0].token

    async def first():
        async for _ in moves.send(talks, ANN, "您好"):
            return talks.store.count(token)

    assert asyncio.run(first()) == 2


def test_chat_messages_arrive_one_by_one(talks, monkeypatch):
    monkeypatch.setenv("KEFU_TYPING", "1")
    monkeypatch.setattr(moves, "_MOST_SECONDS", 0.0)
    case = next(c for c in scenario.load_all().values() if c.channel == "chat")
    views = _all(moves.start(talks, ANN, case.id))
    counts = [v.talk.count('class="bubble">') for v in views if v.talk is not None]
    assert counts == sorted(counts) and counts[-1] > counts[0]
    assert "正在输入" in views[0].talk and "正在输入" not in views[-1].talk


def test_typing_never_takes_longer_than_its_limit():
    assert moves.typing_seconds("字" * 500) == 1.2


def test_hints_come_one_by_one_then_by_the_weakest_dimension(talks):
    _all(moves.start(talks, ANN, CASE))
    hints = scenario.get(CASE).hints
    seen = [moves.ask_hint(talks, ANN).hint for _ in range(len(hints) + 1)]
    assert all(hint in shown for hint, shown in zip(hints, seen, strict=False))
    assert "按你最近的得分" in seen[-1]


def test_stopping_shows_the_report_without_a_total(talks):
    _all(moves.start(talks, ANN, CASE))
    view = moves.finish(talks, ANN)
    assert view.place == "report" and "提前结束不扣分" in view.report


def test_again_draws_another_talk_of_the_same_scenario(talks):
    first = _all(moves.start(talks, ANN, CASE))[0].token
    second = _all(moves.again(talks, ANN))[0].token
    assert first != second and talks.of(ANN).session.scenario.id == CASE


def test_insults_stay_hidden_and_cannot_be_started_under_18(talks):
    case = scenario.get(ABUSE)
    hidden = [c.id for c in chooser.cases(case.level, chooser.ALL_WORK)]
    shown = [c.id for c in chooser.cases(case.level, chooser.ALL_WORK, adult=True)]
    assert ABUSE not in hidden and ABUSE in shown
    (view,) = _all(moves.start(talks, ANN, ABUSE))
    assert "18" in view.notice
    assert "含辱骂" in chooser.detail(ABUSE)


def test_ticking_the_age_box_keeps_what_was_chosen_where_it_is_still_offered(talks):
    async def build():
        page = Page(talks)
        page.build()
        return page

    page = asyncio.run(build())
    case = scenario.get("return-three-items-law")
    kept = page.choose_age(case.level, case.work_content, True, case.id)
    assert kept[page.scenario]["value"] == case.id and kept[page.work]["value"] == case.work_content
    gone = page.choose_age(scenario.get(ABUSE).level, chooser.ALL_WORK, False, ABUSE)
    assert gone[page.scenario]["value"] not in (None, ABUSE)


# serve and doctor -----------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::"])
def test_serve_refuses_any_address_but_loopback(host):
    with pytest.raises(DataError, match="只能在本机用"):
        serve.run(argparse.Namespace(host=host, port=7860))


def test_serve_names_a_busy_port_and_another(monkeypatch, tmp_path):
    monkeypatch.setenv("KEFU_HOME", str(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DataError, match=f"端口 {port} .*--port {port + 1}"):
            serve.run(argparse.Namespace(host="127.0.0.1", port=port))


@pytest.mark.parametrize("port", [0, 70000, -1])
def test_serve_refuses_a_port_out_of_range(port):
    with pytest.raises(DataError, match="1 到 65535"):
        serve.run(argparse.Namespace(host="127.0.0.1", port=port))


def test_doctor_finds_everything_here(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("KEFU_HOME", str(tmp_path))
    assert doctor.run(argparse.Namespace(json=True, no_turn=True, turn_seconds=60)) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["usable"] and {f["name"] for f in body["findings"]} >= set(doctor.PACKAGES)


def test_doctor_names_a_remedy_for_a_damaged_database(monkeypatch, tmp_path, capsys):
    (tmp_path / "kefu.sqlite3").write_bytes(b"not a database at all" * 50)
    monkeypatch.setenv("KEFU_HOME", str(tmp_path))
    assert doctor.run(argparse.Namespace(json=True, no_turn=True, turn_seconds=60)) == 1
    bad = [f for f in json.loads(capsys.readouterr().out)["findings"] if f["name"] == "数据库"]
    assert not bad[0]["ok"] and "已损坏" in bad[0]["detail"] and bad[0]["remedy"]


# A language model on the page -------------------------------------------------------------------


class Model:
    """An engine that answers from a list."""

    name, model = "endpoint", "some-model"

    def __init__(self, *answers):
        self.answers = list(answers)

    def stream(self, messages, sampling, *, session, cancel):
        yield self.answers.pop(0)

    def forget(self, session):
        pass

    def close(self):
        pass


@pytest.fixture
def offered(store):
    lines = (
        "你倒是说说，师傅几点能到我家？",
        "请问有什么可以帮您？",
        "那我这几天的网费总不能白交吧？",
    )
    offer = Offer("语言模型 some-model", lambda case: ModelVoice(Model(*lines), "t:1"))
    return moves.Talks(store, offer=offer)


def test_a_talk_with_a_model_is_labelled_line_by_line_and_in_the_report(offered, store):
    case = "broadband-third-call"
    _all(moves.start(offered, ANN, case, adult=True, with_model=True))
    view = _all(moves.send(offered, ANN, "您好，很抱歉，我马上为您登记。"))[-1]
    assert "师傅几点能到我家" in view.talk and view.talk.count("AI 生成") == 1
    shown = moves.arrive(offered, ANN)
    assert "由语言模型 some-model 扮演（AI 生成" in shown.head
    talk = offered.of(ANN)
    body = json.loads(html.as_json(told.tell(talk.session, stopped=True)))
    assert body["made_by"]["ai_generated"] is True and body["made_by"]["model"] == "some-model"
    assert 'name="ai-generated" content="true"' in html.page(told.tell(talk.session, stopped=True))
    again = moves.Talks(store, offer=offered.offer).of(ANN)
    assert again.session.turns[1].customer == talk.session.turns[1].customer, "after a restart"


def test_nobody_under_18_talks_with_a_model(offered):
    shown = _all(moves.start(offered, ANN, "broadband-third-call", with_model=True))
    assert "请先勾选“我已满 18 岁”，或用脚本客户" in shown[-1].notice
    assert offered.of(ANN) is None


def test_a_scripted_talk_is_not_called_ai_where_a_model_is_offered(offered):
    _all(moves.start(offered, ANN, "broadband-third-call"))
    assert "由脚本扮演（非 AI 生成）" in moves.arrive(offered, ANN).head


def test_a_model_nobody_offers_is_refused_whatever_the_page_sends(store):
    shown = _all(
        moves.start(moves.Talks(store), ANN, "broadband-third-call", adult=True, with_model=True)
    )
    assert "这里没有开放语言模型，请选脚本客户" in shown[-1].notice
