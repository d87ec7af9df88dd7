"""A chat server on a loopback port that goes wrong on demand, one named fault a request.

Knows the wire of /v1/chat/completions as servers really break it; not the engine it tests.
"""

import collections
import http.server
import json
import select
import socket
import threading
import time

PIECES = ("您好", "，我的", "宽带断了", "四天了。")
TEXT = "".join(PIECES)
STATUS = {
    "500": 500,
    "503": 503,
    "400": 400,
    "401": 401,
    "403": 403,
    "404": 404,
    "429": 429,
    "429_long": 429,
    "429_date": 429,
}
CONTEXT = {
    "context": (400, {"message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens", "code": "context_length_exceeded"}),
    "context_llamacpp": (500, {"message": "the request exceeds the available context size", "type": "exceed_context_size_error", "n_ctx": 256}),
    "context_sglang": (400, {"message": "The input (5000 tokens) is longer than the model's context length (4096 tokens)."}),
}  # fmt: skip


def chunk(content=None, *, finish=None, **delta):
    """One event of a streamed chat, as bytes."""
    if content is not None:
        delta["content"] = content
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {"id": "x", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


END = (chunk(finish="stop"), b"data: [DONE]\n\n")
SAID = tuple(chunk(piece) for piece in PIECES)
STREAMS = {
    "ok": (chunk("", role="assistant"), *SAID, *END),
    "ok_usage": (*SAID, END[0], b'data: {"id":"x","choices":[],"usage":{"prompt_tokens":9}}\n\n', END[1]),
    "ok_comments": (b": ping\n\n", *SAID, b": ping\n\n", *END),
    "ok_crlf": tuple(part.replace(b"\n", b"\r\n") for part in (*SAID, *END)),
    "empty": (chunk("", role="assistant"), *END),
    "blank": (chunk(" \n"), *END),
    "think": (chunk("<think>先看"), chunk("看</think>"), chunk("\n\n"), *END),
    "think_open": (chunk("<think>先看看，还没想完"), *END),
    "think_then_ok": (chunk("<think>先看看</think>\n\n"), *SAID, *END),
    "think_split": tuple(chunk(c) for c in f"<think>想</think>{TEXT}") + END,
    "think_field": (chunk(reasoning_content="先看看"), *END),
    "think_field_then_ok": (chunk(reasoning_content="想"), chunk(reasoning="想"), *SAID, *END),
    "think_unopened": (chunk("先看看</think>"), *SAID, *END),
    "json": (SAID[0], b'data: {"choices": [{"delta"\n\n', *END),
    "json_first": (b"data: {oops\n\n",),
    "json_other": (b"data: 5\n\n",),
    "json_null": (b"data: null\n\n", *END),
    "json_list": (b'data: {"choices": [5]}\n\n', *END),
    "no_choices": (b'data: {"hello": 1}\n\n', *END),
    "content_list": (chunk(["a"]), *END),
    "encoding": (SAID[0], b'data: {"choices":[{"delta":{"content":"' + "宽带".encode("gbk") + b'"}}]}\n\n', *END),
    "replacement": (chunk("宽\ufffd"), *END),
    "surrogate": (b'data: {"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}\n\n', *END),
    "cut": SAID[:2],
    "error_event": (SAID[0], b'data: {"error": {"message": "CUDA out of memory", "code": 500}}\n\n'),
    "error_event_first": (b'data: {"error": "worker died"}\n\n',),
    "context_event": (b'data: {"error": {"message": "context size exceeded", "type": "exceed_context_size_error"}}\n\n',),
    "drop": SAID[:2],
    "drop_before_a_piece": (chunk("", role="assistant"),),
    "hang": SAID[:2],
    "hang_first": (),
    "hang_thinking": (chunk(reasoning_content="想"),),
    "slow": (*SAID, *END),
}  # fmt: skip
FAULTS = (
    *STREAMS,
    *STATUS,
    *CONTEXT,
    "echo",
    "hang_headers",
    "drop_first",
    "html",
    "json_whole",
    "redirect",
    "gzip",
)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and the first event go in one packet, and none waits for an acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        host = self.server.host
        host.seen.append(("GET", self.path, None, dict(self.headers)))
        found = host.pages.get(self.path)
        if host.closes_after == self.path:
            # Says nothing of it, as a server does whose worker died after its answer.
            self.close_connection = True
        self._whole(
            200 if found is not None else 404,
            found if found is not None else {"error": {"message": "not found"}},
        )

    def do_POST(self):
        host = self.server.host
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        host.seen.append(("POST", self.path, body, dict(self.headers)))
        if not self.path.endswith("/chat/completions"):
            found = host.pages.get(self.path)
            return self._whole(
                200 if found is not None else 404, found or {"error": {"message": "not found"}}
            )
        if host.refuses_field and host.refuses_field in body:
            return self._whole(
                400, {"error": {"message": f"Unrecognized request argument: {host.refuses_field}"}}
            )
        if host.details:
            (status, detail), host.details = host.details, None
            return self._whole(status, {"detail": detail})
        fault = host.faults.popleft() if host.faults else "ok"
        try:
            self._fail(fault, body)
        except OSError:
            host.client_gone.set()
            self.close_connection = True

    def _fail(self, fault, body):
        host = self.server.host
        if fault in STATUS:
            headers = {
                "429": {"retry-after": "0.05"},
                "429_long": {"retry-after": "600"},
                "429_date": {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"},
            }
            self._whole(
                STATUS[fault], {"error": {"message": f"fault {fault}"}}, headers.get(fault, {})
            )
        elif fault in CONTEXT:
            self._whole(CONTEXT[fault][0], {"error": CONTEXT[fault][1]})
        elif fault == "html":
            self._raw(200, "text/html", "<html>登录</html>".encode())
        elif fault == "json_whole":
            self._whole(200, {"choices": [{"message": {"content": TEXT}}]})
        elif fault == "redirect":
            self._whole(307, {}, {"location": host.redirect_to})
        elif fault == "gzip":
            self._raw(200, "text/event-stream", b"no gzip at all", {"content-encoding": "gzip"})
        elif fault in ("drop_first", "hang_headers"):
            self._wait() if fault == "hang_headers" else self._drop()
        else:
            said = (chunk(body["messages"][-1]["content"]), *END)
            self._stream(fault, said if fault == "echo" else STREAMS[fault])

    def _stream(self, fault, parts):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for part in parts:
            if fault == "slow":
                time.sleep(self.server.host.slow_seconds)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            if fault in ("slow", "hang", "hang_thinking", "drop", "drop_before_a_piece"):
                self.wfile.flush()
        if fault.startswith("hang"):
            return self._wait()
        if fault in ("drop", "drop_before_a_piece"):
            return self._drop()
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _wait(self):
        """Say nothing more until the client leaves or the server ends."""
        self.wfile.flush()
        self.close_connection = True
        while not self.server.host.ending.is_set():
            ready, _, _ = select.select([self.connection], [], [], 0.02)
            if ready and self.connection.recv(1, socket.MSG_PEEK) == b"":
                self.server.host.client_gone.set()
                return

    def _drop(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _whole(self, status, body, headers=None):
        self._raw(
            status, "application/json", json.dumps(body, ensure_ascii=False).encode(), headers or {}
        )

    def _raw(self, status, kind, body, headers=None):
        self.send_response(status)
        for name, value in {
            "content-type": kind,
            "content-length": str(len(body)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """A client that left is no news."""


class FaultServer:
    """Serve until left. ``faults`` are used up one a chat request; then it answers well.

    ``seen``: (method, path, body, headers) of every request. ``pages``: path to JSON. ``details``:
    (status, text) that the next chat request gets as FastAPI writes it. ``closes_after``: the page
    after which the connection is closed without a word.
    """

    def __init__(self, *faults, owner="vllm", models=("qwen3",), **fields):
        self.faults = collections.deque(faults)
        self.seen, self.slow_seconds, self.refuses_field, self.redirect_to = [], 0.05, None, "/"
        self.details = self.closes_after = None
        self.client_gone, self.ending = threading.Event(), threading.Event()
        rows = [{"id": name, "object": "model", "owned_by": owner, **fields} for name in models]
        self.pages = {"/v1/models": {"object": "list", "data": rows}}

    def __enter__(self):
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.host = self
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def chats(self):
        """The bodies of the chat requests, in order."""
        return [body for _, path, body, _ in self.seen if path.endswith("/chat/completions")]


def closed_port():
    """Give the URL of a port nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{held.getsockname()[1]}/v1"
