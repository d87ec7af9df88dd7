"""A centre's own marks: what may be uploaded, cells that are formulas, an example to start from.

Knows files and cells; what the columns mean is ``eval.human_rows``'.
"""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from eval import row_files
from eval.human_rows import WANTED
from eval.row_files import names
from eval.suites_cases import ReplyCase, load, path_of
from grading.result import DIMENSIONS
from knowledge.datafile import DataError

KINDS = (".jsonl", ".xlsx")
MOST_BYTES = 64 * 1024 * 1024
SAVED = "上传的文件"  # whatever it was called: the name stands in messages, not on our disk
_MOST_UNPACKED = 600 * 1024 * 1024
_EXAMPLES = 6
_SHOWN = 30
ABOUT = "示例：自拟用例（constructed），不是真实客户的话；照这个样子换成本单位的对话和人工分"


def kind_of(name: str) -> str:
    """Give the ending of an uploaded file's name.

    Raises:
        DataError: another kind of file.
    """
    kind = Path(name).suffix.lower()
    if kind not in KINDS:
        raise DataError(f"只认 {' 和 '.join(KINDS)} 文件，请另存成其中一种再传")
    return kind


def too_large() -> DataError:
    """Give the refusal of a file past the limit."""
    return DataError(
        f"文件超过 {MOST_BYTES // 1024 // 1024} MB，请分成几份；"
        "或在终端里用 kefu eval --suite human --data 文件，那里不限大小"
    )


def check(path: Path) -> None:
    """Refuse a sheet that unpacks to too much or holds a formula where words or marks belong.

    Raises:
        DataError: naming row and column of the first formula; or the file is no xlsx.
    """
    if path.suffix != ".xlsx":
        return
    library = row_files.openpyxl()
    no_sheet = DataError(f"{path.name} 打不开，不像一份 xlsx 表格，请重新另存")
    try:
        with zipfile.ZipFile(path) as packed:
            is_huge = sum(one.file_size for one in packed.infolist()) > _MOST_UNPACKED
        if is_huge:
            raise DataError("这份表格解开来太大，请只留要评的那一张表，另存后再传")
        with path.open("rb") as file:
            book = library.load_workbook(file, read_only=True, data_only=False)
            if not book.worksheets:
                raise no_sheet
            _refuse_formulas(book.worksheets[0].iter_rows())
    except DataError:
        raise
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError):  # the last: bad XML
        raise no_sheet from None


def _refuse_formulas(rows: Iterator[Sequence[Any]]) -> None:
    """Look at the columns that are used; sums beside them are the centre's own business."""
    first = next(rows, ())
    known = {*WANTED.written(), *names().roles}
    used = [at for at, cell in enumerate(first) if str(cell.value).strip(" 0123456789") in known]
    for row in itertools.chain([first], rows):
        for cell in (row[at] for at in used if at < len(row)):
            if cell.data_type == "f":
                raise DataError(
                    f"第 {cell.row} 行 {cell.column_letter} 列是公式“{str(cell.value)[:_SHOWN]}”，"
                    "请复制后选“只粘贴数值”，另存再传"
                )


def _cases() -> list[ReplyCase]:
    """Give a few development cases of different talks."""
    cases = load(ReplyCase, path_of("replies", "dev"), split="dev")
    return cases[: _EXAMPLES * 5 : 5]


def example_jsonl() -> bytes:
    """Give the example as JSON lines."""
    lines = []
    for at, case in enumerate(_cases(), 1):
        row = {
            "编号": f"示例-{at}", "渠道": case.channel,
            "对话": [turn.model_dump() for turn in case.history], "回复": case.reply,
            **{names().columns[name][1]: case.labels.of(name) for name in DIMENSIONS},
            "评分人": "示例",
        }  # fmt: skip
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(lines).encode("utf-8")


def _shown(written: dict[str, str], value: str) -> str:
    """Give the first Chinese way to write a name of the program."""
    return next(shown for shown, name in written.items() if name == value)


def _row(at: int, case: ReplyCase) -> list[Any]:
    talk = "\n".join(f"{_shown(names().roles, turn.role)}：{turn.text}" for turn in case.history)
    marks: Sequence[int | None] = [case.labels.of(name) for name in DIMENSIONS]
    channel = _shown(names().channels, case.channel)
    return [f"示例-{at}", channel, talk, case.reply, *marks, "示例"]


def example_xlsx() -> bytes:
    """Give the example as xlsx; its properties and a second sheet say what it is."""
    library = row_files.openpyxl()
    from openpyxl.styles import Alignment, Font

    book = library.Workbook()
    book.properties.creator = "kefu-coach"
    book.properties.title = book.properties.description = ABOUT
    sheet = book.active
    sheet.title = "人工分"
    sheet.append(["编号", "渠道", "对话", "回复", "同理心", "礼貌用语", "规范步骤", "评分人"])
    for at, case in enumerate(_cases(), 1):
        sheet.append(_row(at, case))
    for letter, width in {"A": 10, "B": 8, "C": 60, "D": 60, "F": 10, "G": 10}.items():
        sheet.column_dimensions[letter].width = width
    for cell in itertools.chain.from_iterable(sheet.iter_rows()):
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        cell.font = Font(bold=cell.row == 1)
    sheet.freeze_panes = "A2"
    book.create_sheet("说明").append([ABOUT])
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()
