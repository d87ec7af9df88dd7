"""The small pattern language of the lexicons, compiled.

``…`` stands for up to 8 characters inside a clause, ``……`` for up to 24 inside a sentence; the
rest is a regular expression over normal text (knowledge.text). Patterns are bounded, so a search
takes time linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from knowledge.datafile import DataError

_NEAR = r"[^，。！？；、…～\n]{0,8}"
_FAR = r"[^。！？；\n]{0,24}"
_CLASS = re.compile(r"\\.|\[[^\]]+\]")
_UNBOUNDED = re.compile(r"[*+]|\{\d+,\}")


@dataclass(frozen=True)
class Pattern:
    """A list of alternatives as one search; ``source`` is what stands in the data file."""

    source: tuple[str, ...]
    regex: re.Pattern[str]

    def search(self, norm: str, start: int = 0, end: int | None = None) -> re.Match[str] | None:
        """Find the first match in ``norm[start:end]``."""
        return self.regex.search(norm, start, len(norm) if end is None else end)

    def finditer(self, norm: str) -> Iterator[re.Match[str]]:
        """Find all matches that do not overlap."""
        return self.regex.finditer(norm)


def compile_any(alternatives: Sequence[str], where: str) -> Pattern:
    """Compile alternatives into one pattern.

    Args:
        alternatives: at least one, in the pattern language above.
        where: file and entry, for the error message.

    Raises:
        DataError: empty, unbounded repetition, or not a regular expression.
    """
    if not alternatives:
        raise DataError(f"{where}：至少要写一个词或句式")
    for one in alternatives:
        if not one or _UNBOUNDED.search(_CLASS.sub("x", one)):
            raise DataError(f"{where}：“{one}”不能为空，也不能用 * 或 + 这类不限长度的写法")
        try:
            re.compile(_expand(one))
        except re.error as error:
            raise DataError(f"{where}：“{one}”不是合法的句式（{error.msg}）") from None
    joined = "|".join(f"(?:{_expand(one)})" for one in alternatives)
    return Pattern(tuple(alternatives), re.compile(joined))


def _expand(pattern: str) -> str:
    return pattern.replace("……", _FAR).replace("…", _NEAR)
