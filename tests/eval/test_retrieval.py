import json

import numpy as np
import pytest

from eval import retrieval
from eval.retrieval import Case
from knowledge import expansion, terms
from knowledge.datafile import DataError
from knowledge.encoder import unit_rows
from knowledge.retrieval import entries
from knowledge.text import ngrams, plain

ROW = {
    "id": "rt.1", "split": "test", "query": "抢话", "level": "初级", "expect": "L1.5.S2",
    "also": [], "voice": "trainee", "source": "constructed",
}  # fmt: skip


def retrieval_entries():
    return entries(expansion.load(), terms.load())[0]


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


class Meaning:
    """A model that knows nothing of the standard."""

    name, dim = "mean", 2

    def encode(self, texts):
        rows = [[text.count("客"), len(text)] for text in texts]
        return unit_rows(np.array(rows, dtype=np.float32).reshape(len(texts), 2))


def test_the_ablation_ranks_without_with_and_with_another_model():
    rows = retrieval.baselines([case(1, query="客户没讲完就插嘴")], Meaning())
    assert list(rows) == [
        "字串，只有标准原文", "字串 BM25", "词 BM25", "自带句向量模型单独",
        "不用句向量模型（字串与词）", "mean 单独", "再加 mean",
    ]  # fmt: skip
    assert rows["不用句向量模型（字串与词）"].top3 == 1.0


def test_a_model_nobody_has_downloaded_is_left_out(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert retrieval.downloaded() is None


def test_cases_of_one_split_are_taken(tmp_path):
    path = write(tmp_path, ROW, {**ROW, "id": "rt.0", "split": "dev"})
    assert [found.id for found in retrieval.load_cases(path, split="dev")] == ["rt.0"]


def test_no_test_query_stands_among_what_is_learned():
    """No wording of the test split is in the training text, nor nearly (shared pairs >= 0.6)."""
    learned = [set(ngrams(plain(text), (2,))) for text in retrieval_entries()]
    for one in retrieval.load_cases(split="test"):
        asked = set(ngrams(plain(one.query), (2,)))
        most = max(len(asked & pairs) / len(asked | pairs) for pairs in learned if pairs)
        assert most < 0.6, (one.id, most)


def test_the_table_has_one_line_for_each_row():
    report = retrieval.measure([case(1)], lambda query, level: ["L1.5.S2"])
    assert retrieval.table([("融合", report)]) == (
        "条数\t首位\t前三\tMRR\t项目\n1\t100.0%\t100.0%\t1.000\t融合\n"
    )


def test_wrong_cases_end_with_code_2_and_one_line(monkeypatch, tmp_path, capsys):
    empty = write(tmp_path)
    monkeypatch.setattr(retrieval, "load_cases", lambda split: retrieval_load(empty))
    assert retrieval.main([]) == 2
    assert capsys.readouterr().err == "cases.jsonl：没有用例\n"


retrieval_load = retrieval.load_cases
