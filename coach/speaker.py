"""Who a sentence sounds like: the agent or the customer. A small linear classifier, no torch.

Knows sentences of normal text; what follows from it is the reviewer's.
"""

from __future__ import annotations

import re
from pathlib import Path

from grading import classifier
from grading.pattern import Pattern

FOLDER = Path(__file__).parent / "data" / "models"
NAME, AGENT = "speaker", "agent"
_SENTENCE = re.compile(r"[^。！？；\n]+")
_QUOTE = re.compile(r"[“”「」『』\"‘’]")
_CJK = re.compile(r"[㐀-鿿]")


def sentences(norm: str, least_chars: int) -> list[str]:
    """Cut a normal text into sentences of at least so many Chinese characters."""
    found = (match.group().strip() for match in _SENTENCE.finditer(norm))
    return [text for text in found if len(_CJK.findall(text)) >= least_chars]


def like_agent(
    norm: str, threshold: float, least_chars: int, words: Pattern | None = None
) -> str | None:
    """Give the sentence that sounds most like the agent, if any does.

    Args:
        norm: normal text; sentences that quote somebody are left out.
        threshold: probability 0-1 from which a sentence counts.
        least_chars: shorter sentences are not judged.
        words: a sentence must hold one of these to be judged; None judges all.
    """
    model = classifier.load(NAME, FOLDER)
    judged = [
        (model.probabilities(text)[AGENT], text)
        for text in sentences(norm, least_chars)
        if not _QUOTE.search(text) and (words is None or words.search(text))
    ]
    most, text = max(judged, default=(0.0, ""))
    return text if most > threshold else None
