import itertools
import json

import pytest
from openpyxl import Workbook

from eval import human, human_rows
from eval.human_rows import Marked
from eval.spread import ProcessesDied
from eval.suites import Ask
from grading.grade import grade
from grading.result import GradeRow
from knowledge.datafile import DataError
from tests.eval.conftest import GOOD, HISTORY

HEAD = ["编号", "渠道", "对话", "回复", "同理心", "礼貌用语", "规范步骤", "评分人"]


def row(at=0, **more):
    return {"id": str(at), "channel": "inbound", "history": HISTORY, "reply": GOOD} | more


@pytest.fixture
def lines(tmp_path):
    def write(*rows, name="marks.jsonl"):
        path = tmp_path / name
        text = [r if isinstance(r, str) else json.dumps(r, ensure_ascii=False) for r in rows]
        path.write_text("\n".join(text) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def sheet(tmp_path):
    def write(*rows, head=HEAD):
        book = Workbook()
        for cells in (head, *rows):
            book.active.append(cells)
        path = tmp_path / "marks.xlsx"
        book.save(path)
        return path

    return write


def measured(path, **more):
    return human.human(Ask(data=path, folder=path.parent, **more))


def test_a_centres_marks_give_the_same_figures(lines):
    rows = [row(n, empathy=n % 5, politeness=3, reply=GOOD + "好" * n) for n in range(10)]
    found = measured(lines(*rows))
    assert found.n == 10
    assert {"empathy.qwk", "empathy.high.exact", "review.sent"} <= set(found.figures)
    assert found.figures["empathy.constant.qwk"].value == 0
    assert "procedure.qwk" not in found.figures, "nobody marked it"
    assert sum(map(sum, found.tables["empathy"])) == 10


def test_the_words_baseline_is_there_with_our_development_cases(cases, lines):
    cases.replies()
    path = lines(*(row(n, empathy=n % 5) for n in range(10)))
    found = human.human(Ask(data=path, folder=cases.path))
    assert "empathy.words.qwk" in found.figures


@pytest.mark.parametrize(
    "mark, scale, level",
    [
        (0, "levels", 0),
        (2.5, "levels", 3),
        (4, "levels", 4),
        (19.9, "points", 0),
        (60, "points", 3),
        (100, "points", 4),
    ],
)
def test_a_mark_becomes_a_level(mark, scale, level):
    assert human.level_from(mark, scale) == level


def test_a_mark_above_four_makes_it_points_and_the_option_decides_else(lines):
    assert human.scale_of(lines(row(0, overall=3), row(1, overall=88))) == ("points", 2)
    assert human.scale_of(lines(row(0, overall=3), row(1, overall=4))) == ("levels", 2)
    path = lines(*(row(n, overall=3) for n in range(3)))
    assert measured(path).tables["overall"][3] != [0] * 6
    assert measured(path, scale="points").tables["overall"][0] != [0] * 6


def test_raters_of_one_reply_are_its_median_and_compared_with_each_other(lines):
    rows = [row(n, rater=who, empathy=mark) for n, marks in enumerate([(1, 1, 4), (3, 3, 3)])
            for who, mark in zip("abc", marks, strict=True)]  # fmt: skip
    found = measured(lines(*rows))
    assert found.n == 2
    assert [sum(line) for line in found.tables["empathy"]] == [0, 1, 0, 1, 0, 0]
    # of six pairs of raters, four agree
    agreed = found.figures["empathy.raters.exact"]
    assert (agreed.value, agreed.n) == (pytest.approx(4 / 6, abs=1e-4), 6)


def test_rows_without_an_id_stand_alone():
    rows = [Marked(GradeRow(channel="chat", reply="好"), {"empathy": 1.0}, None)] * 2
    assert len(list(human.grouped(rows))) == 2


@pytest.mark.parametrize(
    "bad, reason",
    [
        pytest.param("{broken", "第 2 行不是合法的 JSON", id="broken"),
        pytest.param("[1]", "第 2 行应是一个 JSON 对象", id="no object"),
        pytest.param(row(1), "第 2 行：一项人工分都没有", id="no mark"),
        pytest.param(row(1, empathy=5), "第 2 行：同理心写成了 5，应在 0 到 4 之间", id="too high"),
        pytest.param(row(1, empathy="好"), "第 2 行：同理心写成了“好”，应是数字", id="a word"),
        pytest.param(row(1, empathy=True), "第 2 行：同理心写成了“True”", id="a truth value"),
        pytest.param(row(1, empathy=1, channel="fax"), "第 2 行：channel", id="channel"),
        pytest.param(row(1, empathy=1, history="乱写"), "对话第一行应写成“客户：", id="history"),
        pytest.param(row(1, empathy=1, history="[broken"), "对话不是合法的 JSON", id="json"),
        pytest.param(row(1, empathy=1, reply=None), "第 2 行：reply", id="no reply"),
        pytest.param(row(1, empathy=1, reply="好" * 2001), "回复有 2001 个字", id="too long"),
    ],
)
def test_a_bad_row_is_told_and_the_others_are_counted(lines, bad, reason):
    found = measured(lines(row(0, empathy=2), bad, row(2, empathy=3)), scale="levels")
    assert found.n == 2
    assert any(reason in note for note in found.notes)
    assert any("有 1 行没有用上" in note for note in found.notes)


def test_a_sheet_is_read_with_chinese_heads_channels_and_talk(sheet):
    talk = "客户：断网四天了\n打了三次\n座席：您好"
    path = sheet(["7", "呼入", talk, GOOD, 3, 3, 80, "甲"], head=HEAD)
    one = human_rows.check(next(human_rows.read(path)), None)
    assert one.row.channel == "inbound"
    assert [(turn.role, turn.text) for turn in one.row.history] == [
        ("customer", "断网四天了\n打了三次"),
        ("agent", "您好"),
    ]
    assert (one.marks["procedure"], one.rater, one.row.id) == (80, "甲", "7")


def test_a_bad_cell_is_named_by_row_and_column(sheet):
    path = sheet(
        ["1", "在线", "客户：断网了", GOOD, 3, 3, 3, "甲"],
        ["2", "在线", "客户：断网了", GOOD, 3, "很好", 3, "甲"],
        ["3", "传真", "客户：断网了", GOOD, 3, 3, 3, "甲"],
    )
    found = measured(path)
    assert found.n == 1
    assert any("第 3 行 F 列：礼貌用语写成了“很好”" in note for note in found.notes)
    assert any("第 4 行 B 列" in note for note in found.notes)


def test_columns_nobody_asked_for_are_named_not_refused(sheet, lines):
    path = sheet(["1", "在线", "客户：断网了", GOOD, 3, "随便"], head=[*HEAD[:5], "备注"])
    assert any("没有用到的列：备注" in note for note in measured(path).notes)
    path = lines(row(0, empathy=2, remark="x"))
    assert any("没有用到的列：remark" in note for note in measured(path).notes)


def test_files_that_are_none_are_refused(tmp_path, sheet, lines):
    with pytest.raises(DataError, match="要有数据，请加 --data"):
        human.human(Ask())
    with pytest.raises(DataError, match="找不到文件"):
        measured(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match="只认 .jsonl 和 .xlsx"):
        measured(lines("a", name="marks.csv"))
    with pytest.raises(DataError, match="不像一份 xlsx"):
        measured(lines("a", name="marks2.xlsx"))
    with pytest.raises(DataError, match="表头缺少这些列：对话"):
        measured(sheet(["1"], head=["编号", "渠道", "回复", "同理心"]))
    with pytest.raises(DataError, match="没有一行能用，第一处：第 1 行：一项人工分都没有"):
        measured(lines(row(0)))
    with pytest.raises(DataError, match="没有一行能用，第一处"):
        measured(lines(row(0, empathy=88)), scale="levels")
    latin = tmp_path / "latin.jsonl"
    latin.write_bytes(b"\xff\xfe{}")
    with pytest.raises(DataError, match="不是 UTF-8 编码"):
        measured(latin)


def test_memory_does_not_grow_with_the_rows(tmp_path):
    import tracemalloc

    def peak(count):
        rows = (Marked(GradeRow(id=str(n), channel="chat", reply="好"), {"empathy": 1.0}, None)
                for n in range(count))  # fmt: skip
        counts = human.Counts()
        tracemalloc.start()
        for group in human.grouped(rows):
            given = human.Given(dict.fromkeys(("empathy", "overall"), 1), False)
            human._count(group, given, "levels", counts)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(200)
    assert peak(8000) < 1.5 * peak(1000) + 20_000


@pytest.mark.slow
def test_many_rows_over_two_processes_give_what_one_gives(lines):
    rows = [row(n, empathy=n % 5, reply=GOOD + "好" * (n % 9)) for n in range(1200)]
    path = lines(*rows)
    assert measured(path, workers=2).figures == measured(path).figures


def test_replies_whose_process_died_are_told_and_left_out(lines, monkeypatch):
    def some_lost(items, work, how):
        for at, item in enumerate(items):
            yield item, work.lost(item) if at == 1 else work.do([item])[0]

    monkeypatch.setattr(human, "spread", some_lost)
    found = measured(lines(*(row(n, empathy=2) for n in range(3))))
    assert found.n == 2
    assert any("有 1 条没有算上：评分进程两次意外退出" in note for note in found.notes)


def test_processes_that_die_whatever_they_are_given_are_told(lines, monkeypatch):
    def dying(items, work, how):
        raise ProcessesDied("一再意外退出")
        yield

    monkeypatch.setattr(human, "spread", dying)
    with pytest.raises(DataError, match="一再意外退出"):
        measured(lines(row(0, empathy=2)))


@pytest.fixture
def stopped(lines, tmp_path, monkeypatch):
    """A run broken off after three of five replies, one of them bad."""
    path, part = lines(*(row(n, empathy=9 if n == 1 else n % 5) for n in range(6))), tmp_path / "p"
    whole = measured(path, scale="levels")

    def broken_off(items, work, how):
        for item in itertools.islice(items, 3):
            yield item, work.do([item])[0]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(human, "spread", broken_off)
        measured(path, scale="levels", part=part)
    return path, part, whole


def test_a_run_that_was_broken_off_goes_on_and_gives_the_same(stopped, monkeypatch):
    path, part, whole = stopped
    graded = []
    monkeypatch.setattr(human, "grade", lambda row: graded.append(row.id) or grade(row))
    assert measured(path, scale="levels", part=part, resume=True) == whole
    assert graded == ["4", "5"], "0, 2 and 3 are in the file, 1 is bad"
    assert not part.exists(), "a finished run leaves nothing"


def test_without_resume_a_run_begins_anew(stopped):
    path, part, whole = stopped
    assert measured(path, scale="levels", part=part) == whole


def test_counts_of_another_file_scale_or_version_are_refused(stopped, lines):
    path, part, _ = stopped
    with pytest.raises(DataError, match="是另一份数据或另一个版本的，不能接着做"):
        measured(path, scale="points", part=part, resume=True)
    other = lines(row(0, empathy=1), name="other.jsonl")
    with pytest.raises(DataError, match="是另一份数据或另一个版本的"):
        measured(other, part=part, resume=True)
    part.write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="坏了，不能接着做"):
        measured(path, part=part, resume=True)
