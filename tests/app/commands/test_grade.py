"""`kefu grade`: the JSON other programs rely on, bad rows, refusals."""

import json
import time

import pytest

from grading.result import DIMENSIONS

GOOD = {
    "id": "a", "channel": "inbound",
    "history": [{"role": "customer", "text": "宽带断了四天，打了三次电话没人管！"}],
    "reply": "四天没网、打了三次没人管，换谁都着急，向您道歉。我现在派师傅，今天 16:00 前到，您看可以吗？",
}  # fmt: skip
SPAN = {"kind", "text", "start", "end"}
VERSIONS = {"rubric", "scenario", "prompts", "index", "engine", "model", "seed"}


def row(**change):
    return GOOD | change


def rows(count):
    return [row(id=str(number)) for number in range(count)]


def check_shape(answer):
    """Every field of DESIGN.md with its type."""
    assert answer["id"] is None or isinstance(answer["id"], str)
    assert answer["status"] in ("scored", "unscored", "error")
    assert isinstance(answer["fatal"], bool)
    assert answer["rewrite"] is None or isinstance(answer["rewrite"], str)
    assert set(answer["versions"]) == VERSIONS
    assert isinstance(answer["review"]["needed"], bool) and isinstance(
        answer["review"]["why"], list
    )
    assert set(answer["dimensions"]) == set(DIMENSIONS)
    for part in answer["dimensions"].values():
        assert set(part) == {"score", "level", "why", "evidence", "citations", "advice"}
        assert (part["score"] is None) is (part["level"] is None)
        assert part["score"] is None or 0 <= part["score"] <= 100
        assert part["level"] in (None, 0, 1, 2, 3, 4)
        assert isinstance(part["why"], str) and isinstance(part["advice"], str)
        for span in part["evidence"]:
            assert set(span) >= SPAN
    for span in (*answer["signals"], *answer["violations"]):
        assert set(span) >= SPAN and isinstance(span["start"], int)
    for breach in answer["violations"]:
        assert breach["severity"] in ("minor", "major", "fatal")
        assert isinstance(breach["instead"], str)


def test_every_field_of_the_design_is_there_with_its_type(kefu, write):
    bad = row(id="b", reply="我不是跟你说过了吗？等着吧。")
    empty = row(id="c", reply="。。。")
    run = kefu("grade", "--file", write([GOOD, bad, empty]), "--json")
    assert run.code == 0
    for answer in run.json:
        check_shape(answer)
    good, rude, blank = run.json
    assert good["status"] == rude["status"] == "scored" and good["reason"] is None
    assert rude["violations"] and not good["violations"]
    assert (blank["status"], blank["overall"], blank["signals"]) == ("unscored", None, [])
    assert blank["reason"]


def test_spans_fit_the_json_string_also_with_emoji_and_crlf(kefu, write):
    reply = "😊對不起，耽誤了您的時間。\r\n我现在给您派师傅，１６：００前到。"
    answer = kefu("grade", "--file", write([row(reply=reply)]), "--json").json[0]
    spans = answer["signals"] + [
        span for part in answer["dimensions"].values() for span in part["evidence"] if span["text"]
    ]
    assert spans
    for span in spans:
        assert reply[span["start"] : span["end"]] == span["text"]


def test_a_bad_row_is_answered_in_its_place_with_line_and_reason(kefu, write):
    lines = [
        row(id="1"), "{broken", row(id="3", mood=1), row(id="4", channel="fax"),
        row(id="5", level="特级"), row(id="6", reply="好" * 2001), row(id="7", scenario="ghost"),
        {"id": "8", "channel": "chat"}, "", row(id="9"),
    ]  # fmt: skip
    run = kefu("grade", "--file", write(lines), "--json")
    assert run.code == 0, "a batch read to its end"
    found = run.json
    assert [a["id"] for a in found] == ["1", None, "3", "4", "5", "6", "7", "8", "9"]
    assert [a["status"] == "error" for a in found] == [False] + [True] * 7 + [False]
    assert [a["line"] for a in found if a["status"] == "error"] == [2, 3, 4, 5, 6, 7, 8]
    reasons = [a["reason"] for a in found if a["status"] == "error"]
    for reason, part in zip(
        reasons,
        [
            "第 2 行不是合法的 JSON", "第 3 行 mood：没有这个字段", "channel 写成了“fax”",
            "level 写成了“特级”，只能是 初级、中级、高级 之一", "reply 有 2001 个字符，超过上限 2000",
            "没有情景“ghost”", "reply：缺少这一项",
        ],
        strict=True,
    ):  # fmt: skip
        assert part in reason
    assert "共 9 行，失败 7 行" in run.err


@pytest.mark.parametrize(
    "style", [{}, {"end": "\r\n"}, {"bom": True}, {"end": "\r\n", "bom": True}], ids=str
)
def test_the_files_line_ends_and_mark_change_nothing(kefu, write, style):
    run = kefu("grade", "--file", write(rows(3), **style), "--json")
    assert [a["id"] for a in run.json] == ["0", "1", "2"]
    assert {a["status"] for a in run.json} == {"scored"}


def test_a_dash_reads_standard_input(kefu):
    run = kefu("grade", "--file", "-", "--json", stdin=json.dumps(GOOD).encode())
    assert run.json[0]["id"] == "a" and run.code == 0


def test_a_row_may_lack_id_and_history(kefu, write):
    answer = kefu("grade", "--file", write([{"channel": "chat", "reply": "您好"}]), "--json").json[
        0
    ]
    assert answer["id"] is None and answer["status"] == "scored"


def test_the_scenarios_card_is_held_against_the_reply(kefu, write):
    reply = "今天肯定给您修好。"
    plain, carded = kefu(
        "grade", "--file", write([row(reply=reply), row(reply=reply, scenario="broadband-third-call")]),
        "--json",
    ).json  # fmt: skip
    assert plain["versions"]["scenario"] is None
    assert carded["versions"]["scenario"].startswith("broadband-third-call@")
    assert carded["overall"] <= 40
    assert any((v["rule"] or "").startswith("broadband-third-call.") for v in carded["violations"])


@pytest.mark.parametrize("name", ["nothing.jsonl", "."])
def test_an_unreadable_file_is_code_2_and_one_line(kefu, name, tmp_path):
    run = kefu("grade", "--file", tmp_path / name, "--json")
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("kefu grade：") and run.err.count("\n") == 1


def test_a_reply_of_100_000_is_refused_in_bounded_time(kefu, write):
    start = time.perf_counter()
    answer = kefu("grade", "--file", write([row(reply="好" * 100_000)]), "--json").json[0]
    assert answer["status"] == "error" and "100000 个字符，超过上限 2000" in answer["reason"]
    assert time.perf_counter() - start < 2


def test_people_see_the_score_its_label_and_the_better_wording(kefu, write):
    run = kefu("grade", "--file", write([row(reply="等着吧。"), row(reply="…"), "{"]))
    assert "训练分，非官方权重" in run.out and "违规「" in run.out and "更好的说法" in run.out
    assert "未评分" in run.out and "出错：第 3 行不是合法的 JSON" in run.out


def test_an_empty_file_answers_nothing(kefu, write):
    run = kefu("grade", "--file", write([""]), "--json")
    assert (run.code, run.out) == (0, "")
    assert "共 0 行" in run.err


def test_the_same_row_gives_the_same_answer(kefu, write):
    path = write([GOOD])
    assert (
        kefu("grade", "--file", path, "--json").out == kefu("grade", "--file", path, "--json").out
    )
