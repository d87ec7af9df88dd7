"""A talk with the trained small model: on the command line, in the record, in a real browser."""

import json
import os
import sqlite3
import subprocess
import sys

import pytest

from app.records.store import Store
from app.report import words
from coach import scenario
from coach.model_voice import ModelVoice
from coach.transformers_engine import TransformersEngine
from tests.app.conftest import serving
from tests.coach import small_model

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
CASE = scenario.get("return-three-items-law")
# Notes each state of the talk: the newest bubbles, and whether the other side is about to speak.
WATCH = """() => {
  window.seen = [];
  const look = () => {
    const log = document.querySelector('#kefu-log');
    if (!log) return;
    const said = [...log.querySelectorAll('.msg.other:not(.waiting)')].map(m => m.innerText);
    const waiting = log.querySelector('.msg.other.waiting');
    const now = JSON.stringify([said.length, waiting ? waiting.innerText.trim() : '']);
    if (window.seen[window.seen.length - 1] !== now) {
      window.seen.push(now);
      if (said.length > (window.most || 0)) { window.most = said.length; window.noted(said); }
    }
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true});
}"""


def test_kefu_play_speaks_with_the_model_and_keeps_the_talk_for_later(tmp_path):
    replies = tmp_path / "replies.txt"
    replies.write_text("\n".join(CASE.paths.right) + "\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "play", CASE.id, "--engine", "transformers", "--model",
         str(small_model.trained()), "--seed", "101", "--temperature", "0", "--replies",
         str(replies), "--json", "--save"],
        env=os.environ | {"KEFU_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"},
        capture_output=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    turns = [json.loads(line) for line in done.stdout.decode().splitlines()]
    own = [turn for turn in turns[1:] if turn["engine"] == "transformers"]
    assert len(own) >= len(turns[1:]) / 2
    assert {turn["versions"]["model"] for turn in turns} == {"trained"}
    records = Store(f"sqlite:///{tmp_path / 'kefu.sqlite3'}")
    with sqlite3.connect(tmp_path / "kefu.sqlite3") as raw:
        (token,) = raw.execute("select token from talks").fetchone()
    raw.close()
    assert records.turns(token) == turns, "what was printed is what is kept"
    engine = TransformersEngine(str(small_model.trained()), device="cpu", dtype="float32")
    again = records.resume(token, lambda case: ModelVoice(engine, case.id, temperature=0.0))
    records.close()
    assert [turn.customer for turn in again.turns] == [turn["customer"] for turn in turns]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def model_page(home):
    options = ("--engine", "transformers", "--model", str(small_model.trained()))
    with serving(home, *options, seconds=180, OMP_NUM_THREADS="1") as address:
        yield address


def test_a_turn_is_on_the_page_only_once_it_is_kept_and_says_who_spoke(
    browser, model_page, home, tmp_path
):
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    problems, kept = [], []
    page.on("pageerror", lambda error: problems.append(str(error)))
    raw = sqlite3.connect(home / "kefu.sqlite3")

    def noted(said):
        rows = raw.execute("select customer from turns").fetchall()
        lines = [line for (text,) in rows for line in text.split("\n")]
        kept.extend(one.split("\n")[-1].strip() in lines for one in said)

    page.expose_function("noted", noted)
    page.goto(model_page)
    page.get_by_text(CASE.level, exact=True).first.click()
    page.get_by_text(CASE.title).first.click()
    page.locator(".detail h2", has_text=CASE.title).wait_for()
    page.get_by_text("我已满 18 岁").click()
    page.get_by_text("· 含辱骂").first.wait_for()
    page.locator(".detail h2", has_text=CASE.title).wait_for()
    page.get_by_text("语言模型 trained").click()
    page.evaluate(WATCH)
    page.click("#go")
    page.wait_for_selector("#kefu-log .msg.other:not(.waiting)")
    for number, reply in enumerate(CASE.paths.right[:3], 1):
        page.locator("#kefu-log .msg.waiting").wait_for(state="detached")
        page.fill("#reply textarea", reply)
        page.press("#reply textarea", "Enter")
        page.locator("#kefu-log .msg.waiting").first.wait_for()
        if number == 3:
            page.screenshot(path=str(tmp_path / "waiting.png"))
        page.locator(f"#feedback h2:has-text('第 {number} 句')").wait_for()
    page.locator("#kefu-log .msg.waiting").wait_for(state="detached")
    page.screenshot(path=str(tmp_path / "page.png"))
    raw.close()
    assert kept and all(kept), "nothing is on the page that is not in the database"
    waits = [json.loads(one)[1] for one in page.evaluate("window.seen")]
    assert any(words.TYPING[CASE.channel] in one for one in waits), waits
    log = page.locator("#kefu-log").inner_text()
    with_model = page.locator("#kefu-log .msg.other .ai").count()
    assert with_model >= 1 and "AI 生成" in log, log
    assert "trained" in page.locator(".scene-head").inner_text()
    assert problems == []
    page.context.close()
