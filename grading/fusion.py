"""Joining word lists and classifiers: what is added, what is dropped, and the stretch it is in.

Thresholds are in rubric.yaml; a match voided by a guard is never brought back by a classifier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grading import classifier, rubric
from grading.detect import Hit, Reading
from grading.lexicon import Lexicon
from grading.stretches import stretches
from knowledge.text import has_chinese

Excused = frozenset[tuple[str, int]]
_DEEDS = frozenset({"solution", "transfer", "timeframe"})
_WARM = frozenset({"empathy", "apology", "thanks"})
_SURE = frozenset({"thanks", "apology", "greeting", "closing", "restate"})


@dataclass(frozen=True)
class Weighed:
    """A stretch of the reply and what the classifiers make of it; offsets into normal text."""

    start: int
    end: int
    signals: dict[str, float]
    breaches: dict[str, float]


def weigh(reading: Reading) -> list[Weighed]:
    """Ask both classifiers about every stretch that is neither quoted nor void."""
    signals, breaches = classifier.load("signals"), classifier.load("violations")
    found: list[Weighed] = []
    for start, end in stretches(reading):
        if reading.is_quoted(start, end) or reading.is_void(start, end):
            continue
        own = reading.own(start, end)
        if not has_chinese(own):
            continue
        likely = signals.probabilities(own), breaches.probabilities(own)
        found.append(Weighed(start, end, *likely))
    return found


def _around(hit: Hit, weighed: Sequence[Weighed]) -> list[Weighed]:
    return [part for part in weighed if part.start < hit.end and hit.start < part.end]


def signals(
    hits: Sequence[Hit],
    voided: Sequence[Hit],
    weighed: Sequence[Weighed],
    insincere: frozenset[tuple[int, int]] = frozenset(),
    refusing: frozenset[tuple[int, int]] = frozenset(),
) -> list[Hit]:
    """Drop signals the classifier finds unlikely, add those it is sure of.

    Args:
        hits: found by the word lists.
        voided: matches a guard took away; they are not brought back.
        weighed: the classifiers' view of each stretch.
        insincere: stretches in which no warmth is added.
        refusing: stretches that say something cannot be done: no deed is added there.
    """
    rule = rubric.load().classifier
    kept: list[Hit] = []
    for hit in hits:
        seen = [part.signals.get(hit.kind) for part in _around(hit, weighed)]
        known = [value for value in seen if value is not None]
        least = rule.keep_signal / 3 if hit.kind in _SURE else rule.keep_signal
        if not known or max(known) >= least:
            kept.append(hit)
    for part in weighed:
        for kind, share in part.signals.items():
            inside = [h for h in (*kept, *voided) if h.kind == kind]
            taken = any(h.start < part.end and part.start < h.end for h in inside)
            if kind in _DEEDS and (part.start, part.end) in refusing:
                continue
            if kind in _WARM and (part.start, part.end) in insincere:
                continue
            if share >= rule.add_signal and not taken:
                strength = rule.strength.get(kind, 0.9)
                kept.append(Hit(kind, f"{kind}.model", part.start, part.end, strength))
    return sorted(kept, key=lambda h: (h.start, h.end, h.kind))


BY_MODEL = ".model"


def breaches(
    hits: Sequence[Hit],
    weighed: Sequence[Weighed],
    flags: frozenset[str],
    voided: Sequence[Hit] = (),
    excused: Excused = frozenset(),
) -> list[Hit]:
    """Drop breaches the classifier finds very unlikely, add those it is sure of.

    Args:
        hits: found by the word lists; sure ones stay.
        weighed: the classifiers' view of each stretch.
        flags: of the moment.
        voided: matches that were quoted or excused; they are not brought back.
        excused: (kind, start of stretch) where a reason and a way out follow.
    """
    rule = rubric.load().classifier
    kept: list[Hit] = []
    for hit in hits:
        around = [part.breaches for part in _around(hit, weighed)]
        likely = hit.sure or any(
            hit.kind not in shares
            or shares[hit.kind] >= rule.keep_breach
            or 1.0 - shares.get("clean", 1.0) >= rule.keep_any
            for shares in around
        )
        if likely or not around:
            kept.append(hit)
    for part in weighed:
        for kind, share in part.breaches.items():
            severity = rule.severity.get(kind)
            if severity is None or flags & set(rule.not_when.get(kind, ())):
                continue
            least = rule.add_fatal if severity == "fatal" else rule.add_breach
            if (kind, part.start) in excused:
                continue
            taken = any(
                h.kind == kind and h.start < part.end and part.start < h.end for h in voided
            )
            if share >= least and not taken and not any(h.kind == kind for h in kept):
                rule_id = f"{kind}{BY_MODEL}"
                if severity == "fatal" and share < rule.sure_fatal:
                    severity = "major"  # no word for it: too thin to end a talk on
                kept.append(Hit(kind, rule_id, part.start, part.end, 1.0, severity))
    return sorted(kept, key=lambda h: (h.start, h.end, h.kind))


def excuses(reading: Reading, weighed: Sequence[Weighed], book: Lexicon) -> Excused:
    """Find the stretches after which a reason and a way out follow, by kind of breach."""
    wanted = rubric.load().classifier.excuse
    words = {rule.id: rule.unless for rule in book.violations}
    found: set[tuple[str, int]] = set()
    for kind, rule_id in wanted.items():
        pattern = words.get(rule_id)
        for part in weighed:
            _, high = reading.sentences(part.start, 1)
            if pattern and pattern.search(reading.norm, part.start, max(high, part.end)):
                found.add((kind, part.start))
    return frozenset(found)


def rude(weighed: Sequence[Weighed], found: Sequence[Hit]) -> list[Hit]:
    """Give the stretch most likely to hold some breach; strength grows from 0 to 1.

    Stretches that console, apologise or restate speak of bad things and are left out.
    """
    rule = rubric.load().classifier
    warm = [hit for hit in found if hit.kind in ("empathy", "apology", "restate", "thanks")]
    cold = [p for p in weighed if not any(h.start < p.end and p.start < h.end for h in warm)]
    worst = max(cold, key=lambda part: 1.0 - part.breaches["clean"], default=None)
    if worst is None:
        return []
    share = 1.0 - worst.breaches["clean"]
    if share <= rule.rude_from:
        return []
    strength = (share - rule.rude_from) / (1.0 - rule.rude_from)
    return [Hit("tone", "tone.model", worst.start, worst.end, strength)]
