"""The talk on screen: bubbles, the fact card, mood, hints, the feedback on the latest reply.

Shows only what has been said or is on the agent's own card; never what a scenario still hides.
"""

from __future__ import annotations

from html import escape

from app.pages.talks import Talk
from app.report import marks, opinions, plots, words
from coach.report import TEXT_ONLY, CurvePoint
from coach.scenario import Scenario
from coach.session import PlayTurn, Session
from coach.voice import ENGINE as SCRIPTED
from grading import rubric
from grading.result import DIMENSIONS, Grade

_GENERIC = {
    "empathy": "先回应对方的处境：发生了什么、对他有什么影响，用自己的话说一句。",
    "politeness": "看看称呼和口气：请人做事用征询，给人添了麻烦要致歉，对方配合了要道谢。",
    "procedure": "往前走一步：问一个关键问题，或说清谁、做什么、几点前。",
}


def _speaker(session: Session) -> str:
    """Say who speaks the other side's lines, and whether that is AI."""
    other, voice = words.other(session.scenario), session.voice
    if voice.engine == SCRIPTED:
        return f"{other}由脚本扮演（非 AI 生成）"
    model = f"{words.ENGINES[voice.engine]} {voice.model}"
    return escape(f"{other}由{model} 扮演（AI 生成，标 AI 的句子），不合格时由脚本说")


def head(session: Session) -> str:
    """Give the line above the talk: title, how they meet, who is speaking."""
    case = session.scenario
    return (
        f'<div class="kefu scene-head"><h2>{escape(case.title)}</h2><p>'
        f'<span class="pill">{words.channel(case)}</span><span>{escape(case.trade)} · '
        f"{words.TYPES[case.customer_type]} · {words.stars(case.difficulty)}</span>"
        f'<span class="pill quiet">{_speaker(session)}</span></p></div>'
    )


def _bubble(side: str, who: str, text: str) -> str:
    shown = escape(text).replace("\n", "<br>")
    return (
        f'<div class="msg {side}"><span class="who">{who}</span>'
        f'<div class="bubble">{shown}</div></div>'
    )


def bubbles(session: Session, upto: int | None = None, *, waiting: bool = False) -> str:
    """Give the conversation as bubbles.

    Args:
        session: the talk.
        upto: how many messages of the last line to show; None for all.
        waiting: show that the other side is about to say more.
    """
    case, rows = session.scenario, []
    who = escape(case.person.call)
    for turn in session.turns:
        if turn.reply is not None:
            rows.append(_bubble("me", "你", turn.reply))
        lines = [line for line in turn.customer.split("\n") if line]
        if turn is session.turns[-1] and upto is not None:
            lines = lines[:upto]
        mark = "" if turn.engine == SCRIPTED else words.AI_MARK
        rows += [_bubble("other", who + mark, line) for line in lines]
    if waiting:
        rows.append(
            '<div class="msg other waiting">'
            f'<span class="who">{who}{words.TYPING[case.channel]}</span>'
            '<div class="bubble" aria-hidden="true"><i></i><i></i><i></i></div></div>'
        )
    if session.state.ended and upto is None:
        rows.append(f'<p class="over">{words.ending(case, session.state.ended)}</p>')
    return (
        f'<div class="kefu talk ch-{case.channel}" id="kefu-log" role="log" aria-live="polite" '
        f'aria-label="对话记录" tabindex="0">{"".join(rows)}</div>'
    )


def card(case: Scenario) -> str:
    """Give the agent's fact card: whom they talk with and what their system says."""
    rows = "".join(f"<li>{escape(line)}</li>" for line in case.card)
    return (
        f'<details class="kefu sheet card" open><summary>资料卡</summary>'
        f'<p class="small">对方：{escape(case.person.call)} · {words.channel(case)}</p>'
        f"<ul>{rows}</ul></details>"
    )


def mood(session: Session) -> str:
    """Give the other side's numbers as a live curve with the same in words."""
    curve = [
        CurvePoint(turn=at, anger=s.anger, trust=s.trust, patience=s.patience)
        for at, s in enumerate(session.states)
    ]
    return (
        f'<div class="kefu sheet moods"><h2>{words.other(session.scenario)}情绪</h2>'
        f"{plots.mood(curve)}"
        f'<p class="small">{plots.mood_words(curve)}</p></div>'
    )


def hint(talk: Talk) -> str:
    """Give the hint last asked for; nothing before the first."""
    if not talk.hints:
        return ""
    own = talk.session.scenario.hints
    if talk.hints <= len(own):
        text, count = own[talk.hints - 1], f"{talk.hints} / {len(own)}"
    else:
        text, count = _GENERIC[_weakest(talk.session)], "按你最近的得分"
    return (
        f'<div class="kefu sheet hint" role="status"><h2>提示 <small>{count}</small></h2>'
        f"<p>{escape(text)}</p></div>"
    )


def _weakest(session: Session) -> str:
    for turn in reversed(session.turns):
        if turn.grade is None:
            continue
        scores = {n: getattr(turn.grade.dimensions, n).score for n in DIMENSIONS}
        scored = {name: score for name, score in scores.items() if score is not None}
        if scored:
            return min(scored, key=lambda name: scored[name])
    return "procedure"


def feedback(session: Session) -> str:
    """Give the judgement of the latest reply, or what to expect before the first."""
    turn = session.turns[-1]
    if turn.grade is None or turn.reply is None:
        return (
            '<div class="kefu sheet feedback"><h2>评分与依据</h2><p class="small">'
            "发出第一句后，这里会给出三项得分、依据的原话、对应的标准要求和更好的说法。</p>"
            f'<p class="small">{TEXT_ONLY}。</p></div>'
        )
    return (
        f'<div class="kefu sheet feedback"><h2>第 {turn.turn} 句 · 评分与依据</h2>'
        f"{_judged(turn, turn.grade)}<p class='small'>{TEXT_ONLY}。</p></div>"
    )


def _judged(turn: PlayTurn, grade: Grade) -> str:
    if grade.status != "scored":
        return f'<p class="unscored">未评分：{escape(grade.reason or "没有可评的内容")}</p>'
    fatal = '<p class="fatal">致命错误：这一句的总分受限。</p>' if grade.fatal else ""
    review = (
        f'<p class="review">建议人工复核：{escape("；".join(grade.review.why))}</p>'
        if grade.review.needed
        else ""
    )
    rewrite = (
        f'<p class="better"><span>更好的说法</span>{escape(grade.rewrite)}</p>'
        if grade.rewrite
        else ""
    )
    return (
        f'<p class="overall"><b>{words.points(grade.overall)}</b>'
        f"<span>{rubric.load().label}</span></p>"
        f"{fatal}{''.join(_dimension(name, grade) for name in DIMENSIONS)}"
        f'<h3>你的话</h3><p class="quoted">{marks.marked(turn.reply or "", grade)}</p>'
        f"{marks.legend()}"
        f"{marks.breaches(grade.violations)}{rewrite}{marks.found(grade)}{review}"
        f"{opinions.panel(grade)}"
    )


def _dimension(name: str, grade: Grade) -> str:
    one = getattr(grade.dimensions, name)
    advice = f'<p class="advice">{escape(one.advice)}</p>' if one.advice else ""
    return (
        f'<div class="dimension">{plots.bar(name, one.score)}<p class="small">{escape(one.why)}</p>'
        f"{advice}{marks.citations(one.citations)}</div>"
    )
