"""The endpoint engine against a server that goes wrong: every call ends in a text or one clear sentence."""

import contextlib
import random
import statistics
import subprocess
import sys
import threading
import time

import pytest

from coach.breaker import Breaker, Limits
from coach.endpoint import EndpointEngine, from_environment
from coach.engine import EngineError, Message, Sampling
from knowledge.datafile import DataError
from tests.coach.fault_server import FAULTS, TEXT, FaultServer, closed_port

CHAT = [Message("system", "你是邓女士"), Message("user", "您好")]
QUICK = Limits(
    connect_seconds=0.5, stall_seconds=0.2, retry_after_seconds=0.3, backoff_seconds=0.01,
    tries=2, failures=10_000, rest_seconds=30,
)  # fmt: skip


@pytest.fixture
def engine_at():
    """Build engines that are closed at the end, and check that their threads are gone."""
    before, made = threading.active_count(), []

    def build(url, model="qwen3", *, timeout_seconds=0.8, limits=QUICK, **options):
        made.append(
            EndpointEngine(url, model, timeout_seconds=timeout_seconds, limits=limits, **options)
        )
        return made[-1]

    yield build
    for engine in made:
        engine.close()
    until = time.monotonic() + 2
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() <= before, threading.enumerate()


def say(engine, chat=CHAT, sampling=None, session="s", cancel=None):
    """The whole text of one call."""
    cancel = cancel or threading.Event()
    return "".join(engine.stream(chat, sampling or Sampling(), session=session, cancel=cancel))


def fails(engine, **how):
    """The error of one call."""
    with pytest.raises(EngineError) as caught:
        say(engine, **how)
    return caught.value


WELL = ("ok", "ok_usage", "ok_comments", "ok_crlf", "think_then_ok", "think_split", "think_field_then_ok", "slow")  # fmt: skip
KINDS = {
    "empty": ("empty", "blank", "think", "think_open", "think_field", "json_list"),
    "broken": ("json", "json_first", "json_other", "json_null", "no_choices", "content_list", "encoding", "replacement", "surrogate",
               "cut", "drop", "drop_before_a_piece", "html", "json_whole", "gzip", "think_unopened"),
    "slow": ("hang", "hang_first", "hang_headers", "hang_thinking"),
    "status": ("500", "503", "400", "401", "403", "404", "429", "429_long", "429_date", "error_event", "error_event_first", "redirect"),
    "context": ("context", "context_llamacpp", "context_sglang", "context_event"),
    "refused": ("drop_first",),
}  # fmt: skip


def test_every_fault_of_the_server_has_a_test():
    assert set(FAULTS) == set(WELL) | {"echo"} | {
        name for names in KINDS.values() for name in names
    }


@pytest.mark.parametrize("fault", WELL)
def test_a_well_meant_answer_arrives_without_thinking(engine_at, fault):
    with FaultServer(fault) as server:
        assert say(engine_at(server.url)) == TEXT


@pytest.mark.parametrize(
    "kind, fault", [(kind, name) for kind, names in KINDS.items() for name in names]
)
def test_a_fault_gives_one_chinese_sentence_in_time(engine_at, kind, fault):
    with FaultServer(fault, fault) as server:
        began = time.monotonic()
        error = fails(engine_at(server.url))
        assert time.monotonic() - began < 0.8 + 1
        assert error.kind == kind
        assert any("一" <= character <= "鿿" for character in str(error)) and "\n" not in str(error)


@pytest.mark.parametrize("fault", ["hang", "hang_thinking"])
def test_a_pause_in_the_middle_ends_the_call_long_before_the_whole_limit(engine_at, fault):
    with FaultServer(fault) as server:
        began = time.monotonic()
        assert fails(engine_at(server.url, timeout_seconds=20)).kind == "slow"
        assert time.monotonic() - began < 2  # stall limit 0.2 s


def test_a_closed_port_is_refused_and_says_what_to_check(engine_at):
    url = closed_port()
    error = fails(engine_at(url))
    assert (error.kind, str(error)) == (
        "refused",
        f"连不上对话服务 {url}，请确认服务已启动，地址和端口没有写错",
    )


@pytest.mark.parametrize(
    "faults, chats",
    [
        pytest.param(["500", "ok"], 2, id="a server error"),
        pytest.param(["429", "ok"], 2, id="too many requests"),
        pytest.param(["drop_first", "ok"], 2, id="dropped at once"),
        pytest.param(["drop_before_a_piece", "ok"], 2, id="dropped before a piece"),
    ],
)
def test_a_fault_before_the_first_piece_is_tried_again(engine_at, faults, chats):
    with FaultServer(*faults) as server:
        assert say(engine_at(server.url)) == TEXT
        assert len(server.chats) == chats


@pytest.mark.parametrize("fault", ["drop", "cut", "error_event", "401", "404", "context", "json_first", "429_long", "empty"])  # fmt: skip
def test_what_trying_again_cannot_mend_is_asked_once(engine_at, fault):
    with FaultServer(fault, "ok") as server:
        fails(engine_at(server.url))
        assert len(server.chats) == 1


def test_retry_after_is_honoured_up_to_the_limit(engine_at):
    with FaultServer("429", "429_long") as server:
        engine = engine_at(server.url)
        began = time.monotonic()
        error = fails(engine)  # waits the 0.05 s asked for, then 600 s are asked for: too long
        assert 0.05 <= time.monotonic() - began < 0.5
        assert "600 秒" in str(error)


def test_the_sentences_name_key_address_and_models(engine_at):
    with FaultServer("401", "404", models=("qwen3-4b", "qwen3-8b")) as server:
        engine = engine_at(server.url, "gpt")
        assert "KEFU_ENDPOINT_KEY" in str(fails(engine))
        error = fails(engine)
        assert error.kind == "status" and "“gpt”，它有：qwen3-4b、qwen3-8b" in str(error)
    with FaultServer("404") as server:
        server.pages.clear()
        assert "一般以 /v1 结尾" in str(fails(engine_at(server.url)))


def test_the_breaker_rests_then_lets_one_trial_through(engine_at):
    now = [0.0]
    limits = Limits(tries=1, failures=3, rest_seconds=30, stall_seconds=0.2)
    with FaultServer(*["500"] * 4) as server:
        engine = engine_at(server.url, limits=limits, clock=lambda: now[0])
        assert [fails(engine).kind for _ in range(4)] == ["status"] * 3 + ["refused"]
        assert len(server.chats) == 3, "the fourth call never left"
        now[0] = 10.0
        error = fails(engine)
        assert "20 秒后再试" in str(error) and "内部出错（500）" in str(error)
        now[0] = 31.0
        assert fails(engine).kind == "status", "the trial fails: another 30 s"
        assert fails(engine).kind == "refused"
        now[0] = 62.0
        assert [say(engine) for _ in range(2)] == [TEXT] * 2
        assert len(server.chats) == 6


def test_one_trial_at_a_time_and_a_given_up_trial_frees_the_place():
    breaker = Breaker(Limits(failures=1, rest_seconds=5), clock=iter([0.0, 9.0, 9.0, 9.0]).__next__)
    breaker.record(False, "坏了")
    breaker.admit()
    with pytest.raises(EngineError, match="坏了"):
        breaker.admit()
    breaker.record(None)
    breaker.admit()


THINK_OFF = {"chat_template_kwargs": {"enable_thinking": False}}
OLLAMA_OFF = {"reasoning_effort": "none", "think": False}


@pytest.mark.parametrize(
    "owner, dialect, expected",
    [
        ("vllm", "auto", THINK_OFF),
        ("sglang", "auto", THINK_OFF),
        ("llamacpp", "auto", THINK_OFF),
        ("library", "auto", OLLAMA_OFF),
        ("nobody", "auto", THINK_OFF),
        ("nobody", "openai", {}),
        ("vllm", "ollama", OLLAMA_OFF),
        ("library", "sglang", THINK_OFF),
    ],
)
def test_thinking_is_switched_off_as_each_server_wants_it(engine_at, owner, dialect, expected):
    with FaultServer(owner=owner) as server:
        assert (
            say(engine_at(server.url, dialect=dialect), sampling=Sampling(40, 0.0, 0.9, 7)) == TEXT
        )
        wire = {"model": "qwen3", "stream": True, "max_tokens": 40, "temperature": 0.0, "top_p": 0.9, "seed": 7,
                "messages": [{"role": m.role, "content": m.content} for m in CHAT]}  # fmt: skip
        assert server.chats == [wire | expected]


def test_ollama_under_another_owner_is_known_by_its_version_page(engine_at):
    with FaultServer(owner="someone") as server:
        server.pages["/api/version"] = {"version": "0.40.1"}
        say(engine_at(server.url))
        assert server.chats[0]["reasoning_effort"] == "none"


def test_an_unknown_server_that_refuses_the_switch_is_asked_without_it(engine_at):
    with FaultServer(owner="nobody") as server:
        server.refuses_field = "chat_template_kwargs"
        engine = engine_at(server.url)
        assert [say(engine), say(engine)] == [TEXT, TEXT]
        assert ["chat_template_kwargs" in body for body in server.chats] == [True, False, False]


@pytest.mark.parametrize(
    "owner, fields, pages, window",
    [
        pytest.param("vllm", {"max_model_len": 300}, {}, 300, id="vllm"),
        pytest.param("sglang", {"max_model_len": 300}, {}, 300, id="sglang"),
        pytest.param("llamacpp", {}, {"/props": {"default_generation_settings": {"n_ctx": 256}}}, 256, id="llamacpp"),
        pytest.param("library", {}, {}, 4096, id="ollama's default"),
        pytest.param("library", {}, {"/api/show": {"parameters": "temperature 0.6\nnum_ctx     8192"}}, 8192, id="ollama's model file"),
        pytest.param("library", {}, {"/api/ps": {"models": [{"name": "qwen3:latest", "context_length": 2048}]}}, 2048, id="ollama, loaded"),
        pytest.param("nobody", {}, {}, None, id="a server that does not tell"),
    ],
)  # fmt: skip
def test_the_window_is_the_servers_number_and_what_does_not_fit_is_never_sent(
    engine_at, owner, fields, pages, window
):
    with FaultServer(owner=owner, **fields) as server:
        server.pages.update(pages)
        engine = engine_at(server.url)
        assert engine.check().window == window
        # two messages: 8 tokens each; characters x 1.3; 10 for the answer
        fits = int(((window or 5000) - 26) / 1.3) - 1
        chat = [Message("system", "你"), Message("user", "好" * (fits - 1))]
        assert say(engine, chat, Sampling(max_tokens=10)) == TEXT
        if window:
            chat = [*chat[:1], Message("user", "好" * (fits + 3))]
            error = fails(engine, chat=chat, sampling=Sampling(max_tokens=10))
            assert error.kind == "context" and f"窗口只有 {window}" in str(error)
            assert len(server.chats) == 1


def test_an_unknown_server_is_not_told_of_a_vllm_option(engine_at):
    with FaultServer(owner="nobody") as server:
        error = fails(engine_at(server.url, context_tokens=100))
        assert "换窗口大一些的模型" in str(error) and "--max-model-len" not in str(error)


def test_the_operator_gives_the_window_of_a_server_that_does_not_tell():
    with FaultServer(owner="nobody") as server:
        environ = {"KEFU_ENDPOINT_URL": server.url, "KEFU_ENDPOINT_MODEL": "qwen3",
                   "KEFU_ENDPOINT_CONTEXT": "100"}  # fmt: skip
        engine = from_environment(environ)
        assert fails(engine).kind == "context"
        engine.close()


def test_a_kept_connection_that_the_server_closed_is_no_fault(engine_at):
    with FaultServer() as server:
        server.closes_after = "/v1/models"
        assert engine_at(server.url, dialect="auto").check().problem is None


@pytest.mark.parametrize("status", [400, 422])
def test_a_servers_own_words_are_told_also_where_fastapi_writes_them(engine_at, status):
    with FaultServer() as server:
        server.details = status, "Server is pinned to 'a'; requested 'qwen3'."
        said = str(fails(engine_at(server.url)))
        assert "不给模型“qwen3”（Server is pinned to 'a'" in said and "KEFU_ENDPOINT_MODEL" in said


def test_an_unknown_fastapi_server_that_refuses_the_switch_is_asked_without_it(engine_at):
    with FaultServer(owner="nobody") as server:
        server.details = 422, "Unexpected fields in the request: {'chat_template_kwargs'}"
        assert say(engine_at(server.url)) == TEXT
        assert ["chat_template_kwargs" in body for body in server.chats] == [True, False]


def test_a_given_window_overrides_the_servers(engine_at):
    with FaultServer(max_model_len=40_000) as server:
        assert fails(engine_at(server.url, context_tokens=100)).kind == "context"


SECRET = [
    Message("system", "你是邓桂芳，手机13812341234"),
    Message("user", "订单号E20261124001 \ud800"),
]


def test_text_for_another_machine_is_masked_and_for_this_one_is_not(engine_at):
    with FaultServer() as server:
        ours = engine_at(server.url, names_of=lambda session: {"s": ["邓桂芳"]}[session])
        # 127.1 reaches this machine, but only its full address is trusted to
        away = engine_at(
            server.url.replace("127.0.0.1", "127.1"),
            names_of=lambda session: {"s": ["邓桂芳"]}[session],
        )
        assert (ours.local, away.local) == (True, False)
        assert say(ours, SECRET) == say(away, SECRET) == TEXT
        plain, masked = ([m["content"] for m in body["messages"]] for body in server.chats)
        assert plain == ["你是邓桂芳，手机13812341234", "订单号E20261124001 ?"]
        assert masked == ["你是邓**，手机138****1234", "订单号********4001 ?"]


def test_plain_text_is_carried_nowhere_else_by_a_proxy_or_a_redirect(engine_at, monkeypatch):
    with FaultServer() as elsewhere, FaultServer("ok", "redirect") as server:
        monkeypatch.setenv("HTTP_PROXY", elsewhere.url)
        monkeypatch.setenv("http_proxy", elsewhere.url)
        server.redirect_to = elsewhere.url + "/chat/completions"
        engine = engine_at(server.url)
        assert say(engine) == TEXT
        assert fails(engine).kind == "status"
        assert elsewhere.seen == []


def test_only_the_key_given_is_sent(engine_at, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-someone")
    with FaultServer() as server:
        say(engine_at(server.url))
        say(engine_at(server.url, key="abc"))
        sent = {headers["authorization"] for *_, headers in server.seen}
        assert sent == {"Bearer none", "Bearer abc"}


@contextlib.contextmanager
def cancelled_once_asked(server, cancel):
    """Cancel 0.15 s after the server was asked, however busy the machine; gives when it was."""
    when = []

    def stop():
        while not server.chats:
            time.sleep(0.01)
        time.sleep(0.15)
        when.append(time.monotonic())
        cancel.set()

    thread = threading.Thread(target=stop, daemon=True)
    thread.start()
    yield when
    thread.join(5)


@pytest.mark.parametrize(
    "fault, heard", [("hang", "您好，我的"), ("hang_first", ""), ("hang_headers", "")]
)
def test_cancel_ends_the_text_and_closes_the_stream(engine_at, fault, heard):
    with FaultServer(fault) as server:
        engine = engine_at(server.url, timeout_seconds=30, limits=Limits(stall_seconds=30))
        cancel = threading.Event()
        with cancelled_once_asked(server, cancel) as when:
            assert say(engine, cancel=cancel) == heard
            assert time.monotonic() - when[0] < 1.0
        assert server.client_gone.wait(5), "the server sees the connection close"


def test_cancel_ends_a_wait_between_tries(engine_at):
    with FaultServer("500", "500") as server:
        engine = engine_at(server.url, timeout_seconds=30, limits=Limits(backoff_seconds=20))
        cancel = threading.Event()
        with cancelled_once_asked(server, cancel):
            assert say(engine, cancel=cancel) == ""
        assert len(server.chats) == 1


def test_a_text_left_in_the_middle_closes_the_stream(engine_at):
    with FaultServer("hang") as server:
        engine = engine_at(server.url, timeout_seconds=30, limits=Limits(stall_seconds=30))
        pieces = engine.stream(CHAT, Sampling(), session="s", cancel=threading.Event())
        assert next(pieces) == "您好"
        pieces.close()
        assert server.client_gone.wait(2)


def test_a_set_cancel_sends_nothing(engine_at):
    with FaultServer() as server:
        cancel = threading.Event()
        cancel.set()
        assert say(engine_at(server.url), cancel=cancel) == ""
        assert server.seen == []


def test_a_closed_engine_ends_running_calls_and_opens_again(engine_at):
    with FaultServer("hang") as server:
        engine = engine_at(server.url, timeout_seconds=30, limits=Limits(stall_seconds=30, tries=1))
        timer = threading.Timer(0.2, engine.close)
        timer.start()
        assert fails(engine).kind in ("cancelled", "broken")
        timer.join()
        assert say(engine) == TEXT


def test_several_threads_do_not_mix(engine_at):
    with FaultServer(*["echo"] * 80) as server:
        engine = engine_at(server.url, timeout_seconds=10)
        heard = {}

        def talk(name):
            heard[name] = [
                say(engine, [Message("user", f"{name}-{n}")], session=name) for n in range(10)
            ]

        threads = [threading.Thread(target=talk, args=(f"甲{k}",)) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert heard == {f"甲{k}": [f"甲{k}-{n}" for n in range(10)] for k in range(8)}


@pytest.mark.slow
def test_two_hundred_turns_with_random_faults_all_end(engine_at):
    dice, ends = random.Random(4), {}
    with FaultServer() as server:
        engine = engine_at(server.url, limits=QUICK)
        away = engine_at(closed_port(), limits=QUICK)
        for turn in range(200):
            fault = dice.choice([*FAULTS, "refused"])
            server.faults.clear()
            server.faults.extend([fault] * QUICK.tries if fault != "refused" else [])
            began = time.monotonic()
            try:
                text = say(away if fault == "refused" else engine, session=f"s{turn % 7}")
                assert text, fault
                ends["text"] = ends.get("text", 0) + 1
            except EngineError as error:
                ends[error.kind] = ends.get(error.kind, 0) + 1
            assert time.monotonic() - began < 0.8 + 1, fault
        assert sum(ends.values()) == 200
        assert set(ends) == {"text", *KINDS}
        server.faults.clear()
        assert say(engine) == TEXT, "and the engine is as good as before"


def test_our_overhead_a_turn_is_small(engine_at):
    with FaultServer() as server:
        engine = engine_at(server.url, timeout_seconds=10)
        say(engine)
        seconds = []
        for _ in range(60):
            began = time.perf_counter()
            say(engine)
            seconds.append(time.perf_counter() - began)
        assert (
            statistics.median(seconds) < 0.05
        )  # the bar is 10 ms on a quiet machine, the server's own time included


def test_check_tells_what_a_doctor_needs(engine_at):
    with FaultServer(models=("a", "b"), max_model_len=8192) as server:
        good = engine_at(server.url, "a").check()
        assert (good.reachable, good.models, good.window, good.problem) == (
            True,
            ("a", "b"),
            8192,
            None,
        )
        assert 0 <= good.seconds < 1
        other = engine_at(server.url, "c").check()
        assert other.reachable and "没有模型“c”，它有：a、b" in other.problem
    gone = engine_at(closed_port()).check()
    assert not gone.reachable and "连不上" in gone.problem


def test_the_environment_names_the_server():
    environ = {
        "KEFU_ENDPOINT_URL": " http://127.0.0.1:8000/v1/ ",
        "KEFU_ENDPOINT_MODEL": "qwen3",
        "KEFU_ENDPOINT_KEY": "",
    }
    engine = from_environment(environ, timeout_seconds=5)
    assert (engine.name, engine.model, engine.base_url) == (
        "endpoint",
        "qwen3",
        "http://127.0.0.1:8000/v1",
    )
    engine.forget("unknown")


@pytest.mark.parametrize(
    "environ, message",
    [
        ({}, "没有设置环境变量 KEFU_ENDPOINT_URL、KEFU_ENDPOINT_MODEL"),
        ({"KEFU_ENDPOINT_URL": "http://127.0.0.1/v1", "KEFU_ENDPOINT_MODEL": " "}, "没有设置环境变量 KEFU_ENDPOINT_MODEL，"),
        ({"KEFU_ENDPOINT_URL": "127.0.0.1:8000", "KEFU_ENDPOINT_MODEL": "m"}, "地址写成了“127.0.0.1:8000”"),
        ({"KEFU_ENDPOINT_URL": "http://[::1/v1", "KEFU_ENDPOINT_MODEL": "m"}, "地址写成了"),
        ({"KEFU_ENDPOINT_URL": "http://a:99999/v1", "KEFU_ENDPOINT_MODEL": "m"}, "地址写成了"),
        ({"KEFU_ENDPOINT_URL": "http://127.0.0.1@b.cn/v1", "KEFU_ENDPOINT_MODEL": "m"}, "地址写成了"),
        ({"KEFU_ENDPOINT_URL": "http://a/v1", "KEFU_ENDPOINT_MODEL": "m", "KEFU_ENDPOINT_KEY": "钥匙"}, "请重新复制密钥"),
        ({"KEFU_ENDPOINT_URL": "http://a/v1", "KEFU_ENDPOINT_MODEL": "m", "KEFU_ENDPOINT_CONTEXT": "8k"}, "KEFU_ENDPOINT_CONTEXT 写成了“8k”"),
        ({"KEFU_ENDPOINT_URL": "http://a/v1", "KEFU_ENDPOINT_MODEL": "m", "KEFU_ENDPOINT_CONTEXT": "0"}, "应是模型窗口的词元数"),
    ],
)  # fmt: skip
def test_a_wrong_environment_is_named(environ, message):
    with pytest.raises(DataError) as caught:
        from_environment(environ)
    assert message in str(caught.value)


def test_openai_is_loaded_at_the_first_call_only():
    code = "import coach.endpoint as e, sys; e.EndpointEngine('http://127.0.0.1:1/v1', 'm'); sys.exit('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
