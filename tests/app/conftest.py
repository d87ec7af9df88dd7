import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.pages.talks import Talks
from app.records.store import opened

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("KEFU_HOME", str(tmp_path))
    monkeypatch.setenv("KEFU_TYPING", "0")
    monkeypatch.delenv("KEFU_DATABASE_URL", raising=False)
    with opened() as records:
        yield records


@pytest.fixture
def talks(store):
    return Talks(store)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(folder, *options, seconds=60, **env):
    """A real `kefu serve` on a free port with a home of its own in a folder; gives its address."""
    port, log = free_port(), folder / "serve.txt"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve", "--port", str(port), *options],
            env=os.environ | {"KEFU_HOME": str(folder)} | env, stdout=stream, stderr=stream,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + seconds
            while "已启动" not in log.read_text(encoding="utf-8"):
                assert process.poll() is None, log.read_text(encoding="utf-8")
                assert time.monotonic() < deadline, f"kefu serve {seconds} 秒内没有就绪"
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(15)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The page with the scripted customer; gives its address."""
    with serving(tmp_path_factory.mktemp("home"), KEFU_TYPING="0") as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    """Chromium; without it the test is skipped, or fails where KEFU_REQUIRE_BROWSER is set."""
    if not CHROMIUM.exists():
        if os.environ.get("KEFU_REQUIRE_BROWSER"):
            pytest.fail(f"没有浏览器 {CHROMIUM}，而 KEFU_REQUIRE_BROWSER 要求有")
        pytest.skip(f"没有浏览器 {CHROMIUM}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def client(server):
    with httpx.Client(base_url=server, timeout=20) as http:
        yield http
