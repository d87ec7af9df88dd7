"""What the level model looks at beside the words: the moment, what the rules found, the card.

Shared by training and use; knows no weights. Length is left out on purpose: whoever wrote the cases
wrote good replies longer, and padding must not pay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grading.card import CardHit
from grading.empathy import Finding
from grading.moment import Moment
from grading.reply import Reply
from grading.result import DimensionName
from knowledge.text import ngrams, plain


@dataclass(frozen=True)
class Seen:
    """One reply as the level model sees it.

    ``dense``: named numbers. ``stretches``: (start, end) in normal text with the words.
    """

    dense: dict[str, float]
    stretches: tuple[tuple[int, int, str], ...]


def _pairs(text: str) -> frozenset[str]:
    return frozenset(ngrams(plain(text), (2,)))


def _overlaps(norm: str, moment: Moment, card: Sequence[str]) -> dict[str, float]:
    """Give how much of the reply comes from the last words, how much of the card is in it."""
    mine, last = _pairs(norm), _pairs(moment.last)
    found = {"from.last": len(mine & last) / max(4, len(mine))}
    if card:
        facts = [_pairs(fact) for fact in card]
        told = [len(mine & fact) / max(3, len(fact)) for fact in facts]
        found |= {
            "card": 1.0, "card.most": max(told), "card.mean": sum(told) / len(told),
            "from.card": len(mine & frozenset().union(*facts)) / max(4, len(mine)),
        }  # fmt: skip
    return found


def see(
    reply: Reply, moment: Moment, findings: dict[DimensionName, Finding], *,
    card: Sequence[str], hits: Sequence[CardHit],
) -> Seen:  # fmt: skip
    """Gather everything of one reply.

    Args:
        reply: as read.
        moment: what stood before it.
        findings: of the rules, by dimension.
        card: what the agent has before her.
        hits: the figures that the card does not bear out.
    """
    norm = reply.reading.kept
    dense = _overlaps(norm, moment, card)
    for name, found in findings.items():
        dense[f"rule.{name}"] = (found.score or 0.0) / 100
        dense[f"none.{name}"] = float(found.score is None)
    dense |= {f"m.{flag}": 1.0 for flag in moment.flags}
    dense |= {f"f.{flag}": 1.0 for flag in reply.flags}
    dense |= {f"s.{kind}": strength for kind, strength in reply.strength.items()}
    for hit in reply.violations:
        dense |= {f"v.{hit.kind}": 1.0, f"v.{hit.severity or 'minor'}": 1.0}
    dense["rude"] = sum(hit.strength for hit in reply.rude)
    for against in ("contradicts", "unsupported"):
        dense[f"card.{against}"] = float(sum(hit.kind == against for hit in hits))
    for part in reply.weighed:
        for kind, share in part.breaches.items():
            dense[f"p.{kind}"] = max(dense.get(f"p.{kind}", 0.0), share)
        for kind, share in part.signals.items():
            dense[f"q.{kind}"] = max(dense.get(f"q.{kind}", 0.0), share)
    cut = tuple(
        (part.start, part.end, reply.reading.own(part.start, part.end)) for part in reply.weighed
    )
    return Seen(dense, cut)
