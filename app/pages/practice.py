"""The practice page: choose a scenario, talk, read the report. Layout and handlers only.

Who is asking is read from the cookie on every event; the talk itself lives in the database.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import gradio as gr
from fastapi import FastAPI

from app.pages import chooser, draft_panel, frame, moves, ordering_panel
from app.pages.moves import View
from app.pages.talks import Talks
from app.report import html
from knowledge import standard

COOKIE = "kefu_visitor"
SCRIPT = "脚本客户"
_SCREENS = ("choose", "talk", "report")
_FOLDER = Path(__file__).parent
Changes = dict[Any, Any]


def visitor_of(request: gr.Request | None) -> str:
    """Give the visitor's secret from the cookie, "" without one."""
    return str(request.cookies.get(COOKIE, "")) if request is not None else ""


def head() -> str:
    """Give styles for the page's head: the report's and the page's own."""
    return html.style() + f"<style>{(_FOLDER / 'practice.css').read_text(encoding='utf-8')}</style>"


def script() -> str:
    """Give the page's own script."""
    return (_FOLDER / "practice.js").read_text(encoding="utf-8")


class Page:
    """The page's components and handlers over one database; holds nothing of a visitor."""

    def __init__(self, talks: Talks) -> None:
        """Serve the talks."""
        self.talks = talks

    def changes(self, view: View) -> Changes:
        """Turn a view into updates of components; what the view leaves out stays as it is."""
        found: Changes = {}
        if view.place is not None:
            for one in _SCREENS:
                found[getattr(self, one)] = gr.update(visible=one == view.place)
        for name, part in self.parts.items():
            value = getattr(view, name)
            if value is not None:
                found[part] = value
        if view.order is not None:
            found.update(self.orders.changes(view.order))
        if view.ended is not None:
            found[self.finished] = gr.update(visible=view.ended)
            found[self.composer] = gr.update(visible=not view.ended)
        if view.paused is not None:
            found[self.paused] = gr.update(visible=view.paused)
            if view.ended is None and view.place is None:
                found[self.composer] = gr.update(visible=not view.paused)
        return found

    # Events: the cookie and the page's token in, a view's changes out --------------------------

    def arrive(self, request: gr.Request) -> Changes:
        """Show where the visitor is: choosing, in a talk, or at its report."""
        return self.changes(moves.arrive(self.talks, visitor_of(request)))

    def choose_level(self, level: str, adult: bool) -> Changes:
        """Offer the level's work contents and scenarios."""
        return self.choose_age(level, chooser.ALL_WORK, adult, None)

    def choose_age(self, level: str, work: str, adult: bool, picked: str | None) -> Changes:
        """Offer what this age may practise; what was picked stays picked while it is offered."""
        works = chooser.works(level, adult)
        work = work if work in [one for _, one in works] else chooser.ALL_WORK
        return {
            self.work: gr.update(choices=works, value=work),
            **self.choose_work(level, work, adult, picked),
        }

    def choose_work(self, level: str, work: str, adult: bool, picked: str | None = None) -> Changes:
        """Offer the scenarios of a work content, `picked` or the first of them picked."""
        found = chooser.cases(level, work, adult)
        ids = [case.id for case in found]
        now = picked if picked in ids else next(iter(ids), None)
        return {
            self.scenario: gr.update(choices=chooser.labels(found), value=now),
            self.detail: chooser.detail(now), self.go: gr.update(interactive=bool(found)),
        }  # fmt: skip

    async def begin(
        self, scenario_id: str | None, adult: bool, speaker: str, request: gr.Request
    ) -> AsyncIterator[Changes]:
        """Start the picked scenario with a fresh seed."""
        visitor, with_model = visitor_of(request), speaker != SCRIPT
        async for view in moves.start(
            self.talks, visitor, scenario_id, adult=adult, with_model=with_model
        ):
            yield self.changes(view)

    async def send(self, text: str, token: str, request: gr.Request) -> AsyncIterator[Changes]:
        """Take one reply; give the judgement at once, then the answer message by message."""
        async for view in moves.send(self.talks, visitor_of(request), text, token):
            yield self.changes(view)

    async def again(self, token: str, request: gr.Request) -> AsyncIterator[Changes]:
        """Practise the same scenario with another seed."""
        async for view in moves.again(self.talks, visitor_of(request), token):
            yield self.changes(view)

    def ask_hint(self, token: str, request: gr.Request) -> Changes:
        """Show the next hint; it costs no marks."""
        return self.changes(moves.ask_hint(self.talks, visitor_of(request), token))

    def finish(self, token: str, request: gr.Request) -> Changes:
        """End the practice, early or not, and show its report."""
        return self.changes(moves.finish(self.talks, visitor_of(request), token))

    def change(self, request: gr.Request) -> Changes:
        """Go back to choosing; the talk stays in the database."""
        return self.changes(moves.leave(self.talks, visitor_of(request)))

    def rest(self) -> Changes:
        """Put the reply box away until the trainee comes back or ends the practice."""
        return self.changes(moves.pause(True))

    def back(self) -> Changes:
        """Go on after a pause."""
        return self.changes(moves.pause(False))

    # Layout -----------------------------------------------------------------------------------

    def build(self) -> gr.Blocks:
        """Build the page once; events are private and carry no name."""
        with gr.Blocks(title="客服陪练", analytics_enabled=False, fill_width=True) as blocks:
            self.token = gr.State("")
            frame.sheet(frame.TOP)
            self.notice = frame.sheet("", "kefu-notice")
            self._build_choose()
            with self.choose:
                self.drafts = draft_panel.Panel(self)
            self._build_talk()
            self._build_report()
            frame.sheet(frame.BOTTOM)
            self.parts: dict[str, Any] = {
                "token": self.token, "notice": self.notice, "head": self.title, "talk": self.log,
                "card": self.card, "mood": self.mood, "hint": self.hint,
                "feedback": self.feedback, "report": self.sheet, "reply": self.reply,
            }  # fmt: skip
            self._wire(blocks)
        return cast(gr.Blocks, blocks)

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
                self.adult = gr.Checkbox(
                    False, label="我已满 18 岁（练含辱骂情景、和语言模型练，都要勾选）"
                )
            with gr.Column(scale=2, min_width=300, elem_classes="beside"):
                self.detail = frame.sheet(chooser.detail(first))
                offer = self.talks.offer
                self.speaker = gr.Radio(
                    [SCRIPT, *([offer.label] if offer else [])], value=SCRIPT, label="谁来演客户",
                    info=frame.about(offer.away) if offer else None, visible=offer is not None,
                    elem_classes="levels",
                )  # fmt: skip
                if judging := self.talks.judging:
                    frame.sheet(frame.judged(judging.model, judging.away))
                self.go = gr.Button("开始练习", variant="primary", elem_id="go")

    def _build_talk(self) -> None:
        with gr.Column(visible=False, elem_id="talk") as self.talk:
            self.title = frame.sheet()
            with gr.Row(elem_classes="two talking"):
                with gr.Column(scale=3, min_width=300, elem_classes="left"):
                    self.log = frame.sheet()
                    self._build_bottom()
                    self.hint = frame.sheet()
                    self.card = frame.sheet(elem_id="card")
                with gr.Column(scale=2, min_width=300, elem_classes="right"):
                    self.mood = frame.sheet(elem_id="mood")
                    self.feedback = frame.sheet(elem_id="feedback")

    def _build_bottom(self) -> None:
        with gr.Column(elem_classes="composer") as self.composer:
            self.reply = gr.Textbox(
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
            self.orders = ordering_panel.Panel(self)
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
        whole = [
            *screens, self.composer, self.paused, self.finished, *self.parts.values(),
            *self.orders.parts,
        ]  # fmt: skip
        picked = [self.work, self.scenario, self.detail, self.go]
        blocks.load(self.arrive, None, whole, **plain)
        blocks.load(self.drafts.shelf, None, [self.drafts.own, self.drafts.told], **plain)
        chosen = [self.level, self.work, self.adult, self.scenario]
        self.level.input(self.choose_level, [self.level, self.adult], picked, **plain)
        self.adult.input(self.choose_age, chosen, picked, **plain)
        self.work.input(self.choose_work, [self.level, self.work, self.adult], picked[1:], **plain)
        self.scenario.input(chooser.detail, self.scenario, self.detail, **plain)
        self.go.click(self.begin, [self.scenario, self.adult, self.speaker], whole, **plain)
        gr.on(
            [self.reply.submit, self.send_button.click], self.send, [self.reply, self.token],
            whole, trigger_mode="once", **plain,
        )  # fmt: skip
        self.hint_button.click(self.ask_hint, self.token, whole, **plain)
        self.rest_button.click(self.rest, None, whole, **plain)
        self.back_button.click(self.back, None, whole, **plain)
        for button in (self.stop_button, self.report_button):
            button.click(self.finish, self.token, whole, **plain)
        self.drafts.wire(whole, plain)
        self.orders.wire(whole, plain)
        self.again_button.click(self.again, self.token, whole, **plain)
        self.change_button.click(self.change, None, whole, **plain)


def mount(app: FastAPI, talks: Talks) -> None:
    """Mount the page of one database's talks at the root of an application."""
    blocks = Page(talks).build().queue(default_concurrency_limit=None, api_open=False)
    gr.mount_gradio_app(
        app, blocks, path="/", footer_links=[], run_history=False, allowed_paths=[],
        show_error=False, max_file_size=1, ssr_mode=False, enable_monitoring=False, pwa=False,
        mcp_server=False, theme=_theme(), head=head(), js=script(),
    )  # fmt: skip


def _theme() -> gr.themes.Base:
    fonts = ("PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif")
    return gr.themes.Base(
        primary_hue="teal", neutral_hue="gray", radius_size="md", text_size="lg", font=fonts,
        font_mono=("ui-monospace", "monospace"),
    )  # fmt: skip
