"""What of the agent's own words can stay in a better wording, in their order.

Knows the reply as read, its case and a small model of sentences a trainer keeps; adds nothing.
"""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from grading import classifier
from grading.card import CardHit
from grading.detect import Reading
from grading.reply import Reply
from grading.result import GradeRow
from grading.rewrite_words import Turns, swapped, turns, wide
from grading.stretches import stretches
from grading.words import case_words
from knowledge.quantity import Quantity, quantities
from knowledge.text import Clause, plain

MODEL = "keep"
_GRAM_SIZES = (1, 2, 3)
_COPIED = 12  # characters in a row of the other side's words
_LONG = 44
_MOST_PARTS = 16  # stretches looked at: a wording holds 140 characters, a reply up to 2000
_SHARED_MOST = 6
_GOOD_ENOUGH = 4
_HARD = ("major", "fatal")


@dataclass(frozen=True)
class Piece:
    """A stretch that stays, as typed with its marks.

    ``likely``: 0-1 that it is worth keeping; ``follows``: it goes on where the one before ends.
    """

    text: str
    likely: float
    follows: bool = False


@dataclass(frozen=True)
class Kept:
    """What stays; ``whole``: the reply is sound and only needs mending."""

    pieces: tuple[Piece, ...]
    whole: bool

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(piece.text for piece in self.pieces)


@dataclass(frozen=True)
class Manner:
    """``staff``: a staff talk; ``opening``: the talk only begins, the agent's own hello stays."""

    staff: bool = False
    opening: bool = False


@dataclass(frozen=True)
class Around:
    """The case in the form the traits look at."""

    said: frozenset[str]
    last: frozenset[str]
    card: frozenset[str]
    texts: tuple[str, ...]

    @functools.cached_property
    def known(self) -> tuple[Quantity, ...]:
        """All figures of the talk and the card."""
        return tuple(one for text in self.texts for one in quantities(text))


def around(row: GradeRow, *, said: str, last: str) -> Around:
    """Gather the words and figures of a case; ``said``, ``last``: the other side's normal words."""
    cards = [plain(line) for line in row.card]
    texts = (*cards, *(plain(turn.text[-600:]) for turn in row.history[-8:]))
    return Around(
        frozenset(case_words(said)), frozenset(case_words(last)),
        frozenset(case_words("\n".join(cards))), texts,
    )  # fmt: skip


def grams(norm: str) -> Counter[str]:
    """Count the runs of 1 to 3 characters of a stretch, its ends marked."""
    text = f"^{norm}$"
    size = len(text)
    return Counter(text[at : at + width] for width in _GRAM_SIZES for at in range(size - width + 1))


def _share(text: str, words: frozenset[str]) -> float:
    pairs = {text[at : at + 2] for at in range(len(text) - 1)}
    return min(_SHARED_MOST, len(pairs & words)) / _SHARED_MOST


def traits(reading: Reading, part: tuple[int, int], case: Around) -> dict[str, float]:
    """Give what of a stretch hangs on its case, each 0-2."""
    start, end = part
    text = reading.norm[start:end]
    figures = quantities(text)
    borne = sum(any(figure.same(one) for one in case.known) for figure in figures)
    asking = text.endswith("吗") or reading.norm[end : end + 1] == "？"
    return {
        "said": _share(text, case.said),
        "card": _share(text, case.card),
        "last": _share(text, case.last),
        "borne": min(borne, 2.0),
        "unborne": min(len(figures) - borne, 2.0),
        "length": min(len(text), _LONG) / _LONG,
        "asking": float(asking),
        "first": float(start == reading.clauses[0].start),
        "nin": float("您" in text),
    }


def _likely(reading: Reading, part: tuple[int, int], case: Around, rules: Turns) -> float:
    share = classifier.load(MODEL).weigh_grams(grams(reading.norm[slice(*part)]))[MODEL]
    share = min(1 - 1e-6, max(1e-6, share))
    odds = math.log(share / (1 - share))
    weights = rules.keep.traits
    odds += sum(weights[name] * value for name, value in traits(reading, part, case).items())
    return 1 / (1 + math.exp(-odds))


def _overlaps(start: int, end: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(low < end and start < high for low, high in spans)


def _copied(text: str, others: Sequence[str]) -> bool:
    """Say whether a stretch holds a long run of somebody else's words."""
    runs = (text[at : at + _COPIED] for at in range(len(text) - _COPIED + 1))
    return any(run in other for run in runs for other in others)


def _stays(clause: Clause, soft: Sequence[tuple[int, int]], rules: Turns) -> bool:
    if _overlaps(clause.start, clause.end, soft):
        return False
    return not (rules.empty.search(clause.text) or rules.junk.search(clause.text))


def _typed(clauses: Sequence[Clause], reading: Reading, rules: Turns, *, staff: bool) -> str:
    """Give clauses as they were typed, mended: blunt requests asked for, 您 for 你, wide marks."""
    made = ""
    for clause in clauses:
        low, high = reading.text.span(clause.start, clause.end)
        text = reading.text.raw[low:high].strip()
        made += wide(text if staff else swapped(text, rules.requests)) + clause.tail
    return made if staff else swapped(made, rules.softened)


def select(
    reply: Reply, case: Around, row: GradeRow, *, hits: Sequence[CardHit], manner: Manner
) -> Kept:
    """Choose what stays of a reply.

    Args:
        reply: as read.
        case: what stands around it.
        row: for the words of others that may have been copied.
        hits: figures held against the card.
        manner: how much is kept, and for whom.
    """
    rules, reading, staff = turns(), reply.reading, manner.staff
    parts = stretches(reading)[:_MOST_PARTS]
    likely = [_likely(reading, part, case, rules) for part in parts]
    severe = {v.severity for v in reply.violations}
    whole = manner.opening or (_is_whole(parts, likely, rules) and "fatal" not in severe)
    stricter = max((rules.keep.stricter.get(s, 0.0) for s in severe if s), default=0.0)
    usual = rules.keep.spare_from if whole else rules.keep.part_from + stricter
    usual = 0.0 if manner.opening else usual
    hard = [(v.start, v.end) for v in reply.violations if v.severity in _HARD]
    hard += list(reading.void)
    wrong = [(h.start, h.end) for h in hits if h.kind == "contradicts"]
    soft = [(v.start, v.end) for v in reply.violations]
    soft += [(h.start, h.end) for h in reply.signals if h.rule == "empathy.formula"]
    others = [plain(t.text) for t in row.history] + [plain(line) for line in row.card]
    pieces: list[Piece] = []
    last, last_sentence = -2, -1
    for at, (start, end) in enumerate(parts):
        inside = [c for c in reading.clauses if start <= c.start and c.end <= end]
        sentence = inside[0].sentence
        starts = at == 0 or sentence != _sentence_before(reading, start)
        follows = last == at - 1 and last_sentence == sentence
        text = reading.norm[start : end + 1]
        if rules.secret_ask.search(text) and not rules.secret_kept.search(text):
            continue
        least = usual if whole or not rules.useful_ask.search(text) else rules.keep.ask_from
        if likely[at] < least or _overlaps(start, end, hard) or reading.is_quoted(start, end):
            continue
        if not (whole and likely[at] >= rules.keep.ask_from) and _overlaps(start, end, wrong):
            continue
        if not whole and (not (starts or follows) or _copied(reading.norm[start:end], others)):
            continue
        staying = [c for c in inside if _stays(c, soft, rules)]
        if not whole and staying != inside:
            continue
        if made := _piece(staying, len(inside), reading, rules, staff=staff):
            pieces.append(Piece(made, likely[at], follows=last == at - 1))
            last, last_sentence = at, sentence
    return Kept(tuple(pieces), whole and bool(pieces))


def _is_whole(parts: Sequence[tuple[int, int]], likely: Sequence[float], rules: Turns) -> bool:
    """Say whether a reply is sound as a whole: the mean over its characters decides."""
    sizes = [end - start for start, end in parts]
    mean = sum(v * n for v, n in zip(likely, sizes, strict=True)) / max(1, sum(sizes))
    return mean >= rules.keep.whole_from


def _sentence_before(reading: Reading, start: int) -> int:
    """Give the number of the sentence of the clause before an offset."""
    return max((c.sentence for c in reading.clauses if c.end <= start), default=-1)


def _piece(
    staying: Sequence[Clause], before: int, reading: Reading, rules: Turns, *, staff: bool
) -> str:
    """Put the clauses of a stretch together; empty where too little is left to stand alone."""
    made = _typed(staying, reading, rules, staff=staff)
    bare = re.sub(r"[，。！？；、\s]", "", made)
    if not bare or (len(staying) < before and len(bare) < _GOOD_ENOUGH):
        return ""
    return rules.connectives.sub("", made) if len(staying) < before else made
