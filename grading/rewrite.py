"""A better wording: keeps what is good, names this customer's case, answers, does what is due.

Adds no fact, amount, time or promise that is not in the history, the reply or the card; a missing
one leaves a slot 〔…〕. Words are data: additions.yaml, rewrite_openers.yaml, rewrite_turns.yaml.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from zlib import crc32

from grading import rewrite_case, rewrite_draft, rewrite_keep, rewrite_steps
from grading.lexicon import FOLDER
from grading.rewrite_draft import Draft, Part
from grading.rewrite_keep import Manner
from grading.rewrite_steps import END
from grading.rewrite_words import turns
from knowledge.datafile import DataError, read_yaml
from knowledge.text import plain

if TYPE_CHECKING:
    from grading.card import CardHit
    from grading.empathy import Finding
    from grading.moment import Moment
    from grading.reply import Reply
    from grading.result import DimensionName, GradeRow

GOOD = 60.0  # below this a dimension counts as marked down: level 2 and less
_MOST_CHARS = 140
_ROOM_CHARS = 96  # what a wording may take however short the reply was; past it, twice the reply
_HELLO_CHARS = 14
_FIGURES = 0.5  # what a figure adds to the worth of the agent's own words
_ENDS = re.compile(r"[。！？\n]$")


@functools.lru_cache(maxsize=1)
def _instead() -> dict[str, str]:
    table = read_yaml(FOLDER / "instead.yaml")
    if not isinstance(table, dict):
        raise DataError("instead.yaml：应为“类别: 说法”的对照表")
    return {str(kind): str(text) for kind, text in table.items()}


def instead_of(kind: str) -> str:
    """Give the better wording for a kind of breach; empty for a kind without one."""
    return _instead().get(kind, "")


def better_wording(
    reply: Reply,
    moment: Moment,
    findings: Mapping[DimensionName, Finding],
    *,
    row: GradeRow,
    hits: Sequence[CardHit] = (),
) -> str | None:
    """Write a better wording, or None when nothing was marked down.

    Args:
        reply: as read.
        moment: what stood before it.
        findings: the dimensions as they are scored.
        row: channel, history and card.
        hits: figures of the reply held against the card.
    """
    weak = {n for n, f in findings.items() if f.score is not None and round(f.score, 1) < GOOD}
    if not weak and not reply.violations:
        return None
    staff = moment.staff and all(turn.role != "customer" for turn in row.history)
    heard = rewrite_case.hear(row, moment.said, moment.last, staff=staff)
    case = rewrite_keep.around(row, said=moment.said, last=moment.last)
    manner = Manner(staff=staff, opening=_is_hello(moment, staff=staff))
    kept = rewrite_keep.select(reply, case, row, hits=hits, manner=manner)
    wrong = [hit.fact for hit in hits if hit.fact]
    seed = crc32("\n".join([*(t.text for t in row.history), row.reply]).encode(errors="replace"))
    draft = Draft(
        reply, moment, row, heard, kept, rewrite_case.facts(row, heard, moment.last, wrong),
        frozenset(kind for f in findings.values() for kind, _ in f.missing),
        frozenset(weak), seed,
    )  # fmt: skip
    found = _parts(draft)
    made = _joined(draft, found)
    if plain(made) != plain(row.reply):
        return made
    first = Part(draft.say("staff_consent" if staff else "please"), 7.0)
    return _joined(draft, [*found, first] if staff else [first, *found])


def _parts(draft: Draft) -> list[Part]:
    """Give the parts of the wording, in order."""
    head: list[Part] = []
    mine = [
        Part(
            p.text,
            6.0 + p.likely + _FIGURES * bool(turns().figure.search(p.text)),
            follows=p.follows,
        )
        for p in draft.kept.pieces
    ]
    greeted = turns().greeted.match(draft.kept.text)
    if greeted and mine and len(greeted[0]) < len(mine[0].text):
        head.append(Part(greeted[0].rstrip("，。！\n") + "，", 5.0, open=True))
        mine[0] = Part(mine[0].text[greeted.end() :], mine[0].worth)
    elif draft.missing & {"greeting", "self_intro"} and not draft.heard.staff:
        head.append(Part(draft.say("greeting"), 4.0, open=True))
    if rewrite_draft.is_glad(draft):
        kind = [Part(draft.say("glad"), 7.0), *mine, Part(draft.say("glad_more"), 6.0)]
        return [*head, *kind]
    if _is_hello(draft.moment, staff=draft.heard.staff):
        if not mine and not head:
            head.append(Part(draft.say("greeting"), 4.0, open=True))
        asks = turns().hands_back.search(draft.kept.text[-END:])
        return [*head, *mine, *([] if asks else [Part(draft.say("hello"), 6.0)])]
    begun = rewrite_draft.opener(draft)
    acts = rewrite_draft.acts(draft)
    told = rewrite_draft.told(draft)
    done = rewrite_steps.due(draft, acts, told)
    said = [*acts, *mine] if "danger" in draft.moment.flags else [*mine, *acts]
    return [p for p in (*head, *begun, *said, *told, *done) if p.text.strip()]


def _is_hello(moment: Moment, *, staff: bool) -> bool:
    """Say whether nothing has been asked yet: the talk only begins."""
    return (
        "opening" in moment.flags
        and not staff
        and moment.channel != "outbound"
        and moment.heat == 0
        and not moment.flags & {"problem", "requests", "account", "danger"}
        and ("greets" in moment.flags or len(moment.last) <= _HELLO_CHARS)
    )


def _joined(draft: Draft, parts: Sequence[Part]) -> str:
    """Join the parts in the style of the channel; low worth goes where it gets too long."""
    left = list(parts)
    own = len(draft.row.reply)
    most = min(_MOST_CHARS, max(2 * own, _ROOM_CHARS))
    while sum(len(part.text) for part in left) > most and len(left) > 1:
        at = left.index(min(left, key=lambda part: part.worth))
        del left[at]
        if at < len(left):
            left[at] = replace(left[at], follows=False)
    chat = draft.moment.channel == "chat"
    made, runs_on = "", False
    for part in left:
        text = part.text.lstrip(" ，、\n")
        if made and not runs_on and not part.follows:
            made = _closed(made, chat=chat)
        made += text
        runs_on = part.open
    made = made.rstrip()
    return (made.rstrip("。，、") if chat else _closed(made, chat=False))[:_MOST_CHARS]


def _closed(text: str, *, chat: bool) -> str:
    """End a sentence: with a line break in chat, else with a full stop."""
    if chat:
        return text.rstrip("。，、；\n ") + "\n"
    text = text.rstrip(" \n")
    return text if _ENDS.search(text) else text.rstrip("，、；") + "。"
