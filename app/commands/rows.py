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
MAX_BATCH_CHARS = 200_000_000


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


def _failed(row: object, line: int, reason: str) -> dict[str, Any]:
    row_id = row.get("id") if isinstance(row, dict) else None
    row_id = row_id if isinstance(row_id, str | int) else None
    return {"id": row_id, "line": line, "status": "error", "reason": reason}


def answer(text: str, model: type[Row], work: Callable[[Row], Any]) -> Iterator[tuple[Any, bool]]:
    """Answer each row in order; gives (answer, whether it failed)."""
    for line, value in json_lines(text):
        if isinstance(value, DataError):
            yield _failed(None, line, str(value)), True
            continue
        try:
            yield work(model.model_validate(value)), False
        except ValidationError as error:
            yield _failed(value, line, f"第 {line} 行 {explain(error)}"), True
        except DataError as error:
            yield _failed(value, line, f"第 {line} 行 {error}"), True


def report(failed: int, total: int) -> None:
    """Count the rows on stderr."""
    out.note(f"共 {total} 行，失败 {failed} 行" if failed else f"共 {total} 行，全部完成")
