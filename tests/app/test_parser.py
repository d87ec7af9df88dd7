import re

import pytest

from app import parser

COMMANDS = ("serve", "doctor", "search", "show", "scenarios", "play", "grade", "model")


def parse(*argv):
    return parser.parse(list(argv), "9.9")


@pytest.mark.parametrize("argv", [[], *([name] for name in COMMANDS)])
def test_help_is_chinese_and_ends_well(argv, capsys):
    with pytest.raises(SystemExit) as stop:
        parse(*argv, "--help")
    shown = capsys.readouterr()
    assert stop.value.code == 0 and shown.err == ""
    assert "用法：" in shown.out and "选项" in shown.out
    for english in ("usage", "optional", "positional", "show this", "default"):
        assert english not in shown.out


def test_the_version_is_shown(capsys):
    with pytest.raises(SystemExit) as stop:
        parse("--version")
    assert (stop.value.code, capsys.readouterr().out) == (0, "kefu 9.9\n")


def test_the_defaults_are_those_of_the_design():
    serve = parse("serve")
    assert (serve.host, serve.port) == ("127.0.0.1", 7860)
    search = parse("search", "骂我")
    assert (search.query, search.k, search.level, search.file) == ("骂我", 5, None, None)
    play = parse("play", "a")
    assert (play.engine, play.replies, play.save, play.json) == ("scripted", None, False, False)
    assert parse("play", "a", "--seed", "3").seed == 3


@pytest.mark.parametrize(
    "argv, message",
    [
        pytest.param([], "缺少参数：命令", id="nothing"),
        pytest.param(["dance"], "不能是“dance”，只能是", id="no such command"),
        pytest.param(["grade"], "缺少参数：--file", id="an option lacking"),
        pytest.param(["play"], "缺少参数：", id="a place lacking"),
        pytest.param(["play", "a", "--seed", "x"], "--seed 写成了“x”，应为整数", id="not a number"),
        pytest.param(["play", "a", "--seed"], "--seed 后面要跟一个值", id="no value"),
        pytest.param(["play", "a", "--mood", "1"], "不认识的参数：--mood 1", id="no such option"),
        pytest.param(["play", "a", "--engine", "gpt"], "--engine 不能是“gpt”，只能是", id="engine"),
        pytest.param(["scenarios", "--js"], "不认识的参数：--js", id="no short forms"),
    ],
)
def test_bad_usage_is_one_chinese_line_and_code_2(argv, message, capsys):
    with pytest.raises(SystemExit) as stop:
        parse(*argv)
    shown = capsys.readouterr()
    assert stop.value.code == 2 and shown.out == ""
    assert shown.err.startswith("kefu") and shown.err.count("\n") == 1
    assert message in shown.err and "--help 看用法" in shown.err
    words = set(re.findall(r"[a-z]{4,}", shown.err))
    assert not words & {"argument", "invalid", "required", "unrecognized", "expected", "choose"}
