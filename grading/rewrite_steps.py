"""The step that is due next in a better wording, and how it hands the word back.

Knows what is missing and what is already said; the words are in additions.yaml.
"""

from __future__ import annotations

from collections.abc import Sequence

from grading import rewrite_case
from grading.rewrite_draft import Draft, Part, must_verify
from grading.rewrite_words import steps, turns

END = 12  # characters at the end in which a question hands the word back
_FORWARD = frozenset({
    "solution", "timeframe", "question", "restate", "verify_identity", "transfer", "alternative",
    "safety", "opt_out", "choice", "hold", "complaint_channel", "disclosure", "options",
    "action_plan", "follow_up", "open_question",
})  # fmt: skip


def due(draft: Draft, acts: Sequence[Part], told: Sequence[Part]) -> list[Part]:
    """Do what is due and not yet done, and hand the word back."""
    found: list[Part] = []
    if draft.heard.staff:
        return _staff_steps(draft, told)
    listed = rewrite_case.items_to_check(draft.row.card)
    if "danger" in draft.moment.flags and not draft.kept.whole:
        return [Part(draft.say("rescue"), 8.0), Part(draft.say("timeframe"), 3.0)]
    if must_verify(draft) and (listed or not acts):
        found.append(Part(draft.say("verify_identity"), 7.5))
    elif step := _step(draft, acts, told):
        found.append(Part(draft.say(step), 7.0))
        if step in ("solution", "can", "who") and not draft.kept.whole:
            found.append(Part(draft.say("timeframe"), 3.0))
    text = "".join(part.text for part in (*acts, *told, *found)) or draft.kept.text
    if "caller_bye" in draft.moment.flags:
        found.append(Part(draft.say("closing"), 3.0))
    elif _wants_word_back(draft, bool(acts or told or found)) and not turns().hands_back.search(
        text[-END:]
    ):
        found.append(Part(draft.say("confirm_satisfaction"), 2.0))
    return found


def _wants_word_back(draft: Draft, added: bool) -> bool:
    """Say whether the reply should end by asking: a sound one only where that is missing."""
    if "danger" in draft.moment.flags:
        return False
    if not draft.kept.whole:
        return True
    lacking = {"confirm_satisfaction", "consent", "please"} & draft.missing
    return bool(lacking) or ("empathy" not in draft.weak and not added)


def _step(draft: Draft, acts: Sequence[Part], told: Sequence[Part]) -> str | None:
    """Choose the one step that is due next; None where the reply already takes it."""
    missing, kept = draft.missing, draft.kept
    offered = any(part.offers for part in told)
    if acts and any("〔主管〕" in part.text or "授权" in part.text for part in acts):
        return None
    if kept.whole:
        return _small_step(draft)
    if offered:
        return None
    if "complaint_channel" in missing:
        return "complaint_channel"
    asked = draft.heard.asked
    if asked and asked.id in steps() and not told:
        return asked.id
    if told:
        return "next"
    return "question" if "unclear" in draft.moment.flags else "solution"


def _small_step(draft: Draft) -> str | None:
    """Choose what a sound reply still lacks; None where that would only make it longer."""
    missing, text = draft.missing, draft.kept.text
    if "danger" in draft.moment.flags or turns().hands_back.search(text[-END:]):
        return None
    signs = draft.reply.strength.keys()
    apt = {
        "handover": not turns().handed.search(text),
        "hold_reason": bool(turns().waits.search(text)) and "transfer" not in signs,
        "disclosure": True, "consent": True, "timeframe": True, "alternative": not draft.facts,
    }  # fmt: skip
    for kind, fits in apt.items():
        if kind in missing and fits:
            return kind
    return "ownership" if "solution" in missing and not signs & _FORWARD else None


def _staff_steps(draft: Draft, told: Sequence[Part]) -> list[Part]:
    found: list[Part] = []
    text = draft.kept.text + "".join(part.text for part in told)
    if not draft.kept.whole:
        first = "opening" in draft.moment.flags or draft.moment.heat >= 1
        step = "staff_ask" if told else "open_question" if first else "options"
        found.append(Part(draft.say(step), 6.0))
    elif not turns().hands_back.search(text[-END:]):
        found.append(Part(draft.say("staff_consent"), 3.0))
    if "follow_up" in draft.missing:
        found.insert(0, Part(draft.say("follow_up"), 2.0))
    return found
