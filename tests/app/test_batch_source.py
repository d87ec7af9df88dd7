"""Where rows of a batch come from: lines, sheets, and what is refused before any is graded."""

import openpyxl
import pytest

from app import batch_source
from knowledge.datafile import DataError


@pytest.fixture
def sheet(tmp_path):
    def write(*rows):
        book = openpyxl.Workbook()
        for cells in rows:
            book.active.append(cells)
        path = tmp_path / "rows.xlsx"
        book.save(path)
        return str(path)

    return write


def test_lines_are_counted_and_fingerprinted_beforehand(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes("\ufeff{}\r\n\n{broken\n".encode())
    source = batch_source.opened(str(path))
    assert source.total == 2 and len(source.digest) == 64
    assert [(row.line, row.parsed().__class__) for row in source.rows()] == [
        (1, dict), (3, DataError),
    ]  # fmt: skip


def test_a_sheets_rows_are_rows_to_grade_with_the_lines_of_the_sheet(sheet):
    source = batch_source.opened(
        sheet(
            ["编号", "渠道", "回复", "客户", "座席", "客户2", "资料", "级别", "备注"],
            [7, "呼入", "好的", "断网了", "您好", "四天了", "16:00 前可上门\n免费", "初级", "x"],
            [None] * 9,
            ["8", "在线", "好"],
        )
    )
    assert source.unused == ("备注",) and source.total is None
    first, second = source.rows()
    assert first.value == {
        "id": "7", "channel": "inbound", "reply": "好的", "level": "初级",
        "card": ["16:00 前可上门", "免费"],
        "history": [
            {"role": "customer", "text": "断网了"}, {"role": "agent", "text": "您好"},
            {"role": "customer", "text": "四天了"},
        ],
    }  # fmt: skip
    assert (second.line, second.value["history"]) == (4, [])


def test_a_sheets_bad_row_keeps_its_id(sheet):
    path = sheet(["编号", "渠道", "对话", "回复"], ["9", "在线", "乱写", "好"])
    (row,) = batch_source.opened(path).rows()
    assert row.value == {"id": "9"} and "第 2 行 C 列：对话第一行应写成" in row.trouble


@pytest.mark.parametrize("name", ["rows.csv", "rows.XLS", "rows.ods"])
def test_other_tables_are_to_be_saved_as_xlsx(tmp_path, name):
    with pytest.raises(DataError, match="只认 JSON Lines 和 .xlsx，请先另存为 .xlsx"):
        batch_source.opened(str(tmp_path / name))


def test_another_encoding_is_told_before_any_row_is_graded(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"{}\n" * 5 + "您好".encode("gbk"))
    with pytest.raises(DataError, match="rows.jsonl 不是 UTF-8 编码"):
        batch_source.opened(str(path))


def test_a_row_is_found_by_its_number(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("{}\n\n[]\n", encoding="utf-8")
    source = batch_source.opened(str(path))
    assert batch_source.at_row(source, 2).line == 3
    assert batch_source.at_row(source, 3) is None
