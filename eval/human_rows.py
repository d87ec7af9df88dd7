"""Reads a centre's own marks from JSON lines or xlsx, row by row, never the whole file at once.

Knows columns, cells and what is wrong with them; grades nothing.
"""

from __future__ import annotations

import functools
import json
import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from pydantic import ValidationError

from grading.result import DIMENSIONS, MAX_REPLY_CHARS, GradeRow
from knowledge.datafile import DataError, Entry, explain, parse, read_yaml

COLUMNS = Path(__file__).parent / "human.yaml"
MARKS = (*DIMENSIONS, "overall")
_NEEDED = ("channel", "history", "reply")
Scale = Literal["levels", "points"]
TOP: dict[Scale, int] = {"levels": 4, "points": 100}


class Names(Entry):
    """The whole of human.yaml."""

    columns: dict[str, tuple[str, ...]]
    channels: dict[str, str]
    roles: dict[str, str]


@functools.lru_cache(maxsize=2)
def names(path: Path = COLUMNS) -> Names:
    """Load how columns, channels and roles may be written (cached).

    Raises:
        DataError: unreadable, or an unknown key.
    """
    return parse(Names, read_yaml(path), path.name)


@dataclass(frozen=True)
class Marked:
    """One row that can be used: what is graded, the marks as given, and who gave them."""

    row: GradeRow
    marks: dict[str, float]
    rater: str | None


@dataclass(frozen=True)
class Raw:
    """One row as read; ``where``: which line, in Chinese; ``columns``: the letter of each name."""

    where: str
    value: dict[str, Any] | DataError
    columns: dict[str, str]
    unused: tuple[str, ...] = ()


def read(path: Path) -> Iterator[Raw]:
    """Give every row of a .jsonl or .xlsx file, in order.

    Raises:
        DataError: no such file, another kind of file, not UTF-8, or a needed column is missing.
    """
    if not path.is_file():
        raise DataError(f"找不到文件 {path}，请检查路径")
    kinds = {".jsonl": _from_lines, ".xlsx": _from_sheet}
    if path.suffix.lower() not in kinds:
        raise DataError(f"{path.name}：只认 .jsonl 和 .xlsx，请另存成其中一种")
    yield from kinds[path.suffix.lower()](path)


def _known() -> dict[str, str]:
    return {shown: name for name, written in names().columns.items() for shown in written}


def _from_lines(path: Path) -> Iterator[Raw]:
    known = _known()
    with path.open(encoding="utf-8-sig") as lines:
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _line(number, line, known)
        except UnicodeDecodeError:
            raise DataError(f"{path.name} 不是 UTF-8 编码，请另存为 UTF-8 后再试") from None


def _line(number: int, line: str, known: dict[str, str]) -> Raw:
    where = f"第 {number} 行"
    try:
        value = json.loads(line)
    except ValueError:
        return Raw(where, DataError(f"{where}不是合法的 JSON"), {})
    if not isinstance(value, dict):
        return Raw(where, DataError(f"{where}应是一个 JSON 对象"), {})
    kept = {known[key]: one for key, one in value.items() if key in known}
    return Raw(where, kept, {}, tuple(key for key in value if key not in known))


def _from_sheet(path: Path) -> Iterator[Raw]:
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError):
        raise DataError(f"{path.name} 打不开，不像一份 xlsx 表格，请重新另存") from None
    try:
        rows = book.worksheets[0].iter_rows(values_only=True)
        head = [str(cell or "").strip() for cell in next(rows, ())]
        known = _known()
        used = {at: known[name] for at, name in enumerate(head) if name in known}
        if gone := [names().columns[one][1] for one in _NEEDED if one not in used.values()]:
            raise DataError(f"{path.name} 第 1 行表头缺少这些列：{'、'.join(gone)}")
        unused = tuple(name for name in head if name and name not in known)
        letters = {name: get_column_letter(at + 1) for at, name in used.items()}
        for number, cells in enumerate(rows, 2):
            value = {used[at]: c for at, c in enumerate(cells) if at in used and c is not None}
            if value:
                yield Raw(f"第 {number} 行", value, letters, unused)
    finally:
        book.close()


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
    plain: dict[str, Any] = {
        "id": None if value.get("id") is None else str(value["id"]),
        "channel": names().channels.get(str(value.get("channel")), value.get("channel")),
        "history": _history(raw), "reply": value.get("reply"),
    }  # fmt: skip
    try:
        row = GradeRow.model_validate(plain)
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        raise DataError(f"{_place(raw, field)}：{explain(error)}") from None
    if len(row.reply) > MAX_REPLY_CHARS:
        raise DataError(f"{_place(raw, 'reply')}：回复有 {len(row.reply)} 个字，"
                        f"最多 {MAX_REPLY_CHARS}")  # fmt: skip
    rater = value.get("rater")
    return Marked(row, marks, None if rater is None else str(rater))


def _given(value: object) -> bool:
    return value is not None and value != ""


def _place(raw: Raw, name: str) -> str:
    letter = raw.columns.get(name)
    return f"{raw.where} {letter} 列" if letter else raw.where


def _mark(raw: Raw, name: str, scale: Scale | None) -> float:
    value = raw.value[name] if isinstance(raw.value, dict) else None
    where, shown = _place(raw, name), names().columns[name][1]
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


def _history(raw: Raw) -> object:
    """Give the history: a list as it is; text as JSON, or lines that begin with 客户 or 座席."""
    value = raw.value.get("history", []) if isinstance(raw.value, dict) else []
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            raise DataError(f"{_place(raw, 'history')}：对话不是合法的 JSON") from None
    turns: list[dict[str, str]] = []
    for line in value.splitlines():
        who, mark, text = line.replace(":", "：", 1).partition("：")
        role = names().roles.get(who.strip())
        if role and mark:
            turns.append({"role": role, "text": text.strip()})
        elif turns:
            turns[-1]["text"] += "\n" + line
        elif line.strip():
            raise DataError(
                f"{_place(raw, 'history')}：对话第一行应写成“客户：……”或“座席：……”"
            )  # fmt: skip
    return turns
