"""How fast the parts without a model are: grading, the command, the search, 50 talks at once.

Measures what users run; knows nothing of tables or of language models.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from coach import scenario
from coach.session import Session
from eval import retrieval
from eval.figure import Figure, milliseconds, percentile
from eval.grading import load_cases
from grading.grade import grade
from grading.result import MAX_REPLY_CHARS, GradeRow
from knowledge.datafile import DataError
from knowledge.encoder import embedded
from knowledge.retrieval import Retriever
from knowledge.text import plain, words

_TALKS = 50
_ROUNDS = 3


def graded(quick: bool) -> Iterator[Figure]:
    """Time single replies of the development cases."""
    rows = [
        GradeRow.model_validate(
            {"channel": c["channel"], "history": c["history"], "reply": c["reply"]}
        )
        for c in load_cases("signals", "dev")[: 20 if quick else None]
    ]
    for row in rows[:20]:
        grade(row)
    words("预热")
    times, cuts = [], []
    for _ in range(_ROUNDS):
        for row in rows:
            times.append(milliseconds(partial(grade, row)))
            norm = plain(row.reply)
            cuts.append(milliseconds(partial(words, norm)))
    median = statistics.median(times)
    yield Figure(f"评一条回复，中位（{len(rows)} 条，{_ROUNDS} 轮）", median, "ms")
    yield Figure("评一条回复，95 %", percentile(times, 0.95), "ms")
    yield Figure("是结巴分词用时的", median / statistics.median(cuts), "倍", 1)


def grown(quick: bool) -> Iterator[Figure]:
    """Time longer and longer replies, and the refusal of one past the limit."""
    base = "您说的这笔扣费我查到了，是上个月的会员自动续费，今天下午六点前给您退回。"
    for chars in (250, MAX_REPLY_CHARS) if quick else (250, 500, 1000, MAX_REPLY_CHARS):
        text = (base * (chars // len(base) + 1))[:chars]
        row = GradeRow(channel="inbound", reply=text)
        best = min(milliseconds(partial(grade, row)) for _ in range(3))
        yield Figure(f"评 {chars} 字，每百字", 100 * best / chars, "ms")

    def refuse() -> None:
        try:
            grade(GradeRow(channel="inbound", reply="好" * 100_000))
        except DataError:
            return
        raise AssertionError("100,000 characters were not refused")

    yield Figure("拒绝 100,000 字", milliseconds(refuse), "ms")


def started(quick: bool) -> Iterator[Figure]:
    """Time the command as a process."""
    row = {"id": "1", "channel": "chat", "history": [], "reply": "您好，我是小陈，我来帮您查。"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "row.jsonl"
        path.write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
        command = [sys.executable, "-m", "app.cli", "grade", "--file", str(path), "--json"]
        env = os.environ | {"KEFU_HOME": folder}
        times = [
            milliseconds(lambda: subprocess.run(command, check=True, capture_output=True, env=env))
            for _ in range(1 if quick else 3)
        ]
    yield Figure("kefu grade 一行，整个进程", min(times) / 1000, "s")


def searched(quick: bool) -> Iterator[Figure]:
    """Time a search without and with the encoder, and count what each finds (the ablation)."""
    cases = retrieval.load_cases(split="test")[: 40 if quick else None]
    retriever, found = Retriever(), retrieval.measure(cases)
    for name, one in (
        ("检索一句，不用句向量模型", Retriever(encoders=())),
        ("检索一句", retriever),
    ):
        times = [milliseconds(partial(one.search, case.query, case.level)) for case in cases]
        yield Figure(f"{name}，中位", statistics.median(times), "ms")
        yield Figure(f"{name}，95 %", percentile(times, 0.95), "ms")
    texts = [case.query for case in cases]
    least = min(milliseconds(partial(embedded().encode, texts)) for _ in range(_ROUNDS))
    yield Figure("句向量模型，每秒句数（一个核）", 1000 * len(texts) / least, "句", 0)
    yield Figure(f"前三，检索（产品）（{len(cases)} 句）", 100 * found.top3, "%", 1, at_least=90)
    yield Figure("第一，检索（产品）", 100 * found.top1, "%", 1, at_least=70)
    for name, report in retrieval.baselines(cases, retrieval.downloaded()).items():
        yield Figure(f"前三，{name}", 100 * report.top3, "%", 1)
        yield Figure(f"第一，{name}", 100 * report.top1, "%", 1)


def talked(quick: bool) -> Iterator[Figure]:
    """Hold many talks at once: how long a turn takes, and whether one hears another's lines."""
    cases, count = list(scenario.load_all().values()), 5 if quick else _TALKS
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
            spent = milliseconds(partial(session.say, reply))
            with guard:
                times.append(spent)
        with guard:
            talks.append(session)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    mixed = sum(not _replays(talk) for talk in talks) + count - len(talks)
    yield Figure(f"{count} 个对话同时进行，一轮 95 %", percentile(times, 0.95), "ms", 0)
    yield Figure("其中串话或没有谈完的", mixed, "个", 0, at_most=0)


def _replays(talk: Session) -> bool:
    """Say whether a talk held among others says the same lines when held alone."""
    alone = Session(talk.scenario, talk.seed)
    for turn in talk.turns[1:]:
        alone.say(str(turn.reply))
    return [t.customer for t in alone.turns] == [t.customer for t in talk.turns]
