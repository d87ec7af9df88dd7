"""Says on stderr who speaks for the other side, and that they are about to, while a model thinks.

Knows a terminal and a clock; stdout is never touched. The script answers at once and gets no words.
"""

from __future__ import annotations

import sys
import threading
import time

from app import out
from coach import voices
from coach.model_voice import ModelVoice, speaking
from coach.session import PlayTurn, Session

_FIRST_SECONDS, _STEP_SECONDS, _LINE_SECONDS = 0.4, 1.0, 10.0
_CLEAR = "\r\x1b[K"


def loading(engine: str, model: str | None) -> None:
    """Say before weights are loaded that this takes a while."""
    if engine == "transformers" and model:
        out.note(f"正在装入语言模型 {model} …")


def announce(session: Session, model: str | None) -> None:
    """Say which model speaks, and where the text goes; ``model`` as the voice was asked for."""
    voice = speaking(session.voice)
    if voice is None:
        return
    away = voices.away(voice.engine, model)
    where = f"{away}，姓名和号码遮住再发" if away else "这台机器"
    out.note(f"对方的话由语言模型 {voice.model} 说（{voice.engine}，{where}），不合格时由脚本顶替")


def say(session: Session, reply: str) -> PlayTurn:
    """Take one reply as ``Session.say`` does; a model's thinking is shown on stderr meanwhile."""
    voice = speaking(session.voice)
    if voice is None:
        return session.say(reply)
    over = threading.Event()
    teller = threading.Thread(target=_tell, args=(voice, over), daemon=True)
    teller.start()
    try:
        return session.say(reply)
    finally:
        over.set()
        teller.join()


def _tell(voice: ModelVoice, over: threading.Event) -> None:
    """At a terminal one line that counts; elsewhere a line now and then."""
    live, began, last = sys.stderr.isatty(), time.monotonic(), -_LINE_SECONDS
    wait = _FIRST_SECONDS
    while not over.wait(wait):
        wait, spent = _STEP_SECONDS, time.monotonic() - began
        place = voice.place()
        ahead = f"，前面还有 {place} 位" if place else ""
        said = f"等待对方开口…（{spent:.0f} 秒{ahead}）"
        if live:
            sys.stderr.write(_CLEAR + said)
            sys.stderr.flush()
        elif spent - last >= _LINE_SECONDS:
            last = spent
            out.note(said)
    if live:
        sys.stderr.write(_CLEAR)
        sys.stderr.flush()
