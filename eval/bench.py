"""How fast it is: `python -m eval.bench` prints a table. A measurement, not a test.

Times single replies, growth with length, the command as a process, the search without and with
its encoder (beside what each finds), and 50 talks at once.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

from coach import scenario
from coach.session import Session
from eval import retrieval
from eval.grading import load_cases
from grading.grade import grade
from grading.result import MAX_REPLY_CHARS, GradeRow
from knowledge.datafile import DataError
from knowledge.encoder import embedded
from knowledge.retrieval import Retriever
from knowledge.text import plain, words

_TALKS = 50
_ROUNDS = 3


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def percentile(values: list[float], share: float) -> float:
    """Give the value below which a share (0-1) of the values lie."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def _grading() -> list[tuple[str, str]]:
    rows = [
        GradeRow.model_validate(
            {"channel": c["channel"], "history": c["history"], "reply": c["reply"]}
        )
        for c in load_cases("signals", "dev")
    ]
    for row in rows[:20]:
        grade(row)
    words("预热")
    times, cuts = [], []
    for _ in range(_ROUNDS):
        for row in rows:
            times.append(_milliseconds(partial(grade, row)))
            norm = plain(row.reply)
            cuts.append(_milliseconds(partial(words, norm)))
    median = statistics.median(times)
    return [
        (f"评一条回复，中位（{len(rows)} 条，{_ROUNDS} 轮）", f"{median:.2f} ms"),
        ("评一条回复，95 %", f"{percentile(times, 0.95):.2f} ms"),
        ("是结巴分词用时的", f"{median / statistics.median(cuts):.1f} 倍"),
    ]


def _growth() -> list[tuple[str, str]]:
    base = "您说的这笔扣费我查到了，是上个月的会员自动续费，今天下午六点前给您退回。"
    found = []
    for chars in (250, 500, 1000, MAX_REPLY_CHARS):
        text = (base * (chars // len(base) + 1))[:chars]
        row = GradeRow(channel="inbound", reply=text)
        best = min(_milliseconds(partial(grade, row)) for _ in range(3))
        found.append((f"评 {chars} 字", f"{best:.1f} ms，每百字 {100 * best / chars:.2f} ms"))

    def refuse() -> None:
        try:
            grade(GradeRow(channel="inbound", reply="好" * 100_000))
        except DataError:
            return
        raise AssertionError("100,000 characters were not refused")

    return [*found, ("拒绝 100,000 字", f"{_milliseconds(refuse):.2f} ms")]


def _process() -> list[tuple[str, str]]:
    row = {"id": "1", "channel": "chat", "history": [], "reply": "您好，我是小陈，我来帮您查。"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "row.jsonl"
        path.write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
        command = [sys.executable, "-m", "app.cli", "grade", "--file", str(path), "--json"]
        env = os.environ | {"KEFU_HOME": folder}
        times = [
            _milliseconds(lambda: subprocess.run(command, check=True, capture_output=True, env=env))
            for _ in range(3)
        ]
    return [("kefu grade 一行，整个进程", f"{min(times) / 1000:.2f} s")]


def _search() -> list[tuple[str, str]]:
    """Time a search without and with the encoder, and count what each finds (the ablation)."""
    cases = retrieval.load_cases(split="test")
    retriever, found = Retriever(), retrieval.measure(cases)
    rows = []
    for name, one in (("不用句向量模型", Retriever(encoders=())), ("检索一句", retriever)):
        times = [_milliseconds(partial(one.search, case.query, case.level)) for case in cases]
        spent = f"{statistics.median(times):.2f} / {percentile(times, 0.95):.2f} ms"
        rows.append((f"{name}，中位 / 95 %", spent))
    texts = [case.query for case in cases]
    least = min(_milliseconds(partial(embedded().encode, texts)) for _ in range(_ROUNDS))
    rows.append(("句向量模型，每秒句数（一个核）", f"{1000 * len(texts) / least:.0f}"))
    reports = {"检索（产品）": found, **retrieval.baselines(cases, retrieval.downloaded())}
    rows += [(f"前三 / 第一，{name}（{len(cases)} 句）", f"{r.top3:.1%} / {r.top1:.1%}")
             for name, r in reports.items()]  # fmt: skip
    return rows


def _talks() -> list[tuple[str, str]]:
    cases = list(scenario.load_all().values())
    for case in cases:  # as the server does before it says it is ready
        Session(case, 0).say("您好，请讲")
    times: list[float] = []
    talks: list[Session] = []
    guard = threading.Lock()

    def one(number: int) -> None:
        case = cases[number % len(cases)]
        session = Session(case, number)
        for reply in case.paths.right:
            if session.state.ended:
                break
            spent = _milliseconds(partial(session.say, reply))
            with guard:
                times.append(spent)
        with guard:
            talks.append(session)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(_TALKS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    mixed = sum(not _replays(talk) for talk in talks)
    return [
        (f"{_TALKS} 个对话同时进行，一轮 95 %", f"{percentile(times, 0.95):.0f} ms"),
        ("其中串话的", f"{mixed} 个"),
    ]


def _replays(talk: Session) -> bool:
    """Say whether a talk held among others says the same lines when held alone."""
    alone = Session(talk.scenario, talk.seed)
    for turn in talk.turns[1:]:
        alone.say(str(turn.reply))
    return [t.customer for t in alone.turns] == [t.customer for t in talk.turns]


def main() -> int:
    """Measure everything and print the table."""
    rows = [*_grading(), *_growth(), *_process(), *_search(), *_talks()]
    machine = f"{os.cpu_count()} 核，Python {platform.python_version()}"
    sys.stdout.write(f"客服陪练 速度测量  {date.today()}  {machine}\n\n")
    for name, value in rows:
        sys.stdout.write(f"{value:>28}  {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
