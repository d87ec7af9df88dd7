"""A model hub for tests on loopback: the routes of Hugging Face and ModelScope that are needed.

Files are bytes by name. ``cut``: names whose first answer ends after half; what follows is 503
until ``mended``. ``wrong``: names that are sent with a byte changed.
"""

import hashlib
import http.server
import json
import threading
from urllib.parse import parse_qs, unquote, urlsplit

SHARDED = 10_000  # larger files are told by sha256, as those in LFS are


class HubServer:
    """Used as a context manager; ``url`` is its address, ``asked`` what was asked for."""

    def __init__(self, name, files, *, cut=(), wrong=(), status=None):
        self.name, self.files = name, files
        self.cut, self.wrong, self.status = set(cut), set(wrong), status
        self.asked, self.ranges, self.tokens = [], {}, []

    def mend(self):
        self.cut, self.wrong = set(), set()

    def __enter__(self):
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads, self._server.hub = True, self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def tree(self):
        rows = []
        for path, data in self.files.items():
            blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            row = {"type": "file", "path": path, "size": len(data), "oid": blob}
            if len(data) > SHARDED:
                sha256 = hashlib.sha256(data).hexdigest()
                row |= {
                    "oid": "0" * 40,
                    "lfs": {"oid": sha256, "size": len(data), "pointerSize": 1},
                }
            rows.append(row)
        return [*rows, {"type": "directory", "path": "onnx", "oid": "1" * 40}]

    def scope(self):
        """The same, as ModelScope lists it."""
        files = [
            {"Path": path, "Size": len(data), "Type": "blob",
             "Sha256": hashlib.sha256(data).hexdigest()}
            for path, data in self.files.items()
        ]  # fmt: skip
        tree = {"Path": "onnx", "Size": 0, "Type": "tree", "Sha256": ""}
        return {"Code": 200, "Success": True, "Data": {"Files": [*files, tree]}}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        hub, parts = self.server.hub, urlsplit(self.path)
        path, query = unquote(parts.path), parse_qs(parts.query)
        hub.asked.append(path)
        hub.tokens.append(self.headers.get("Authorization"))
        scoped = f"/api/v1/models/{hub.name}/repo"
        if hub.status:
            return self._send(hub.status, b"{}")
        if path == f"/api/models/{hub.name}/tree/main":
            return self._send(200, json.dumps(hub.tree()).encode())
        if path == f"{scoped}/files":
            return self._send(200, json.dumps(hub.scope()).encode())
        named = path.removeprefix(f"/{hub.name}/resolve/main/")
        named = query["FilePath"][0] if path == scoped else named
        if named in hub.files:
            return self._file(hub, named)
        return self._send(404, b"{}")

    def _file(self, hub, name):
        data, status, more = hub.files[name], 200, {}
        if name in hub.wrong:
            data = bytes([data[0] ^ 1]) + data[1:]
        asked = self.headers.get("Range")
        if asked:
            begin = int(asked.removeprefix("bytes=").partition("-")[0])
            hub.ranges[name] = begin
            if begin >= len(data):
                return self._send(416, b"")
            more = {"Content-Range": f"bytes {begin}-{len(data) - 1}/{len(data)}"}
            data, status = data[begin:], 206
        if name not in hub.cut:
            return self._send(status, data, more)
        if hub.asked.count(self.path.partition("?")[0]) > 1:
            return self._send(503, b"{}")
        self._send(status, data[: len(data) // 2], more | {"Content-Length": str(len(data))})
        self.close_connection = True
        return None

    def _send(self, status, body, more=None):
        self.send_response(status)
        for key, value in ({"Content-Length": str(len(body))} | (more or {})).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)
