"""Cutting a reply into stretches of whole clauses: what the classifiers weigh one by one.

Knows clauses and lengths only.
"""

from __future__ import annotations

from grading.detect import Reading

_MOST_CHARS = 44


def stretches(reading: Reading) -> list[tuple[int, int]]:
    """Cut a reply into stretches of whole clauses, at most 44 characters within a sentence."""
    found: list[tuple[int, int]] = []
    start, end, sentence = -1, -1, -1
    for clause in reading.clauses:
        if start >= 0 and clause.sentence == sentence and clause.end - start <= _MOST_CHARS:
            end = clause.end
            continue
        if start >= 0:
            found.append((start, end))
        start, end, sentence = clause.start, clause.end, clause.sentence
    if start >= 0:
        found.append((start, end))
    return found
