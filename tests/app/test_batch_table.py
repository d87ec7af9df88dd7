"""Tables of answers: no cell is ever a formula, and each answer stands in its row."""

import csv
import json

import openpyxl
import pytest

from app import batch_source, batch_table
from app.commands.grade import run
from app.parser import parse
from knowledge.datafile import DataError

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@x",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    "\t=1",
    "\r1",
    "\n1",
    " =1",
    "　=1",
]


def row(reply, **more):
    return {"id": "a", "channel": "chat", "history": [], "reply": reply} | more


@pytest.fixture
def table(tmp_path):
    """Grade rows into a table and give its cells, the heads first."""

    def make(rows, kind):
        path, target = tmp_path / "rows.jsonl", tmp_path / f"out{kind}"
        path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
        assert run(parse(["grade", "--file", str(path), "--out", str(target)], "1")) == 0
        if kind == ".csv":
            with target.open(encoding="utf-8-sig", newline="") as file:
                return list(csv.reader(file))
        return [list(cells) for cells in openpyxl.load_workbook(target).active.iter_rows()]

    return make


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_takes_for_a_formula_is_risky(text):
    assert batch_table.is_risky(text)


@pytest.mark.parametrize("text", ["您好", "1", "", "a=1", "（=1）", "3-5 天"])
def test_other_texts_are_left_as_they_are(text):
    assert not batch_table.is_risky(text)


def test_no_cell_of_a_csv_begins_a_formula(table):
    cells = table([row(f"{text}您好", id=f"{text}b") for text in FORMULAS], ".csv")
    for line, text in zip(cells[1:], FORMULAS, strict=True):
        assert line[0] == f"'{text}b" and line[2] == f"'{text}您好"
        assert not any(batch_table.is_risky(cell) for cell in line)


def test_no_cell_of_an_xlsx_is_a_formula(table):
    cells = table([row(f"{text}您好", id=f"{text}b") for text in [*FORMULAS, "#N/A"]], ".xlsx")
    for line in cells[1:]:
        assert {cell.data_type for cell in line} <= {"s", "n", "inlineStr"}
        assert all(cell.data_type != "n" or not isinstance(cell.value, str) for cell in line)
    assert cells[1][0].value == "=1+1b", "as typed, and text"


def test_signs_no_file_can_hold_are_left_out(table):
    odd = row("您好\x00\x0b，我来查。", id="a\ud800")
    assert [cell.value for cell in table([odd], ".xlsx")[1][:3:2]] == ["a?", "您好，我来查。"]


def test_each_answer_stands_in_its_row(table):
    rude = row(
        "等着吧，我不是跟你说过了吗？", id="b", history=[{"role": "customer", "text": "断网四天"}]
    )
    lines = table([row("…", id="c"), rude, {"id": "d"}], ".csv")
    heads = lines[0]
    assert heads == list(batch_table.HEADS) and "训练分，非官方权重" in heads[5]
    blank, bad, wrong = (dict(zip(heads, line, strict=True)) for line in lines[1:])
    assert (blank["状态"], blank["行"], blank[heads[5]]) == ("未评分", "1", "")
    assert bad["状态"] == "已评" and "「" in bad["违规"] and float(bad[heads[5]]) < 60
    assert (wrong["编号"], wrong["状态"]) == ("d", "出错") and "channel：缺少这一项" in wrong[
        "说明"
    ]


def test_a_csv_too(table):
    assert table([row("您好", id="a\ud800")], ".csv")[1][0] == "a?"


def test_an_xlsx_says_what_made_it(table, tmp_path):
    table([row("您好")], ".xlsx")
    about = openpyxl.load_workbook(tmp_path / "out.xlsx").properties
    assert about.creator == "kefu-coach" and "由程序按规则生成" in about.title
    assert about.identifier == batch_source.opened(str(tmp_path / "rows.jsonl")).digest


def test_a_sheet_that_would_be_too_long_is_refused(table, monkeypatch):
    monkeypatch.setattr(batch_table, "MOST_ROWS", 1)
    with pytest.raises(DataError, match="一张 xlsx 表最多 1 行，这里有 2 行，请写成 .csv"):
        table([row("您好"), row("您好")], ".xlsx")


def test_without_openpyxl_the_extra_is_named(monkeypatch, tmp_path):
    import sys

    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(
        DataError, match=r"openpyxl 没有装，请运行 pip install 'kefu-coach\[eval\]'"
    ):
        batch_table.check_kind(tmp_path / "out.xlsx")
    batch_table.check_kind(tmp_path / "out.csv")
