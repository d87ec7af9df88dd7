"""The part 写工单 of the report screen: its boxes and button, and what they call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from app.pages import frame, moves
from app.pages.ordering import Form
from coach import order_words
from coach.order_words import FieldSpec

if TYPE_CHECKING:
    from app.pages.practice import Page

Changes = dict[Any, Any]
_ABOUT = (
    "谈完写一份工单（班组谈话写辅导记录），对照刚才说过的、答应过的，一栏一栏评。"
    "可以再交，每一稿都留着。"
)


class Panel:
    """The components and their handler; holds nothing of a visitor."""

    def __init__(self, page: Page) -> None:
        """Build inside the report screen."""
        self.page = page
        book = order_words.load().book
        with gr.Accordion("写工单", open=False, elem_id="order"):
            frame.sheet(f'<p class="kefu small">{_ABOUT}</p>')
            with gr.Column(visible=False, elem_id="form-customer") as self.customer:
                self.work = {spec.id: self._box(spec, "order") for spec in book.customer}
            with gr.Column(visible=False, elem_id="form-staff") as self.staff:
                self.coaching = {spec.id: self._box(spec, "coach") for spec in book.staff}
            self.submit = gr.Button("提交", variant="primary", elem_id="order-submit")
            self.told = frame.sheet(elem_id="order-told")
            self.result = frame.sheet(elem_id="order-result")

    def _box(self, spec: FieldSpec, where: str) -> Any:  # noqa: ANN401 - a Gradio component
        book = order_words.load().book
        if spec.check == "type":
            return gr.Dropdown(
                list(book.types.values()), value=None, label=spec.name, info=spec.hint,
                filterable=False, elem_id=f"{where}-{spec.id}",
            )  # fmt: skip
        long = spec.weight >= 12
        return gr.Textbox(
            label=spec.name, info=spec.hint, lines=3 if long else 1, max_lines=8,
            max_length=book.most_chars, elem_id=f"{where}-{spec.id}",
        )  # fmt: skip

    @property
    def parts(self) -> list[Any]:
        """Every component a view may change."""
        boxes = [*self.work.values(), *self.coaching.values()]
        return [self.customer, self.staff, *boxes, self.told, self.result]

    def wire(self, whole: list[Any], plain: dict[str, Any]) -> None:
        """Connect the button; marking takes a moment."""
        inputs = {self.page.token, *self.work.values(), *self.coaching.values()}
        self.submit.click(
            self.on_submit, inputs, whole, trigger_mode="once",
            **(plain | {"show_progress": "minimal"}),
        )  # fmt: skip

    def changes(self, form: Form) -> Changes:
        """Turn a form into updates of components."""
        found: Changes = {
            self.customer: gr.update(visible=not form.is_staff),
            self.staff: gr.update(visible=form.is_staff),
            self.told: "", self.result: form.result,
        }  # fmt: skip
        types = order_words.load().book.types
        for own, boxes in ((not form.is_staff, self.work), (form.is_staff, self.coaching)):
            for name, box in boxes.items():
                text = form.texts.get(name, "") if own else ""
                if name == "type":
                    shown: str | None = types.get(text) if text else None  # type: ignore[call-overload]
                    found[box] = gr.update(value=shown)
                else:
                    found[box] = text
        return found

    def on_submit(self, data: dict[Any, Any], request: gr.Request) -> Changes:
        """Hand in what stands in the boxes."""
        from app.pages.practice import visitor_of

        view = moves.hand_in(
            self.page.talks, visitor_of(request), data[self.page.token],
            work={name: data[box] or "" for name, box in self.work.items()},
            coaching={name: data[box] or "" for name, box in self.coaching.items()},
        )  # fmt: skip
        if view.place is None:
            return {self.told: view.notice}
        return self.page.changes(view)
