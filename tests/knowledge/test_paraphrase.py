import json

import pytest

from knowledge import paraphrase
from knowledge.datafile import DataError

ROW = {
    "id": "p.1", "split": "train", "function": "apology",
    "texts": ["对不住您", "是我们没做好"], "apart": ["您得先道歉"], "source": "constructed",
}  # fmt: skip


def folder(tmp_path, *rows):
    (tmp_path / "functions.yaml").write_text("apology: 致歉\n", encoding="utf-8")
    lines = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def test_no_wording_of_a_test_group_stands_in_a_training_group():
    held = {split: set() for split in ("train", "test")}
    for group in paraphrase.load():
        held[group.split] |= {*group.texts, *group.apart}
    assert held["test"] and not held["train"] & held["test"]


@pytest.mark.parametrize("rows, message", [
    pytest.param(["{"], "a.jsonl：第 1 行不是合法的 JSON", id="broken"),
    pytest.param([{**ROW, "texts": ["一"]}], "a.jsonl 第 1 行：texts", id="one wording"),
    pytest.param([{**ROW, "apart": []}], "a.jsonl 第 1 行：apart", id="nothing apart"),
    pytest.param([{**ROW, "split": "dev"}], "a.jsonl 第 1 行：split", id="another split"),
    pytest.param([{**ROW, "function": "x"}], "a.jsonl：p.1 的 function 写成了“x”", id="unknown"),
    pytest.param([{**ROW, "apart": ["对不住您"]}], "a.jsonl：p.1 里有一句写了两次", id="twice"),
    pytest.param([ROW, ROW], "", id="repeated"),
])  # fmt: skip
def test_faulty_groups_are_refused(tmp_path, rows, message):
    with pytest.raises(DataError) as caught:
        paraphrase.read(folder(tmp_path, *rows))
    assert str(caught.value).startswith(message) and (
        message or "编号 p.1 重复" in str(caught.value)
    )


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(DataError, match="里没有同义句组（\\*.jsonl），请把文件放回去"):
        paraphrase.read(tmp_path)
