"""The evaluators' pages over HTTP: nothing without the passphrase, then choosing, files, results."""

import asyncio
import re
from argparse import Namespace

import pytest
from fastapi import FastAPI
from starlette.requests import ClientDisconnect
from starlette.testclient import TestClient

from app import guard, parser
from app.commands import serve
from app.pages import evaluation, evaluation_front, evaluation_marks
from app.pages.evaluation import Pages
from app.pages.evaluation_desk import Desk, Ended, Running, Step
from app.pages.evaluation_gate import Gate
from app.pages.evaluation_shelf import Record, Shelf
from knowledge.datafile import DataError
from tests.app.evaluations import SECRET, kept, report

OPEN = {"/evaluation/door", "/evaluation/page.css", "/evaluation/page.js"}
RECORD = Record(
    id="20261124-093000-abcdef", by="李<b>老师", started="2026-11-24 09:30:00",
    suites=("levels",), split="dev", seed=7,
)  # fmt: skip


class Fake(Desk):
    """A desk that writes down what is asked for and measures nothing."""

    now = None
    refuses = None

    @property
    def running(self):
        return self.now

    def start(self, wish, by, *, part=None):
        if self.refuses:
            raise DataError(self.refuses)
        self.asked = (wish, by, wish.data and wish.data.read_bytes())

    def stop(self, by, name):
        self.stopped = (by, name)


@pytest.fixture
def desk(tmp_path):
    return Fake(Shelf(tmp_path))


@pytest.fixture
def pages(desk):
    return Pages(Gate(SECRET), desk)


@pytest.fixture
def outside(pages):
    app = FastAPI()
    evaluation.mount(app, pages)
    with TestClient(app, base_url="http://127.0.0.1", follow_redirects=False) as client:
        yield client


@pytest.fixture
def inside(outside):
    sent = outside.post("/evaluation/door", data={"passphrase": SECRET, "name": "王老师"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/evaluation")
    return outside


def left(desk):
    return [path.name for path in desk.shelf.folder.iterdir()]


# Who may --------------------------------------------------------------------------------------


def endpoints(pages):
    found = {
        (method, route.path)
        for router in (evaluation._door(pages), evaluation._inside(pages))
        for route in router.routes
        for method in route.methods
    }
    assert len(found) >= 12
    return sorted(found)


@pytest.mark.parametrize("cookie", ["", "kefu_evaluator=1", "kefu_evaluator=" + "0" * 64])
def test_every_route_but_the_door_asks_for_the_session(pages, outside, desk, cookie):
    kept(desk.shelf, id=RECORD.id)
    for method, path in endpoints(pages):
        if path in OPEN:
            continue
        path = path.format(name=RECORD.id, file="report.json", kind="jsonl")
        sent = outside.request(method, path, headers={"Cookie": cookie})
        assert sent.status_code == 401 and "口令" in sent.text and "回复档位" not in sent.text
    assert not hasattr(desk, "asked") and not hasattr(desk, "stopped")


def test_only_the_door_style_and_script_are_open(pages):
    inner = {path for _, path in endpoints(pages)} - OPEN
    assert {path for path in inner if "door" in path or "page." in path} == set()
    router = evaluation._inside(pages)
    assert all(route.dependencies for route in router.routes)


def test_the_cookie_is_for_the_browser_only(outside):
    sent = outside.post("/evaluation/door", data={"passphrase": SECRET})
    assert re.fullmatch(
        r"kefu_evaluator=[0-9a-f]{64}; HttpOnly; Max-Age=43200; Path=/evaluation; SameSite=strict",
        sent.headers["set-cookie"],
    )


def test_a_wrong_passphrase_gives_no_cookie_and_the_sixth_is_not_looked_at(outside):
    answers = [outside.post("/evaluation/door", data={"passphrase": "x"}) for _ in range(6)]
    assert [one.status_code for one in answers] == [401] * 5 + [429]
    assert all("set-cookie" not in one.headers for one in answers)
    assert outside.post("/evaluation/door", data={"passphrase": SECRET}).status_code == 429


def test_after_leaving_the_cookie_opens_nothing(inside):
    cookie = f"kefu_evaluator={inside.cookies['kefu_evaluator']}"
    inside.post("/evaluation/leave")
    assert inside.get("/evaluation", headers={"Cookie": cookie}).status_code == 401


@pytest.mark.parametrize(
    "headers, status",
    [
        pytest.param({"Host": "evil.example"}, 421, id="another host"),
        pytest.param({"Origin": "http://evil.example"}, 403, id="another site"),
        pytest.param({"Origin": "null"}, 403, id="a site that hides"),
    ],
)
def test_the_door_stands_behind_the_same_guard_as_the_practice_page(outside, headers, status):
    sent = outside.post("/evaluation/door", data={"passphrase": SECRET}, headers=headers)
    assert sent.status_code == status


def test_other_methods_are_refused_and_other_paths_go_on(outside):
    assert outside.delete("/evaluation").status_code == 405
    assert outside.get("/evaluations").json() == {"detail": "Not Found"}


def test_the_pages_run_no_inline_script_and_are_not_kept_by_the_browser(inside):
    answer = inside.get("/evaluation")
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin", "a form names its site only then"
    assert not re.search(r"<script(?! src)|<style|style=|onclick", answer.text)
    assert "<style" not in inside.get("/evaluation/page.css").text


def test_a_form_past_the_limit_is_refused(outside):
    sent = outside.post("/evaluation/door", content=b"x" * 20_000)
    assert sent.status_code == 413 and "内容太长" in sent.text


def test_off_unless_the_operator_asks():
    app = FastAPI()
    assert parser.parse(["serve"], "1").evaluation is False
    assert serve._evaluators(Namespace(evaluation=False), app) is None
    assert app.user_middleware == [] and not guard._OPEN.fullmatch("/evaluation")


def test_serve_tells_the_passphrase_once_and_it_opens_the_door(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("KEFU_HOME", str(tmp_path))
    app = FastAPI()
    assert serve._evaluators(Namespace(evaluation=True, host="::1", port=7860), app)
    said = capsys.readouterr().err
    (secret,) = re.findall(r"http://\[::1\]:7860/evaluation ，口令 (\S+) （只显示这一次）", said)
    with TestClient(app, base_url="http://127.0.0.1", follow_redirects=False) as client:
        sent = client.post("/evaluation/door", data={"passphrase": secret})
    assert sent.status_code == 303


# Choosing, watching, stopping -----------------------------------------------------------------


def test_suites_split_and_seed_are_passed_on_in_the_order_of_the_suites(inside, desk):
    form = {"suite": ["pairs", "levels"], "split": "test", "seed": " 11 "}
    assert inside.post("/evaluation/runs", data=form).status_code == 303
    wish, by, _ = desk.asked
    assert (wish.suites, wish.split, wish.seed, by) == (("levels", "pairs"), "test", 11, "王老师")


@pytest.mark.parametrize(
    "change, said",
    [
        ({"suite": []}, "还没有选评测"),
        ({"suite": ["human"]}, "没有这项评测"),
        ({"split": "train"}, "没有这项评测或这部分用例"),
        ({"seed": "-1"}, "种子写成了“-1”"),
        ({"seed": "²"}, "种子写成了"),
        ({"seed": "9" * 5000}, "种子写成了"),
        ({"seed": ""}, "种子写成了"),
    ],
)
def test_a_wish_that_cannot_be_is_explained_on_the_page(inside, desk, change, said):
    form = {"suite": ["pairs"], "split": "dev", "seed": "7"} | change
    sent = inside.post("/evaluation/runs", data=form)
    assert sent.status_code == 409 and said in sent.text
    assert not hasattr(desk, "asked")


def test_test_carries_the_sentence_that_nothing_may_be_tuned_on_it(inside, desk):
    said = "不能照着它改任何东西"
    assert said in inside.get("/evaluation").text
    record = kept(desk.shelf, report(split="test"), split="test")
    assert said in inside.get(f"/evaluation/runs/{record.id}").text


def test_a_second_asker_sees_whose_place_it_is_and_how_far_it_is(inside, desk):
    desk.now = Running(RECORD, Step(1, 1, "levels", 3, 10), 5.0)
    page = inside.get("/evaluation").text
    assert "李&lt;b&gt;老师的评测 · 09:30 开始" in page and "第 4 / 10 例" in page
    assert 'id="start"' not in page
    assert inside.get("/evaluation/state").json()["share"] == 0.3
    assert inside.post("/evaluation/stop", data={"id": RECORD.id}).status_code == 303
    assert desk.stopped == ("王老师", RECORD.id)
    desk.now = None
    assert inside.get("/evaluation/state").json() == {"id": None}


def test_how_the_last_run_ended_is_told(inside, desk):
    desk.last = Ended(RECORD, "failed", "第 3 行 E 列是公式")
    assert "没有做成：第 3 行 E 列是公式。" in inside.get("/evaluation").text
    desk.last = Ended(RECORD, "stopped", "王老师")
    assert "已由王老师停下" in inside.get("/evaluation").text


# A centre's own marks -------------------------------------------------------------------------


def test_a_file_goes_to_disk_under_our_own_name(inside, desk):
    sent = inside.post("/evaluation/marks", params={"name": "../../三月.XLSX"}, content=b"abc")
    assert sent.json() == {"said": ""}
    wish, by, content = desk.asked
    assert (wish.suites, wish.name, by, content) == (("human",), "三月.XLSX", "王老师", b"abc")
    assert wish.data.name == "上传的文件.xlsx" and wish.data.parent.parent == desk.shelf.folder


@pytest.mark.parametrize(
    "name, content, status, said",
    [
        ("a.csv", b"abc", 409, "只认 .jsonl 和 .xlsx"),
        ("a.xlsx", b"", 409, "文件是空的"),
        ("a.xlsx", b"x" * 101, 413, "文件超过"),
    ],
)
def test_a_file_that_cannot_be_taken_leaves_nothing(
    inside, desk, monkeypatch, name, content, status, said
):
    monkeypatch.setattr(evaluation_marks, "MOST_BYTES", 100)
    sent = inside.post("/evaluation/marks", params={"name": name}, content=content)
    assert sent.status_code == status and said in sent.json()["said"]
    assert left(desk) == []


def test_a_file_that_hides_its_size_is_cut_off(inside, desk, monkeypatch):
    monkeypatch.setattr(evaluation_marks, "MOST_BYTES", 100)
    pieces = (b"x" * 60 for _ in range(1000))
    sent = inside.post("/evaluation/marks", params={"name": "a.xlsx"}, content=pieces)
    assert sent.status_code == 413 and left(desk) == []


def test_while_a_run_goes_on_no_file_is_taken(inside, desk):
    desk.now = Running(RECORD, None, 1.0)
    sent = inside.post("/evaluation/marks", params={"name": "a.xlsx"}, content=b"abc")
    assert sent.status_code == 409 and "老师的评测正在跑" in sent.json()["said"]
    desk.now, desk.refuses = None, "刚才有人先开始了一次评测，请再试"
    sent = inside.post("/evaluation/marks", params={"name": "a.xlsx"}, content=b"abc")
    assert sent.status_code == 409 and left(desk) == []


def test_a_full_disk_is_explained(inside, desk, monkeypatch):
    desk.shelf.begin = lambda: ("x", desk.shelf.folder / "gone.part")
    sent = inside.post("/evaluation/marks", params={"name": "a.xlsx"}, content=b"abc")
    assert sent.status_code == 409 and "没有存下来" in sent.json()["said"]


def test_an_upload_broken_off_leaves_nothing(desk):
    class Broken:
        headers = {}

        async def stream(self):
            yield b"abc"
            raise ClientDisconnect

    with pytest.raises(ClientDisconnect):
        asyncio.run(evaluation._take(Broken(), desk, "a.xlsx"))
    assert left(desk) == []


@pytest.mark.parametrize("kind", ["xlsx", "jsonl"])
def test_the_examples_are_files_to_save(inside, kind):
    got = inside.get(f"/evaluation/example.{kind}")
    assert got.status_code == 200 and len(got.content) > 1000
    assert f'filename="kefu-marks-example.{kind}"' in got.headers["content-disposition"]
    assert inside.get("/evaluation/example.csv").status_code == 404


# Results --------------------------------------------------------------------------------------


def test_a_result_shows_bars_first_then_figures_with_their_n(inside, desk):
    page = inside.get(f"/evaluation/runs/{kept(desk.shelf).id}").text
    assert page.index("未达到") < page.index("送人工的比例") < page.index("量的条件")
    assert "构造标注" in page and "r1" in page and "12.5 秒" in page and "种子 7" in page
    rows = re.findall(r"<tr[^>]*>(?:(?!</tr>).)*</tr>", page, re.S)
    figures = [row for row in rows if 'class="num"><b>' in row]
    assert len(figures) == 7 and all(re.search(r"n=[0-9]+", row) for row in figures)
    assert "&lt;i&gt;注" in page


def test_a_run_is_compared_with_the_one_before_unless_another_is_picked(inside, desk):
    ids = [f"20261124-09300{at}-abcdef" for at in range(3)]
    for name, qwk in zip(ids, (0.3, 0.75, 0.75), strict=True):
        kept(desk.shelf, report(qwk), id=name)
    assert "一个数也没有变" in inside.get(f"/evaluation/runs/{ids[2]}").text
    picked = inside.get(f"/evaluation/runs/{ids[2]}", params={"against": ids[0]}).text
    assert "变了 1 个数，其中 1 个超出了这次的区间" in picked and "n=145 → 145" in picked
    first = inside.get(f"/evaluation/runs/{ids[0]}").text
    assert "比哪一次" in first and "变了" not in first, "only later ones are there to pick"


def test_changed_cases_are_said_beside_the_comparison(inside, desk):
    kept(desk.shelf, report(cases="old"), id="20261124-093000-abcdef")
    kept(desk.shelf, id="20261124-093001-abcdef")
    page = inside.get("/evaluation/runs/20261124-093001-abcdef").text
    assert "两次的用例不一样（replies.dev.jsonl）" in page


def test_report_and_json_are_files_to_save(inside, desk):
    name = kept(desk.shelf).id
    for file, held in (("report.html", "<p>报告</p>"), ("report.json", '"labels": "constructed"')):
        got = inside.get(f"/evaluation/runs/{name}/{file}")
        assert held in got.text and got.headers["content-disposition"].startswith("attachment")
    assert inside.get(f"/evaluation/runs/{name}/run.json").status_code == 404


@pytest.mark.parametrize("name", ["20261124-093000-000000", "..%2f..%2fx", "x"])
def test_a_run_that_is_not_there_is_explained(inside, name):
    got = inside.get(f"/evaluation/runs/{name}")
    assert got.status_code == 404
    assert "detail" in got.text or "没有这次评测" in got.text


def test_a_limit_lets_a_body_of_just_its_size_through():
    async def pieces():
        yield b"12"
        yield b"345"

    async def read(most):
        return b"".join([one async for one in evaluation_front.limited(pieces(), most)])

    assert asyncio.run(read(5)) == b"12345"
    with pytest.raises(evaluation_front.TooLong):
        asyncio.run(read(4))
