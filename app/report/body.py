"""The report's sections as HTML, the same on the page and in the file one can take home."""

from __future__ import annotations

from html import escape

from app.report import marks, opinions, orders, plots, words
from app.report.told import Told, made_by, status
from coach.model_voice import is_unfit
from coach.report import StepResult
from coach.session import PlayTurn
from coach.voice import ENGINE as SCRIPTED
from knowledge import standard


def _section(title: str, inner: str, style: str = "") -> str:
    if not inner:
        return ""
    return f'<section class="sheet {style}"><h2>{title}</h2>{inner}</section>'


def _head(told: Told) -> str:
    case, made = told.session.scenario, told.report
    work = standard.load().contents[case.work_content]
    facts = (
        f"{case.level} · ({work.number}){escape(work.title)}", escape(case.trade),
        words.channel(case), words.TYPES[case.customer_type], f"{made.turns} 句回复",
    )  # fmt: skip
    if told.stopped:
        note = "提前结束不扣分：不计总分，没练到的步骤不算错。"
    elif made.overall is None:
        note = "没有可评的回复，不计总分。"
    else:
        note = ""
    total = "—" if made.overall is None else f"{made.overall:.0f}"
    if case.is_draft:
        note += f"自拟情景（{escape(case.source)}），只供自己练习。"
    if is_unfit(told.session.turns):
        note += "模型客户有太多轮由脚本顶替，这次不宜用作考试。"
    fatal = (
        '<p class="fatal">出现了致命错误，总分受限，请看逐句记录里的红线处。</p>'
        if made.fatal
        else ""
    )
    return (
        f'<header class="sheet report-head"><div><p class="eyebrow">练习报告</p>'
        f'<h1>{escape(case.title)}</h1><p class="facts">{"<i>｜</i>".join(facts)}</p>'
        f'<p class="ending end-{told.how}">{"提前结束" if told.stopped else "结果"}：'
        f"{words.ending(case, told.how)}</p>{fatal}"
        f'<p class="small">{note}</p></div>'
        f'<div class="total"><b>{total}</b><span>总分</span>'
        f"<small>{escape(made.label)}</small></div>"
        f'<p class="small wide">{escape(made.text_only)}。'
        f"{escape(made_by(told.session))}。</p></header>"
    )


def _scores(told: Told) -> str:
    made = told.report
    bars = "".join(plots.bar(name, score) for name, score in made.dimensions.items())
    skipped = (
        f'<p class="small">有 {made.unscored_turns} 句没有可评的内容，没有计入。</p>'
        if made.unscored_turns
        else ""
    )
    curve = plots.mood(made.curve)
    said = f'<p class="small">最后：{plots.mood_words(made.curve)}</p>'
    return (
        f'<div class="pair">{_section("三项得分", bars + skipped)}'
        f"{_section('对方的情绪', curve + said)}</div>"
    )


def _next(told: Told) -> str:
    rows = []
    for one in told.report.next:
        where = f"（第 {'、'.join(str(t) for t in one.turns)} 句）" if one.turns else ""
        todo = (
            f'<p class="better"><span>怎么练</span>{escape(one.advice)}</p>' if one.advice else ""
        )
        rows.append(
            f"<li><p><b>{escape(one.why)}</b>{where}</p>{todo}{marks.citation(one.requirement)}</li>"
        )
    return f'<ol class="next">{"".join(rows)}</ol>' if rows else ""


def _step(told: Told, step: StepResult) -> str:
    late = told.stopped and step.status == "missed"
    mark = "–" if late else words.MARKS[step.status]
    where = f"第 {step.turn} 句 · " if step.turn is not None else ""
    return (
        f'<li class="step {"skipped" if late else step.status}">'
        f'<span class="mark" aria-hidden="true">'
        f"{mark}</span><div><p>{escape(step.what)}</p>"
        f'<p class="small">{where}{status(told, step)}</p>'
        f"{marks.citation(step.requirement)}</div></li>"
    )


def _strengths(told: Told) -> str:
    rows = "".join(
        f"<li><q>{escape(one.quote)}</q><p class='small'>第 {one.turn} 句 · "
        f"{words.DIMENSIONS[one.dimension]} · {escape(one.why)}</p></li>"
        for one in told.report.strengths
    )
    return f'<ul class="strengths">{rows}</ul>' if rows else ""


def _hidden(told: Told) -> str:
    case, known = told.session.scenario, told.session.state.revealed
    rows = "".join(
        f'<li><span class="tag {"asked" if fact.id in known else "unasked"}">'
        f"{'问到了' if fact.id in known else '没问到'}</span>{escape(fact.what)}</li>"
        for fact in case.facts
    )
    goals = "".join(
        f'<li><span class="tag {"asked" if goal.id in told.session.state.met else "unasked"}">'
        f"{'办到了' if goal.id in told.session.state.met else '没办到'}</span>"
        f"{escape(goal.what)}</li>"
        for goal in case.goals
    )
    return (
        f'<p>{escape(case.background)}</p><h3>要问了才说的</h3><ul class="plain">{rows}</ul>'
        f'<h3>要办到的</h3><ul class="plain">{goals}</ul>'
    )


def exchange(told: Told, turn: PlayTurn) -> str:
    """Give one turn of the annotated transcript."""
    case = told.session.scenario
    parts = []
    if turn.reply is not None:
        parts.append(
            f'<div class="line me"><span class="who">第 {turn.turn} 句 · 你</span>'
            f"<p>{marks.marked(turn.reply, turn.grade)}</p>{_notes(turn)}</div>"
        )
    if turn.customer:
        said = escape(turn.customer).replace("\n", "<br>")
        mark = "" if turn.engine == SCRIPTED else words.AI_MARK
        parts.append(
            f'<div class="line"><span class="who">{escape(case.person.call)}{mark}</span>'
            f"<p>{said}</p>{_pressed(turn)}</div>"
        )
    return "".join(parts)


def _pressed(turn: PlayTurn) -> str:
    """Say which requirement, missed in the reply, this line came back to."""
    if turn.pressed is None:
        return ""
    seen = "评分" if turn.pressed.by == "grade" else "检索"
    cited = marks.citation(turn.pressed.requirement)
    return f'<div class="small pressed">这句追的是你还没做到的一条（{seen}看出）：{cited}</div>'


def _notes(turn: PlayTurn) -> str:
    grade = turn.grade
    if grade is None:
        return ""
    if grade.status != "scored":
        return f'<p class="small">未评分：{escape(grade.reason or "")}</p>'
    scores = " · ".join(
        f"{shown} {words.points(getattr(grade.dimensions, name).score)}"
        for name, shown in words.DIMENSIONS.items()
    )
    total = f"训练分 {words.points(grade.overall)} · " if grade.overall is not None else ""
    rewrite = (
        f'<p class="better"><span>更好的说法</span>{escape(grade.rewrite)}</p>'
        if grade.rewrite
        else ""
    )
    review = (
        f'<p class="small">建议人工复核：{escape("；".join(grade.review.why))}</p>'
        if grade.review.needed
        else ""
    )
    return (
        f'<p class="small">{total}{scores}</p>{marks.breaches(grade.violations)}{rewrite}{review}'
        f"{opinions.panel(grade)}"
    )


def _versions(told: Told) -> str:
    v = told.report.versions
    pairs = (
        ("评分规则", v.rubric), ("情景", v.scenario),
        ("谁在说话", words.ENGINES.get(v.engine or "", v.engine)), ("模型", v.model),
        ("提示词", v.prompts), ("检索", v.index), ("种子", v.seed),
    )  # fmt: skip
    inner = " · ".join(f"{name} {escape(str(value))}" for name, value in pairs if value is not None)
    return f'<p class="small versions">版本：{inner}</p>'


def _order(told: Told) -> str:
    name = orders.title(told.orders[-1]) if told.orders else ""
    return _section(name, orders.section(told.orders))


def sections(told: Told) -> str:
    """Give the whole report without page frame and style."""
    case = told.session.scenario
    steps = "".join(_step(told, step) for step in told.report.steps)
    talk = marks.legend() + "".join(exchange(told, turn) for turn in told.session.turns)
    return (
        _head(told)
        + _scores(told)
        + _order(told)
        + _section("接下来练这几件事", _next(told), "accent")
        + _section("步骤", f'<ul class="steps">{steps}</ul>')
        + _section("做得好的地方", _strengths(told))
        + _section("参考说法", f'<p class="model">{escape(case.model_reply)}</p>')
        + _section("这个情景里藏着什么", _hidden(told))
        + _section("逐句记录", talk, "transcript")
        + _versions(told)
    )
