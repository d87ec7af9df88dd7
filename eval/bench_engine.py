"""How fast the local engine is, on models of true shape with random weights.

Times the first token with and without prefix reuse, decoding beside plain ``generate``, and how
many greedy tokens agree. Knows clocks; random weights say nothing of what a model would answer.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from coach import scenario
from coach.engine import Message, Sampling
from coach.session import Session
from eval import figure
from eval.figure import Figure
from eval.random_model import LARGER, TEMPLATE, TINY, TRUE, Shape, project_texts, write_model

__all__ = ["TEMPLATE", "TINY", "TRUE", "Shape", "chats", "main", "measured", "write_model"]
SCENARIO = "broadband-third-call"
_TURNS = 12


def chats(turns: int, system_chars: int) -> list[list[Message]]:
    """Give the message list of each turn of a talk: clean history, and a note in the last one.

    The lines are those a scripted talk gives; past its end they come round again.
    """
    case = scenario.get(SCENARIO)
    talk = Session(case, 1)
    for reply in case.paths.right:
        if not talk.state.ended:
            talk.say(reply)
    said = [(str(turn.reply), turn.customer or "嗯。") for turn in talk.turns[1:]]
    system = "".join(project_texts())[-system_chars:]
    note = "\n（导演提示：你现在很生气，不太信任对方，耐心还有一半。这一轮你追问什么时候能修好，" \
           "可以说出的事实：昨天已经打过两次电话。只说一两句话，不要结束通话。）"  # fmt: skip
    history, found = [Message("assistant", talk.turns[0].customer)], []
    for at in range(turns):
        reply, answer = said[at % len(said)]
        found.append([Message("system", system), *history, Message("user", reply + note)])
        history += [Message("user", reply), Message("assistant", answer)]
    return found


def _first(engine: Any, messages: Sequence[Message], session: str) -> float:  # noqa: ANN401
    """Seconds to the first token."""
    started = time.perf_counter()
    drawn: Iterator[int] = engine.tokens(
        messages, Sampling(max_tokens=1, temperature=0), session=session, cancel=threading.Event()
    )
    for _ in drawn:
        pass
    return time.perf_counter() - started


def _waits(engine: Any, talk: list[list[Message]], rounds: int, bars: bool) -> Iterator[Figure]:  # noqa: ANN401
    second, last, bare = [], [], []
    for again in range(rounds):
        # A turn needs but the one before it: between the second and the last two none is run.
        shown = (talk[0], talk[1], talk[-2], talk[-1])
        waits = [_first(engine, messages, f"talk {again}") for messages in shown]
        second.append(waits[1])
        last.append(waits[-1])
        engine.forget(f"talk {again}")
        bare.append(_first(engine, talk[-1], f"bare {again}"))
        engine.forget(f"bare {again}")
    turn2, turn12, whole = (statistics.median(times) for times in (second, last, bare))
    sizes = [len(engine.prompt_ids(messages)) for messages in (talk[1], talk[-1])]
    yield Figure(f"首词元，第 2 轮，续用前文（{sizes[0]} 词元）", turn2, "s")
    yield Figure(f"首词元，第 {len(talk)} 轮，续用前文（{sizes[1]} 词元）", turn12, "s")
    yield Figure(f"首词元，第 {len(talk)} 轮，不续用", whole, "s")
    most, least = (1.5, 3) if bars else (None, None)
    yield Figure(f"第 {len(talk)} 轮 / 第 2 轮", turn12 / turn2, "倍", at_most=most)
    yield Figure("不续用 / 续用", whole / turn12, "倍", 1, at_least=least)


class _Clock:
    """Notes when each token comes; takes the place of a streamer in ``generate``."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, _value: object) -> None:
        self.times.append(time.perf_counter())

    def end(self) -> None:
        """Nothing is left to show."""

    def rate(self, first: int) -> float:
        """Tokens a second after the noted one ``first``."""
        noted = self.times[first:]
        return (len(noted) - 1) / (noted[-1] - noted[0])


def _ours(engine: Any, messages: Sequence[Message], count: int, session: str  # noqa: ANN401
          ) -> tuple[list[int], float]:  # fmt: skip
    """Greedy tokens by the engine, and tokens a second after the first."""
    clock, found = _Clock(), []
    for token in engine.tokens(
        messages, Sampling(max_tokens=count, temperature=0), session=session,
        cancel=threading.Event(),
    ):  # fmt: skip
        clock.put(token)
        found.append(token)
    return found, clock.rate(0)


def _plain(engine: Any, messages: Sequence[Message], count: int) -> tuple[list[int], float]:  # noqa: ANN401
    """Greedy tokens by ``generate``, and tokens a second after the first."""
    ids = engine.prompt_ids(messages)
    rows = engine.tokenizer.pad({"input_ids": [ids]}, return_tensors="pt")
    rows = {key: value.to(engine.network.device) for key, value in rows.items()}
    clock = _Clock()
    out = engine.network.generate(**rows, max_new_tokens=count, do_sample=False, temperature=None,
                                  top_p=None, top_k=None, streamer=clock)  # fmt: skip
    # The first thing a streamer is given is the prompt.
    return out[0].tolist()[len(ids) :], clock.rate(1)


def _decoding(
    engine: Any, talk: list[list[Message]], rounds: int, *, count: int, bars: bool  # noqa: ANN401
) -> Iterator[Figure]:  # fmt: skip
    """Decode the same turn both ways, in turns, so that a busy machine slows both alike."""
    ours, plain, same, all_tokens = [], [], 0, 0
    for at in range(rounds):
        messages = talk[2 + at % (len(talk) - 2)]
        _first(engine, talk[1 + at % (len(talk) - 2)], "decode")
        mine, rate = _ours(engine, messages, count, "decode")
        ours.append(rate)
        theirs, rate = _plain(engine, messages, count)
        plain.append(rate)
        same += sum(a == b for a, b in zip(mine, theirs, strict=False))
        all_tokens += max(len(mine), len(theirs))
    speed, beside = statistics.median(ours), statistics.median(plain)
    yield Figure("生成，本引擎", speed, "词元/s")
    yield Figure("生成，generate", beside, "词元/s")
    yield Figure("本引擎 / generate", speed / beside, "倍", at_least=0.9 if bars else None)
    yield Figure(
        f"贪心结果相同的词元（{all_tokens} 个，续用前文对 generate）",
        100 * same / all_tokens,
        "%",
        1,
    )


def _engine(
    folder: Path, dtype: str, device: str, *, quick: bool, shape: str
) -> Iterator[Figure]:  # fmt: skip
    """Load a model in one number type and measure it; the tiny shape has no bars."""
    from coach.transformers_engine import TransformersEngine

    talk = chats(_TURNS, 600 if quick else 1500)
    started = time.perf_counter()
    engine = TransformersEngine(str(folder), dtype=dtype, device=device)
    where = f"{shape}，{dtype}，{engine.network.device.type}"
    yield Figure(f"{where}：装入", time.perf_counter() - started, "s", 1)
    _first(engine, talk[0], "warm up")
    engine.forget("warm up")
    rounds = 3 if quick or device != "cpu" else 2
    began, worked = time.perf_counter(), time.process_time()
    yield from _waits(engine, talk, rounds, not quick)
    yield from _decoding(engine, talk, rounds, count=24 if quick else 32, bars=not quick)
    # On a machine with other work the waits above are worth less: this says whether it was so.
    got = (time.process_time() - worked) / (time.perf_counter() - began)
    yield Figure("测量时实际分到的核（别的程序占了就少，上面的秒数就偏大）", got, "核")


def _finds_gpu(folder: Path) -> bool:
    from coach.transformers_engine import TransformersEngine

    return bool(TransformersEngine(str(folder)).network.device.type != "cpu")


def measured(quick: bool) -> Iterator[Figure]:
    """Measure the Qwen3-0.6B shape (quick: a tiny one) on the CPU, larger ones where a GPU is."""
    with tempfile.TemporaryDirectory() as place:
        tiny, folder = Path(place) / "tiny", Path(place) / "model"
        write_model(tiny, TINY)
        if not quick:
            write_model(folder, TRUE)
        shape = "很小的模型（只看能不能跑）" if quick else "Qwen3-0.6B 的形状"
        for dtype in ("float32", "bfloat16"):
            yield from _engine(tiny if quick else folder, dtype, "cpu", quick=quick, shape=shape)
        if quick or not _finds_gpu(tiny):
            return
        yield from _engine(folder, "bfloat16", "cuda", quick=False, shape=shape)
        for name, larger in LARGER.items():
            write_model(Path(place) / name, larger, in_parts=True)
            yield from _engine(
                Path(place) / name, "bfloat16", "cuda", quick=False, shape=f"{name} 的形状"
            )


def main(argv: Sequence[str] | None = None) -> int:
    """Print this part of ``python -m eval.bench`` alone, a row as soon as it is known."""
    ask = argparse.ArgumentParser(description="本地模型引擎的速度")
    ask.add_argument("--quick", action="store_true", help="用很小的模型，几秒完成")
    for found in measured(ask.parse_args(argv).quick):
        sys.stdout.write(figure.row(found) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
