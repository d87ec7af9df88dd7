"""What a better wording says of the case: who is spoken to, the opener, the acts, the answer.

Knows the case and the words for it; not which step is due, nor how the parts are joined.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grading import rewrite_case
from grading.rewrite_words import filled, openers, picked, steps, turns

if TYPE_CHECKING:
    from grading.moment import Moment
    from grading.reply import Reply
    from grading.result import GradeRow
    from grading.rewrite_case import Fact, Heard
    from grading.rewrite_keep import Kept

_TOLD_CHARS = (56, 80)  # of the card, after a short reply and after a long one
_SHORT_CHARS = 48
_ANGRY = 2
_TELLING = -0.5  # score of a second line of the card
_SAID = 0.5  # share of a card line's pairs that makes it said
_NAMED = 3  # pairs of the customer's words in the agent's own that make an opener needless


@dataclass(frozen=True)
class Draft:
    """Everything a better wording is made from."""

    reply: Reply
    moment: Moment
    row: GradeRow
    heard: Heard
    kept: Kept
    facts: Sequence[Fact]
    missing: frozenset[str]
    weak: frozenset[str]
    seed: int

    def say(self, step: str) -> str:
        """Give the words of a step for this case."""
        entry = steps()[step]
        moment = self.moment
        options = entry.say
        if entry.bare and not self.heard.topic:
            options = entry.bare
        elif entry.chat and moment.channel == "chat":
            options = entry.chat
        elif entry.in_person and moment.channel == "in_person":
            options = entry.in_person
        elif entry.phone and "phone" in moment.flags:
            options = entry.phone
        options = next((w.say for w in entry.where if re.search(w.cue, moment.last)), options)
        items = rewrite_case.items_to_check(self.row.card) or "〔核对项〕"
        return filled(picked(options, self.seed, step), topic=self.topic(step), items=items)

    def topic(self, salt: str) -> str:
        """Name the matter: 退款的事."""
        if not self.heard.topic:
            names = openers().no_topic
            return picked(names[:1] if self.heard.staff else names, self.seed, salt)
        return filled(picked(openers().topic, self.seed, salt), topic=self.heard.topic)


@dataclass(frozen=True)
class Part:
    """A piece of the wording.

    ``worth``: parts of low worth go first where it gets too long; ``follows``: it goes on where
    the part before ends; ``open``: the next part goes on where it ends; ``offers``: it tells what
    can be done.
    """

    text: str
    worth: float
    follows: bool = False
    open: bool = False
    offers: bool = False


def opener(draft: Draft) -> list[Part]:
    """Take up what happened to the other side, unless the kept words do."""
    moment, heard, kept = draft.moment, draft.heard, draft.kept
    if ("empathy" not in draft.weak and kept.whole) or _is_calm(draft):
        return []
    if "danger" in moment.flags and not heard.staff:
        return []  # what to do comes first
    named = sum(1 for word in draft.reply.specifics if word in kept.text[:40])
    if kept.whole and named >= _NAMED:
        return []
    entry = openers()
    moods = entry.staff if heard.staff else entry.moods
    unsure = entry.staff_unsure if heard.staff else entry.unsure
    options = moods[heard.mood].say if heard.fact else unsure
    if not heard.fact and not heard.words:
        return []
    template = picked(options, draft.seed, "opener")
    leads = entry.staff_lead if heard.staff else entry.lead
    bare = template.startswith("$") and "我" not in template
    lead = picked(leads, draft.seed, "lead") if bare else ""
    told = filled(template, fact=heard.fact, words=heard.words)
    return [Part(f"{lead}{told}。", 8.0), *_manners(draft)]


def _manners(draft: Draft) -> list[Part]:
    """Say sorry to a customer, put a team member at ease, where that is due and nothing stands."""
    step = "private" if draft.heard.staff else "apology"
    due = step in draft.missing and not draft.kept.whole
    angry = draft.heard.staff or draft.moment.heat >= _ANGRY
    return [Part(draft.say(step), 2.5)] if due and angry else []


def _is_calm(draft: Draft) -> bool:
    """Say whether the other side shows nothing that wants taking up."""
    flags, heat = draft.moment.flags, draft.moment.heat
    if draft.heard.staff:
        return False
    if heat == 0:
        troubled = flags & {"problem", "abusive", "wants_boss", "wants_channel"}
        told = troubled or "asks" not in flags
        return draft.kept.whole or not told or not draft.heard.fact
    return heat == 1 and "thanked" in flags and not flags & {"problem", "asks"}


def acts(draft: Draft) -> list[Part]:
    """Do what stands above all else: protect codes and data, keep people safe, let them go on."""
    kinds = {v.kind for v in draft.reply.violations}
    flags, missing, whole = draft.moment.flags, draft.missing, draft.kept.whole
    found: list[str] = []
    secret = turns().secrets.search(draft.reply.reading.norm) if "privacy" in kinds else None
    wanted = "third_party" in flags and turns().asks_about.search(draft.moment.last)
    if wanted and "privacy" in kinds and not secret and not draft.heard.staff:
        return [Part(draft.say("third_party"), 9.0)]
    if secret or (
        not whole and turns().secrets.search(draft.moment.last) and not draft.heard.staff
    ):
        found.append("code")
    if "danger" in flags and ("safety" in missing or not whole):
        found.append("safety")
    if "wants_boss" in flags and ("transfer" in missing or not whole) and not draft.facts:
        found.append("transfer")
    if "abusive" in flags and "warning" in missing and not whole:
        found.append("warning")
    if "opt_out" in missing:
        found.append("opt_out")
    return [Part(draft.say(step), 9.0) for step in found]


def told(draft: Draft) -> list[Part]:
    """Answer with what the card holds: what is so, then what can be done."""
    kept = draft.kept
    if kept.whole and not draft.missing & {"solution", "alternative"}:
        return []
    fresh = [fact for fact in draft.facts if not _is_said(fact, kept.text)]
    offers = [fact for fact in fresh if fact.offer][:1]
    status = [fact for fact in fresh if not fact.offer][: 1 if kept.pieces else 2]
    status = [f for at, f in enumerate(status) if at == 0 or f.score >= _TELLING]
    if kept.whole:
        best = max([*offers, *status], key=lambda fact: fact.score, default=None)
        offers, status = [f for f in offers if f is best], [f for f in status if f is best]
    if must_verify(draft):
        status = [fact for fact in status if not fact.personal][:1]  # the account waits
    most = _TOLD_CHARS[len(draft.row.reply) > _SHORT_CHARS]
    while len(status) > 1 and sum(len(f.text) for f in (*status, *offers)) > most:
        status.pop()
    staff = "staff_" if draft.heard.staff else ""
    found: list[Part] = []
    for name, lines in (("told", status), ("offered", offers)):
        for at, fact in enumerate(lines):
            options = openers().also if at else steps()[staff + name].say
            text = filled(picked(options, draft.seed, fact.line), fact=fact.text)
            found.append(Part(text, 5.0 if at else 7.5, offers=name == "offered"))
    return found


def _is_said(fact: Fact, text: str) -> bool:
    """Say whether the agent's own words already hold a line of the card."""
    pairs = {fact.text[at : at + 2] for at in range(len(fact.text) - 1)}
    return sum(pair in text for pair in pairs) >= _SAID * len(pairs)


def must_verify(draft: Draft) -> bool:
    """Say whether an identity is to be checked before anything of the account is told."""
    if draft.moment.channel not in ("inbound", "chat") or "verified" in draft.moment.flags:
        return False
    if draft.kept.whole:
        return False
    listed = bool(rewrite_case.items_to_check(draft.row.card))
    asked = bool(turns().asks_about.search(draft.moment.last))
    return listed or (asked and "verify_identity" in draft.missing)


def is_glad(draft: Draft) -> bool:
    """Say whether the customer only tells that all is well."""
    rules, last = turns(), draft.moment.last
    calm = draft.moment.heat <= 1 and not draft.heard.staff
    return bool(calm and rules.glad.search(last) and not rules.glad_not.search(last))
