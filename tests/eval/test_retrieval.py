import json

import pytest

from eval import retrieval
from eval.retrieval import Case
from knowledge import expansion
from knowledge.datafile import DataError

ROW = {
    "id": "rt.1", "split": "test", "query": "抢话", "level": "初级", "expect": "L1.5.S2",
    "also": [], "voice": "trainee", "source": "constructed",
}  # fmt: skip


def write(folder, *rows):
    path = folder / "cases.jsonl"
    lines = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def case(number, **changed):
    return Case(**{**ROW, "id": f"rt.{number}", "query": f"问{number}", **changed})


def test_ranks_are_counted_as_worked_out_by_hand():
    cases = [
        case(1),
        case(2, expect="L1.5.S3", also=["L1.5.S1"], voice="leader"),
        case(3, expect="L1.5.S9", level="中级"),
        case(4, expect="L1.7.S1", level=None),
    ]
    order = ["L1.5.S2", "L1.5.S1", "L1.5.S3", "L1.5.S9"]
    report = retrieval.measure(cases, lambda query, level: order)
    # Ranks 1, 2 (by `also`), 4, none.
    assert (report.n, report.top1, report.top3) == (4, 0.25, 0.5)
    assert report.mrr == pytest.approx((1 + 1 / 2 + 1 / 4 + 0) / 4)
    assert [(r.name, r.n, r.top3) for r in report.by_level] == [
        ("初级", 2, 1.0), ("中级", 1, 0.0), ("不限", 1, 0.0),
    ]  # fmt: skip
    assert [(r.name, r.n) for r in report.by_voice] == [("学员", 3), ("班组长", 1)]


def test_each_case_is_asked_at_its_own_level():
    asked = []
    retrieval.measure([case(1, level="高级")], lambda q, level: asked.append((q, level)) or [])
    assert asked == [("问1", "高级")]


def test_no_case_is_an_error_and_not_a_pass():
    with pytest.raises(DataError, match="没有用例，量不出结果"):
        retrieval.measure([], lambda query, level: [])


def test_cases_are_loaded_in_order(tmp_path):
    path = write(tmp_path, ROW, {**ROW, "id": "rt.0"})
    assert [found.id for found in retrieval.load_cases(path)] == ["rt.1", "rt.0"]


@pytest.mark.parametrize("rows, message", [
    pytest.param([], "cases.jsonl：没有用例", id="none"),
    pytest.param(["{"], "cases.jsonl：第 1 行不是合法的 JSON", id="broken"),
    pytest.param([{**ROW, "expect": None}], "cases.jsonl 第 1 行：expect：应为文字", id="no one"),
    pytest.param([{**ROW, "expect": "L9"}], "cases.jsonl：rt.1 指向 L9，标准里没有", id="dangling"),
    pytest.param([{**ROW, "also": ["L8"]}], "cases.jsonl：rt.1 指向 L8，标准里没有", id="also"),
    pytest.param([{**ROW, "note": 1}], "cases.jsonl 第 1 行：note：没有这个字段", id="unknown key"),
    pytest.param([ROW, ROW], "cases.jsonl：编号 rt.1 重复", id="repeated"),
])  # fmt: skip
def test_faulty_cases_are_refused(tmp_path, rows, message):
    with pytest.raises(DataError) as caught:
        retrieval.load_cases(write(tmp_path, *rows))
    assert str(caught.value).startswith(message)


def test_folds_deal_every_expansion_once_and_evenly():
    every = expansion.load()
    fold = retrieval._fold_of(every, 5, seed=7)
    assert fold == retrieval._fold_of(every, 5, seed=7) != retrieval._fold_of(every, 5, seed=8)
    mine = [at for one, at in zip(every, fold, strict=True) if one.of == "L1.5.S2"]
    assert max(map(mine.count, range(5))) - min(map(mine.count, range(5))) <= 1


def test_folds_measure_every_side_on_held_out_queries(monkeypatch):
    few = tuple(one for one in expansion.load() if one.of in ("L1.5.S2", "L1.7.S3", "B2.2.5.7"))
    monkeypatch.setattr(expansion, "load", lambda: few)
    for own in (False, True):
        found = retrieval.folds(2, own_level_only=own)
        assert list(found) == ["字串 BM25", "词 BM25", "向量", "融合"]
        for report in found.values():
            assert report.n == len(few) and 0 < report.top3 <= 1


def test_the_table_has_one_line_for_each_row():
    report = retrieval.measure([case(1)], lambda query, level: ["L1.5.S2"])
    assert retrieval.table([("融合", report)]) == (
        "条数\t首位\t前三\tMRR\t项目\n1\t100.0%\t100.0%\t1.000\t融合\n"
    )


def test_wrong_cases_end_with_code_2_and_one_line(monkeypatch, tmp_path, capsys):
    empty = write(tmp_path)
    monkeypatch.setattr(retrieval, "load_cases", lambda: retrieval_load(empty))
    assert retrieval.main([]) == 2
    assert capsys.readouterr().err == "cases.jsonl：没有用例\n"


retrieval_load = retrieval.load_cases
