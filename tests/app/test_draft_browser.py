"""自拟情景 in a real browser: draft, edit, keep, play, come back; nobody else sees it."""

import pytest

pytestmark = pytest.mark.slow


def test_a_wish_becomes_a_talk_and_stays_private(browser, server):
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(60_000)
    page.goto(server)
    page.wait_for_selector("#drafts")
    page.locator("#drafts button").first.click()
    page.fill("#wish textarea", "快递丢件，话少的客户，初级")
    page.click("#draft-make")
    page.wait_for_selector("#draft-sheet .drafted >> text=未审核")
    page.click("#draft-save")
    page.wait_for_selector("#draft-told >> text=已保存")
    page.click("#draft-play")
    page.wait_for_selector("#kefu-log .msg.other")
    page.reload()
    page.wait_for_selector("#kefu-log .msg.other")
    assert "未审核" in page.locator(".unreviewed").first.inner_text()
    other = browser.new_context(viewport={"width": 375, "height": 780}).new_page()
    other.set_default_timeout(60_000)
    other.goto(server)
    other.locator("#drafts button").first.click()
    other.wait_for_selector("#wish textarea")
    assert not other.locator("#draft-own").is_visible()
    assert other.evaluate("document.documentElement.scrollWidth") <= 375
