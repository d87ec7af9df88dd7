"""The part 自拟情景 of the practice page: its boxes and buttons, and what they call."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from app.pages import drafting, frame
from app.pages.drafting import Outcome

if TYPE_CHECKING:
    from app.pages.practice import Page

Changes = dict[Any, Any]
_SEEDS = 100_000
_ABOUT = (
    "写一句想练什么：谁、为什么事、什么级别。起草出来的是未审核的情景，自己改、自己练，"
    "别人看不到，也不用于考试。"
)


class Panel:
    """The components and their handlers; holds nothing of a visitor."""

    def __init__(self, page: Page) -> None:
        """Build inside the choosing screen."""
        self.page = page
        with gr.Accordion("自拟情景", open=False, elem_id="drafts"):
            frame.sheet(f'<p class="kefu small">{_ABOUT}</p>')
            self.wish = gr.Textbox(
                label="愿望", placeholder="暴躁的老客户，七天无理由退货被拒，中级", lines=2,
                max_lines=4, max_length=200, elem_id="wish",
            )  # fmt: skip
            self.level = gr.Radio(
                list(drafting.LEVELS), value=drafting.BY_WISH, label="按哪一级",
                elem_classes="levels",
            )  # fmt: skip
            self.make = gr.Button("起草", variant="primary", elem_id="draft-make")
            self.told = frame.sheet(elem_id="draft-told")
            self.own = gr.Dropdown(
                [], label="我自拟的", filterable=False, visible=False, elem_id="draft-own"
            )
            self.sheet = frame.sheet(elem_id="draft-sheet")
            with gr.Accordion("改这个情景", open=False, elem_id="draft-edit"):
                self.text = gr.Textbox(
                    label="情景（YAML）", lines=16, max_lines=28, elem_id="draft-text"
                )
            with gr.Row(elem_classes="buttons"):
                self.check = gr.Button("检查", elem_id="draft-check", min_width=72)
                self.save = gr.Button("保存", elem_id="draft-save", min_width=72)
                self.play = gr.Button(
                    "去练习", variant="primary", elem_id="draft-play", min_width=96
                )

    def wire(self, whole: list[Any], plain: dict[str, Any]) -> None:
        """Connect the events; drafting and checking take seconds, so few run at once."""
        parts = [self.told, self.sheet, self.text, self.own]
        slow = plain | {"concurrency_limit": 2, "concurrency_id": "draft"}
        adult = self.page.adult
        gr.on(
            [self.make.click, self.wish.submit], self.on_make, [self.wish, self.level, adult],
            parts, trigger_mode="once", **(slow | {"show_progress": "minimal"}),
        )  # fmt: skip
        self.check.click(self.on_check, self.text, parts, trigger_mode="once", **slow)
        self.save.click(self.on_save, self.text, parts, trigger_mode="once", **slow)
        self.own.input(self.on_pick, self.own, parts, **plain)
        inputs = [self.text, adult, self.page.speaker]
        self.play.click(self.on_play, inputs, [*parts, *whole], trigger_mode="once", **slow)

    def changes(self, made: Outcome) -> Changes:
        """Turn an outcome into updates of components."""
        found: Changes = {self.told: made.told}
        if made.sheet is not None:
            found[self.sheet] = made.sheet
        if made.text is not None:
            found[self.text] = made.text
        if made.own is not None:
            found[self.own] = gr.update(choices=made.own, value=made.picked, visible=bool(made.own))
        return found

    def shelf(self, request: gr.Request) -> Changes:
        """Show which drafts the visitor has, on arriving."""
        visitor = _visitor(request)
        own = drafting.mine(visitor)
        return {
            self.own: gr.update(choices=own, value=None, visible=bool(own)),
            self.told: drafting.faults(visitor),
        }

    def on_make(self, wish: str, level: str, adult: bool, request: gr.Request) -> Changes:
        """Draft."""
        made = drafting.wish(
            self.page.talks, _visitor(request), wish, level,
            adult=adult, seed=secrets.randbelow(_SEEDS),
        )  # fmt: skip
        return self.changes(made)

    def on_check(self, text: str, request: gr.Request) -> Changes:
        """Check what stands in the box."""
        return self.changes(drafting.check(_visitor(request), text))

    def on_save(self, text: str, request: gr.Request) -> Changes:
        """Keep what stands in the box."""
        return self.changes(drafting.keep(_visitor(request), text))

    def on_pick(self, scenario_id: str | None, request: gr.Request) -> Changes:
        """Show a kept draft."""
        return self.changes(drafting.fetch(_visitor(request), scenario_id))

    async def on_play(
        self, text: str, adult: bool, speaker: str, request: gr.Request
    ) -> AsyncIterator[Changes]:
        """Keep what stands in the box and start a talk in it."""
        kept = await asyncio.to_thread(drafting.keep, _visitor(request), text)
        yield self.changes(kept)
        if kept.picked:
            async for changes in self.page.begin(kept.picked, adult, speaker, request):
                yield changes


def _visitor(request: gr.Request) -> str:
    from app.pages.practice import visitor_of

    return visitor_of(request)
