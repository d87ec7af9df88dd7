"""A model behind a server that speaks the OpenAI chat protocol: vLLM, SGLang, llama.cpp, Ollama.

Knows the wire, its faults and each server's habits; not what the messages mean. The one door to
``openai``, opened at the first call. Long because the wire, its faults and servers share state.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import queue
import re
import threading
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlsplit

import anyio
from anyio.from_thread import start_blocking_portal

from coach.engine import EngineError, Message, Sampling
from coach.masking import Spoken, address, is_loopback, outgoing
from knowledge.datafile import DataError

Dialect = Literal["auto", "vllm", "sglang", "llamacpp", "ollama", "openai"]
# How each server is told not to think. Ollama's /v1 ignores `think`; it knows reasoning_effort.
_TEMPLATE: dict[str, Any] = {"chat_template_kwargs": {"enable_thinking": False}}
_QUIET = dict.fromkeys(("vllm", "sglang", "llamacpp"), _TEMPLATE) | {
    "ollama": {"reasoning_effort": "none", "think": False}, "openai": {}}  # fmt: skip
_OWNERS: dict[str, Dialect] = {
    "vllm": "vllm", "sglang": "sglang", "llamacpp": "llamacpp", "library": "ollama"}  # fmt: skip
_WIDER = {"ollama": "用 OLLAMA_CONTEXT_LENGTH=16384 启动 Ollama 并载入模型", "llamacpp": "加大 -c",
          "vllm": "加大 --max-model-len", "sglang": "加大 --context-length",
          "openai": "换窗口大一些的模型"}  # fmt: skip
_OLLAMA_WINDOW = 4096
_TOKENS_PER_CHARACTER, _TOKENS_PER_MESSAGE = 1.3, 8
_TOO_LONG = re.compile(r"context[ _](length|size|window)|max_model_len|maximum model length", re.I)
_POLL_SECONDS = 0.05
_LATER: Any = None
_Put = Callable[[str], None]


@dataclass(frozen=True)
class Limits:
    """Waiting, in seconds: to connect, between two pieces, and for a Retry-After; tries >= 1.

    After ``failures`` calls in a row went wrong, calls are refused for ``rest_seconds``.
    """

    connect_seconds: float = 5.0
    stall_seconds: float = 15.0
    retry_after_seconds: float = 10.0
    backoff_seconds: float = 0.5
    tries: int = 3
    failures: int = 5
    rest_seconds: float = 30.0


@dataclass(frozen=True)
class Check:
    """What ``kefu doctor`` shows of a server; ``window`` in tokens, None where it does not tell."""

    reachable: bool
    models: tuple[str, ...]
    window: int | None
    seconds: float
    problem: str | None


@dataclass(frozen=True)
class _Server:
    dialect: Dialect = "openai"
    models: tuple[str, ...] = ()
    window: int | None = None
    guessed: bool = False
    fixed: bool = False  # not to be asked again


class _Failure(EngineError):
    """One attempt went wrong; ``wait``: seconds until another may help, None for never."""

    def __init__(self, kind: str, message: str, wait: float | None = None) -> None:
        super().__init__(kind, message)
        self.wait = wait


class Breaker:
    """Refuses calls for a while after failures in a row, then lets one through as a trial."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        """Start closed; ``clock`` gives seconds that never go back."""
        self._limits, self._clock, self._lock = limits, clock, threading.Lock()
        self._failed, self._until, self._trying, self._why = 0, 0.0, False, ""

    def admit(self) -> None:
        """Let a call through, or raise EngineError ``refused`` while the server rests."""
        with self._lock:
            if self._failed < self._limits.failures:
                return
            left = self._until - self._clock()
            if left > 0 or self._trying:
                wait = f"暂停使用，约 {max(1, round(left))} 秒后再试"
                raise EngineError("refused", f"连着失败了 {self._failed} 次，{wait}：{self._why}")
            self._trying = True

    def record(self, worked: bool | None, why: str = "") -> None:
        """Note how a call ended; None when it was given up and tells nothing."""
        with self._lock:
            self._trying = False
            if worked:
                self._failed = 0
            elif worked is False:
                self._failed, self._why = self._failed + 1, why
                self._until = self._clock() + self._limits.rest_seconds


def from_environment(
    environ: Mapping[str, str] = os.environ, **options: Any  # noqa: ANN401 - passed on as they are
) -> EndpointEngine:  # fmt: skip
    """Build the engine the environment names; ``options`` go to EndpointEngine.

    Raises:
        DataError: KEFU_ENDPOINT_URL or KEFU_ENDPOINT_MODEL is missing or wrong.
    """
    needed = ("KEFU_ENDPOINT_URL", "KEFU_ENDPOINT_MODEL")
    missing = "、".join(name for name in needed if not environ.get(name, "").strip())
    if missing:
        raise DataError(f"没有设置环境变量 {missing}，地址应像 http://127.0.0.1:8000/v1")
    url, model = (environ[name].strip() for name in needed)
    return EndpointEngine(url, model, key=environ.get("KEFU_ENDPOINT_KEY") or None, **options)


class EndpointEngine:
    """A chat model behind a server; see coach.engine.Engine. One thread of its own, until close().

    Nothing is sent before the first call. Text for another machine is masked (coach.masking).
    """

    name = "endpoint"

    def __init__(
        self, base_url: str, model: str, *, key: str | None = None,
        context_tokens: int | None = None, timeout_seconds: float = 60.0,
        dialect: Dialect = "auto", limits: Limits | None = None,
        names_of: Callable[[str], Sequence[str]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """Keep the settings.

        Args:
            base_url: with its /v1, as the server's own manual gives it.
            model: as the server names it.
            key: None sends a placeholder, never OPENAI_API_KEY.
            context_tokens: the window; None asks the server, as "auto" does for ``dialect``.
            timeout_seconds: for a whole call, retries included, > 0.
            dialect: whose server it is.
            limits: see Limits.
            names_of: gives the names to mask in a session.
            clock: the breaker's, in seconds.

        Raises:
            DataError: the address or the key cannot be right.
        """
        self.model, self.base_url = model, address(base_url)
        if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
            raise DataError("KEFU_ENDPOINT_KEY 里有空格、中文或控制字符，请重新复制密钥")
        self.local, self._host = is_loopback(self.base_url), urlsplit(self.base_url).netloc
        self._key, self._window, self._timeout = key, context_tokens, timeout_seconds
        self._dialect, self._limits = dialect, limits or Limits()
        self._names_of = names_of or (lambda session: ())
        self._breaker, self._server = Breaker(self._limits, clock), _Server()
        self._lock, self._stack = threading.Lock(), contextlib.ExitStack()
        # anyio's portal, openai's client and the module openai, all there after _opened()
        self._portal, self._client, self._openai = _LATER, _LATER, _LATER

    def stream(
        self, messages: Sequence[Message], sampling: Sampling, *,
        session: str, cancel: threading.Event,
    ) -> Generator[str]:  # fmt: skip
        """Give the text piece by piece; see coach.engine.Engine.stream."""
        if cancel.is_set():
            return
        names = None if self.local else self._names_of(session)
        sent, portal = outgoing(messages, names), self._opened()
        self._breaker.admit()
        worked, why = None, ""
        pieces: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        work = functools.partial(self._tries, sent, sampling, pieces.put)
        task = portal.start_task_soon(self._within, work)
        task.add_done_callback(lambda _: pieces.put(None))
        try:
            while not cancel.is_set():
                try:
                    piece = pieces.get(timeout=_POLL_SECONDS)
                except queue.Empty:
                    continue
                if piece is not None:
                    yield piece
                    continue
                if task.cancelled():
                    raise EngineError("cancelled", "对话服务已关闭，请重新开始")
                # An answer, if a useless one, shows that the server is well.
                error = task.result()
                worked, why = error is None or error.kind in ("context", "empty"), str(error)
                if error is None:
                    return
                raise error
        finally:
            task.cancel()
            self._breaker.record(worked, why)

    def forget(self, session: str) -> None:
        """Keep nothing: the server reuses prefixes by itself."""

    def check(self) -> Check:
        """Ask the server what it has, for ``kefu doctor``; raises nothing."""
        began = time.monotonic()
        found = self._opened().call(self._within, self._asked)
        seconds = time.monotonic() - began
        if isinstance(found, EngineError):
            return Check(found.kind == "status", (), None, seconds, str(found))
        lacks = found.models and not {self.model, f"{self.model}:latest"} & set(found.models)
        problem = self._no_model(found.models) if lacks else None
        return Check(True, found.models, found.window, seconds, problem)

    def close(self) -> None:
        """End the thread and the connections; a later call opens them again."""
        with self._lock:
            if self._portal is not None:
                self._portal.call(self._client.close)
                self._portal.start_task_soon(self._portal.stop, True)
            self._stack.close()
            self._portal = None

    def _opened(self) -> Any:  # noqa: ANN401 - anyio's portal
        with self._lock:
            if self._portal is None:
                import openai

                # No redirects, and no proxy on this machine: both would carry text elsewhere.
                wait = openai.Timeout(None, connect=self._limits.connect_seconds)
                http = openai.DefaultAsyncHttpxClient(
                    trust_env=not self.local, follow_redirects=False, timeout=wait)  # fmt: skip
                self._openai, self._client = openai, openai.AsyncOpenAI(base_url=self.base_url,
                    api_key=self._key or "none", max_retries=0, http_client=http)  # fmt: skip
                self._portal = self._stack.enter_context(start_blocking_portal())
            return self._portal

    async def _within(self, work: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401
        """Do something in the whole limit; give what it gives, or the EngineError it raised."""
        try:
            with anyio.fail_after(self._timeout):
                return await work()
        except EngineError as error:
            return error
        except TimeoutError:
            limits = f"整段 {self._timeout:g} 秒，停顿 {self._limits.stall_seconds:g} 秒"
            return EngineError("slow", f"{self._host} 没有在时限内说完（{limits}），请稍后再试")
        except (self._openai.APIError, ValueError) as error:
            return self._failure(error, opened=False, given=False)

    async def _tries(self, sent: list[Message], sampling: Sampling, put: _Put) -> None:
        """Try until a piece has come; the client's own retries know neither pieces nor limits."""
        for tried in range(self._limits.tries):
            try:
                return await self._once(sent, sampling, put)
            except _Failure as failure:
                if failure.wait is None or tried + 1 == self._limits.tries:
                    raise
                await anyio.sleep(max(failure.wait, self._limits.backoff_seconds * 2**tried))

    async def _once(self, sent: list[Message], sampling: Sampling, put: _Put) -> None:
        spoken, opened = Spoken(), False
        chosen = {name: value for name, value in vars(sampling).items() if value is not None}
        try:
            server = await self._asked()
            self._refuse_too_long(sent, sampling.max_tokens, server)
            stream = await self._client.chat.completions.create(
                model=self.model, messages=[vars(message) for message in sent], stream=True,
                extra_body=_QUIET[server.dialect], **chosen,
            )  # fmt: skip
            opened = True
            async with stream:
                await self._read(stream, spoken, put)
        except (self._openai.APIError, ValueError) as error:
            raise self._failure(error, opened=opened, given=spoken.given) from error

    async def _read(self, stream: Any, spoken: Spoken, put: _Put) -> None:  # noqa: ANN401
        while True:
            # Until the first token the server reads the chat: only the whole limit counts.
            with anyio.fail_after(self._limits.stall_seconds if spoken.heard else None):
                chunk = await anext(stream, None)
            if piece := spoken.rest() if chunk is None else spoken.hear(chunk):
                put(piece)
            if chunk is None:
                return

    def _failure(self, error: Exception, *, opened: bool, given: bool) -> _Failure:
        """Put a fault of the wire in words; try again only where that can help."""
        kind, wait, host = "status", None if given else 0.0, self._host
        if isinstance(error, self._openai.APIConnectionError):
            kind = "broken" if opened else "refused"
            refused = f"连不上对话服务 {self.base_url}，请确认服务已启动，地址和端口没有写错"
            said = f"{host} 的连接中途断了，请再试一次" if opened else refused
        elif not isinstance(error, self._openai.APIError):
            kind, wait = "broken", None
            said = f"{host} 的回答不完整或不是 UTF-8 的 JSON，请确认地址是对话接口，一般以 /v1 结尾"
        elif _TOO_LONG.search(f"{error.message} {error.code} {error.type} {error.body}"):
            kind, wait = "context", None
            said = f"{host} 说对话超出了模型的上下文窗口，请在服务端调大窗口，或换一个情景"
        elif isinstance(error, self._openai.APIStatusError):
            return self._status(error)
        else:
            said = f"{host} 中途报错：{error.message[:80]}"
        return _Failure(kind, said, wait)

    def _status(self, error: Any) -> _Failure:  # noqa: ANN401 - openai's
        code, host, models, wait = error.status_code, self._host, self._server.models, None
        said = f"{host} 不接受这次请求（{error.message[:80]}）"
        if self._server.guessed and code in (400, 422) and "chat_template_kwargs" in error.message:
            # An unknown server that refuses what it does not know: ask again without it.
            self._server, wait = replace(self._server, dialect="openai", fixed=True), 0.0
        elif code in (401, 403):
            said = f"{host} 不认密钥（{code}），请检查环境变量 KEFU_ENDPOINT_KEY"
        elif code == 404 and models and self.model not in models:
            said = self._no_model(models)
        elif code == 404:
            said = f"{self.base_url} 没有对话接口（404），请检查地址，一般以 /v1 结尾"
        elif code == 429:
            asked = error.response.headers.get("retry-after", "")
            after = float(asked) if re.fullmatch(r"\d{1,6}(\.\d+)?", asked) else 0.0
            wait = after if after <= self._limits.retry_after_seconds else None
            said = f"{host} 正忙（429），请{f' {math.ceil(after)} 秒' if after else '稍'}后再试"
        elif code >= 500:
            said, wait = f"{host} 内部出错（{code}），请稍后再试或查看服务端日志", 0.0
        return _Failure("status", said, wait)

    def _no_model(self, models: Sequence[str]) -> str:
        known = "、".join(models[:5])
        return f"{self._host} 上没有模型“{self.model}”，它有：{known}；请改 KEFU_ENDPOINT_MODEL"

    def _refuse_too_long(self, sent: Sequence[Message], reply: int, server: _Server) -> None:
        """Refuse what may not fit; characters x 1.3 is a safe upper bound for Chinese."""
        characters = sum(len(message.content) for message in sent)
        need = round(characters * _TOKENS_PER_CHARACTER) + _TOKENS_PER_MESSAGE * len(sent) + reply
        if server.window is not None and need > server.window:
            said = f"这段对话估计要 {need} 个词元，模型 {self.model} 的窗口只有 {server.window}"
            raise EngineError("context", f"{said}，请{_WIDER[server.dialect]}")

    async def _get(self, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        """Read a JSON object, by POST when there is a body; {} where the server has none there."""
        send = self._client.post if body else self._client.get
        try:
            found = await send(path, cast_to=object, **({"body": body} if body else {}))
        except (self._openai.APIStatusError, ValueError) as error:
            if getattr(error, "status_code", None) in (401, 403):
                raise
            return {}
        return found if isinstance(found, dict) else {}

    async def _asked(self) -> _Server:
        """Learn once whose server it is, what it lists and how much it can read."""
        if self._server.fixed:
            return self._server
        root = self.base_url.removesuffix("/v1")
        listed = (await self._get("/models")).get("data")
        rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
        mine = next((row for row in rows if row.get("id") == self.model), rows[0] if rows else {})
        dialect, window = self._dialect, self._window or _whole(mine.get("max_model_len"))
        dialect = _OWNERS.get(str(mine.get("owned_by")), "auto") if dialect == "auto" else dialect
        if dialect == "auto" and (await self._get(f"{root}/api/version")).get("version"):
            dialect = "ollama"
        if window is None and dialect == "llamacpp":
            settings = (await self._get(f"{root}/props")).get("default_generation_settings")
            window = _whole(settings.get("n_ctx")) if isinstance(settings, dict) else None
        changes = window is None and dialect == "ollama"
        window = await self._ollama_window(root) if changes else window
        names, guessed = tuple(str(row.get("id")) for row in rows), dialect == "auto"
        known, fixed = "vllm" if dialect == "auto" else dialect, bool(rows) and not changes
        self._server = _Server(known, names, window, guessed, fixed)
        return self._server

    async def _ollama_window(self, root: str) -> int:
        """Give the loaded model's window (it changes), the model file's, or Ollama's default."""
        loaded = (await self._get(f"{root}/api/ps")).get("models")
        for row in loaded if isinstance(loaded, list) else []:
            if isinstance(row, dict) and row.get("name") in (self.model, f"{self.model}:latest"):
                return _whole(row.get("context_length")) or _OLLAMA_WINDOW
        shown = await self._get(f"{root}/api/show", {"model": self.model})
        found = re.search(r"num_ctx\s+(\d+)", str(shown.get("parameters")))
        return int(found[1]) if found else _OLLAMA_WINDOW


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
