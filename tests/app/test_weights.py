import json
import os

import httpx2
import numpy as np
import pytest
from safetensors.numpy import save as safetensors

from app import weights
from app.commands import model
from knowledge.datafile import DataError
from tests.app.hub_server import HubServer

NAME = "Nobody/Tiny-0.1B"
WEIGHTS = safetensors({"w": np.arange(10_000, dtype=np.float32)})
FILES = {
    "config.json": b'{"model_type": "qwen3"}', "tokenizer.json": b"{}", "merges.txt": b"a b",
    "chat_template.jinja": b"x", "model.safetensors": WEIGHTS, "README.md": b"# card",
    "modeling_tiny.py": b"raise SystemExit", "pytorch_model.bin": b"pickle",
    "onnx/model.safetensors": b"elsewhere", "consolidated.safetensors": WEIGHTS,
    "..\\evil.json": b"{}", ".hidden.json": b"{}",
}  # fmt: skip
NEEDED = {"config.json", "tokenizer.json", "merges.txt", "chat_template.jinja", "model.safetensors"}


@pytest.fixture(autouse=True)
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("KEFU_HOME", str(tmp_path / "home"))
    for name in ("HF_ENDPOINT", "MODELSCOPE_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    # A piece is kept once it is whole: ours are smaller than the 10 MB of real life.
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000)
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between the library's own retries


def names(folder):
    return {path.name for path in folder.iterdir() if path.name != ".fetching.lock"}


def fetch(hub, target, routes="hub"):
    weights.fetch(NAME, target, weights.Place(routes, hub.url))


@pytest.mark.parametrize("routes", ["hub", "modelscope"])
def test_only_safetensors_settings_and_tokenizer_are_fetched(tmp_path, routes):
    with HubServer(NAME, FILES) as hub:
        fetch(hub, tmp_path / "model", routes)
    assert names(tmp_path / "model") == NEEDED
    for name in NEEDED:
        assert (tmp_path / "model" / name).read_bytes() == FILES[name]


@pytest.mark.parametrize("routes", ["hub", "modelscope"])
def test_a_download_that_was_cut_off_goes_on_where_it_stopped(tmp_path, routes):
    target = tmp_path / "model"
    with HubServer(NAME, FILES, cut=["model.safetensors"]) as hub:
        if routes == "modelscope":  # all its files share one path: cut when asked again
            hub.cut = set()
            (target).mkdir()
            half = WEIGHTS[: len(WEIGHTS) // 2]
            (target / "model.safetensors.part").write_bytes(half[: len(half) // 1000 * 1000])
        else:
            with pytest.raises(DataError, match=r"现在不给 model.safetensors（503），已下的留着"):
                fetch(hub, target, routes)
            assert "model.safetensors" not in names(target), "a half file never has the name"
        kept = (target / "model.safetensors.part").stat().st_size
        # Whole pieces of 1000 bytes out of the first half.
        assert kept == len(WEIGHTS) // 2 // 1000 * 1000
        hub.mend()
        fetch(hub, target, routes)
        assert hub.ranges["model.safetensors"] == kept
    assert (target / "model.safetensors").read_bytes() == WEIGHTS
    assert names(target) == NEEDED


def test_what_is_there_and_sound_is_not_fetched_again_and_what_is_damaged_is(tmp_path):
    with HubServer(NAME, FILES) as hub:
        fetch(hub, tmp_path)
        (tmp_path / "config.json").write_bytes(FILES["config.json"].replace(b"3", b"4"))
        hub.asked.clear()
        fetch(hub, tmp_path)
        assert [path for path in hub.asked if "resolve" in path] == [
            f"/{NAME}/resolve/main/config.json"
        ]
    assert (tmp_path / "config.json").read_bytes() == FILES["config.json"]


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_wrong_hash_is_one_sentence_and_the_file_is_gone(tmp_path, name):
    with HubServer(NAME, FILES, wrong=[name]) as hub:
        with pytest.raises(DataError, match=f"{name} 的校验值和 http.* 说的不同，已删掉，请再运行"):
            fetch(hub, tmp_path)
        assert name not in names(tmp_path) and f"{name}.part" not in names(tmp_path)
        hub.mend()
        fetch(hub, tmp_path)
    assert names(tmp_path) == NEEDED


def test_a_rest_longer_than_the_file_is_begun_anew(tmp_path):
    (tmp_path / "config.json.part").write_bytes(b"x" * 5000)
    with HubServer(NAME, FILES) as hub:
        fetch(hub, tmp_path)
    assert (tmp_path / "config.json").read_bytes() == FILES["config.json"]


def test_a_server_without_the_rest_is_told_and_begun_anew(tmp_path):
    with HubServer(NAME, FILES) as hub:
        source = weights.Place("hub", hub.url)
        url = f"{hub.url}/{NAME}/resolve/main/config.json"
        have = len(FILES["config.json"])
        (tmp_path / "config.json.part").write_bytes(FILES["config.json"])
        with pytest.raises(DataError, match="config.json 的大小和清单不符"):
            weights._bring(weights.Remote("config.json", have + 9, url), tmp_path, source, "")
    assert (tmp_path / "config.json.part").stat().st_size == 0


@pytest.mark.parametrize("files, said", [
    pytest.param({"pytorch_model.bin": b"p", "config.json": b"{}"}, "只有 pytorch_model.bin", id="pickle"),
    pytest.param({"model.gguf": b"g"}, "GGUF 请用 llama.cpp 或 Ollama", id="gguf"),
    pytest.param({"config.json": b"{}"}, "没有权重文件", id="none"),
])  # fmt: skip
def test_a_model_without_safetensors_is_refused_before_anything_is_fetched(tmp_path, files, said):
    with HubServer(NAME, files) as hub:
        with pytest.raises(DataError, match=f"没有 safetensors 权重.*{said}|{said}"):
            fetch(hub, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_site_without_the_model_says_so(tmp_path):
    with HubServer("Else/Model", FILES) as hub:
        for routes in ("hub", "modelscope"):
            with pytest.raises(DataError, match=r"上没有 Nobody/Tiny-0.1B，或者它要授权（404）"):
                fetch(hub, tmp_path, routes)


def test_an_answer_that_is_no_list_is_told(tmp_path):
    with HubServer(NAME, FILES) as hub:
        hub.scope = lambda: {"Code": 200, "Data": None}
        with pytest.raises(DataError, match="不像 ModelScope 的文件清单"):
            fetch(hub, tmp_path, "modelscope")


def test_an_error_of_the_site_says_to_come_back(tmp_path):
    with HubServer(NAME, FILES, status=418) as hub:
        with pytest.raises(DataError, match="现在不给 Nobody/Tiny-0.1B（418），已下的留着"):
            fetch(hub, tmp_path)


def test_a_line_that_breaks_says_that_it_goes_on(tmp_path):
    with HubServer(NAME, FILES) as hub:
        source = weights.Place("hub", hub.url)

    def broken():
        raise httpx2.ReadError("peer closed\nmore")

    with pytest.raises(DataError, match=r"^x 下载中断（peer closed），再运行一次会接着下$"):
        weights._reached(broken, "x", source)


def test_offline_mode_of_the_library_is_named(tmp_path):
    from huggingface_hub.errors import OfflineModeIsEnabled

    def off():
        raise OfflineModeIsEnabled("off")

    with pytest.raises(DataError, match="HF_HUB_OFFLINE 关掉了下载"):
        weights._reached(off, "x", weights.Place("hub", "http://127.0.0.1:9"))


def test_two_downloads_of_one_model_do_not_mix(tmp_path):
    from huggingface_hub.utils import WeakFileLock

    with HubServer(NAME, FILES) as hub, WeakFileLock(tmp_path / ".fetching.lock"):
        with pytest.raises(DataError, match="另一个程序正在往"):
            fetch(hub, tmp_path)


def test_too_little_room_is_told_before(tmp_path, monkeypatch):
    free = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda path: free)
    with HubServer(NAME, FILES) as hub:
        with pytest.raises(DataError, match="磁盘空间不够：还要下 0.0 GB"):
            fetch(hub, tmp_path)


def test_a_token_never_goes_to_a_mirror(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with HubServer(NAME, FILES) as hub:
        fetch(hub, tmp_path)
        assert set(hub.tokens) == {None}
    assert weights._token(weights.place(None)) is None, "None: the library uses the user's own"


def test_places_are_named_or_a_url(monkeypatch):
    assert (
        weights.place(None)
        == weights.place("hub")
        == weights.Place("hub", "https://huggingface.co")
    )
    assert weights.place("modelscope") == weights.Place("modelscope", "https://modelscope.cn")
    assert weights.place("https://hf-mirror.com/") == weights.Place("hub", "https://hf-mirror.com")
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror/")
    assert weights.place(None) == weights.Place("hub", "http://mirror")
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", "http://scope/")
    assert weights.place("modelscope").url == "http://scope"
    with pytest.raises(
        DataError, match="--from 写成了“ftp”，只能是 hub、modelscope 或镜像站的网址"
    ):
        weights.place("ftp")


def test_the_command_fetches_checks_and_names_the_folder(capsys, monkeypatch):
    from app import cli

    with HubServer(NAME, FILES) as hub:
        assert cli.main(["model", "fetch", NAME, "--from", hub.url, "--json"]) == 0
        said = capsys.readouterr()
        told = json.loads(said.out)
        # 10,000 numbers of two bytes.
        assert told["weight_bytes"] == 20_000 and told["from"] == hub.url
        assert os.path.isdir(told["folder"]) and model.resolve(NAME) == told["folder"]
        assert "(1/5)" in said.err and "model.safetensors，0.0 MB" in said.err
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", hub.url)
        assert cli.main(["model", "fetch", NAME, "--from", "modelscope"]) == 0
    assert "已校验" in capsys.readouterr().out
