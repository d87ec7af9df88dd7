import openpyxl
import pytest

from eval import row_files
from eval.row_files import Wanted
from knowledge.datafile import DataError

WANTED = Wanted(known=("id", "channel", "history", "reply"))


@pytest.fixture
def sheet(tmp_path):
    def write(*rows):
        book = openpyxl.Workbook()
        for cells in rows:
            book.active.append(cells)
        path = tmp_path / "rows.xlsx"
        book.save(path)
        return path

    return write


def test_a_talk_is_written_in_one_cell_or_in_one_column_a_turn_not_both(sheet):
    path = sheet(["渠道", "回复", "对话", "客户1"], ["在线", "好", "客户：断网", "断网"])
    with pytest.raises(DataError, match="“对话”和“客户、座席……”两种写法只能用一种"):
        list(row_files.read(path, WANTED))


def test_turn_columns_stand_for_the_talk_where_one_is_needed(sheet):
    wanted = Wanted(WANTED.known, needed=("channel", "history", "reply"))
    path = sheet(["渠道", "回复", "坐席", "组员 2"], ["当面", "好", "你说", None])
    (raw,) = row_files.read(path, wanted)
    assert row_files.fields(raw)["history"] == [{"role": "agent", "text": "你说"}]


def test_a_blank_sheet_lacks_its_heads(sheet):
    with pytest.raises(DataError, match="表头缺少这些列：渠道、回复"):
        list(row_files.read(sheet([]), WANTED))


def test_a_line_is_no_json_also_where_it_is_only_too_deep():
    assert isinstance(row_files.parsed(3, "[" * 100_000), DataError)
    assert str(row_files.parsed(3, "{")) == "第 3 行不是合法的 JSON"


def test_blank_lines_count_but_are_no_rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes("\ufeff\n{}\n \n[]".encode())
    assert [line for line, _ in row_files.lines(path)] == [2, 4]
    assert list(row_files.lines([b"{}\n"])) == [(1, "{}\n")]


def test_files_that_cannot_be_read_are_named(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="是一个目录，请给出文件"):
        row_files.kind_of(tmp_path)
    with pytest.raises(DataError, match="标准输入 不是 UTF-8 编码"):
        list(row_files.lines([b"\xff"]))
    with pytest.raises(DataError, match="读不了 .*gone"):
        list(row_files.lines(tmp_path / "gone"))


def test_the_digest_is_that_of_the_bytes(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    # FIPS 180-2, the SHA-256 of "abc"
    assert row_files.digest(path).startswith("ba7816bf8f01cfea")
