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


def test_a_model_that_cannot_be_opened_is_said_and_the_search_goes_on(kefu):
    run = kefu("search", "插嘴", "-k", "1", "--encoder", "/no/such/model", "--json")
    assert run.code == 0 and json.loads(run.out)["results"][0]["id"] == "L1.5.S2"
    assert "没有文件夹 /no/such/model" in run.err and "这次先用自带的检索" in run.err


def test_a_query_without_words_is_told_so(kefu):
    run = kefu("search", "。。")
    assert run.code == 0 and "查询里没有字，请写一句话再查" in run.out


@pytest.mark.slow
def test_another_model_joins_the_built_in_one(kefu, tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    words = {word: at for at, word in enumerate(["[UNK]", "插嘴", "报表"])}
    static = StaticEmbedding(Tokenizer(WordLevel(words, unk_token="[UNK]")), embedding_dim=8)
    SentenceTransformer(modules=[static], device="cpu").save(str(tmp_path / "model"))
    run = kefu("search", "插嘴", "-k", "1", "--encoder", str(tmp_path / "model"), "--json")
    assert run.code == 0 and run.err == ""
    assert json.loads(run.out)["results"][0]["id"] == "L1.5.S2"


@pytest.mark.parametrize(
    "argv, said",
    [
        pytest.param([], "两者选一", id="nothing asked"),
        pytest.param(["x", "--level", "特级"], "只能是 初级、中级、高级 之一", id="level"),
        pytest.param(["x", "-k", "0"], "应在 1 到", id="count"),
    ],
)
def test_bad_input_is_code_2_and_one_line(kefu, argv, said):
    run = kefu("search", *argv, "--json")
    assert (run.code, run.out) == (2, "")
    assert said in run.err
