"""What a better wording takes from the case: the customer's own clause, the question, the card.

Knows the history and the card; not the reply. Everything it gives stands there word for word, but
for who is spoken to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from grading.result import GradeRow
from grading.rewrite_words import AskedEntry, Turns, cues, swapped, turns, wide
from grading.words import case_words
from knowledge.quantity import quantities
from knowledge.text import Clause, clauses, normalise, plain

_SHORTEST, _LONGEST = 4, 17
_JOINED = 22
_QUOTED = (4, 16)
_SENTENCE_ENDS = re.compile(r"[。！？；\n]")
_CHECKED = re.compile(r"核[对验][^：:，]{0,6}[：:]?([^，。；]{2,30})$")
_FACT_MOST = 44


@dataclass(frozen=True)
class Heard:
    """What the customer said.

    ``fact``: a clause of hers turned to 您, "" if none is clean; ``mood``: the place of its kind
    among the moods; ``words``: words of hers to quote, "" if none; ``asked``: the kind of question.
    """

    fact: str
    mood: int
    words: str
    asked: AskedEntry | None
    topic: str
    staff: bool = False


@dataclass(frozen=True)
class Fact:
    """A line of the card, said aloud.

    ``offer``: something that can be done; ``personal``: of the customer's account.
    """

    line: str
    text: str
    offer: bool
    score: float
    personal: bool = False


def _bare(clause: str, rules: Turns) -> str:
    """Take fillers off both ends."""
    before = ""
    while clause != before:
        before = clause
        clause = rules.tails.sub("", rules.heads.sub("", clause.strip()))
    return clause


def _turned(clause: Clause, rules: Turns, *, staff: bool) -> str:
    """Give a clause turned to the listener, empty where it cannot be handed back."""
    if "？" in clause.tail:
        return ""
    bare = _bare(clause.text, rules)
    if not _SHORTEST <= len(bare) <= _LONGEST or rules.refused.search(bare):
        return ""
    if not re.search(r"[㐀-鿿]{3}", bare):
        return ""
    return swapped(bare, rules.staff_turned if staff else rules.turned)


def _weight(fact: str, mood: int, last_mood: int) -> float:
    """Say how much a clause tells of this customer; ``last_mood`` is the kind for anything."""
    weight = 3.0 if mood < last_mood else 0.0
    weight += 1.5 if re.search(r"[0-9一二两三四五六七八九十百千万半几]", fact) else 0.0
    return weight + min(len(fact), 12) / 6


def _mood(text: str, *, staff: bool) -> int:
    found = cues(staff=staff)
    return next((at for at, cue in enumerate(found) if cue.search(text)), len(found) - 1)


def _facts(found: Sequence[Clause], rules: Turns, *, staff: bool) -> tuple[str, int]:
    """Choose the clause, or two that follow each other, that tells most."""
    last_mood = len(cues(staff=staff)) - 1
    best, most, mood = "", 0.0, last_mood
    before, before_at = "", -2
    for at, clause in enumerate(found):
        fact = _turned(clause, rules, staff=staff)
        if not fact:
            before = ""
            continue
        for text in (fact, f"{before}，{fact}" if before and before_at == at - 1 else ""):
            if not text or len(text) > _JOINED:
                continue
            kind = _mood(text, staff=staff)
            weight = _weight(text, kind, last_mood)
            if weight > most:
                best, most, mood = text, weight, kind
        before, before_at = ("" if _SENTENCE_ENDS.search(clause.tail) else fact), at
    return best, mood


def _words(found: Sequence[Clause], rules: Turns, *, staff: bool) -> str:
    """Choose words to quote: the longest short clause that insults nobody."""
    low, high = _QUOTED
    fit = [
        bare
        for clause in found
        if low <= len(bare := _bare(clause.text, rules)) <= high
        and not rules.insulting.search(bare)
        and (staff or "你" not in bare)  # beside 您 it would read as a slip
        and not re.search(r"[“”‘’'\"「」（）()\[\]—…@#]|^[0-9a-z]{1,20}$|客服|[您你]好|谢谢", bare)
    ]
    return max(fit, key=len, default="")


def _topic(texts: Sequence[str], nouns: re.Pattern[str]) -> str:
    found = (match[0] for text in texts if (match := nouns.search(text)))
    return next(found, "")


def hear(row: GradeRow, said: str, last: str, *, staff: bool) -> Heard:
    """Take from the other side's last words what a reply should take up.

    Args:
        row: the case.
        said: all their words, normal.
        last: their words since the agent's last reply, normal.
        staff: whether this is a staff talk.
    """
    rules = turns()
    found = clauses(last)
    fact, mood = _facts(found, rules, staff=staff)
    if not fact and not staff:  # an earlier turn says what it is all about
        earlier = [t.text for t in row.history if t.role == "customer"]
        fact, mood = _facts(clauses(plain("\n".join(earlier[-3:]))), rules, staff=staff)
    fair = "，".join(c.text for c in found if not rules.insulting.search(c.text))
    asked = next((ask for ask, cue in rules.asks if cue.search(fair)), None)
    nouns = rules.nouns_staff if staff else rules.nouns
    return Heard(
        fact, mood, _words(found, rules, staff=staff), asked, _topic((last, said), nouns), staff
    )


def items_to_check(card: Sequence[str]) -> str:
    """Give what the card says to check an identity by; empty if it says nothing."""
    for line in card:
        match = _CHECKED.search(normalise(line).norm.replace("：", ":"))
        if match and not re.search(r"不得|密码|验证码", match[1]):
            return match[1].strip(":： ")
    return ""


def _aloud(line: str, rules: Turns, *, staff: bool) -> str:
    text = swapped(wide(line.strip("。 ")), rules.card_words_staff if staff else rules.card_words)
    if len(text) <= _FACT_MOST:
        return text
    cut = max(text.rfind(mark, 0, _FACT_MOST) for mark in "，；,")
    return text[:cut] if cut > 0 else ""


def facts(row: GradeRow, heard: Heard, last: str, wrong: Sequence[str]) -> list[Fact]:
    """Give the lines of the card that answer, best first; lines for the agent alone are left out.

    Args:
        row: the case.
        heard: what the customer said.
        last: her last words, normal.
        wrong: lines of the card that the reply got wrong: they are said first.
    """
    rules, staff = turns(), heard.staff
    near = case_words(last)
    far = case_words(plain("\n".join(t.text for t in row.history if t.role != "agent")))
    found: list[Fact] = []
    for at, line in enumerate(row.card):
        checked = _CHECKED.search(plain(line))
        if (
            checked
            or rules.card_inside.search(line)
            or not (text := _aloud(line, rules, staff=staff))
        ):
            continue
        norm = plain(line)
        pairs = {norm[i : i + 2] for i in range(len(norm) - 1)}
        score = 2.0 * min(3, len(pairs & near)) + min(3, len(pairs & far)) - 0.4 * at
        if heard.asked and heard.asked.kinds:
            score += 3.0 * any(one.kind in heard.asked.kinds for one in quantities(norm))
        score += 6.0 * (line in wrong) - 3.0 * bool(rules.card_against.search(norm))
        found.append(
            Fact(
                line, text, bool(rules.card_offer.search(line)), score,
                bool(rules.card_personal.search(line)),
            )
        )  # fmt: skip
    return sorted(found, key=lambda fact: -fact.score)
