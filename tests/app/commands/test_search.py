import json

import pytest

BEST = "人家话还没讲完我就插嘴了"


def test_the_requirement_of_the_issue_is_first(kefu):
    run = kefu("search", BEST, "--level", "初级", "--json")
    answer = json.loads(run.out)
    assert answer["query"] == BEST
    first = answer["results"][0]
    assert first["id"] == "L1.5.S2"
    assert set(first) == {"id", "kind", "level", "work_content", "text", "score", "citation"}


def test_a_batch_keeps_order_and_ids_and_answers_a_bad_row_in_place(kefu, write):
    rows = [
        '{"id": "a", "query": "客户一骂我就慌", "level": "初级"}',
        '{"id": "b", "query": "x", "level": "特级"}',
        '{"id": "c", "words": "x"}',
        '{"id": "d", "query": "新人流失率怎么算"}',
    ]
    run = kefu("search", "--file", write(rows), "--json")
    answers = [json.loads(line) for line in run.out.splitlines()]
    assert [one["id"] for one in answers] == ["a", "b", "c", "d"]
    assert [one.get("status") for one in answers] == [None, "error", "error", None]
    assert run.code == 0 and "失败 2 行" in run.err


@pytest.mark.parametrize(
    "argv, said",
    [
        pytest.param([], "两者选一", id="nothing asked"),
        pytest.param(["x", "--level", "特级"], "只能是 初级、中级、高级 之一", id="level"),
        pytest.param(["x", "-k", "0"], "应在 1 到", id="count"),
        pytest.param(["x", "--encoder", "/no/such/model"], "/no/such/model", id="model folder"),
    ],
)
def test_bad_input_is_code_2_and_one_line(kefu, argv, said):
    run = kefu("search", *argv, "--json")
    assert (run.code, run.out) == (2, "")
    assert said in run.err
