"""`kefu draft`, `kefu play draft-…` and `kefu scenarios --mine` as a newcomer runs them."""

import json

import pytest

from app.commands import draft as command
from coach.engine import EngineError
from knowledge.datafile import DataError
from tests.coach.drafts import text

WISH = "快递丢件，话少的客户，初级"


def test_a_draft_is_printed_edited_checked_kept_listed_and_played(kefu, tmp_path, write):
    path = tmp_path / "我的.yaml"
    made = kefu("draft", WISH, "--out", path)
    assert made.code == 0 and "已写到" in made.err and made.out == ""
    path.write_text(path.read_text("utf-8").replace("title: ", "title: 改过·"), encoding="utf-8")
    assert kefu("draft", "--check", path).out.startswith("检查通过")
    kept = json.loads(kefu("draft", "--keep", "--file", path, "--json").out)
    listed = json.loads(kefu("scenarios", "--mine", "--json").out)
    assert [(one["id"], one["status"]) for one in listed] == [(kept["id"], "拼配，未审核")]
    assert listed[0]["title"].startswith("改过·")
    assert kept["id"] not in kefu("scenarios", "--json").out
    replies = write(["您好，抱歉让您白等了，请问平时件放在哪里？"], name="r.txt")
    for named in (kept["id"], path):
        played = kefu("play", named, "--replies", replies, "--json")
        turns = [json.loads(line) for line in played.out.splitlines()]
        assert turns[0]["versions"]["scenario"].startswith(f"{kept['id']}@") and len(turns) == 2
        assert "未审核" in played.err


def test_json_holds_what_is_promised(kefu):
    made = json.loads(kefu("draft", WISH, "--json").out)
    assert set(made) == {
        "id", "status", "scenario", "requirements", "near", "by", "notes", "versions",
    }  # fmt: skip
    assert made["by"] == "composition" and made["scenario"]["id"] == made["id"]
    assert json.loads(kefu("draft", WISH, "--json").out) == made


@pytest.mark.parametrize(
    "argv, message",
    [
        ([], "缺少愿望"),
        (["--file", "x.yaml"], "--file 要和 --keep 一起用"),
        (["--check", "nothing.yaml"], "找不到文件 nothing.yaml"),
        (["宠物医院误诊，主人要说法"], "要接上语言模型才能写"),
        ([WISH, "--level", "特级"], "级别写成了“特级”"),
        ([WISH, "--out", "/nowhere/x.yaml"], "写不了 /nowhere/x.yaml"),
        ([WISH, "--engine", "transformers"], "没有说用哪个模型"),
    ],
)
def test_bad_input_is_one_sentence_and_two(kefu, argv, message, monkeypatch):
    monkeypatch.delenv("KEFU_MODEL", raising=False)
    answer = kefu("draft", *argv)
    assert answer.code == 2 and message in answer.err and answer.err.count("\n") == 1


def test_a_faulty_file_names_line_and_field(kefu, tmp_path):
    path = tmp_path / "错.yaml"
    path.write_text(text().replace("inbound", "fax"), encoding="utf-8")
    assert "错.yaml 第 6 行：channel 写成了“fax”" in kefu("draft", "--check", path).err
    assert kefu("play", path, "--replies", path).code == 2


def test_a_draft_nobody_kept_is_not_played(kefu):
    answer = kefu("play", "draft-nothing")
    assert answer.code == 2 and "没有你自拟的情景“draft-nothing”" in answer.err


class Engine:
    def __init__(self, *pieces, fault=None):
        self.pieces, self.fault, self.forgotten = pieces, fault, []

    def stream(self, messages, sampling, *, session, cancel):
        yield from self.pieces
        if self.fault:
            raise self.fault

    def forget(self, session):
        self.forgotten.append(session)


def test_an_engine_becomes_a_plain_function():
    engine = Engine("一", "二")
    assert command.generator(engine)([]) == "一二"
    assert len(engine.forgotten) == 1 and engine.forgotten[0].startswith(":")


def test_an_engine_that_fails_says_what_to_do():
    engine = Engine(fault=EngineError("refused", "连不上"))
    with pytest.raises(DataError, match="连不上。也可以不写 --engine，用现有部件拼配"):
        command.generator(engine)([])
    assert engine.forgotten
