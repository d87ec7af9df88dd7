"""What a visitor can do on the practice page, as plain functions; each gives the next view.

Knows talks and views; nothing of Gradio. A view names only what changes: None leaves a part as it
is.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Literal

from app.pages import drafting, ordering, scene
from app.pages.talks import Talk, Talks
from app.report import body
from app.report.told import tell
from coach.model_voice import speaking
from coach.session import PlayTurn
from coach.voice import ENGINE as SCRIPTED
from knowledge.datafile import DataError

Place = Literal["choose", "talk", "report"]
MOVED = "你在另一个窗口开始了别的练习，请刷新页面再继续"
NO_COOKIE = "浏览器没有带上 Cookie，请允许本站的 Cookie，再刷新页面"
_LOOK_SECONDS = 0.4
_FIRST_SECONDS, _PER_CHAR_SECONDS, _MOST_SECONDS = 0.35, 0.04, 1.2


@dataclass(frozen=True)
class View:
    """What to show; None leaves a part of the page as it is."""

    place: Place | None = None
    token: str | None = None
    notice: str | None = None
    head: str | None = None
    talk: str | None = None
    card: str | None = None
    mood: str | None = None
    hint: str | None = None
    feedback: str | None = None
    report: str | None = None
    reply: str | None = None
    ended: bool | None = None
    paused: bool | None = None
    order: ordering.Form | None = None


def notice(text: str) -> str:
    """Give a notice for people: an error with what to do."""
    return f'<div class="kefu notice" role="alert">{escape(text)}</div>' if text else ""


def _choose(why: str = "") -> View:
    return View(
        place="choose", token="", notice=notice(why), head="", talk="", card="", mood="", hint="",
        feedback="", report="", reply="", ended=False, paused=False,
    )  # fmt: skip


def _talk(talk: Talk, upto: int | None = None, *, waiting: bool = False) -> View:
    session = talk.session
    return View(
        place="talk", token=talk.token, notice="", reply="",
        head=drafting.mark(session.scenario) + scene.head(session),
        talk=scene.bubbles(session, upto, waiting=waiting), card=scene.card(session.scenario),
        mood=scene.mood(session), hint=scene.hint(talk), feedback=scene.feedback(session),
        report="", ended=talk.is_over and upto is None, paused=False,
    )  # fmt: skip


def _report(talks: Talks, talk: Talk) -> View:
    orders = talks.store.orders(talk.token)
    told = tell(talk.session, stopped=talk.stopped)  # the panel shows the orders, the files both
    return View(
        place="report", token=talk.token, notice="", head="", talk="", card="", mood="", hint="",
        feedback="", report=_marked(talk, body.sections(told)), paused=False,
        order=ordering.form(talk, orders),
    )  # fmt: skip


def _marked(talk: Talk, sections: str) -> str:
    mark = drafting.mark(talk.session.scenario)
    return f'<div class="kefu-report">{mark}{sections}</div>'


def _need(talks: Talks, visitor: str, token: str | None) -> Talk:
    """Give the visitor's talk; with a token, only if it is still the one on that page."""
    talk = talks.of(visitor) if visitor else None
    if talk is None:
        raise DataError("没有正在进行的练习，请先选一个情景")
    if token is not None and token != talk.token:
        raise DataError(MOVED)
    return talk


def arrive(talks: Talks, visitor: str) -> View:
    """Show a visitor where they left off: choosing, in the talk, or at its report."""
    if not visitor:
        return _choose(NO_COOKIE)
    try:
        talk = talks.of(visitor)
    except DataError as error:
        return _choose(f"{error}。可以重新选一个情景开始")
    if talk is None:
        return _choose()
    return _report(talks, talk) if talk.is_over else _talk(talk)


def is_typing_shown() -> bool:
    """Whether the other side's typing takes time; KEFU_TYPING=0 turns it off."""
    return os.environ.get("KEFU_TYPING") != "0"


def typing_seconds(message: str) -> float:
    """Give how long a message takes to arrive, at most 1.2 seconds."""
    return min(_MOST_SECONDS, _FIRST_SECONDS + _PER_CHAR_SECONDS * len(message))


async def _arriving(talk: Talk) -> AsyncIterator[View]:
    """Let the messages of the last turn come one by one; ends with all of them shown."""
    session = talk.session
    lines = [line for line in session.turns[-1].customer.split("\n") if line]
    if is_typing_shown():
        for at, line in enumerate(lines):
            yield View(talk=scene.bubbles(session, at, waiting=True))
            await asyncio.sleep(typing_seconds(line))
    ended = talk.is_over
    yield View(talk=scene.bubbles(session), mood=scene.mood(session), ended=ended)


async def start(
    talks: Talks, visitor: str, scenario_id: str | None, *,
    adult: bool = False, with_model: bool = False,
) -> AsyncIterator[View]:  # fmt: skip
    """Start a talk in a scenario; its opening arrives message by message."""
    try:
        if not visitor:
            raise DataError(NO_COOKIE)
        if not scenario_id:
            raise DataError("请先选一个情景")
        talk = await asyncio.to_thread(
            talks.start, visitor, scenario_id, adult=adult, with_model=with_model
        )
    except DataError as error:
        yield View(notice=notice(str(error)))
        return
    yield _talk(talk, 0, waiting=True)
    async for view in _arriving(talk):
        yield view


async def again(talks: Talks, visitor: str, token: str | None = None) -> AsyncIterator[View]:
    """Start the same scenario anew with another seed."""
    try:
        before = _need(talks, visitor, token)
    except DataError as error:
        yield View(notice=notice(str(error)))
        return
    case, with_model = before.session.scenario, before.session.voice.engine != SCRIPTED
    adult = case.abuse or with_model or before.judged
    async for view in start(talks, visitor, case.id, adult=adult, with_model=with_model):
        yield view


async def send(
    talks: Talks, visitor: str, reply: str, token: str | None = None
) -> AsyncIterator[View]:
    """Say one reply: it is graded and stored, then shown, then the answer arrives.

    On failure nothing is lost: the reply stays in the box and the talk as it was stored.
    """
    if not reply.strip():
        yield View(notice=notice("还没有写回复。写一句，再按 Enter 或点“发送”"))
        return
    try:
        talk = await asyncio.to_thread(_need, talks, visitor, token)
        saying = asyncio.create_task(asyncio.to_thread(talks.say, talk, reply))
        async for view in _waiting(talk, saying):
            yield view
        await saying
    except DataError as error:
        stored = await asyncio.to_thread(_as_stored, talks, visitor, token)
        yield View(notice=notice(str(error)), talk=stored)
        return
    yield View(
        notice="", reply="", talk=scene.bubbles(talk.session, 0, waiting=is_typing_shown()),
        feedback=scene.feedback(talk.session), hint="",
    )  # fmt: skip
    async for view in _arriving(talk):
        yield view


def _as_stored(talks: Talks, visitor: str, token: str | None) -> str | None:
    """Give the talk without what could not be said, None where there is none to show."""
    try:
        return scene.bubbles(_need(talks, visitor, token).session)
    except DataError:
        return None


async def _waiting(talk: Talk, saying: asyncio.Task[PlayTurn]) -> AsyncIterator[View]:
    """Show, while a model finds its words or judges, that the other side is about to speak."""
    voice = speaking(talk.session.voice)
    if voice is None and not talk.judged:
        return
    shown: int | None = -1
    while not (await asyncio.wait({saying}, timeout=_LOOK_SECONDS))[0]:
        place = voice.place() if voice else None
        if place != shown:
            shown = place
            ahead = f"前面还有 {place} 位在等同一个模型" if place else ""
            yield View(talk=scene.bubbles(talk.session, waiting=True), notice=notice(ahead))


def ask_hint(talks: Talks, visitor: str, token: str | None = None) -> View:
    """Give the next hint."""
    try:
        talk = _need(talks, visitor, token)
    except DataError as error:
        return View(notice=notice(str(error)))
    talk.hints += 1
    return View(hint=scene.hint(talk), notice="")


def pause(is_paused: bool) -> View:
    """Show or hide the pause panel; nothing runs out while it is open."""
    return View(paused=is_paused, notice="")


def finish(talks: Talks, visitor: str, token: str | None = None) -> View:
    """Show the report; a talk still going on is ended early, at no cost of marks."""
    try:
        talk = _need(talks, visitor, token)
        if not talk.is_over:
            talks.stop(talk)
        return _report(talks, talk)
    except DataError as error:
        return View(notice=notice(str(error)), paused=False)


def hand_in(
    talks: Talks, visitor: str, token: str, *, work: Mapping[str, str], coaching: Mapping[str, str]
) -> View:
    """Hand in the order of the visitor's finished talk and show it marked.

    Args:
        talks: all talks.
        visitor: whose talk, from the cookie.
        token: the talk that page shows.
        work: texts of the work order, used after a customer's talk.
        coaching: texts of the coaching record, used after a staff talk.
    """
    try:
        talk = _need(talks, visitor, token)
        is_staff = talk.session.scenario.kind == "staff"
        ordering.hand_in(talks, talk, coaching if is_staff else work)
        return _report(talks, talk)
    except DataError as error:
        return View(notice=notice(str(error)))


def leave(talks: Talks, visitor: str) -> View:
    """Go back to choosing another scenario."""
    try:
        if visitor:
            talks.leave(visitor)
    except DataError as error:
        return View(notice=notice(str(error)))
    return _choose()
