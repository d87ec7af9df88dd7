"""写工单 in a real browser: hand in, see the marks, reload, hand in again, both in the files."""

import pytest

pytestmark = pytest.mark.slow


def test_an_order_is_written_marked_and_kept(browser, server):
    context = browser.new_context(viewport={"width": 375, "height": 780})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(server)
    page.wait_for_selector("#go")
    page.click("#go")
    page.wait_for_selector("#kefu-log .msg.other")
    page.fill("#reply textarea", "您好，我来帮您。")
    page.click("#send")
    page.wait_for_selector("#kefu-log .msg.me")
    page.wait_for_selector("#feedback .overall")
    page.click("#rest")
    page.click("#stop")
    page.locator("#order button").first.click()
    page.click("#order-submit")
    page.wait_for_selector("#order-told >> text=工单是空的")
    page.fill("#order-facts textarea", "<b>客户</b>态度恶劣")
    page.click("#order-submit")
    page.wait_for_selector("#order-result mark >> text=态度恶劣")
    assert page.locator("#order-result .quoted b").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.reload()
    page.locator("#order button").first.click()
    page.wait_for_selector("#order-result mark >> text=态度恶劣")
    page.fill("#order-facts textarea", "客户要退款")
    page.click("#order-submit")
    page.wait_for_selector("#order-result >> text=第 2 稿")
    assert len(context.request.get(f"{server}/report.json").json()["orders"]) == 2
    stranger = browser.new_context()
    assert stranger.request.get(f"{server}/report.json").status == 404
