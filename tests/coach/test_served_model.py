"""The endpoint engine against a real server: `transformers serve` with the trained small model."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
import torch

from coach import scenario
from coach.breaker import Limits
from coach.endpoint import EndpointEngine
from coach.engine import EngineError, Message, Sampling
from coach.model_voice import ModelVoice
from coach.session import Session
from coach.transformers_engine import TransformersEngine
from tests.coach import small_model

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
NAME, REVISION = "kefu/small", "0" * 39 + "1"
CASE = scenario.get("newcomer-week-three")
# Two sentences nobody trained on make the right path eight turns long.
REPLIES = [
    CASE.paths.right[0], "你慢慢说，我在听。", *CASE.paths.right[1:3], "嗯，我记下了，你接着说。",
    *CASE.paths.right[3:],
]  # fmt: skip
LIMITS = Limits(stall_seconds=30)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def hub_with(folder, home):
    """Lay a model's folder out as the hub's cache does, so that the server lists it."""
    place = Path(home) / "hub" / f"models--{NAME.replace('/', '--')}"
    shutil.copytree(folder, place / "snapshots" / REVISION)
    (place / "refs").mkdir()
    (place / "blobs").mkdir()
    (place / "refs" / "main").write_text(REVISION, encoding="utf-8")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A real server on a loopback port, ended at the end; gives its address."""
    home, port = tmp_path_factory.mktemp("hub"), free_port()
    hub_with(small_model.trained(), home)
    env = os.environ | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    env.pop("HF_HUB_CACHE", None)
    log = home / "serve.txt"
    command = [str(Path(sys.executable).parent / "transformers"), "serve", NAME]
    options = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    with log.open("wb") as stream:
        process = subprocess.Popen([*command, *options], env=env, stdout=stream, stderr=stream)
        try:
            until = time.monotonic() + 180
            while not answers(f"http://127.0.0.1:{port}/health"):
                assert process.poll() is None, log.read_text(encoding="utf-8")[-2000:]
                assert time.monotonic() < until, "transformers serve was not ready in 180 s"
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            process.wait(30)


def answers(address):
    try:
        return httpx.get(address, timeout=2).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def engine_at(url):
    made = []

    def build(model=NAME, **options):
        made.append(EndpointEngine(url, model, limits=LIMITS, **options))
        return made[-1]

    yield build
    for engine in made:
        engine.close()


@pytest.fixture(scope="module")
def chat():
    """What a model is told in the second turn of a talk, as the production path builds it."""
    return small_model.talks("broadband-third-call", [101])[0][1][:-1]


def pieces(engine, messages, cancel=None, **how):
    sampling = Sampling(**{"max_tokens": 60, "temperature": 0.0} | how)
    never = cancel or threading.Event()
    return list(engine.stream(messages, sampling, session="s", cancel=never))


def test_the_server_is_found_with_what_it_lists(engine_at):
    seen = engine_at().check()
    assert (seen.reachable, seen.models, seen.problem) == (True, (NAME,), None)


def test_a_text_comes_in_pieces_and_is_what_the_model_says_in_this_process(engine_at, chat):
    got = pieces(engine_at(), chat)
    assert len(got) > 3, "streamed, not sent at once"
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    here = TransformersEngine(str(small_model.trained()), device="cpu", dtype="float32")
    # The same template with the thinking switched off, the same stop tokens: the same words.
    assert "".join(got) == "".join(pieces(here, chat))
    torch.set_num_threads(before)


def test_a_cancel_ends_the_text_and_the_server_goes_on_with_the_next(engine_at, chat):
    engine, cancel, got = engine_at(), threading.Event(), []
    sampling = Sampling(max_tokens=60, temperature=0.0)
    for piece in engine.stream(chat, sampling, session="s", cancel=cancel):
        got.append(piece)
        cancel.set()
        began = time.monotonic()
    assert time.monotonic() - began < 1.0
    whole = pieces(engine, chat)
    assert got == whole[:1] and len(whole) > 1


def test_a_model_the_server_does_not_have_is_named_with_those_it_has(engine_at, chat):
    engine = engine_at("gpt-99")
    assert "没有模型“gpt-99”，它有：kefu/small" in engine.check().problem
    with pytest.raises(EngineError, match="不给模型“gpt-99”.*请改 KEFU_ENDPOINT_MODEL") as fault:
        pieces(engine, chat)
    assert fault.value.kind == "status"


def test_a_chat_longer_than_the_window_is_never_sent(engine_at, chat):
    with pytest.raises(EngineError, match="窗口只有 512") as fault:
        pieces(engine_at(context_tokens=512), [*chat, Message("user", "好" * 512)])
    assert fault.value.kind == "context"


def test_a_talk_of_eight_turns_is_spoken_by_the_served_model(engine_at):
    talk = Session(CASE, 101, ModelVoice(engine_at(), "newcomer-week-three:1", temperature=0.0))
    for reply in REPLIES[:8]:
        if not talk.state.ended:
            talk.say(reply)
    turns = [turn for turn in talk.turns[1:] if turn.customer]
    assert len(turns) == 8
    own = [turn for turn in turns if turn.engine == "endpoint"]
    assert len(own) >= 2, [turn.slips for turn in turns]
    assert all(turn.engine == "endpoint" or turn.slips for turn in turns)
    assert not [s for turn in turns for s in turn.slips if s.kind.startswith("engine_")]


def test_kefu_play_prints_the_served_models_turns_and_where_it_cannot_speak_the_script(
    url, tmp_path
):
    replies = tmp_path / "replies.txt"
    replies.write_text("\n".join(REPLIES[:8]) + "\n", encoding="utf-8")

    def run(address, model):
        env = os.environ | {"KEFU_HOME": str(tmp_path), "PYTHONWARNINGS": "ignore",
                            "KEFU_ENDPOINT_URL": address, "KEFU_ENDPOINT_MODEL": model}  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", "play", CASE.id, "--engine", "endpoint", "--seed",
             "101", "--temperature", "0", "--replies", str(replies), "--json"],
            env=env, capture_output=True, timeout=180, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return [json.loads(line) for line in done.stdout.decode().splitlines()]

    turns = run(url, NAME)
    assert len(turns) == 9 and {turn["versions"]["model"] for turn in turns} == {NAME}
    assert sum(turn["engine"] == "endpoint" for turn in turns) >= 2
    wrong = run(url, "gpt-99")
    assert len(wrong) == 9 and {turn["engine"] for turn in wrong} == {"scripted"}
    assert {slip["kind"] for turn in wrong[1:] for slip in turn["slips"]} <= {
        "engine_status", "engine_refused",
    }  # fmt: skip
    assert all(turn["slips"] for turn in wrong[1:] if turn["customer"])
