"""A model behind a server that speaks the OpenAI chat protocol: vLLM, SGLang, llama.cpp, Ollama.

Knows the wire; not what the messages mean. ``openai`` is loaded at the first call. Servers' habits
stand in endpoint_dialects.py, their faults in endpoint_faults.py.
"""

from __future__ import annotations

import contextlib
import functools
import os
import queue
import threading
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import anyio
from anyio.from_thread import start_blocking_portal

from coach import endpoint_faults
from coach.breaker import Breaker, Limits
from coach.endpoint_dialects import QUIET, Dialect, Server, Wish, learn, refuse_too_long
from coach.endpoint_faults import Failure, Progress, Site
from coach.endpoint_stream import Spoken
from coach.engine import EngineError, Message, Sampling
from coach.masking import address, is_loopback, outgoing
from knowledge.datafile import DataError

_POLL_SECONDS = 0.05
_LATER: Any = None
_Put = Callable[[str], None]


@dataclass(frozen=True)
class Check:
    """What ``kefu doctor`` shows of a server; ``window`` in tokens, None where it does not tell."""

    reachable: bool
    models: tuple[str, ...]
    window: int | None
    seconds: float
    problem: str | None


def from_environment(
    environ: Mapping[str, str] = os.environ, **options: Any  # noqa: ANN401 - passed on as they are
) -> EndpointEngine:  # fmt: skip
    """Build the engine the environment names; ``options`` go to EndpointEngine.

    Raises:
        DataError: KEFU_ENDPOINT_URL or KEFU_ENDPOINT_MODEL is missing or wrong, or
            KEFU_ENDPOINT_CONTEXT, for servers that do not tell their window, is no whole number.
    """
    needed = ("KEFU_ENDPOINT_URL", "KEFU_ENDPOINT_MODEL")
    missing = "、".join(name for name in needed if not environ.get(name, "").strip())
    if missing:
        raise DataError(f"没有设置环境变量 {missing}，地址应像 http://127.0.0.1:8000/v1")
    url, model = (environ[name].strip() for name in needed)
    if context := environ.get("KEFU_ENDPOINT_CONTEXT", "").strip():
        if not (context.isdecimal() and int(context)):
            raise DataError(
                f"KEFU_ENDPOINT_CONTEXT 写成了“{context}”，应是模型窗口的词元数，像 8192"
            )
        options["context_tokens"] = int(context)
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
        self.local, self._limits = is_loopback(self.base_url), limits or Limits()
        self._key, self._timeout = key, timeout_seconds
        self._wish = Wish(model, dialect, context_tokens)
        host = urlsplit(self.base_url).netloc
        self._site = Site(self.base_url, host, model, self._limits.retry_after_seconds)
        self._names_of = names_of or (lambda session: ())
        self._breaker, self._server = Breaker(self._limits, clock), Server()
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
        problem = endpoint_faults.no_model(self._site, found.models) if lacks else None
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
            return EngineError(
                "slow", f"{self._site.host} 没有在时限内说完（{limits}），请稍后再试"
            )
        except (self._openai.APIError, ValueError) as error:
            return self._failure(error, Progress())

    async def _tries(self, sent: list[Message], sampling: Sampling, put: _Put) -> None:
        """Try until a piece has come; the client's own retries know neither pieces nor limits."""
        for tried in range(self._limits.tries):
            try:
                return await self._once(sent, sampling, put)
            except Failure as failure:
                if failure.wait is None or tried + 1 == self._limits.tries:
                    raise
                await anyio.sleep(max(failure.wait, self._limits.backoff_seconds * 2**tried))

    async def _once(self, sent: list[Message], sampling: Sampling, put: _Put) -> None:
        spoken, opened = Spoken(), False
        chosen = {name: value for name, value in vars(sampling).items() if value is not None}
        try:
            server = await self._asked()
            refuse_too_long(sent, sampling.max_tokens, server, self.model)
            stream = await self._client.chat.completions.create(
                model=self.model, messages=[vars(message) for message in sent], stream=True,
                extra_body=QUIET[server.dialect], **chosen,
            )  # fmt: skip
            opened = True
            async with stream:
                await self._read(stream, spoken, put)
        except (self._openai.APIError, ValueError) as error:
            raise self._failure(error, Progress(opened, spoken.given)) from error

    async def _read(self, stream: Any, spoken: Spoken, put: _Put) -> None:  # noqa: ANN401
        while True:
            # Until the first token the server reads the chat: only the whole limit counts.
            with anyio.fail_after(self._limits.stall_seconds if spoken.heard else None):
                chunk = await anext(stream, None)
            if piece := spoken.rest() if chunk is None else spoken.hear(chunk):
                put(piece)
            if chunk is None:
                return

    def _failure(self, error: Exception, progress: Progress) -> Failure:
        failure = endpoint_faults.explain(error, self._site, self._server, progress)
        if failure.plainer:
            self._server = replace(self._server, dialect="openai", fixed=True)
        return failure

    async def _get(self, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        """Read a JSON object, by POST when there is a body; {} where the server has none there."""
        send = self._client.post if body else self._client.get
        read = functools.partial(send, path, cast_to=object, **({"body": body} if body else {}))
        try:
            try:
                found = await read()
            except self._openai.APITimeoutError:
                raise
            except self._openai.APIConnectionError:
                # A server that failed on the last page may have closed the kept connection.
                found = await read()
        except (self._openai.APIStatusError, ValueError) as error:
            if getattr(error, "status_code", None) in (401, 403):
                raise
            return {}
        return found if isinstance(found, dict) else {}

    async def _asked(self) -> Server:
        """Learn about the server, once where what it says cannot change."""
        if not self._server.fixed:
            self._server = await learn(self._get, self.base_url, self._wish)
        return self._server
