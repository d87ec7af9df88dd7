"""Finding empathy without feeling words: a clause naming the customer's facts and their weight.

"纪念日收到一束蔫花，送的人收的人都难堪" says no 理解 and no 着急, and is the better for it.
"""

from __future__ import annotations

import re

from grading import rubric
from grading.detect import Hit, Reading
from grading.moment import Moment
from grading.words import case_words

_FIRST_SENTENCES = 3
_LEAST_CHARS = 4
_QUOTE = re.compile(r"[“”「」『』\"]")


def _pairs_in(text: str, pairs: set[str]) -> int:
    """Count the customer's words in a text, overlapping ones once."""
    count, at = 0, 0
    while at < len(text):
        found = next((p for p in pairs if text.startswith(p, at)), None)
        count += found is not None
        at += len(found) if found else 1
    return count


def find(reading: Reading, moment: Moment) -> list[Hit]:
    """Find clauses near the beginning that name the customer's own situation.

    Returns:
        Hits of kind empathy; rule ``empathy.specific`` with the facts alone,
        ``empathy.impact.echo`` where a clause also says what that means for the customer.
    """
    pairs = case_words(moment.last)
    if not pairs:
        return []
    words = rubric.wording()
    found: list[Hit] = []
    for number in range(_FIRST_SENTENCES):
        clauses = [c for c in reading.clauses if c.sentence == number]
        good = [
            c
            for c in clauses
            if len(c.text) >= _LEAST_CHARS
            and not words["echo_block"].search(c.text)
            and "？" not in c.tail
            and not _QUOTE.search(c.text)
            and not reading.is_quoted(c.start, c.end)
            and not reading.is_void(c.start, c.end)
        ]
        named = sum(_pairs_in(c.text, pairs) for c in good)
        heavy = any(words["consequence"].search(c.text) for c in good)
        if named >= 2 or (named == 1 and heavy):
            start, end = good[0].start, good[-1].end
            rule = "empathy.impact.echo" if heavy else "empathy.specific"
            found.append(Hit("empathy", rule, start, end, 0.8 if heavy else 0.6))
    return found
