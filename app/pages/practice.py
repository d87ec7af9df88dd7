"""The practice page: choose a scenario, talk, read the report. Layout and handlers only.

Who is asking is read from the cookie on every event; the talk itself lives in the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gradio as gr

from app.pages import chooser, frame, scene
from app.pages.talks import Talk, Talks
from app.report import body, html, told
from knowledge import standard
from knowledge.datafile import DataError

COOKIE = "kefu_visitor"
_SCREENS = ("choose", "talk", "report")
_MOST_WAIT, _WAIT_A_CHAR = 1.2, 0.06
_MOVED = "你在另一个窗口开始了别的练习，请刷新页面再继续"
_FOLDER = Path(__file__).parent
Changes = dict[Any, Any]


def visitor_of(request: gr.Request | None) -> str:
    """Give the visitor's secret from the cookie, "" without one."""
    return str(request.cookies.get(COOKIE, "")) if request is not None else ""


def pause(message: str) -> float:
    """Give the seconds before a message appears, by its length."""
    return min(_MOST_WAIT, 0.3 + _WAIT_A_CHAR * len(message))


def head() -> str:
    """Give styles for the page's head: the report's and the page's own."""
    return html.style() + f"<style>{(_FOLDER / 'practice.css').read_text(encoding='utf-8')}</style>"


def script() -> str:
    """Give the page's own script."""
    return (_FOLDER / "practice.js").read_text(encoding="utf-8")


class Page:
    """The page's components and handlers over one database; holds nothing of a visitor."""

    def __init__(self, talks: Talks, *, typing: bool = True) -> None:
        """Serve the talks; ``typing`` lets messages arrive one by one."""
        self.talks = talks
        self.typing = typing

    # What each screen shows -----------------------------------------------------------------

    def _screen(self, name: str) -> Changes:
        return {getattr(self, one): gr.update(visible=one == name) for one in _SCREENS}

    def _choosing(self, message: str = "") -> Changes:
        return self._screen("choose") | {self.notice: frame.notice(message), self.token: ""}

    def _talking(self, talk: Talk) -> Changes:
        session = talk.session
        return self._screen("talk") | self._bottom(talk) | {
            self.notice: "", self.token: talk.token, self.text: "",
            self.title: scene.head(session.scenario, session.voice.engine),
            self.card: scene.card(session.scenario), self.log: scene.bubbles(session),
            self.feedback: scene.feedback(session), self.mood: scene.mood(session),
            self.hint: scene.hint(talk),
        }  # fmt: skip

    def _bottom(self, talk: Talk, *, paused: bool = False) -> Changes:
        over = talk.is_over
        return {
            self.composer: gr.update(visible=not over and not paused),
            self.paused: gr.update(visible=paused and not over),
            self.finished: gr.update(visible=over),
        }

    def _reporting(self, talk: Talk) -> Changes:
        report = body.sections(told.tell(talk.session, stopped=talk.stopped))
        return self._screen("report") | {
            self.notice: "", self.token: talk.token,
            self.sheet: f'<div class="kefu-report">{report}</div>',
        }  # fmt: skip

    def _mine(self, visitor: str, token: str) -> Talk:
        talk = self.talks.of(visitor)
        if talk is None or talk.token != token:
            raise DataError(_MOVED)
        return talk

    # Handlers: plain values in, changes out ---------------------------------------------------

    def arrive(self, request: gr.Request) -> Changes:
        """Show where the visitor is: choosing, in a talk, or at its report."""
        try:
            talk = self.talks.of(visitor_of(request))
        except DataError as error:
            return self._choosing(f"上次的练习打不开：{error}")
        if talk is None:
            return self._choosing()
        return self._reporting(talk) if talk.is_over else self._talking(talk)

    def choose_level(self, level: str, adult: bool) -> Changes:
        """Offer the level's work contents and scenarios."""
        return {
            self.work: gr.update(choices=chooser.works(level, adult), value=chooser.ALL_WORK),
            **self.choose_work(level, chooser.ALL_WORK, adult),
        }

    def choose_work(self, level: str, work: str, adult: bool) -> Changes:
        """Offer the scenarios of a work content, the first of them picked."""
        found = chooser.cases(level, work, adult)
        first = found[0].id if found else None
        return {
            self.scenario: gr.update(choices=chooser.labels(found), value=first),
            self.detail: chooser.detail(first), self.go: gr.update(interactive=bool(found)),
        }  # fmt: skip

    def describe(self, scenario_id: str | None) -> str:
        """Describe the picked scenario."""
        return chooser.detail(scenario_id)

    def begin(self, scenario_id: str | None, adult: bool, request: gr.Request) -> Changes:
        """Start the picked scenario with a fresh seed."""
        return self._begin(visitor_of(request), scenario_id, adult)

    def _begin(self, visitor: str, scenario_id: str | None, adult: bool) -> Changes:
        if not visitor:
            return self._choosing("浏览器没有带上 Cookie，请允许本站 Cookie 后刷新页面")
        if scenario_id is None:
            return self._choosing("请先选一个情景")
        try:
            return self._talking(self.talks.start(visitor, scenario_id, adult=adult))
        except DataError as error:
            return self._choosing(str(error))

    async def send(self, text: str, token: str, request: gr.Request) -> AsyncIterator[Changes]:
        """Take one reply; give the judgement at once, then the answer message by message."""
        visitor = visitor_of(request)
        if not text.strip():
            yield {self.notice: frame.notice("还没有写回复。写一句，再按 Enter 或点“发送”")}
            return
        try:
            talk = self._mine(visitor, token)
            turn = await asyncio.to_thread(self.talks.say, talk, text)
        except DataError as error:
            yield {self.notice: frame.notice(str(error))}
            return
        judged = {
            self.notice: "", self.text: "", self.feedback: scene.feedback(talk.session),
            self.mood: scene.mood(talk.session),
        }  # fmt: skip
        messages = [line for line in turn.customer.split("\n") if line]
        for at, message in enumerate(messages if self.typing else []):
            shown = {self.log: scene.bubbles(talk.session, at, waiting=True)}
            yield judged | shown if at == 0 else shown
            await asyncio.sleep(pause(message))
        last = {self.log: scene.bubbles(talk.session), **self._bottom(talk)}
        yield last if self.typing and messages else judged | last

    def ask_hint(self, token: str, request: gr.Request) -> Changes:
        """Show the next hint; it costs no marks."""
        try:
            talk = self._mine(visitor_of(request), token)
        except DataError as error:
            return {self.notice: frame.notice(str(error))}
        talk.hints += 1
        return {self.hint: scene.hint(talk), self.notice: ""}

    def rest(self, token: str, request: gr.Request) -> Changes:
        """Pause: put the reply box away until the trainee comes back or ends the practice."""
        return self._on_bottom(token, visitor_of(request), paused=True)

    def back(self, token: str, request: gr.Request) -> Changes:
        """Go on after a pause."""
        return self._on_bottom(token, visitor_of(request), paused=False)

    def _on_bottom(self, token: str, visitor: str, *, paused: bool) -> Changes:
        try:
            return self._bottom(self._mine(visitor, token), paused=paused)
        except DataError as error:
            return {self.notice: frame.notice(str(error))}

    def finish(self, token: str, request: gr.Request) -> Changes:
        """End the practice, early or not, and show its report."""
        try:
            talk = self._mine(visitor_of(request), token)
            if not talk.is_over:
                self.talks.stop(talk)
        except DataError as error:
            return {self.notice: frame.notice(str(error))}
        return self._reporting(talk)

    def again(self, token: str, adult: bool, request: gr.Request) -> Changes:
        """Practise the same scenario with another seed."""
        visitor = visitor_of(request)
        try:
            case = self._mine(visitor, token).session.scenario
        except DataError as error:
            return {self.notice: frame.notice(str(error))}
        return self._begin(visitor, case.id, adult or case.abuse)

    def change(self, request: gr.Request) -> Changes:
        """Go back to choosing; the talk stays in the database."""
        try:
            self.talks.leave(visitor_of(request))
        except DataError as error:
            return {self.notice: frame.notice(str(error))}
        return self._choosing()

    # Layout -----------------------------------------------------------------------------------

    def build(self) -> gr.Blocks:
        """Build the page once; events are private and carry no name."""
        with gr.Blocks(title="客服陪练", analytics_enabled=False, fill_width=True) as blocks:
            self.token = gr.State("")
            frame.sheet(frame.TOP)
            self.notice = frame.sheet("", "kefu-notice")
            self._build_choose()
            self._build_talk()
            self._build_report()
            frame.sheet(frame.BOTTOM)
            self._wire(blocks)
        return blocks

    def _build_choose(self) -> None:
        level = standard.LEVELS[0]
        found = chooser.cases(level, chooser.ALL_WORK)
        first = found[0].id if found else None
        with gr.Column(visible=False, elem_id="choose") as self.choose, gr.Row(elem_classes="two"):
            with gr.Column(scale=3, min_width=300):
                self.level = gr.Radio(
                    list(standard.LEVELS), value=level, label="级别", elem_classes="levels"
                )
                self.work = gr.Dropdown(
                    chooser.works(level), value=chooser.ALL_WORK, label="工作内容", filterable=False
                )
                self.scenario = gr.Radio(
                    chooser.labels(found), value=first, label="情景", elem_classes="cases"
                )
                self.adult = gr.Checkbox(False, label="我已满 18 岁，愿意练含辱骂情景")
            with gr.Column(scale=2, min_width=300, elem_classes="beside"):
                self.detail = frame.sheet(chooser.detail(first))
                self.go = gr.Button("开始练习", variant="primary", elem_id="go")

    def _build_talk(self) -> None:
        with gr.Column(visible=False, elem_id="talk") as self.talk:
            self.title = frame.sheet()
            with gr.Row(elem_classes="two"):
                with gr.Column(scale=3, min_width=300, elem_classes="left"):
                    self.log = frame.sheet()
                    self._build_bottom()
                    self.hint = frame.sheet()
                    self.card = frame.sheet()
                with gr.Column(scale=2, min_width=300, elem_classes="right"):
                    self.mood = frame.sheet()
                    self.feedback = frame.sheet()

    def _build_bottom(self) -> None:
        with gr.Column(elem_classes="composer") as self.composer:
            self.text = gr.Textbox(
                label="你的回复", placeholder="写一句回复，Enter 发送，Shift+Enter 换行",
                lines=1, max_lines=6, elem_id="reply",
            )  # fmt: skip
            with gr.Row(elem_classes="buttons"):
                self.rest_button = gr.Button("暂停 / 结束", elem_id="rest", min_width=96)
                self.hint_button = gr.Button("提示", elem_id="ask-hint", min_width=64)
                self.send_button = gr.Button(
                    "发送", variant="primary", elem_id="send", min_width=96
                )
        with gr.Column(visible=False, elem_classes="kefu-panel") as self.paused:
            frame.sheet(frame.PAUSED)
            with gr.Row(elem_classes="buttons"):
                self.stop_button = gr.Button("结束并看报告", elem_id="stop", min_width=120)
                self.back_button = gr.Button(
                    "继续练", variant="primary", elem_id="back", min_width=96
                )
        with gr.Column(visible=False, elem_classes="kefu-panel") as self.finished:
            frame.sheet(frame.FINISHED)
            self.report_button = gr.Button("看报告", variant="primary", elem_id="to-report")

    def _build_report(self) -> None:
        with gr.Column(visible=False, elem_id="report") as self.report:
            self.sheet = frame.sheet()
            frame.sheet(frame.DOWNLOADS)
            with gr.Row(elem_classes="buttons report-buttons"):
                self.change_button = gr.Button("换情景", elem_id="change", min_width=120)
                self.again_button = gr.Button(
                    "换个种子再练一次", variant="primary", elem_id="again", min_width=160
                )

    def _wire(self, blocks: gr.Blocks) -> None:
        plain: dict[str, Any] = {
            "api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None,
        }  # fmt: skip
        screens = [getattr(self, name) for name in _SCREENS]
        bottom = [self.composer, self.paused, self.finished]
        pieces = [self.title, self.card, self.log, self.feedback, self.mood, self.hint, self.text]
        whole = [*screens, *bottom, *pieces, self.sheet, self.notice, self.token]
        picked = [self.work, self.scenario, self.detail, self.go]
        blocks.load(self.arrive, None, whole, **plain)
        for trigger in (self.level.input, self.adult.input):
            trigger(self.choose_level, [self.level, self.adult], picked, **plain)
        self.work.input(
            self.choose_work, [self.level, self.work, self.adult], picked[1:], **plain
        )
        self.scenario.input(self.describe, self.scenario, self.detail, **plain)
        self.go.click(self.begin, [self.scenario, self.adult], whole, **plain)
        gr.on(
            [self.text.submit, self.send_button.click], self.send, [self.text, self.token],
            [self.notice, self.text, self.log, self.feedback, self.mood, *bottom],
            trigger_mode="once", **plain,
        )  # fmt: skip
        self.hint_button.click(self.ask_hint, self.token, [self.hint, self.notice], **plain)
        self.rest_button.click(self.rest, self.token, [*bottom, self.notice], **plain)
        self.back_button.click(self.back, self.token, [*bottom, self.notice], **plain)
        for button in (self.stop_button, self.report_button):
            button.click(self.finish, self.token, whole, **plain)
        self.again_button.click(self.again, [self.token, self.adult], whole, **plain)
        self.change_button.click(self.change, None, whole, **plain)


