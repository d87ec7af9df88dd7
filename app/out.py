"""Writing to the terminal: JSON lines on stdout, people's text on stderr or stdout, errors."""

from __future__ import annotations

import json
import sys
from typing import Any

from pydantic import BaseModel

OK, FAILED, BAD_INPUT = 0, 1, 2


def json_line(value: Any) -> str:  # noqa: ANN401
    """Give one value as one line of JSON, real characters, without the line's end."""
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return json.dumps(plain, ensure_ascii=False)


def as_json(value: Any) -> None:  # noqa: ANN401
    """Write one value as one JSON line on stdout."""
    sys.stdout.write(json_line(value) + "\n")
    sys.stdout.flush()


def text(line: str = "") -> None:
    """Write one line for people on stdout."""
    sys.stdout.write(line + "\n")


def note(line: str) -> None:
    """Write one line for people on stderr: progress, warnings, errors."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
