"""A centre's own marks, row by row: what is graded, the marks as given, who gave them.

Knows marks and what is wrong with them; the reading is ``row_files``'. Grades nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from eval import row_files
from eval.row_files import Raw, Wanted
from grading.result import DIMENSIONS, MAX_REPLY_CHARS, GradeRow
from knowledge.datafile import DataError, explain

MARKS = (*DIMENSIONS, "overall")
WANTED = Wanted(
    known=("id", "channel", "history", "reply", *MARKS, "rater"),
    needed=("channel", "history", "reply"),
)
Scale = Literal["levels", "points"]
TOP: dict[Scale, int] = {"levels": 4, "points": 100}


@dataclass(frozen=True)
class Marked:
    """One row that can be used: what is graded, the marks as given, and who gave them."""

    row: GradeRow
    marks: dict[str, float]
    rater: str | None


def read(path: Path) -> Iterator[Raw]:
    """Give every row of a .jsonl or .xlsx file, in order.

    Raises:
        DataError: no such file, another kind of file, not UTF-8, or a needed column is missing.
    """
    return row_files.read(path, WANTED)


def check(raw: Raw, scale: Scale | None) -> Marked:
    """Turn a row into what can be graded and compared.

    Args:
        raw: as read.
        scale: what marks range over; None does not check their size.

    Raises:
        DataError: naming line, column and what is wrong.
    """
    if isinstance(raw.value, DataError):
        raise raw.value
    value = raw.value
    marks = {name: _mark(raw, name, scale) for name in MARKS if _given(value.get(name))}
    if not marks:
        raise DataError(f"{raw.where}：一项人工分都没有")
    try:
        row = GradeRow.model_validate(row_files.fields(raw))
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        raise DataError(f"{raw.place(field)}：{explain(error)}") from None
    if len(row.reply) > MAX_REPLY_CHARS:
        raise DataError(
            f"{raw.place('reply')}：回复有 {len(row.reply)} 个字，最多 {MAX_REPLY_CHARS}"
        )
    rater = value.get("rater")
    return Marked(row, marks, None if rater is None else str(rater))


def _given(value: object) -> bool:
    return value is not None and value != ""


def _mark(raw: Raw, name: str, scale: Scale | None) -> float:
    value = raw.value[name] if isinstance(raw.value, dict) else None
    where, shown = raw.place(name), row_files.names().columns[name][1]
    try:
        mark = math.nan if isinstance(value, bool) else float(str(value))
    except (TypeError, ValueError):
        mark = math.nan
    if math.isnan(mark):
        raise DataError(f"{where}：{shown}写成了“{value}”，应是数字")
    top = TOP[scale or "points"]
    if not 0 <= mark <= top:
        raise DataError(f"{where}：{shown}写成了 {mark:g}，应在 0 到 {top} 之间")
    return mark
