"""What the endpoint engine itself costs a turn: against a loopback server that answers at once.

Knows a server with no model behind it, and clocks. The overhead is the engine's turn less the same
exchange by bare sockets, so all that openai's client and our own thread add is counted.
"""

from __future__ import annotations

import http.client
import http.server
import itertools
import json
import statistics
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from coach import bank
from coach.engine import Message, Sampling
from eval.bench_engine import chats
from eval.figure import Figure, milliseconds, percentile

MODEL = "instant"
_PIECE_CHARS = 4
_ACTS = ("press", "ask_when", "ask_how")


class _Handler(http.server.BaseHTTPRequestHandler):
    """Lists one model and streams the next line, a few characters a piece."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:  # noqa: N802 - the library's name
        """List the one model, as vLLM does."""
        row = {"id": MODEL, "owned_by": "vllm", "max_model_len": 32768}
        self._send("application/json", json.dumps({"object": "list", "data": [row]}))

    def do_POST(self) -> None:  # noqa: N802
        """Stream a line."""
        self.rfile.read(int(self.headers["Content-Length"]))
        line = next(self.server.lines)  # type: ignore[attr-defined]
        pieces = [line[at : at + _PIECE_CHARS] for at in range(0, len(line), _PIECE_CHARS)]
        chunks = [*(_chunk({"content": piece}, None) for piece in pieces), _chunk({}, "stop")]
        self._send("text/event-stream", "".join(chunks) + "data: [DONE]\n\n")

    def _send(self, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _chunk(delta: dict[str, str], finish: str | None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    told = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": MODEL}
    return f"data: {json.dumps(told | {'choices': [choice]}, ensure_ascii=False)}\n\n"


def _lines() -> list[str]:
    """Give what the scripted customer may say at any time on the phone."""
    said = [one for act in _ACTS for one in bank.by_act().get(("phone", act), ())]
    return [one.say for one in said if "$" not in one.say and not one.types and not one.region]


@contextmanager
def instant_server() -> Iterator[str]:
    """Run a server that answers at once, each time with another written line; give its URL."""
    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.lines = itertools.cycle(_lines())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _bare(connection: http.client.HTTPConnection, messages: Sequence[Message]) -> None:
    """Exchange the same bytes with nothing but a socket."""
    told = {"model": MODEL, "messages": [vars(one) for one in messages], "stream": True}
    connection.request("POST", "/v1/chat/completions", json.dumps(told).encode())
    connection.getresponse().read()


def _turn(engine: Any, messages: Sequence[Message]) -> None:  # noqa: ANN401 - an EndpointEngine
    for _ in engine.stream(messages, Sampling(), session="bench", cancel=threading.Event()):
        pass


def measured(quick: bool) -> Iterator[Figure]:
    """Time a whole turn through the engine and over a bare socket, in turns."""
    from coach.endpoint import EndpointEngine

    talk = chats(12, 1500)
    with instant_server() as url:
        engine = EndpointEngine(url, MODEL)
        connection = http.client.HTTPConnection(urlsplit(url).netloc)
        for _ in range(3):  # opens the connections and learns whose server it is
            _turn(engine, talk[0])
            _bare(connection, talk[0])
        ours, bare = [], []
        for messages in talk * (2 if quick else 15):
            ours.append(milliseconds(partial(_turn, engine, messages)))
            bare.append(milliseconds(partial(_bare, connection, messages)))
        connection.close()
        engine.close()
    extra = statistics.median(ours) - statistics.median(bare)
    bar = None if quick else 10.0
    yield Figure(
        f"一轮，经接口引擎，中位（{len(ours)} 轮，应答即到）", statistics.median(ours), "ms"
    )
    yield Figure("一轮，经接口引擎，95 %", percentile(ours, 0.95), "ms")
    yield Figure("同样的一轮，只用套接字，中位", statistics.median(bare), "ms")
    yield Figure("接口引擎每轮的开销", extra, "ms", at_most=bar)
