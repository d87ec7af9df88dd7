"""The reply as read: its signals with strengths, its breaches, and the flags the rubric asks for.

Knows what the reply holds; not what was due.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from grading import echo, fusion, rubric, tricks
from grading.detect import Hit, Reading, find_signals, read, scan_violations
from grading.lexicon import Lexicon
from grading.moment import Moment
from grading.result import Turn
from grading.words import case_words, copied_ratio
from knowledge.text import plain

_YOU = re.compile(r"你(?!好)")
_NIN = re.compile(r"您(?!好，|好。|好！|好$)")
_SHOUT = re.compile(r"[！？]{2,}")
_EMOJI = re.compile("[\U0001f300-\U0001faff☀-➿]|\\[(微笑|呲牙|偷笑|可爱|爱心|玫瑰|调皮|害羞)\\]")
_CHINESE = re.compile(r"[㐀-鿿]")


@dataclass(frozen=True)
class Reply:
    """Everything the dimensions need to know of a reply."""

    reading: Reading
    signals: tuple[Hit, ...]
    violations: tuple[Hit, ...]
    flags: frozenset[str]
    strength: dict[str, float] = field(default_factory=dict)
    specifics: tuple[str, ...] = ()
    rude: tuple[Hit, ...] = ()
    weighed: tuple[fusion.Weighed, ...] = ()
    tricks: tuple[Hit, ...] = ()

    def of(self, *kinds: str) -> list[Hit]:
        """Give the signal hits of some kinds, in text order."""
        return [hit for hit in self.signals if hit.kind in kinds]


def grader_stretches(reading: Reading) -> tuple[tuple[int, int], ...]:
    """Give the sentences that speak to the grader or to the machine: they earn nothing."""
    pattern = rubric.wording()["grader"]
    found = [reading.sentence(m.start()) for m in pattern.finditer(reading.norm)]
    return tuple(dict.fromkeys(found))


def _strengths(signals: Sequence[Hit]) -> dict[str, float]:
    best: dict[str, float] = {}
    for hit in signals:
        best[hit.kind] = max(best.get(hit.kind, 0.0), hit.strength)
    return best


def _word_flags(reading: Reading, moment: Moment, signals: Sequence[Hit]) -> set[str]:
    words, norm = rubric.wording(), reading.kept
    kinds = {hit.kind for hit in signals}
    flags = {f"r.{kind}" for kind in kinds}
    for name in ("defers", "refusal", "imperative", "offer_sale", "activate", "general"):
        if words[name].search(norm):
            flags.add(f"r.{name}")
    if words["vague"].search(norm) and not kinds & {"timeframe"}:
        flags |= {"vague", "r.defers"}
    flags |= {"r.you"} if _YOU.search(norm) else set()
    flags |= {"r.nin"} if "您" in norm else set()
    if {"r.you", "r.nin"} <= flags and _NIN.search(norm):
        flags.add("mixed_you")
    if _SHOUT.search(norm):
        flags.add("shouting")
    if words["placeholder"].search(norm):
        flags.add("placeholder")
    flags |= _manner(norm)
    upset = moment.heat >= 1
    if upset and (words["playful"].search(norm) or _EMOJI.search(reading.text.raw)):
        flags.add("playful")
    if moment.heat >= 2 and words["cheerful_bye"].search(norm):
        flags.add("cheerful_bye")
    if "offer_help" in kinds and len(signals) <= 3 and {"problem"} & moment.flags:
        if not kinds & {"solution", "question", "verify_identity", "restate", "timeframe"}:
            flags.add("offer_after_problem")
    if {"action_plan", "options"} & kinds:
        flags.add("r.plan")
    return flags


def _manner(norm: str) -> set[str]:
    """Flags of manner by how often their words come: generic courtesy, chattiness, pushing."""
    words = rubric.wording()
    flags: set[str] = set()
    for name in ("generic_courtesy", "chatty", "pushy"):
        count = len({m[0] for m in words[name].finditer(norm)})
        flags |= {f"{name}{n}" for n in range(1, min(count, 3) + 1)}
    return flags


def _is_stacked(reading: Reading, kinds: set[str]) -> bool:
    found = [m for m in rubric.wording()["courtesy"].finditer(reading.norm)]
    length = sum(m.end() - m.start() for m in found)
    useful = kinds & {"solution", "timeframe", "question", "restate", "verify_identity", "transfer"}
    return len(found) >= 4 and (length / max(1, len(reading.norm)) > 0.3 or not useful)


def _derived(reading: Reading, reply_flags: set[str], signals: Sequence[Hit]) -> dict[str, float]:
    """Pseudo-signals the rubric may ask for besides the detected ones."""
    words, norm = rubric.wording(), reading.kept
    found: dict[str, float] = {}
    if "r.nin" in reply_flags:
        found["address"] = 0.6 if "r.you" in reply_flags else 1.0
    for name in ("handover", "hold_reason", "hold_time", "purpose"):
        if words[name].search(norm):
            found[name] = 1.0
    if "r.refusal" in reply_flags:
        found["refusal"] = 1.0
    return found


def understand(
    raw: str, moment: Moment, history: Sequence[Turn], lexicon: Lexicon, *, guarded: bool = True
) -> Reply:
    """Read a reply once: signals, breaches, flags, strengths, the customer's facts it names."""
    reading = read(raw)
    spoken = grader_stretches(reading)
    played = tricks.find(reading, moment) if guarded else ()
    if spoken or played:
        reading = read(raw, (*spoken, *played))
    found = find_signals(reading, lexicon)
    signals = found.hits
    if not moment.staff:
        staff_only = {"private", "affirm", "fact", "open_question", "options", "action_plan"}
        signals = [hit for hit in signals if hit.kind not in staff_only]
    signals = _with_echo(signals, reading, moment)
    breached = scan_violations(reading, lexicon, moment.flags)
    violations = breached.hits
    rude: list[Hit] = []
    weighed = fusion.weigh(reading)
    void = frozenset(_insincere(reading, weighed, lexicon))
    refusal = rubric.wording()["refusal"]
    refusing = frozenset(
        (p.start, p.end) for p in weighed if refusal.search(reading.norm, p.start, p.end)
    )
    signals = fusion.signals(signals, found.voided, weighed, insincere=void, refusing=refusing)
    if not moment.staff:
        excused = fusion.excuses(reading, weighed, lexicon)
        violations = fusion.breaches(
            violations, weighed, moment.flags, voided=breached.voided, excused=excused
        )
        rude = [] if violations else fusion.rude(weighed, signals)
    flags = _word_flags(reading, moment, signals)
    kinds = {hit.kind for hit in signals}
    if spoken:
        flags.add("instructs_grader")
    if _is_stacked(reading, kinds):
        flags.add("stacked")
    ratio = copied_ratio(reading.norm, moment.said)
    if ratio > 0.5:
        flags.add("copied")
    flags |= _repeat_flags(reading, history, lexicon)
    strength = _strengths(signals) | _derived(reading, flags, signals)
    if "vague" in flags and "solution" in strength:
        strength["solution"] = min(strength["solution"], 0.5)
    if "stacked" in flags:
        for kind in ("thanks", "apology", "greeting"):
            if kind in strength:
                strength[kind] *= 0.5
    pairs = case_words(moment.said)
    named = tuple(sorted(pair for pair in pairs if pair in reading.kept))
    if flags & {"copied"}:
        named = ()
        strength.pop("restate", None)
    flags |= {"r.handled"} if kinds & {"solution", "question", "restate"} else set()
    return Reply(
        reading, tuple(signals), tuple(violations), frozenset(flags), strength, named,
        tuple(rude), tuple(weighed),
        tuple(Hit("trick", "trick", *part) for part in (*spoken, *played)),
    )  # fmt: skip


def _insincere(
    reading: Reading, weighed: Sequence[fusion.Weighed], lexicon: Lexicon
) -> Iterator[tuple[int, int]]:
    """Give the stretches whose sentence is sarcastic or a taunt: no warmth is added there."""
    guards = [g.around for name in ("sarcastic", "taunt") if (g := lexicon.guards[name]).around]
    for part in weighed:
        low, high = reading.sentence(part.start)
        if any(guard and guard.search(reading.norm, low, high) for guard in guards):
            yield part.start, part.end


def _with_echo(signals: list[Hit], reading: Reading, moment: Moment) -> list[Hit]:
    """Add empathy without feeling words, where no written-out empathy overlaps it."""
    if copied_ratio(reading.norm, moment.said) > 0.5:
        return signals
    taken = [(hit.start, hit.end) for hit in signals if hit.kind in ("empathy", "restate")]
    extra = [
        hit
        for hit in echo.find(reading, moment)
        if not any(start < hit.end and hit.start < end for start, end in taken)
    ]
    return sorted([*signals, *extra], key=lambda h: (h.start, h.end, h.kind))


def _repeat_flags(reading: Reading, history: Sequence[Turn], lexicon: Lexicon) -> set[str]:
    earlier = "\n".join(plain(t.text[-600:]) for t in history[-20:] if t.role == "agent")
    if not earlier:
        return set()
    flags: set[str] = set()
    if copied_ratio(reading.norm, earlier) > 0.5:
        flags.add("repeated")
    courtesy = rubric.wording()["courtesy"]
    mine = {m[0] for m in courtesy.finditer(reading.norm) if len(m[0]) >= 5}
    formulas = [rule.pattern for rule in lexicon.signals if rule.id == "empathy.formula"]
    said_again = any(p.search(reading.norm) and p.search(earlier) for p in formulas)
    if said_again or any(phrase in earlier for phrase in mine):
        flags |= {"repeated", "formula_again"}
    return flags


def chinese_chars(norm: str) -> int:
    """Count the Chinese characters of a normal text."""
    return len(_CHINESE.findall(norm))
