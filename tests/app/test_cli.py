"""The command as other programs meet it: a process, its codes and its streams."""

import json
import os
import subprocess
import sys

import pytest

from app import cli, out
from app.commands import grade
from knowledge.datafile import DataError

ROW = {"id": "a", "channel": "chat", "history": [], "reply": "您好，我来查。"}


@pytest.fixture
def kefu(tmp_path):
    def run(*argv, stdin=""):
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *argv], input=stdin.encode(), capture_output=True,
            timeout=60, check=False, env=os.environ | {"KEFU_HOME": str(tmp_path)},
        )  # fmt: skip

    return run


def test_a_graded_row_comes_back_on_stdout_and_people_read_stderr(kefu):
    done = kefu("grade", "--file", "-", "--json", stdin=json.dumps(ROW))
    assert done.returncode == 0
    assert [json.loads(line)["id"] for line in done.stdout.decode().splitlines()] == ["a"]
    assert "共 1 行" in done.stderr.decode()
    assert "\\u" not in done.stdout.decode(), "real characters"


def test_bad_input_is_code_2_with_one_line(kefu):
    done = kefu("play", "ghost", "--replies", "-", "--json")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().startswith("kefu play：没有情景“ghost”")
    assert done.stderr.decode().count("\n") == 1


def test_a_reader_that_leaves_early_gets_no_traceback(tmp_path):
    rows = "\n".join([json.dumps(ROW)] * 300)
    (tmp_path / "rows.jsonl").write_text(rows, encoding="utf-8")
    line = f"{sys.executable} -m app.cli grade --json --file {tmp_path / 'rows.jsonl'} | head -1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, timeout=60, check=False)
    assert json.loads(done.stdout)["id"] == "a"
    assert b"Traceback" not in done.stderr


def test_the_terminals_own_encoding_does_not_matter(tmp_path):
    env = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "show", "L1.5.S6", "--json"], capture_output=True,
        timeout=60, check=False, env=env,
    )  # fmt: skip
    assert json.loads(done.stdout.decode("utf-8"))["text"] == "能够运用同理心安抚客户"


@pytest.mark.parametrize(
    "failure, code, said",
    [
        pytest.param(DataError("坏了"), 2, "kefu grade：坏了", id="known failure"),
        pytest.param(KeyboardInterrupt(), 1, "已中断", id="interrupted"),
    ],
)
def test_a_failure_is_one_chinese_line_and_its_code(monkeypatch, capsys, failure, code, said):
    def fail(args):
        raise failure

    monkeypatch.setattr(grade, "run", fail)
    assert cli.main(["grade", "--file", "x"]) == code
    assert capsys.readouterr().err == said + "\n"


def test_json_keeps_characters_and_stands_on_one_line(capsys):
    out.as_json({"text": "您好\n😊"})
    out.note("进度")
    shown = capsys.readouterr()
    assert shown.out == '{"text": "您好\\n😊"}\n'
    assert shown.err == "进度\n"
