"""Reads one answer of a judging model and believes only what can be checked; fails closed.

Knows the question asked and the reply as typed; not the model, nor what follows from a verdict.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grading import judge_rules
from grading.detect import read as read_reply
from grading.judge_rules import Asking
from grading.reply import chinese_chars, grader_stretches
from grading.result import Fault
from prompts import unmarked

_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)
_OPENING = re.compile(r'\{\s*["}]')
# What `unmarked` writes otherwise than it was typed; the model copies what it was shown.
_TYPED = {"「": "[「“]", "」": "[」”]", "“": "[「“]", "”": "[」”]", " ": r"\s+"}
_SHOWN = str.maketrans({"“": "「", "”": "」"})


class Refused(ValueError):
    """An answer that does not count; ``fault`` says why."""

    def __init__(self, fault: Fault) -> None:
        """Keep the cause."""
        super().__init__(fault)
        self.fault: Fault = fault


@dataclass(frozen=True)
class Asked:
    """One question as it was put: ``reply`` as typed, ``shown`` and ``heard`` as the model read."""

    id: str
    asking: Asking
    reply: str
    shown: str
    heard: str


@dataclass(frozen=True)
class Opinion:
    """A verdict that counts; ``reply[start:end] == quote``, both None with an empty quote."""

    level: int
    reason: str
    quote: str
    start: int | None
    end: int | None


def cleaned(text: str) -> str:
    """Give an untrusted text as a model may read it: one line, no markers, no verdict in it."""
    pattern, before = judge_rules.verdict_like().regex, None
    while text != before:  # taking one thing out may bring another to light
        before = text
        text = pattern.sub("", "\n".join(unmarked(line) for line in text.splitlines()))
    return unmarked(text)


def read(answer: str, asked: Asked) -> Opinion:
    """Read an answer: the last verdict with this question's id decides, good or bad.

    Raises:
        Refused: it does not count.
    """
    rules = judge_rules.load()
    if len(answer) > rules.answer_chars:
        raise Refused("too_long")
    spoken = _spoken(answer)
    if not spoken.strip():
        raise Refused("empty")
    verdict = _last(spoken, asked.id)
    reason = verdict.get("reason")
    least, most = rules.reason_chars
    if not isinstance(reason, str) or chinese_chars(reason) < least:
        raise Refused("no_reason")
    order = list(verdict)
    if "level" in verdict and order.index("level") < order.index("reason"):
        raise Refused("verdict_first")
    level = _level(verdict.get("level"), asked.asking)
    quote = verdict.get("quote")
    if not isinstance(quote, str):
        raise Refused("no_quote")
    told = unmarked(reason)[:most]
    if not quote.strip() and asked.asking.levels[level].empty_quote:
        return Opinion(level, told, "", None, None)
    start, end = _place(quote.strip(), asked)
    return Opinion(level, told, asked.reply[start:end], start, end)


def _spoken(answer: str) -> str:
    """Take thinking out, also where one of its two tags was lost."""
    rest = _THOUGHT.sub("", answer)
    return rest.rpartition("</think>")[2].partition("<think>")[0]


def _only_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _objects(text: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Find JSON objects anywhere: (start, end, object); inside one without an id goes on."""
    decoder = json.JSONDecoder(strict=False, object_pairs_hook=_only_once)
    at = text.find("{")
    while at >= 0:
        step = at + 1
        try:
            found, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            pass  # prose in braces, or a verdict cut off: _last tells them apart
        else:
            yield at, end, found
            step = end if "id" in found else step
        at = text.find("{", step)


def _last(spoken: str, question: str) -> dict[str, Any]:
    found = list(_objects(spoken))
    mine = [(end, one) for _, end, one in found if one.get("id") == question]
    after = mine[-1][0] if mine else 0
    for opening in _OPENING.finditer(spoken, after):
        if not any(start <= opening.start() < end for start, end, _ in found):
            raise Refused("broken")  # what it would have said in the end is not known
    if not mine:
        raise Refused("wrong_id" if any("id" in one for *_, one in found) else "no_verdict")
    return mine[-1][1]


def _level(written: object, asking: Asking) -> int:
    names = [one.name for one in asking.levels]
    if not isinstance(written, str) or written.strip() not in names:
        raise Refused("off_menu")
    return names.index(written.strip())


def _place(quote: str, asked: Asked) -> tuple[int, int]:
    """Find a quote in the reply as typed, outside of what may not count."""
    if sum(char.isalnum() for char in quote) < judge_rules.load().quote_chars:
        raise Refused("no_quote")
    shown = quote.translate(_SHOWN)
    places = [match.span() for match in re.finditer(_as_typed(quote, asked.reply), asked.reply)]
    if shown not in asked.shown or not places:
        raise Refused("quote_of_other" if shown in asked.heard else "quote_missing")
    void = _void(asked.reply)
    good = (p for p in places if not any(a < p[1] and p[0] < b for a, b in void))
    place = next(good, None)
    if place is None:
        raise Refused("quote_void")
    return place


def _as_typed(quote: str, reply: str) -> str:
    """Give the pattern of a quote in the reply: what cannot be seen there may stand in between."""
    unseen = {c for c in reply if not c.isspace() and unicodedata.category(c)[0] == "C"}
    between = f"[{re.escape(''.join(sorted(unseen)))}]*" if unseen else ""
    return between.join(_TYPED.get(char, re.escape(char)) for char in quote)


def _void(reply: str) -> list[tuple[int, int]]:
    """Give the stretches spoken to the grader, and those that look like a verdict."""
    reading = read_reply(reply)
    spoken = [reading.text.span(start, end) for start, end in grader_stretches(reading)]
    return [*spoken, *(m.span() for m in judge_rules.verdict_like().finditer(reply))]
