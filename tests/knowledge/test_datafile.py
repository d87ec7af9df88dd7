from typing import Annotated, Literal

import pytest
from pydantic import Field, field_validator

from knowledge import datafile
from knowledge.datafile import DataError, Entry


class Mood(Entry):
    id: str
    mood: Literal["calm", "angry"] = "calm"
    step: Annotated[int, Field(ge=0, le=5)] = 0
    words: Annotated[tuple[str, ...], Field(max_length=2)] = ()

    @field_validator("id")
    @classmethod
    def _no_blank(cls, value):
        if " " in value:
            raise ValueError("不能有空格")
        return value


@pytest.mark.parametrize(
    "value, message",
    [
        pytest.param({}, "f：id：缺少这一项", id="missing"),
        pytest.param({"id": "a", "mod": 1}, "f：mod：没有这个字段，请检查拼写", id="unknown key"),
        pytest.param({"id": "a", "mood": "angryy"},
                     "f：mood 写成了“angryy”，只能是 calm、angry 之一", id="off the menu"),
        pytest.param({"id": "a", "step": "x"}, "f：step：应为整数", id="not a number"),
        pytest.param({"id": "a", "step": 9}, "f：step：太大，最大为 5", id="too large"),
        pytest.param({"id": "a", "step": -1}, "f：step：太小，最小为 0", id="too small"),
        pytest.param({"id": 3}, "f：id：应为文字（数字请加引号）", id="not text"),
        pytest.param({"id": "a", "words": ["1", "2", "3"]}, "f：words：最多 2 项", id="too many"),
        pytest.param({"id": "a b"}, "f：id：不能有空格", id="a rule of the model"),
        pytest.param([], "f：整行：应为一组键值", id="not a mapping"),
    ],
)  # fmt: skip
def test_a_faulty_entry_is_named_in_chinese(value, message):
    with pytest.raises(DataError) as caught:
        datafile.parse(Mood, value, "f")
    assert str(caught.value) == message


def test_an_entry_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        datafile.parse(Mood, {"id": "a"}, "f").id = "b"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="找不到文件 .*none.txt，请检查路径"):
        datafile.read_text(tmp_path / "none.txt")


def test_a_folder_cannot_be_read_as_a_file(tmp_path):
    with pytest.raises(DataError, match="读不了 .*请检查权限"):
        datafile.read_text(tmp_path)


def test_another_encoding_is_named(tmp_path):
    (tmp_path / "gbk.txt").write_bytes("您好".encode("gbk"))
    with pytest.raises(DataError, match="gbk.txt 不是 UTF-8 编码，请另存为 UTF-8 后再试"):
        datafile.read_text(tmp_path / "gbk.txt")


def test_a_byte_order_mark_is_dropped(tmp_path):
    (tmp_path / "bom.txt").write_bytes("您好".encode("utf-8-sig"))
    assert datafile.read_text(tmp_path / "bom.txt") == "您好"


def test_broken_yaml_names_the_line(tmp_path):
    (tmp_path / "bad.yaml").write_text("a: 1\nb: [", encoding="utf-8")
    with pytest.raises(DataError, match="bad.yaml 第 [23] 行：YAML 写法有误"):
        datafile.read_yaml(tmp_path / "bad.yaml")


def test_entries_are_read_in_order(tmp_path):
    (tmp_path / "a.yaml").write_text("- {id: b}\n- {id: a}\n", encoding="utf-8")
    assert [entry.id for entry in datafile.read_entries(Mood, tmp_path / "a.yaml")] == ["b", "a"]


@pytest.mark.parametrize("content", ["[]", "a: 1", ""])
def test_entries_must_be_a_list_that_is_not_empty(tmp_path, content):
    (tmp_path / "a.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match="a.yaml：应为一个非空列表"):
        datafile.read_entries(Mood, tmp_path / "a.yaml")


def test_a_faulty_entry_of_a_file_is_named_by_id_or_place(tmp_path):
    (tmp_path / "a.yaml").write_text("- {id: one, step: x}\n", encoding="utf-8")
    with pytest.raises(DataError, match="a.yaml：one：step：应为整数"):
        datafile.read_entries(Mood, tmp_path / "a.yaml")
    (tmp_path / "a.yaml").write_text("- {id: one}\n- {step: 1}\n", encoding="utf-8")
    with pytest.raises(DataError, match="a.yaml：第 2 项：id：缺少这一项"):
        datafile.read_entries(Mood, tmp_path / "a.yaml")


def test_a_repeated_id_is_named(tmp_path):
    (tmp_path / "a.yaml").write_text("- {id: a}\n- {id: a}\n", encoding="utf-8")
    with pytest.raises(DataError, match="a.yaml：编号 a 重复"):
        datafile.read_entries(Mood, tmp_path / "a.yaml")


def test_rows_without_an_id_do_not_repeat_each_other():
    datafile.refuse_repeats([None, None, "a"], "f")


def test_a_broken_line_is_given_as_an_error_and_the_rest_goes_on():
    rows = list(datafile.json_lines('{"a": 1}\n\n{broken\n2'))
    assert [number for number, _ in rows] == [1, 3, 4]
    assert rows[0][1] == {"a": 1} and rows[2][1] == 2
    assert isinstance(rows[1][1], DataError) and str(rows[1][1]) == "第 3 行不是合法的 JSON"


def test_the_fingerprint_follows_content_and_not_order(tmp_path):
    one, two = tmp_path / "1", tmp_path / "2"
    one.write_text("a", encoding="utf-8")
    two.write_text("b", encoding="utf-8")
    before = datafile.fingerprint(one, two)
    assert before == datafile.fingerprint(two, one) and len(before) == 12
    two.write_text("c", encoding="utf-8")
    assert datafile.fingerprint(one, two) != before
