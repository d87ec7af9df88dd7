"""Politeness and procedure: what the moment makes due, and how much of it the reply gives.

Knows the rubric's expectations; adds nothing of its own.
"""

from __future__ import annotations

from grading import rubric
from grading.detect import Hit
from grading.empathy import Finding
from grading.moment import Moment
from grading.reply import Reply
from grading.result import DimensionName
from grading.rubric import Deduction, Expectation


def _credit(expected: Expectation, strength: dict[str, float]) -> float:
    parts = [factor * strength.get(kind, 0.0) for kind, factor in expected.met.items()]
    return min(1.0, sum(parts) if expected.sum else max(parts))


def _because(expected: Expectation, moment: Moment) -> str:
    for flag in (*expected.when.all, *expected.when.any):
        if flag in moment.quotes:
            return moment.quotes[flag]
    return moment.last[:16] or _START


_START = "（对话开始）"
_FAULT_WORDS = {"stacked": "courtesy"}


def _fault_hits(reply: Reply, flags: list[str]) -> list[Hit]:
    """Give the words that points are taken for; the whole reply where no list names them."""
    norm, words = reply.reading.kept, rubric.wording()
    found: dict[tuple[int, int], Hit] = {}
    for flag in flags:
        base = flag.rstrip("123")
        pattern = words.get(_FAULT_WORDS.get(base, base))
        spans = [m.span() for m in pattern.finditer(norm) if m[0]] if pattern else []
        for start, end in spans or [(0, len(norm))]:
            found.setdefault((start, end), Hit("tone", f"flag.{base}", start, end))
    return list(found.values())


def _clause_hits(reply: Reply, due: list[Expectation]) -> list[Hit]:
    wanted = {kind for expected in due for kind in expected.met}
    return [hit for hit in reply.signals if hit.kind in wanted]


def judge(name: DimensionName, reply: Reply, moment: Moment) -> Finding:
    """Judge one dimension by the rubric's expectations.

    Returns:
        Score None when nothing of the dimension is due and no fault is found.
    """
    book = rubric.load()
    flags = moment.flags | reply.flags
    due = [e for e in book.expectations if e.dimension == name and e.when.holds(flags)]
    credits = {e.id: _credit(e, reply.strength) for e in due}
    total = sum(e.weight for e in due)
    faults = [d for d in book.deductions if d.dimension == name and d.flag in reply.flags]
    breaches = [v for v in reply.violations if getattr(book.penalties.get(v.kind), name, 0)]
    if not due and not faults and not breaches and not reply.rude:
        return Finding(None, ("这一轮没有可评的内容",), "", (), ())
    score = 100 * sum(e.weight * credits[e.id] for e in due) / total if total else 0.0
    score -= sum(d.points for d in faults)
    tone = reply.rude if name == "politeness" else ()
    score -= sum(book.classifier.rude_points * hit.strength for hit in tone)
    lacking = sorted((e for e in due if credits[e.id] < 0.5), key=lambda e: -e.weight)
    why = list(dict.fromkeys(d.why for d in faults)) + ["语气生硬，客户听着不舒服"] * bool(tone)
    why += [e.why for e in lacking]
    advised: list[Deduction | Expectation] = [*faults, *lacking]
    advice = advised[0].advice if advised else "换成商量的口气" if tone else ""
    cites = dict.fromkeys(c for e in (*advised, *due) for c in e.cites)
    hits = _clause_hits(reply, due)
    missing = tuple((e.missing, _because(e, moment)) for e in lacking if credits[e.id] == 0)
    return Finding(
        max(0.0, score),
        tuple(why) or ("该有的都做到了",),
        advice,
        (*hits, *tone, *_fault_hits(reply, [d.flag for d in faults])),
        tuple(cites),
        missing,
        tuple(dict.fromkeys(d.why for d in faults)),
        sum(d.points for d in faults),
    )
