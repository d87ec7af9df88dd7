import pytest
from pydantic import BaseModel

from app.commands import rows
from knowledge.datafile import DataError


class Row(BaseModel):
    model_config = {"extra": "forbid"}
    id: str | None = None
    number: int


def double(row):
    if row.number < 0:
        raise DataError("number 不能小于 0")
    return {"id": row.id, "double": 2 * row.number}


def answers(text):
    return list(rows.answer(text, Row, double))


def test_rows_are_answered_in_order_and_a_bad_one_stops_nothing():
    found = answers(
        '{"id":"a","number":1}\n{broken\n\n{"id":"b"}\n{"id":"c","number":-1}\n{"number":4}'
    )
    assert [(answer["id"], bad) for answer, bad in found] == [
        ("a", False), (None, True), ("b", True), ("c", True), (None, False),
    ]  # fmt: skip
    assert [answer["line"] for answer, bad in found if bad] == [2, 4, 5]
    assert all(answer["status"] == "error" for answer, bad in found if bad)


@pytest.mark.parametrize(
    "line, reason",
    [
        pytest.param("{broken", "第 1 行不是合法的 JSON", id="not JSON"),
        pytest.param('{"id":"a"}', "第 1 行 number：缺少这一项", id="a field lacking"),
        pytest.param('{"number":1,"mood":2}', "第 1 行 mood：没有这个字段", id="unknown field"),
        pytest.param('{"number":"x"}', "第 1 行 number：应为整数", id="wrong type"),
        pytest.param('{"number":-1}', "第 1 行 number 不能小于 0", id="the work refuses"),
        pytest.param("[1,2]", "第 1 行 整行：应为一组键值", id="not an object"),
        pytest.param("7", "第 1 行 整行：应为一组键值", id="a number"),
    ],
)
def test_a_bad_row_says_line_and_field(line, reason):
    ((answer, bad),) = answers(line)
    assert bad and reason in answer["reason"]
    assert set(answer) == {"id", "line", "status", "reason"}


@pytest.mark.parametrize("shown, given", [("3", "3"), ("[1]", None), ("null", None)])
def test_an_id_comes_back_when_it_is_a_name_or_number(shown, given):
    ((answer, _),) = answers(f'{{"id":{shown}}}')
    assert answer["id"] == (int(given) if given else None)


def test_a_count_goes_to_stderr(capsys):
    rows.report(0, 3)
    rows.report(2, 3)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "共 3 行，全部完成\n共 3 行，失败 2 行\n"


def test_a_file_may_start_with_a_mark_of_its_encoding(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes("\ufeff{}".encode())
    assert rows.read(str(path)) == "{}"


def test_a_missing_file_a_folder_and_another_encoding_are_named(tmp_path):
    with pytest.raises(DataError, match="找不到文件 .*nothing"):
        rows.read(str(tmp_path / "nothing"))
    with pytest.raises(DataError, match="是一个目录，请给出文件"):
        rows.read(str(tmp_path))
    path = tmp_path / "gbk.jsonl"
    path.write_bytes("您好".encode("gbk"))
    with pytest.raises(DataError, match="不是 UTF-8 编码"):
        rows.read(str(path))


def test_standard_input_of_another_encoding_is_named(monkeypatch):
    import io

    class Input:
        buffer = io.BytesIO("您好".encode("gbk"))

    monkeypatch.setattr("sys.stdin", Input)
    with pytest.raises(DataError, match="标准输入不是 UTF-8 编码"):
        rows.read("-")
