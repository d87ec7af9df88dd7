"""The page in a real browser: a whole talk by keyboard, reload, two people, a narrow screen."""

import pytest

from coach import scenario

pytestmark = pytest.mark.slow
CASE = scenario.get("broadband-third-call")


@pytest.fixture
def visit(browser, server):
    """Open the page as a new visitor."""

    def _open(width=1280, height=860):
        page = browser.new_context(viewport={"width": width, "height": height}).new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("dialog", lambda dialog: page.problems.append("dialog"))
        page.on(
            "request",
            lambda r: r.url.startswith((server, "data:", "blob:")) or page.problems.append(r.url),
        )
        page.goto(server)
        return page

    return _open


def _start(page):
    page.get_by_text(CASE.title).first.click()
    page.locator(".detail h2", has_text=CASE.title).wait_for()
    page.click("#go")
    page.wait_for_selector("#kefu-log .msg.other")


def _say(page, text):
    mine = page.locator(".msg.me").count()
    theirs = page.locator("#kefu-log .msg.other").count()
    page.fill("#reply textarea", text)
    page.press("#reply textarea", "Enter")
    page.locator(".msg.me").nth(mine).wait_for()
    page.locator(f"#feedback h2:has-text('第 {mine + 1} 句')").wait_for()
    page.locator("#kefu-log .msg.other:not(.waiting)").nth(theirs).wait_for()


def test_a_whole_talk_to_its_report_and_downloads(visit):
    page = visit()
    _start(page)
    for reply in CASE.paths.right:
        if page.locator("#kefu-log .over").count():  # stands in the same answer as the last line
            break
        _say(page, reply)
    page.click("#to-report")
    page.wait_for_selector("#report .report-head .end-resolved")
    assert page.locator("#report .step.done").count() >= 4
    for name in ("HTML", "JSON"):
        with page.expect_download() as got:
            page.click(f"text=下载 {name}")
        assert got.value.suggested_filename == f"kefu-report.{name.lower()}"
    page.click("#again")
    page.wait_for_selector("#kefu-log .msg.other")
    assert page.locator(".msg.me").count() == 0
    assert page.problems == []


def test_a_reload_loses_nothing_and_shift_enter_makes_a_line(visit):
    page = visit()
    _start(page)
    page.fill("#reply textarea", "您好")
    page.press("#reply textarea", "Shift+Enter")
    page.keyboard.type("麻烦您看一眼光猫上的灯")
    page.press("#reply textarea", "Enter")
    page.wait_for_selector(".msg.me")
    before = page.locator("#kefu-log").inner_text()
    assert "您好\n麻烦您" in before
    page.wait_for_selector("#feedback h2:has-text('第 1 句')")
    before = page.locator("#kefu-log").inner_text()
    page.reload()
    page.wait_for_selector(".msg.me")
    assert page.locator("#kefu-log").inner_text() == before


def test_two_people_at_once_never_see_each_other(visit):
    ann, bob = visit(), visit()
    _start(ann)
    _start(bob)
    _say(ann, "您好，这句话只有安看得见")
    _say(bob, "您好，这句话只有博看得见")
    bob.reload()
    bob.wait_for_selector(".msg.me")
    assert "只有安" not in bob.content() and "只有博" in bob.content()
    assert "只有博" not in ann.content()


def test_typed_markup_stays_text(visit):
    page = visit()
    _start(page)
    _say(page, "您好<img src=x onerror=alert(1)><script>alert(2)</script>")
    page.wait_for_timeout(300)
    assert page.locator("#kefu-log img, #feedback img").count() == 0
    assert page.problems == []


def test_pausing_costs_nothing_and_can_be_undone(visit):
    page = visit()
    _start(page)
    page.click("#rest")
    page.wait_for_selector("#back")
    assert not page.locator("#reply textarea").is_visible()
    page.click("#back")
    page.wait_for_selector("#reply textarea")
    page.click("#rest")
    page.click("#stop")
    page.wait_for_selector("#report >> text=提前结束不扣分")


def test_a_citation_opens_to_the_text_of_the_standard(visit):
    page = visit()
    _start(page)
    _say(page, "您好，麻烦您看一眼光猫，灯是什么状态？")
    cite = page.locator("#feedback details.cite").first
    cite.locator("summary").focus()
    page.keyboard.press("Enter")
    assert cite.locator("blockquote").is_visible()


def test_an_empty_reply_is_explained(visit):
    page = visit()
    _start(page)
    page.click("#send")
    page.wait_for_selector("[role=alert]:has-text('还没有写回复')")


def test_a_phone_needs_no_sideways_scrolling_and_has_large_targets(visit):
    page = visit(375, 780)
    _start(page)
    _say(page, "您好，麻烦您看一眼光猫，灯是什么状态？我也没办法。")
    wide = "document.documentElement.scrollWidth"
    assert page.evaluate(wide) <= 375
    for button in page.locator("button:visible").all():
        assert button.bounding_box()["height"] >= 40
    page.click("#rest")
    page.click("#stop")
    page.wait_for_selector("#report .report-head")
    assert page.evaluate(wide) <= 375


def test_the_page_can_be_used_by_keyboard_alone(visit):
    page = visit()
    page.wait_for_selector("#go")
    page.locator("#go").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#kefu-log .msg.other")
    page.locator("#reply textarea").focus()
    page.keyboard.type("您好")
    page.keyboard.press("Enter")
    page.wait_for_selector(".msg.me")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "rest"
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
