"""The evaluators' door, the shelf of results, a centre's own marks, and what is said of them."""

import io
import json
import os
import re
import zipfile

import pytest
from openpyxl import Workbook, load_workbook

from app.pages import evaluation_marks as marks
from app.pages import evaluation_shelf as shelf
from app.pages import evaluation_view as view
from app.pages.evaluation_desk import Running, Step
from app.pages.evaluation_gate import SESSION_SECONDS, Gate, TooMany, passphrase
from app.pages.evaluation_shelf import Record, Shelf
from eval import human_rows
from knowledge.datafile import DataError
from tests.app.evaluations import SECRET, kept, report


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def gate(clock):
    return Gate(SECRET, clock)


@pytest.fixture
def where(tmp_path):
    return Shelf(tmp_path)


# The door -------------------------------------------------------------------------------------


def test_a_passphrase_is_drawn_anew_and_has_nothing_that_looks_alike():
    drawn = {passphrase() for _ in range(50)}
    assert len(drawn) == 50
    assert all(re.fullmatch(r"([2-9a-hj-np-z]{4}-){3}[2-9a-hj-np-z]{4}", one) for one in drawn)
    assert not set("il01o") & set("".join(drawn))


@pytest.mark.parametrize(
    "said",
    [SECRET, SECRET.upper(), " abcd efgh jkmn pqrs ", "ａｂｃｄ－ｅｆｇｈ－ｊｋｍｎ－ｐｑｒｓ"],
)
def test_width_case_and_blanks_do_not_matter(gate, said):
    assert gate.who(gate.enter(said, "王老师")) == "王老师"


@pytest.mark.parametrize("said", ["", "abcd", SECRET + "t", "\ud800", "a" * 10_000])
def test_a_wrong_passphrase_is_refused_in_one_sentence(gate, said):
    with pytest.raises(DataError, match="口令不对"):
        gate.enter(said, "王老师")


def test_after_five_wrong_ones_even_the_right_one_waits_a_minute(gate, clock):
    for at in range(5):
        clock.now = float(at)
        with pytest.raises(DataError, match="口令不对"):
            gate.enter("x", "")
    with pytest.raises(TooMany, match="请过 57 秒"):  # the first, at 0, is forgotten at 60
        gate.enter(SECRET, "")
    clock.now = 60.0
    assert gate.who(gate.enter(SECRET, "")) == "评测员"


def test_a_session_ends_by_leaving_and_after_twelve_hours(gate, clock):
    first, second = gate.enter(SECRET, "安"), gate.enter(SECRET, "博")
    gate.leave(first)
    assert (gate.who(first), gate.who(second), gate.who("")) == (None, "博", None)
    clock.now = SESSION_SECONDS
    assert gate.who(second) is None


def test_neither_passphrase_nor_tokens_are_kept(gate):
    token = gate.enter(SECRET, "安")
    held = repr(vars(gate))
    assert SECRET not in held and SECRET.replace("-", "") not in held and token not in held


def test_a_name_is_cut_and_cleaned(gate):
    assert gate.who(gate.enter(SECRET, "\n" + "王" * 30)) == "王" * 20


# The shelf ------------------------------------------------------------------------------------


def test_results_are_there_after_a_restart_newest_first(tmp_path, where):
    records = [kept(where, id=f"20261124-0930{at:02}-abcdef") for at in (0, 5, 3)]
    again = Shelf(tmp_path)
    assert [one.id[-9:-7] for one in again.listed().records] == ["05", "03", "00"]
    record, made = again.read(records[0].id)
    assert (record.bars, record.met, record.seconds) == (3, 1, 12.5)
    assert made == report()


def test_an_unfinished_run_is_not_listed_and_a_broken_one_is_counted(where):
    name, _ = where.begin()
    record = kept(where)
    (where.at(record.id) / shelf.RECORD).write_text("{", encoding="utf-8")
    assert where.listed() == shelf.Listed([], 1)
    with pytest.raises(DataError, match="坏了"):
        where.read(record.id)
    with pytest.raises(DataError, match="没有这次评测"):
        where.at(name)


@pytest.mark.parametrize("name", ["..", "../x", "", "20261124-093000-ABCDEF", "run.json"])
def test_only_ids_of_ours_are_looked_up(where, name):
    with pytest.raises(DataError, match="没有这次评测"):
        where.at(name)


def test_what_a_dead_server_left_is_told_once_and_cleared_and_a_live_ones_is_left(where):
    gone, live, bare = where.begin(), where.begin(), where.begin()
    for (name, part), pid in ((gone, 2**22 + 5), (live, os.getpid())):
        shelf.put(
            Record(id=name, by="安", started="s", suites=("levels",), split="dev", seed=7, pid=pid),
            part,
        )  # fmt: skip
    assert [record.id for record in where.left()] == [gone[0]]
    assert [path.exists() for _, path in (gone, live, bare)] == [False, True, False]
    assert list(where.left()) == []


def test_a_folder_that_cannot_be_made_is_explained(tmp_path, where):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="KEFU_HOME"):
        Shelf(tmp_path / "file")
    where.folder.rmdir()
    with pytest.raises(DataError, match="磁盘"):
        where.begin()


# A centre's own marks -------------------------------------------------------------------------

HEAD = ["编号", "渠道", "对话", "回复", "同理心", "合计"]


@pytest.fixture
def sheet(tmp_path):
    def write(*rows):
        book = Workbook()
        for cells in (HEAD, *rows):
            book.active.append(cells)
        book.save(tmp_path / "marks.xlsx")
        return tmp_path / "marks.xlsx"

    return write


def test_a_formula_in_a_column_that_is_used_is_named_by_row_and_column(sheet):
    path = sheet(
        ["1", "电话", "客户：断网了", "我来查", 3], ["2", "电话", "客户：断网了", "我来查", "=1+2"]
    )
    with pytest.raises(DataError, match="第 3 行 E 列是公式“=1.2”"):
        marks.check(path)


def test_a_formula_beside_the_columns_that_are_used_does_no_harm(sheet):
    marks.check(sheet(["1", "电话", "客户：断网了", "我来查", 3, "=SUM(E2:E2)"]))


def test_a_sheet_that_unpacks_to_too_much_is_refused(sheet, monkeypatch):
    monkeypatch.setattr(marks, "_MOST_UNPACKED", 1000)
    with pytest.raises(DataError, match="解开来太大"):
        marks.check(sheet())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04junk", b"\xd0\xcf\x11\xe0"])
def test_what_is_no_sheet_is_refused(tmp_path, content):
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(DataError, match="不像一份 xlsx"):
        marks.check(tmp_path / "a.xlsx")


@pytest.mark.parametrize("name", ["xl/workbook.xml", "xl/worksheets/sheet1.xml"])
def test_a_sheet_with_broken_insides_is_refused(tmp_path, sheet, name):
    broken = tmp_path / "broken.xlsx"
    with zipfile.ZipFile(sheet()) as old, zipfile.ZipFile(broken, "w") as new:
        for one in old.namelist():
            new.writestr(one, b"<a><b></a>" if one == name else old.read(one))
    with pytest.raises(DataError, match="不像一份 xlsx"):
        marks.check(broken)


@pytest.mark.parametrize("name", ["a.xls", "a.csv", "a", "xlsx"])
def test_another_kind_of_file_is_refused(name):
    with pytest.raises(DataError, match=r"只认 .jsonl 和 .xlsx"):
        marks.kind_of(name)


def test_both_examples_can_be_used_as_they_are_and_say_what_they_are(tmp_path):
    counts = []
    for kind, made in (("jsonl", marks.example_jsonl()), ("xlsx", marks.example_xlsx())):
        path = tmp_path / f"example.{kind}"
        path.write_bytes(made)
        marks.check(path)
        rows = [human_rows.check(raw, "levels") for raw in human_rows.read(path)]
        assert all(row.row.id.startswith("示例") and row.rater == "示例" for row in rows)
        counts.append([(row.row.reply, row.marks) for row in rows])
    assert counts[0] == counts[1] and len(counts[0]) == 6
    assert "自拟" in load_workbook(io.BytesIO(marks.example_xlsx())).properties.description


# What is said ---------------------------------------------------------------------------------


def test_missed_bars_come_first_in_words_and_every_figure_has_its_n():
    told = view.bar_lines(report())
    assert [bar.verdict for bar in told] == ["未达到", "没有数", "达到"]
    assert (told[0].wanted, told[2].wanted) == ("不低于 0.80", "不高于 20.0 %")
    assert [bar.line.n for bar in told] == [145, 0, 153]


def test_a_suite_shows_peoples_agreement_then_figures_then_the_rest():
    (suite,) = report().suites
    made = view.section(suite)
    assert [one.value for one in made.agreed] == ["0.90"]
    assert [(g.head, [one.name for one in g.lines]) for g in made.groups] == [
        ("同理心", ["二次加权 κ"]),
        ("合起来看", ["送人工 · 送人工的比例"]),
    ]
    assert [one.n for one in made.rest] == [40]


def test_what_moved_says_then_now_and_whether_it_is_outside():
    (move,) = view.moved(report(0.5), report(0.75))  # 0.5 is below 0.65
    assert (move.before, move.now, move.change, move.n) == ("0.50", "0.75", "+0.25", "145 → 145")
    assert move.is_outside
    assert view.moved(report(), report()) == []


def test_changed_cases_are_named():
    assert view.changed_cases(report(), report(cases="c2")) == ["replies.dev.jsonl"]
    assert view.changed_cases(report(), report()) == []


def test_runs_compare_within_a_split_and_within_one_file_of_marks():
    def record(at, **more):
        fields = {"by": "安", "started": "s", "suites": ("levels",), "split": "dev", "seed": 7}
        return Record(id=str(at), **(fields | more))

    one = record(1)
    others = [one, record(2), record(3, split="test"), record(4, suites=("pairs",)),
              record(5, digest="d", suites=("human",))]  # fmt: skip
    assert [other.id for other in view.comparable(one, others)] == ["2"]
    assert view.comparable(others[4], [record(6, digest="e", suites=("human",))]) == []


def test_progress_is_a_sentence_and_a_share():
    record = Record(id="1", by="安", started="s", suites=("levels",), split="dev", seed=7)

    def said(step, seconds=75.2):
        return view.progress(Running(record, step, seconds))

    assert said(None).told == "正在准备"
    half = said(Step(2, 4, "pairs", 5, 10))  # (1 + 5/10) of 4
    assert (half.told, half.share) == ("第 2 项，共 4 项：好坏对比，第 6 / 10 例", 0.375)
    assert half.since == "已经 1 分 15 秒" and said(None, 9.9).since == "已经 9 秒"
    assert said(Step(4, 4, "pairs", 10, 10)).told.endswith("10 例都评了，正在算区间")
    assert json.dumps(said(Step(1, 4, "pairs")).share) == "0.0"
