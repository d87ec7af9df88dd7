"""Reads rows of replies from JSON lines or xlsx, one by one, never the whole file at once.

Knows lines, columns and cells; not what the rows are for.
"""

from __future__ import annotations

import functools
import hashlib
import json
import zipfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.datafile import DataError, Entry, parse, read_yaml

COLUMNS = Path(__file__).parent / "human.yaml"
TALK = "history"
_COPIED = ("reply", "scenario", "level")
_DIGITS = "0123456789"


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
class Raw:
    """One row as read: its line, from 1; the letter of each column, for xlsx only."""

    line: int
    value: dict[str, Any] | DataError
    columns: dict[str, str]
    unused: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The line, in Chinese."""
        return f"第 {self.line} 行"

    def place(self, name: str) -> str:
        """Give line and column of a field."""
        letter = self.columns.get(name)
        return f"{self.where} {letter} 列" if letter else self.where


@dataclass(frozen=True)
class Wanted:
    """The columns a reader knows, and those a table must have; others are named as unused."""

    known: tuple[str, ...]
    needed: tuple[str, ...] = ("channel", "reply")

    def written(self) -> dict[str, str]:
        """Give the name in the program of each way to write a column."""
        return {shown: name for name in self.known for shown in names().columns[name]}


def kind_of(path: Path, kinds: Collection[str] = (".jsonl", ".xlsx")) -> str:
    """Give a file's ending, in lower case.

    Raises:
        DataError: no such file, or another kind of file.
    """
    if path.is_dir():
        raise DataError(f"{path} 是一个目录，请给出文件")
    if not path.is_file():
        raise DataError(f"找不到文件 {path}，请检查路径")
    kind = path.suffix.lower()
    if kind not in kinds:
        raise DataError(f"{path.name}：只认 {' 和 '.join(kinds)}，请另存成其中一种")
    return kind


def digest(path: Path) -> str:
    """Give the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lines(source: Path | Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """Give (line from 1, text) of every line that is not blank.

    Raises:
        DataError: not UTF-8, or unreadable.
    """
    name = source.name if isinstance(source, Path) else "标准输入"
    try:
        with source.open("rb") if isinstance(source, Path) else nullcontext(source) as opened:
            for number, raw in enumerate(opened, 1):
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                if text.strip():
                    yield number, text
    except UnicodeDecodeError:
        raise DataError(f"{name} 不是 UTF-8 编码，请另存为 UTF-8 后再试") from None
    except OSError as error:
        raise DataError(f"读不了 {source}（{error.strerror}），请检查权限") from None


def parsed(line: int, text: str) -> Any:  # noqa: ANN401 - JSON holds anything
    """Give the value of one line; a DataError where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return DataError(f"第 {line} 行不是合法的 JSON")


def read(path: Path, wanted: Wanted) -> Iterator[Raw]:
    """Give every row of a .jsonl or .xlsx file, in order, with its columns under our names.

    Raises:
        DataError: no such file, another kind of file, not UTF-8, or a needed column is missing.
    """
    if kind_of(path) == ".xlsx":
        yield from sheet(path, wanted)
        return
    written = wanted.written()
    for line, text in lines(path):
        value = parsed(line, text)
        if isinstance(value, dict):
            kept = {written[key]: one for key, one in value.items() if key in written}
            yield Raw(line, kept, {}, tuple(key for key in value if key not in written))
        else:
            is_known = isinstance(value, DataError)
            bad = value if is_known else DataError(f"第 {line} 行应是一个 JSON 对象")
            yield Raw(line, bad, {})


def sheet(path: Path, wanted: Wanted) -> Iterator[Raw]:
    """Give every row of an xlsx file's first sheet that is not blank.

    Raises:
        DataError: no xlsx, a needed column is missing, or openpyxl is.
    """
    book = _book(path)
    try:
        rows = book.worksheets[0].iter_rows(values_only=True)
        head = _head([str(cell or "").strip() for cell in next(rows, ())], path, wanted)
        for number, cells in enumerate(rows, 2):
            if value := head.value(cells):
                yield Raw(number, value, head.letters, head.unused)
    finally:
        book.close()


def openpyxl() -> Any:  # noqa: ANN401 - openpyxl has no types
    """Give the library, which only xlsx needs.

    Raises:
        DataError: it is not installed.
    """
    try:
        import openpyxl as library
    except ModuleNotFoundError:
        raise DataError(
            "读写 xlsx 要用的 openpyxl 没有装，请运行 pip install 'kefu-coach[eval]'"
        ) from None
    return library


def _book(path: Path) -> Any:  # noqa: ANN401 - openpyxl has no types
    library = openpyxl()
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        return library.load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError):
        raise DataError(f"{path.name} 打不开，不像一份 xlsx 表格，请重新另存") from None


@dataclass(frozen=True)
class _Head:
    """The first row: which column holds what; ``turns``: columns of one turn each, and its role."""

    used: dict[int, str]
    turns: dict[int, str]
    letters: dict[str, str]
    unused: tuple[str, ...]

    def value(self, cells: Sequence[Any]) -> dict[str, Any]:
        """Give the row's cells that hold something, by name."""
        value = {
            self.used[at]: c for at, c in enumerate(cells) if at in self.used and c is not None
        }
        turns = [
            {"role": self.turns[at], "text": str(cell)}
            for at, cell in enumerate(cells)
            if at in self.turns and cell is not None
        ]
        return value | ({TALK: turns} if turns else {})


def _head(cells: list[str], path: Path, wanted: Wanted) -> _Head:
    from openpyxl.utils import get_column_letter

    written, roles = wanted.written(), names().roles
    used = {at: written[cell] for at, cell in enumerate(cells) if cell in written}
    turns = {
        at: roles[role]
        for at, cell in enumerate(cells)
        if at not in used and (role := cell.rstrip(_DIGITS).strip()) in roles
    }
    held = {*used.values(), *([TALK] if turns else [])}
    if gone := [names().columns[one][1] for one in wanted.needed if one not in held]:
        raise DataError(f"{path.name} 第 1 行表头缺少这些列：{'、'.join(gone)}")
    if turns and TALK in used.values():
        raise DataError(f"{path.name} 第 1 行表头：“对话”和“客户、座席……”两种写法只能用一种")
    letters = {name: get_column_letter(at + 1) for at, name in used.items()}
    unused = [cell for at, cell in enumerate(cells) if cell and at not in used and at not in turns]
    return _Head(used, turns, letters, tuple(unused))


def fields(raw: Raw) -> dict[str, Any]:
    """Turn a row's cells into the fields of a row to grade; unchecked but for the talk.

    Raises:
        DataError: the row was none, or its talk cannot be read.
    """
    if isinstance(raw.value, DataError):
        raise raw.value
    value = raw.value
    channel = value.get("channel")
    plain = {
        "id": None if value.get("id") is None else str(value["id"]),
        "channel": names().channels.get(str(channel), channel), TALK: _talk(raw, value),
    }  # fmt: skip
    if isinstance(card := value.get("card"), str):
        plain["card"] = [line.strip() for line in card.splitlines() if line.strip()]
    return plain | {name: value[name] for name in _COPIED if name in value}


def _talk(raw: Raw, row: dict[str, Any]) -> object:
    """Give the history: a list as it is; text as JSON, or lines that begin with 客户 or 座席."""
    value = row.get(TALK, [])
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        found = parsed(raw.line, value)
        if isinstance(found, DataError):
            raise DataError(f"{raw.place(TALK)}：对话不是合法的 JSON")
        return found
    turns: list[dict[str, str]] = []
    for line in value.splitlines():
        who, mark, text = line.replace(":", "：", 1).partition("：")
        role = names().roles.get(who.strip())
        if role and mark:
            turns.append({"role": role, "text": text.strip()})
        elif turns:
            turns[-1]["text"] += "\n" + line
        elif line.strip():
            raise DataError(f"{raw.place(TALK)}：对话第一行应写成“客户：……”或“座席：……”")
    return turns
