import socket

import numpy as np
import pytest
from safetensors.numpy import save_file

from app.commands import model
from coach import suggestion
from coach.suggestion import Machine
from knowledge.datafile import DataError

NAME = "Nobody/Tiny-0.1B"


@pytest.fixture
def reached(monkeypatch):
    monkeypatch.setattr(model.hub, "answers", lambda endpoint: True)


def offline(*_, **__):
    raise OSError("no network")


def fetched(name, folder, source):
    """A download of one small tensor."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}", encoding="utf-8")
    save_file({"w": np.zeros((10, 10), np.float32)}, folder / "model.safetensors")


@pytest.mark.parametrize("more, site, other", [
    pytest.param([], "http://127.0.0.1:9", "--from modelscope", id="hub"),
    pytest.param(["--from", "modelscope"], "https://modelscope.cn", "", id="modelscope"),
    pytest.param(["--from", "http://mirror"], "http://mirror", "--from modelscope", id="mirror"),
])  # fmt: skip
def test_offline_it_says_exactly_what_to_place_where(home, monkeypatch, kefu, more, site, other):
    monkeypatch.setattr(socket, "create_connection", offline)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.delenv("MODELSCOPE_ENDPOINT", raising=False)
    run = kefu("model", "fetch", NAME, *more)
    assert run.code == 2 and run.out == "" and run.err.count("\n") == 1
    assert f"连不上 {site}" in run.err and other in run.err
    assert "config.json" in run.err and "model.safetensors.index.json" in run.err
    assert "Nobody--Tiny-0.1B" in run.err and f"--model {NAME}" in run.err


def test_what_was_fetched_is_checked_and_named(reached, monkeypatch, kefu):
    monkeypatch.setattr(model.weights, "fetch", fetched)
    run = kefu("model", "fetch", NAME, "--from", "http://mirror", "--json")
    # One hundred numbers of two bytes.
    assert run.code == 0 and run.json == [
        {
            "name": NAME,
            "folder": str(model.place_of(NAME)),
            "weight_bytes": 200,
            "from": "http://mirror",
        }
    ]
    assert model.resolve(NAME) == str(model.place_of(NAME))


def test_a_download_that_lacks_its_weights_is_not_called_done(reached, monkeypatch, kefu):
    monkeypatch.setattr(
        model.weights, "fetch", lambda name, folder, source: folder.mkdir(parents=True)
    )
    run = kefu("model", "fetch", NAME)
    assert run.code == 2 and "下载不完整：" in run.err and "model.safetensors" in run.err


@pytest.mark.parametrize("name", ["一 二", "../x", "a/b/c"])
def test_a_name_that_is_none_is_told_what_one_looks_like(kefu, home, name):
    run = kefu("model", "fetch", name)
    assert run.code == 2 and f"模型名写成了“{name}”，应像 Qwen/Qwen3-0.6B 这样" in run.err
    assert not (home / "models").exists()


def test_fetch_without_a_name_gives_an_example(kefu):
    run = kefu("model", "fetch")
    assert run.code == 2 and "例如：kefu model fetch Qwen/" in run.err


def test_a_folder_or_an_unknown_name_stays_as_it_is(tmp_path):
    assert model.resolve(None) is None
    assert model.resolve(str(tmp_path)) == str(tmp_path)
    assert model.resolve("some/name") == "some/name"


def test_suggest_names_a_model_and_the_command(kefu, monkeypatch):
    monkeypatch.setattr(suggestion, "this_machine", lambda: Machine("cuda", 23.6, 8))
    run = kefu("model", "suggest", "--json")
    assert run.code == 0 and run.json[0]["name"] == "Qwen/Qwen3-8B"
    assert run.json[0]["command"] == "kefu model fetch Qwen/Qwen3-8B"
    assert run.json[0]["machine"]["memory_gib"] == 23.6
    run = kefu("model", "suggest")
    assert "适合 Qwen/Qwen3-8B" in run.out and "kefu model fetch Qwen/Qwen3-8B" in run.out


def test_a_machine_too_small_is_told_what_to_do_instead(kefu, monkeypatch):
    monkeypatch.setattr(suggestion, "this_machine", lambda: Machine("cpu", 2, 2))
    run = kefu("model", "suggest")
    assert run.code == 0 and "放不下语言模型" in run.out and "下载" not in run.out
    assert kefu("model", "suggest", "--json").json[0]["command"] is None


def test_a_card_that_torch_cannot_use_is_named(monkeypatch):
    said = model.advice(Machine("cpu", 64, 8, idle_card="NVIDIA L4"))
    assert "有显卡 NVIDIA L4，但装的 torch 用不了它" in said


def test_an_unknown_action_is_refused(kefu):
    assert kefu("model", "remove", NAME).code == 2


def test_a_wrong_place_is_refused(kefu):
    run = kefu("model", "fetch", NAME, "--from", "ftp")
    assert run.code == 2 and "--from 写成了“ftp”" in run.err


def test_weights_checks_the_name_even_without_the_command():
    with pytest.raises(DataError, match="模型名写成了“一 二”"):
        model._target("一 二")
