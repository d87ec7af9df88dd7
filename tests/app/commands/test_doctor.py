import json
import subprocess

import pytest

from app.commands import doctor

TURN = {"turn": 1, "stored_seconds": 1.5, "shown_seconds": 2.25, "engine": "transformers",
        "slips": 0, "chars": 20}  # fmt: skip
TOLD = {"engine": "transformers", "model": "Qwen3-0.6B", "ready_seconds": 3.0, "typing": True,
        "turns": [TURN]}  # fmt: skip


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    for name in ("KEFU_MODEL", "KEFU_ENDPOINT_URL", "KEFU_ENDPOINT_MODEL"):
        monkeypatch.delenv(name, raising=False)


def process(monkeypatch, *, out="", err="", code=0, asked=None):
    """Put another process in the place of the clock."""

    def run(command, **more):
        if asked is not None:
            asked.append((command, more))
        return subprocess.CompletedProcess(command, code, stdout=out, stderr=err)

    monkeypatch.setattr(doctor.subprocess, "run", run)


def one(findings, group, name):
    return next(f for f in findings if f["group"] == group and f["name"] == name)


@pytest.mark.slow
def test_the_script_is_timed_in_earnest(kefu):
    run = kefu("doctor", "--json")
    assert run.code == 0
    found = one(run.json[0]["findings"], "一轮", "scripted")
    assert found["ok"] and 0.3 < found["seconds"] < 30, "a message takes at least 0.35 s to arrive"
    assert "看到第一个字" in found["detail"]


def test_without_a_turn_nothing_is_run(kefu, monkeypatch):
    monkeypatch.setattr(doctor, "_turn", lambda *_: pytest.fail("a turn was run"))
    run = kefu("doctor", "--no-turn", "--json")
    assert run.code == 0 and not [f for f in run.json[0]["findings"] if f["group"] == "一轮"]


def test_each_ready_engine_and_no_other_is_timed(monkeypatch):
    monkeypatch.setattr(doctor, "_turn", lambda name, limit: (name, limit))
    found = [
        doctor.Finding("引擎", "scripted", True, ""), doctor.Finding("引擎", "endpoint", True, ""),
        doctor.Finding("引擎", "transformers", False, ""), doctor.Finding("数据", "标准", True, ""),
    ]  # fmt: skip
    assert list(doctor.turns(found, 9)) == [("scripted", 9), ("endpoint", 9)]


def test_what_is_missing_comes_with_the_command_that_gets_it(kefu):
    found = kefu("doctor", "--no-turn", "--json").json[0]["findings"]
    local, server = one(found, "引擎", "transformers"), one(found, "引擎", "endpoint")
    assert not local["ok"] and local["remedy"].startswith("kefu model fetch Qwen/Qwen3-")
    assert "export KEFU_MODEL=Qwen/Qwen3-" in local["remedy"]
    assert not server["ok"] and server["remedy"].startswith("export KEFU_ENDPOINT_URL=http")


def test_a_model_that_is_not_here_comes_with_its_own_command(kefu, monkeypatch):
    monkeypatch.setenv("KEFU_MODEL", "Nobody/Tiny-0.1B")
    found = one(kefu("doctor", "--no-turn", "--json").json[0]["findings"], "引擎", "transformers")
    assert not found["ok"] and found["remedy"] == "kefu model fetch Nobody/Tiny-0.1B"


def test_a_turn_is_told_with_its_seconds(monkeypatch, tmp_path):
    monkeypatch.setenv("KEFU_MODEL", str(tmp_path))
    asked = []
    process(monkeypatch, out=json.dumps(TOLD), asked=asked)
    found = doctor._turn("transformers", 30)
    assert found.ok and found.seconds == 2.25 and not found.needed
    assert "Qwen3-0.6B，准备 3.0 秒" in found.detail and "2.2 秒看到第一个字" in found.detail
    command, more = asked[0]
    assert command[-2:] == ["--model", str(tmp_path)] and more["timeout"] == 30


def test_a_turn_that_the_script_said_in_the_models_stead_is_not_well(monkeypatch):
    turn = TURN | {"engine": "scripted", "slips": 3}
    process(monkeypatch, out=json.dumps(TOLD | {"turns": [turn]}))
    found = doctor._turn("endpoint", 30)
    assert not found.ok and "3 次都不合格" in found.detail and found.remedy


def test_a_turn_that_takes_too_long_is_cut_off(monkeypatch):
    def hang(command, **more):
        raise subprocess.TimeoutExpired(command, more["timeout"])

    monkeypatch.setattr(doctor.subprocess, "run", hang)
    found = doctor._turn("endpoint", 5)
    assert not found.ok and "等了 5 秒还没有说完一轮" in found.detail
    assert "--turn-seconds" in found.remedy


@pytest.mark.parametrize("err, said", [
    pytest.param("a warning\n连不上对话服务\n", "连不上对话服务", id="the last line"),
    pytest.param("", "没有说明原因", id="nothing said"),
])  # fmt: skip
def test_a_turn_that_fails_says_why(monkeypatch, err, said):
    process(monkeypatch, err=err, code=2)
    found = doctor._turn("endpoint", 5)
    assert not found.ok and found.detail == said and "kefu play" in found.remedy


def test_a_limit_of_nothing_is_refused(kefu):
    run = kefu("doctor", "--turn-seconds", "0")
    assert run.code == 2 and "--turn-seconds 写成了 0，应大于 0" in run.err
