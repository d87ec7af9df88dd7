"""The answers of a batch on disk, one JSON line a row, so that a batch can go on where it stopped.

A small file beside them says which input and which versions they belong to. Knows lines and files;
not what is in a grade.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from knowledge.datafile import DataError, read_text

_HEAD = ".head.json"


@dataclass
class Journal:
    """An open file of answers; use it in a ``with``.

    ``answered``: rows in it; ``failed``: errors among these; ``last_id``: id of the last row.
    """

    path: Path
    answered: int = 0
    failed: int = 0
    last_id: str | int | None = None

    def __enter__(self) -> Journal:
        """Open at the end; each line is written out as a whole."""
        # lone surrogates of the input cannot be written in UTF-8
        self._file = self.path.open(
            "a", encoding="utf-8", errors="replace", newline="\n", buffering=1
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Close, whatever happened."""
        self._file.close()

    def add(self, line: str, *, failed: bool) -> None:
        """Write the answer to the next row."""
        self._file.write(line + "\n")
        self.answered += 1
        self.failed += failed


def head_of(target: Path) -> Path:
    """Give the file that says what a file of answers belongs to."""
    return target.with_name(target.name + _HEAD)


def begin(target: Path, path: Path, head: dict[str, Any]) -> Journal:
    """Begin anew.

    Args:
        target: the file the answers are for.
        path: where the lines are kept; the target itself if that is JSON lines.
        head: what the answers belong to, plain JSON.

    Raises:
        DataError: one of the files is there, or they cannot be written.
    """
    for one in (target, path):
        if one.exists():
            raise DataError(f"{one} 已经有了：接着做请加 --resume，重做请先删掉它或换个名字")
    try:
        head_of(target).write_text(
            json.dumps(head, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
        path.touch()
    except OSError as error:
        raise DataError(f"不能写 {path}（{error.strerror}），请检查目录和权限") from None
    return Journal(path)


def check(target: Path, head: dict[str, Any]) -> None:
    """Refuse answers that belong to another input or other versions.

    Raises:
        DataError: naming what differs, or that nothing tells.
    """
    path = head_of(target)
    if not path.exists():
        raise DataError(f"{target} 旁边没有 {path.name}，看不出它是不是这份输入的结果，不能接着做")
    try:
        found = json.loads(read_text(path))
    except ValueError:
        raise DataError(f"{path} 坏了，不能接着做，请换个名字重做") from None
    if not isinstance(found, dict):
        raise DataError(f"{path} 坏了，不能接着做，请换个名字重做")
    named = {
        "input": "输入文件变了",
        "versions": "评分标准或程序的版本变了",
        "judge": "模型评判变了",
    }
    for key, said in named.items():
        if found.get(key) != head.get(key):
            raise DataError(f"{target} 不能接着做：{said}。请换个名字重做")


def go_on(path: Path) -> Journal:
    """Look through the answers that are there, cut a torn last line off, and go on after them.

    Raises:
        DataError: another line than the last is torn.
    """
    journal, keep = Journal(path), 0
    with path.open("rb") as file:
        for raw in file:
            answer = _answer(raw)
            if answer is None:
                if file.read(1):
                    raise DataError(
                        f"{path} 第 {journal.answered + 1} 行坏了，不能接着做，请换个名字重做"
                    )
                break
            keep += len(raw)
            journal.answered += 1
            journal.failed += answer.get("status") == "error"
            journal.last_id = answer.get("id")
    with path.open("r+b") as file:
        file.truncate(keep)
    return journal


def _answer(raw: bytes) -> dict[str, Any] | None:
    """Give the answer of a whole line, None for a torn one."""
    try:
        found = json.loads(raw) if raw.endswith(b"\n") else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
