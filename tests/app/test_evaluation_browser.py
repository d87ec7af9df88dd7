"""The evaluators' page in a real browser, from the passphrase on the terminal to a comparison."""

import re
import time

import psutil
import pytest

from tests.app.conftest import serving

pytestmark = pytest.mark.slow
WIDE = "document.documentElement.scrollWidth"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """`kefu serve --evaluation`; gives its address, the passphrase it printed and its home."""
    home = tmp_path_factory.mktemp("home")
    with serving(home, "--evaluation") as address:
        said = re.findall(r"口令 (\S+)", (home / "serve.txt").read_text(encoding="utf-8"))
        assert len(said) == 1
        yield address, said[0], home


@pytest.fixture
def enter(browser, served):
    """Open the page as somebody, on a screen of some width."""
    address, secret, _ = served

    def _enter(name, width=1280):
        page = browser.new_context(viewport={"width": width, "height": 844}).new_page()
        page.set_default_timeout(120_000)
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on(
            "request", lambda r: r.url.startswith((address, "data:")) or page.problems.append(r.url)
        )
        page.goto(f"{address}/evaluation")
        page.fill("#passphrase", secret)
        page.fill("#name", name)
        page.click("button.primary")
        page.wait_for_selector("#start, #running")
        return page

    return _enter


def start(page, *suites):
    page.uncheck("input[value=levels]")
    for suite in suites:
        page.check(f"input[value={suite}]")
    page.click("#start")
    page.wait_for_selector("#running")


def test_a_wrong_passphrase_opens_nothing(browser, served):
    page = browser.new_context().new_page()
    page.goto(f"{served[0]}/evaluation")
    page.fill("#passphrase", "x")
    page.click("button.primary")
    page.wait_for_selector("[role=alert]:has-text('口令不对')")
    assert page.locator("#start").count() == 0


def test_a_run_outlives_its_page_and_two_runs_are_compared(enter):
    page = enter("王老师")
    start(page, "pairs")
    page.close()
    page = enter("李老师", 390)
    page.wait_for_selector("#last >> text=王老师的评测做完了")
    start(page, "pairs")
    page.wait_for_selector("#told >> text=第 1 项，共 1 项：好坏对比")
    page.wait_for_selector("#last >> text=李老师的评测做完了")
    assert page.locator(".runs li").count() == 2
    assert page.evaluate(WIDE) <= 390
    page.click("#last a")
    page.wait_for_selector("#moves >> text=一个数也没有变")
    assert page.locator("#bars .tag").count() >= 1
    assert page.evaluate(WIDE) <= 390
    for name in ("HTML 报告", "JSON"):
        with page.expect_download() as got:
            page.click(f"text=下载 {name}")
        assert got.value.suggested_filename.startswith("kefu-eval-")
    assert page.problems == []


def test_a_second_asker_sees_whose_place_it_is_and_can_stop_it(enter, served):
    first = enter("王老师")
    start(first, "customer")
    second = enter("李老师", 390)
    second.wait_for_selector("#running .eyebrow >> text=王老师的评测")
    assert second.evaluate(WIDE) <= 390
    second.wait_for_selector("#told >> text=/第 [0-9]+ .* 例/")
    second.on("dialog", lambda dialog: dialog.accept())
    second.click("#stop")
    second.wait_for_selector("#last >> text=已由李老师停下")
    first.wait_for_selector("#last >> text=已由李老师停下")
    assert [p for p in (served[2] / "evaluations").iterdir() if p.suffix == ".part"] == []


def test_the_example_is_uploaded_and_gives_figures(enter, tmp_path):
    page = enter("王老师", 390)
    with page.expect_download() as got:
        page.click("text=xlsx 表格")
    got.value.save_as(tmp_path / "三月.xlsx")
    page.set_input_files("#file", tmp_path / "三月.xlsx")
    page.click("#send")
    page.wait_for_selector("#last >> text=王老师的评测做完了")
    page.click("#last a")
    page.wait_for_selector("h1 >> text=本单位的人工评分：三月.xlsx")
    page.wait_for_selector("#human >> text=6 条回复")
    assert page.evaluate(WIDE) <= 390


def test_a_bad_file_is_refused_on_the_page(enter, tmp_path):
    page = enter("王老师")
    page.click("#send")
    page.wait_for_selector("#refused:has-text('还没有选文件')")
    (tmp_path / "a.csv").write_text("x")
    page.set_input_files("#file", tmp_path / "a.csv")
    page.click("#send")
    page.wait_for_selector("#refused:has-text('只认 .jsonl 和 .xlsx')")
    (tmp_path / "a.jsonl").write_text(
        '{"渠道":"电话","对话":"客户：喂","回复":"您好","同理心":"好"}\n'
    )
    page.set_input_files("#file", tmp_path / "a.jsonl")
    page.click("#send")
    page.wait_for_selector("#last >> text=第 1 行：同理心写成了“好”，应是数字")


def test_nothing_goes_on_measuring_when_the_server_ends(browser, tmp_path):
    with serving(tmp_path, "--evaluation") as address:
        secret = re.search(r"口令 (\S+)", (tmp_path / "serve.txt").read_text(encoding="utf-8"))[1]
        page = browser.new_context().new_page()
        page.goto(f"{address}/evaluation")
        page.fill("#passphrase", secret)
        page.click("button.primary")
        page.wait_for_selector("#start")
        start(page, "customer")
        page.wait_for_selector("#told >> text=/第 [0-9]+ .* 例/")
        (server,) = [p for p in psutil.Process().children() if "serve" in p.cmdline()
                     and str(address.rpartition(":")[2]) in p.cmdline()]  # fmt: skip
        measuring = server.children(recursive=True)
        assert measuring
    deadline = time.monotonic() + 20
    while any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in measuring):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_without_the_option_there_is_no_such_page(client):
    answer = client.get("/evaluation")
    assert answer.status_code == 404 and "没有这个地址" in answer.text
