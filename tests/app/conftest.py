"""A database in a fresh folder, a real server over one, and a browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from app.pages.talks import Talks
from app.records.store import Store

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture
def store(tmp_path):
    records = Store(f"sqlite:///{tmp_path / 'kefu.sqlite3'}")
    yield records
    records.close()


@pytest.fixture
def talks(store):
    return Talks(store)


@pytest.fixture(autouse=True)
def _no_typing(monkeypatch):
    monkeypatch.setenv("KEFU_TYPING", "0")


@pytest.fixture
def server(tmp_path):
    """A real `kefu serve` on a free port; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "serve.log"
    with log.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve", "--port", str(port)],
            stderr=err, cwd=Path(__file__).parents[2],
            env=os.environ | {"KEFU_HOME": str(tmp_path / "home"), "KEFU_TYPING": "0"},
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while "已启动" not in log.read_text(encoding="utf-8"):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail(f"server did not start: {log.read_text(encoding='utf-8')}")
        time.sleep(0.1)
    yield address
    process.terminate()
    process.wait(timeout=20)


@pytest.fixture
def browser():
    """Chromium; skipped with the reason where there is none, unless KEFU_REQUIRE_BROWSER is set."""
    if BROWSER is None:
        if os.environ.get("KEFU_REQUIRE_BROWSER"):
            pytest.fail("KEFU_REQUIRE_BROWSER is set and there is no chromium")
        pytest.skip("no chromium on this machine")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
        "--disable-background-networking --disable-component-update --disable-sync"
    ).split()
    with api.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=BROWSER, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def client(server):
    with httpx.Client(base_url=server, timeout=20) as one:
        yield one
