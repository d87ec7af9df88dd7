"""A reply with its evidence marked, citations that open, breaches with a better wording.

Everything a person typed is escaped here. Scores nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from app.report import words
from grading.result import Grade, Span, Violation
from knowledge import standard


def _layers(grade: Grade) -> list[Span]:
    """Give the spans to mark, breaches first, so that they win where spans overlap."""
    spans: list[Span] = [*grade.violations, *grade.signals]
    return [s for s in spans if s.start is not None and s.end is not None and s.end > s.start]


def marked(reply: str, grade: Grade | None) -> str:
    """Give the reply as HTML, each piece of evidence in a ``mark`` coloured by its kind."""
    spans = _layers(grade) if grade else []
    cuts = {0, len(reply)}
    for span in spans:
        cuts |= {max(0, span.start or 0), min(len(reply), span.end or 0)}
    points = sorted(cuts)
    pieces: list[str] = []
    for start, end in zip(points, points[1:], strict=False):
        text = escape(reply[start:end]).replace("\n", "<br>")
        cover = [s for s in spans if (s.start or 0) <= start and end <= (s.end or 0)]
        if not cover:
            pieces.append(text)
            continue
        names = "、".join(dict.fromkeys(words.kind(s.kind) for s in cover))
        style = words.group(cover[0].kind)
        pieces.append(f'<mark class="e-{style}" title="{names}">{text}</mark>')
    return "".join(pieces)


def legend() -> str:
    """Give the key to the colours."""
    return (
        '<p class="legend" aria-label="颜色图例"><mark class="e-empathy">同理心</mark>'
        '<mark class="e-politeness">礼貌用语</mark><mark class="e-procedure">规范步骤</mark>'
        '<mark class="e-breach">违规</mark></p>'
    )


def found(grade: Grade) -> str:
    """List what was found, kind by kind, quoting the words."""
    quotes: dict[str, list[str]] = {}
    for span in grade.signals:
        if span.text and span.text not in quotes.setdefault(span.kind, []):
            quotes[span.kind].append(span.text)
    chips = [
        f'<li class="chip e-{words.group(kind)}"><b>{words.kind(kind)}</b>'
        f"「{escape('」「'.join(texts))}」</li>"
        for kind, texts in quotes.items()
        if texts
    ]
    return f'<ul class="chips" aria-label="找到的依据">{"".join(chips)}</ul>' if chips else ""


def citation(requirement_id: str) -> str:
    """Give one citation that opens to the requirement's text and the editorial notes beside it."""
    entry = standard.load().requirements[requirement_id]
    head, text = entry.citation[: -len(entry.text)].strip(), entry.text
    notes = "".join(
        f'<p class="note">编者注：{escape(note.text)}</p>'
        for note in standard.notes_of(requirement_id)
    )
    return (
        f'<details class="cite"><summary>{escape(head)}</summary>'
        f'<blockquote>{escape(text)}</blockquote><p class="cite-id">标准编号 {requirement_id}</p>'
        f"{notes}</details>"
    )


def citations(ids: Iterable[str]) -> str:
    """Give several citations, each once."""
    inner = "".join(citation(one) for one in dict.fromkeys(ids))
    return f'<div class="cites">{inner}</div>' if inner else ""


def breaches(violations: Sequence[Violation]) -> str:
    """List breaches with severity and the better wording."""
    rows = [
        f'<li><p><span class="sev sev-{v.severity}">{words.SEVERITIES[v.severity]}</span>'
        f"<b>{words.kind(v.kind)}</b>「{escape(v.text)}」</p>"
        + (f'<p class="better"><span>更好的说法</span>{escape(v.instead)}</p>' if v.instead else "")
        + "</li>"
        for v in violations
    ]
    return f'<ul class="breaches" aria-label="违规">{"".join(rows)}</ul>' if rows else ""
