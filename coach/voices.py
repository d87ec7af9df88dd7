"""Gives the voice a user asks for by name; the heavy ones are imported when they are asked for.

Knows which engines there are; not how they work.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Sequence
from typing import Literal, get_args

from coach import scenario
from coach.engine import Engine, EngineError
from coach.model_voice import ModelVoice
from coach.voice import ScriptedVoice, Voice
from knowledge.datafile import DataError

Name = Literal["scripted", "transformers", "endpoint"]
_guard = threading.Lock()
_opened: dict[tuple[str, str | None], Engine] = {}
_people: dict[str, tuple[str, str]] = {}
_MOST_TALKS = 100_000
NAMES: tuple[Name, ...] = get_args(Name)


def make(
    name: str,
    case: scenario.Scenario,
    *,
    model: str | None = None,
    temperature: float | None = None,
) -> Voice:
    """Give a new voice for one talk.

    Args:
        name: one of NAMES.
        case: the talk's scenario.
        model: a folder or hub name (transformers), the server's model (endpoint); None for what
            the environment names.
        temperature: see ModelVoice.

    Raises:
        DataError: the engine cannot be had; says what to do.
    """
    if name == "scripted":
        return ScriptedVoice()
    try:
        return ModelVoice(engine(name, model), session_name(case), temperature=temperature)
    except EngineError as error:
        raise DataError(f"{error}。也可以不写 --engine，先用脚本客户") from error


def away(name: str, model: str | None = None) -> str | None:
    """Give the other machine an engine sends text to, None where it stays on this one."""
    if name != "endpoint":
        return None
    found = engine(name, model)
    return None if getattr(found, "local", False) else str(getattr(found, "base_url", ""))


def problem(name: str, model: str | None = None) -> str | None:
    """Say in a sentence why an engine cannot speak now, None where it can: a server is asked."""
    check = getattr(engine(name, model), "check", None)
    return check().problem if check else None


def session_name(case: scenario.Scenario) -> str:
    """Give a talk a name of its own, by which ``_names`` knows whom it is about."""
    name = f"{case.id}:{secrets.token_hex(8)}"
    with _guard:
        while len(_people) >= _MOST_TALKS:
            _people.pop(next(iter(_people)))
        _people[name] = (case.person.name, case.person.call)
    return name


def _names(session: str) -> Sequence[str]:
    """Give the names in a talk that no other machine may read; none where it has no scenario."""
    if session in _people or session.startswith(":"):
        return _people.get(session, ())
    person = scenario.get(session.split(":")[0]).person  # long ago: ours are known for ever
    return (person.name, person.call)


def close() -> None:
    """Let go of every engine: an endpoint's thread would keep the program from ending."""
    with _guard:
        for each in _opened.values():
            each.close()
        _opened.clear()


def engine(name: str, model: str | None) -> Engine:
    """Open an engine once a process: weights are large, and a breaker must remember.

    Raises:
        DataError: its settings are missing or wrong.
        EngineError: the model cannot be loaded.
    """
    with _guard:
        if (name, model) not in _opened:
            _opened[name, model] = _open(name, model)
        return _opened[name, model]


def _open(name: str, model: str | None) -> Engine:
    if name == "endpoint":
        from coach import endpoint

        named = {"KEFU_ENDPOINT_MODEL": model} if model else {}
        return endpoint.from_environment({**os.environ, **named}, names_of=_names)
    if name == "transformers":
        if not model:
            raise DataError("没有说用哪个模型，请加 --model 权重目录，或设置环境变量 KEFU_MODEL")
        from coach.transformers_engine import TransformersEngine

        return TransformersEngine(model)
    raise DataError(f"引擎写成了“{name}”，只能是 {'、'.join(NAMES)} 之一")
