"""Finding words for the grader instead of the customer: piles, recitals, noise, copied words.

What it finds earns nothing and costs a little. Knows stretches of a reply; not scores.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from grading import classifier, rubric
from grading.detect import Reading
from grading.moment import Moment
from grading.stretches import stretches
from grading.words import copied_places
from knowledge.text import has_chinese

Stretch = tuple[int, int]
_ONE_PERSON = str.maketrans("您你咱", "我我我")  # said back, 我 turns into 您
_RUN = re.compile(r"[㐀-鿿]+")
_STUTTER = re.compile(r"(.{1,3}?)\1{4,}")


def find(reading: Reading, moment: Moment) -> tuple[Stretch, ...]:
    """Give the stretches of a reply that are tricks, as offsets into its normal text.

    Args:
        reading: the reply.
        moment: what stood before it.
    """
    model, rule = classifier.load("tricks"), rubric.load().tricks
    found = [*_copied(reading, moment), *_repeated(reading), *_invented(reading)]
    for start, end in stretches(reading):
        text = reading.norm[start:end]
        if not has_chinese(text):
            continue
        if _is_piled(text) or _is_noise(text):
            found.append((start, end))
        elif len(text) < rule.least_chars or rubric.wording()["everyday"].search(text):
            continue
        elif model.probabilities(text)["trick"] >= rule.least:
            found.append((start, end))
    return tuple(sorted(dict.fromkeys(found)))


def _is_piled(text: str) -> bool:
    """Say whether courtesy formulas make up most of a stretch."""
    rule, found = rubric.load().tricks, list(rubric.wording()["courtesy"].finditer(text))
    share = sum(m.end() - m.start() for m in found) / max(1, len(text))
    return len(found) >= rule.pile_words and share >= rule.pile_share


@functools.lru_cache(maxsize=1)
def _known_pairs() -> frozenset[str]:
    """Pairs of characters that agents' sentences have been seen with."""
    words = (
        word for name in ("signals", "violations") for word in classifier.load(name).vocabulary
    )
    return frozenset(word for word in words if len(word) == 2)


def _is_noise(text: str) -> bool:
    """Say whether a stretch stutters, or joins characters as no sentence does."""
    rule = rubric.load().tricks
    if _STUTTER.search(text):
        return True
    pairs = [run[at : at + 2] for run in _RUN.findall(text) for at in range(len(run) - 1)]
    if len(pairs) < rule.noise_pairs:
        return False
    return sum(pair in _known_pairs() for pair in pairs) / len(pairs) < rule.noise_known


def _repeated(reading: Reading) -> Iterator[Stretch]:
    """Give the clauses that were said before in the same reply, if that happens more than once."""
    seen: set[str] = set()
    again: list[Stretch] = []
    for clause in reading.clauses:
        if len(clause.text) >= rubric.load().tricks.repeat_chars and clause.text in seen:
            again.append((clause.start, clause.end))
        seen.add(clause.text)
    if len(again) >= rubric.load().tricks.repeats:
        yield from again


def _invented(reading: Reading) -> Iterator[Stretch]:
    """Give the sentences with a story of the agent's own."""
    _, invented = rubric.empathy_words()
    for match in invented.finditer(reading.norm):
        if not reading.is_quoted(*match.span()):
            yield reading.sentence(match.start())


def _copied(reading: Reading, moment: Moment) -> Iterator[Stretch]:
    """Give the clauses that are the other side's own words, said back at length."""
    rule = rubric.load().tricks
    mine, theirs = (text.translate(_ONE_PERSON) for text in (reading.norm, moment.said))
    copied = copied_places(mine, theirs, rule.copy_run)
    if sum(copied) < rule.copy_least:
        return
    for clause in reading.clauses:
        size = clause.end - clause.start
        if size and sum(copied[clause.start : clause.end]) / size >= rule.copy_share:
            yield clause.start, clause.end
