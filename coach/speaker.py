"""What a line sounds like: an agent's, or one no customer here may say. Linear, no torch.

Knows sentences of normal text; what follows from it is the reviewer's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from grading import classifier
from grading.pattern import Pattern

FOLDER = Path(__file__).parent / "data" / "models"
NAME, AGENT = "speaker", "agent"
FAULTS = "faults"
_SENTENCE = re.compile(r"[^。！？；\n]+")
_QUOTE = re.compile(r"[“”「」『』\"‘’]")
_QUOTED = re.compile(r"[“「『\"‘][^“”「」『』\"‘’\n]*[”」』\"’]")
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


def faulty(norm: str, least: Mapping[str, float], least_chars: int) -> dict[str, str]:
    """Give what a line sounds like that it may not: label to the words that sound most so.

    Args:
        norm: normal text; read sentence by sentence and whole, without what it quotes.
        least: for each label asked about, the probability 0-1 from which it counts.
        least_chars: shorter sentences are not judged.
    """
    model = classifier.load(FAULTS, FOLDER)
    norm = _QUOTED.sub("", norm)
    read = {*sentences(norm, least_chars), *sentences(norm.replace("。", "，"), least_chars)}
    found: dict[str, tuple[float, str]] = {}
    for text in read:
        shares = model.probabilities(text)
        for label, limit in least.items():
            if shares[label] >= limit:
                found[label] = max(found.get(label, (0.0, "")), (shares[label], text))
    return {label: text for label, (_, text) in found.items()}
