import json
import socket

import numpy as np
import pytest
from safetensors.numpy import save_file

from app.commands import model
from knowledge.datafile import DataError

NAME = "Nobody/Tiny-0.1B"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KEFU_HOME", str(tmp_path))
    return tmp_path


def offline(*_, **__):
    raise OSError("no network")


def fetched(folder):
    """A download of one small tensor."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}", encoding="utf-8")
    save_file({"w": np.zeros((10, 10), np.float32)}, folder / "model.safetensors")


def test_offline_it_says_exactly_what_to_place_where(home, monkeypatch, kefu):
    monkeypatch.setattr(socket, "create_connection", offline)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    run = kefu("model", "fetch", NAME)
    assert run.code == 2 and run.out == ""
    assert "连不上 http://127.0.0.1:9" in run.err
    assert "config.json" in run.err and ".safetensors" in run.err
    assert "Nobody--Tiny-0.1B" in run.err and f"--model {NAME}" in run.err


def test_what_was_fetched_is_checked_and_named(home, monkeypatch, capsys):
    monkeypatch.setattr(model.hub, "answers", lambda endpoint: True)
    monkeypatch.setattr(model, "_fetch", lambda name, target, endpoint: fetched(target))
    args = type("Args", (), {"name": NAME, "endpoint": None, "json": True})
    assert model.run(args) == 0
    told = json.loads(capsys.readouterr().out)
    # One hundred numbers of two bytes.
    assert told == {"name": NAME, "folder": str(model.place_of(NAME)), "weight_bytes": 200}
    assert model.resolve(NAME) == str(model.place_of(NAME))


def test_a_download_that_lacks_its_weights_is_not_called_done(home, monkeypatch):
    monkeypatch.setattr(model.hub, "answers", lambda endpoint: True)
    monkeypatch.setattr(model, "_fetch", lambda name, target, endpoint: target.mkdir(parents=True))
    args = type("Args", (), {"name": NAME, "endpoint": None, "json": True})
    with pytest.raises(DataError, match="下载不完整：.*model.safetensors"):
        model.run(args)


@pytest.mark.parametrize("raised, said", [
    pytest.param(OSError("cut off"), "下载中断（cut off），再运行一次会接着下", id="cut off"),
])  # fmt: skip
def test_a_broken_download_is_explained(home, monkeypatch, raised, said):
    def refuse(*_, **__):
        raise raised

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    with pytest.raises(DataError) as caught:
        model._fetch(NAME, home / "x", "http://127.0.0.1:9")
    assert said in str(caught.value)


def test_a_name_that_is_none_is_told_what_one_looks_like(home):
    with pytest.raises(DataError, match="模型名写成了“一 二”，应像 Qwen/Qwen3-0.6B 这样"):
        model._fetch("一 二", home / "x", "http://127.0.0.1:9")


def test_a_folder_or_an_unknown_name_stays_as_it_is(home, tmp_path):
    assert model.resolve(None) is None
    assert model.resolve(str(tmp_path)) == str(tmp_path)
    assert model.resolve("some/name") == "some/name"
