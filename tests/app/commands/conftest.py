import json
import os
import subprocess
import sys

import pytest

from app import cli


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home of its own for every test."""
    folder = tmp_path / "home"
    monkeypatch.setenv("KEFU_HOME", str(folder))
    monkeypatch.delenv("KEFU_DATABASE_URL", raising=False)
    return folder


class Answer:
    """Exit code, stdout, stderr of one run of the command."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def kefu(capsys, monkeypatch):
    """Run the command in this process; ``stdin`` is bytes."""

    def run(*argv, stdin=None):
        if stdin is not None:
            monkeypatch.setattr("sys.stdin", _Input(stdin))
        capsys.readouterr()
        try:
            code = cli.main([str(part) for part in argv])
        except SystemExit as stop:
            code = stop.code or 0
        return Answer(code, *capsys.readouterr())

    return run


class _Input:
    def __init__(self, data):
        import io

        self.buffer = io.BytesIO(data)

    def isatty(self):
        return False


@pytest.fixture
def process(home):
    """Run the command as a process of its own; ``stdin`` is bytes."""

    def run(*argv, stdin=b""):
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", *map(str, argv)], input=stdin, capture_output=True,
            timeout=60, env=os.environ | {"PYTHONWARNINGS": "ignore"}, check=False,
        )  # fmt: skip
        return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def write(tmp_path):
    """Write a file of rows or lines and give its path."""

    def make(lines, *, end="\n", bom=False, name="rows.jsonl"):
        parts = [
            one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in lines
        ]
        path = tmp_path / name
        path.write_bytes(("\ufeff" * bom + end.join(parts) + end).encode())
        return path

    return make
