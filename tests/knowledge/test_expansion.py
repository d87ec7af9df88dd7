import json

import pytest

from knowledge import expansion, standard
from knowledge.datafile import DataError

GOOD = {"id": "X.1", "of": "L1.5.S2", "voice": "trainee", "text": "抢话", "source": "constructed"}


def write(folder, *rows, name="L1.jsonl"):
    lines = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    (folder / name).write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_the_stored_expansions_load_and_each_requirement_has_some():
    covered = {one.of for one in expansion.load()}
    assert covered == set(standard.load().requirements)


def test_no_two_stored_expansions_of_a_requirement_are_the_same():
    said = [(one.of, one.text) for one in expansion.load()]
    assert len(said) == len(set(said))


def test_files_are_read_in_the_order_of_their_names(tmp_path):
    write(tmp_path, {**GOOD, "id": "X.2"}, name="b.jsonl")
    write(tmp_path, GOOD, name="a.jsonl")
    assert [one.id for one in expansion.read(tmp_path, {"L1.5.S2"})] == ["X.1", "X.2"]


@pytest.mark.parametrize("row, message", [
    pytest.param({**GOOD, "txt": ""}, "L1.jsonl：X.1：txt：没有这个字段", id="unknown key"),
    pytest.param({**GOOD, "text": " "}, "L1.jsonl：X.1：text：至少 1 个字", id="empty text"),
    pytest.param({**GOOD, "voice": "boss"}, "L1.jsonl：X.1：voice 写成了“boss”", id="voice"),
    pytest.param({**GOOD, "of": "L1.5.S99"},
                 "L1.jsonl：X.1 的 of 写成了“L1.5.S99”，标准里没有这个编号", id="dangling"),
    pytest.param({"of": "L1.5.S2"}, "L1.jsonl：第 1 行：id：缺少这一项", id="no id"),
    pytest.param("[1]", "L1.jsonl：第 1 行：整行：应为一组键值", id="not an object"),
    pytest.param("{", "L1.jsonl：第 1 行不是合法的 JSON", id="broken line"),
])  # fmt: skip
def test_a_faulty_row_is_named_by_file_and_id(tmp_path, row, message):
    with pytest.raises(DataError) as caught:
        expansion.read(write(tmp_path, row), standard.load().requirements)
    assert str(caught.value).startswith(message)


def test_an_id_repeated_in_another_file_is_refused(tmp_path):
    write(tmp_path, GOOD, name="a.jsonl")
    write(tmp_path, GOOD, name="b.jsonl")
    with pytest.raises(DataError, match="编号 X.1 重复"):
        expansion.read(tmp_path, {"L1.5.S2"})


def test_a_folder_without_expansions_is_refused(tmp_path):
    with pytest.raises(DataError, match="里没有检索说法"):
        expansion.read(tmp_path, set())
