"""The answers of a batch as a table, CSV or xlsx, for people. Nothing in it is ever a formula.

Knows columns and cells; reads the answers line by line.
"""

from __future__ import annotations

import csv
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from app.batch_source import Row, Source
from app.report import words
from eval import row_files
from knowledge.datafile import DataError

KINDS = (".csv", ".xlsx")
MOST_ROWS = 1_048_575  # of an xlsx sheet, below the heads
ABOUT = "客服陪练训练分，非官方权重；分数、违规和更好的说法由程序按规则生成，不是人写的"
HEADS = (
    "编号", "行", "回复", "状态", "说明", "总分（训练分，非官方权重）", "致命错误",
    "同理心", "同理心档", "礼貌用语", "礼貌用语档", "规范步骤", "规范步骤档",
    "违规", "要人工看", "要看的原因", "更好的说法（程序生成）", "评分标准版本",
)  # fmt: skip
_STATUSES = {"scored": "已评", "unscored": "未评分", "error": "出错"}
# what a spreadsheet takes for a formula, in both widths, and what it passes over before one
_FORMULA = tuple("=+-@＝＋－＠")
_PASSED = " \t\r\n\u3000"
Cell = str | int | float | None


def write(target: Path, answers: Path, source: Source, *, count: int) -> None:
    """Write the table of a finished batch beside the target, then put it in its place.

    Args:
        target: .csv or .xlsx.
        answers: JSON lines, one a row of the source.
        source: what was answered, for the replies.
        count: how many rows there are.

    Raises:
        DataError: too many rows for a sheet, or openpyxl is not there.
    """
    is_sheet = target.suffix.lower() == ".xlsx"
    if is_sheet and count > MOST_ROWS:
        raise DataError(f"一张 xlsx 表最多 {MOST_ROWS} 行，这里有 {count} 行，请写成 .csv")
    half = target.with_name(target.name + ".half")
    rows = _rows(answers, source)
    if is_sheet:
        _xlsx(half, rows, source)
    else:
        _csv(half, rows)
    os.replace(half, target)


def check_kind(path: Path) -> None:
    """Refuse a kind of file that cannot be written.

    Raises:
        DataError: another ending than .jsonl, .csv and .xlsx, or openpyxl is needed and not there.
    """
    kind = path.suffix.lower()
    if kind not in (".jsonl", *KINDS):
        raise DataError(f"--out 写成了 {path.name}，只能是 .jsonl、.csv 或 .xlsx")
    if kind == ".xlsx":
        row_files.openpyxl()


def _rows(answers: Path, source: Source) -> Iterator[list[Cell]]:
    with answers.open(encoding="utf-8") as lines:
        for row, line in zip(source.rows(), lines, strict=True):
            yield cells(row, json.loads(line))


def cells(row: Row, answer: dict[str, Any]) -> list[Cell]:
    """Give the cells of one answer, in the order of the heads."""
    value = row.parsed()
    reply = value.get("reply") if isinstance(value, dict) else None
    head: list[Cell] = [
        answer["id"], row.line, reply if isinstance(reply, str) else None,
        _STATUSES[answer["status"]], answer["reason"],
    ]  # fmt: skip
    if answer["status"] == "error":
        return head + [None] * (len(HEADS) - len(head))
    parts = [answer["dimensions"][name] for name in words.DIMENSIONS]
    review = answer["review"]
    return [
        *head, answer["overall"], "是" if answer["fatal"] else "否",
        *itertools.chain.from_iterable((part["score"], part["level"]) for part in parts),
        "；".join(f"{words.kind(one['kind'])}「{one['text']}」" for one in answer["violations"]),
        "是" if review["needed"] else "否", "；".join(review["why"]), answer["rewrite"],
        answer["versions"]["rubric"],
    ]  # fmt: skip


def is_risky(text: str) -> bool:
    """Say whether a spreadsheet could take a text for a formula."""
    return text.lstrip(_PASSED).startswith(_FORMULA) or text.startswith(("\t", "\r", "\n"))


def _csv(path: Path, rows: Iterable[Sequence[Cell]]) -> None:
    # the mark of the encoding is for spreadsheets, which else read Chinese as something else
    with path.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADS)
        for row in rows:
            writer.writerow(["'" + c if isinstance(c, str) and is_risky(c) else c for c in row])


def _xlsx(path: Path, rows: Iterable[Sequence[Cell]], source: Source) -> None:
    library = row_files.openpyxl()
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = library.Workbook(write_only=True)
    book.properties.creator = "kefu-coach"
    book.properties.title = book.properties.description = ABOUT
    book.properties.identifier = source.digest
    sheet = book.create_sheet("训练分")
    sheet.freeze_panes = "B2"

    def cell(value: Cell) -> Any:  # noqa: ANN401 - openpyxl has no types
        if not isinstance(value, str):
            return value
        text = ILLEGAL_CHARACTERS_RE.sub("", value).encode(errors="replace").decode()
        made = WriteOnlyCell(sheet, value=text)
        made.data_type = "s"  # always text, whatever it begins with
        return made

    sheet.append(HEADS)
    for row in rows:
        sheet.append([cell(value) for value in row])
    book.save(path)
