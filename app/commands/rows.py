"""Reading batches: JSON lines from a file or standard input, bad rows answered in place."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from app import out
from knowledge.datafile import DataError, explain, json_lines, read_text

Row = TypeVar("Row", bound=BaseModel)


def read(name: str) -> str:
    """Read a batch file, or standard input for "-".

    Raises:
        DataError: missing, unreadable, or not UTF-8.
    """
    if name == "-":
        try:
            return sys.stdin.buffer.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise DataError("标准输入不是 UTF-8 编码") from None
    path = Path(name)
    if path.is_dir():
        raise DataError(f"{name} 是一个目录，请给出文件")
    return read_text(path)


def failed(row: object, line: int, reason: str) -> dict[str, Any]:
    """Give the answer to a row that could not be answered; its id comes back if it has one."""
    row_id = row.get("id") if isinstance(row, dict) else None
    row_id = row_id if isinstance(row_id, str | int) else None
    return {"id": row_id, "line": line, "status": "error", "reason": reason}


def answer(text: str, model: type[Row], work: Callable[[Row], Any]) -> Iterator[tuple[Any, bool]]:
    """Answer each row in order; gives (answer, whether it failed)."""
    for line, value in json_lines(text):
        yield answer_one(line, value, model, work)


def answer_one(
    line: int,
    value: object,
    model: type[Row],
    work: Callable[[Row], Any],
) -> tuple[Any, bool]:
    """Answer one row, a DataError being one that could not be read; also whether it failed."""
    if isinstance(value, DataError):
        return failed(None, line, str(value)), True
    try:
        return work(model.model_validate(value)), False
    except ValidationError as error:
        return failed(value, line, f"第 {line} 行 {explain(error)}"), True
    except DataError as error:
        return failed(value, line, f"第 {line} 行 {error}"), True


def report(failed: int, total: int) -> None:
    """Count the rows on stderr."""
    out.note(f"共 {total} 行，失败 {failed} 行" if failed else f"共 {total} 行，全部完成")
