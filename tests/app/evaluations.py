"""Small reports and stand-ins for the process that measures, for the tests of the evaluators' pages."""

import os
import time

from app.pages import evaluation_shelf as shelf
from app.pages.evaluation_desk import Step
from app.pages.evaluation_shelf import Record
from eval import bars
from eval.bars import Bar
from eval.metrics import Measured
from eval.report import About, Report
from eval.suites import Suite

SECRET = "abcd-efgh-jkmn-pqrs"
BARS = [
    Bar(id="a", suite="levels", figure="empathy.qwk", least=0.8, note="和标注一样准"),
    Bar(id="b", suite="levels", figure="review.sent", most=0.2),
    Bar(id="c", suite="levels", figure="politeness.qwk", least=0.8),
]


def report(qwk=0.75, cases="c1", split="dev", labels="constructed"):
    """One suite; of its three bars the second is reached, the third has no figure."""
    figures = {
        "empathy.passes.qwk": Measured(value=0.9, low=0.8, high=0.95, n=140),
        "empathy.qwk": Measured(value=qwk, low=qwk - 0.1, high=qwk + 0.1, n=145),
        "empathy.low.exact": Measured(value=0.5, n=40),
        "review.sent": Measured(value=0.125, low=0.1, high=0.15, n=153),
    }
    suite = Suite(
        name="levels", title="回复档位", n=153, unit="条回复", figures=figures,
        tables={"empathy": [[0] * 6] * 6}, notes=["<i>注</i>"],
    )  # fmt: skip
    about = About(
        date="2026-11-24", split=split, seed=7, resamples=1000, labels=labels,
        label_note="用例和标签都是自拟的", seconds=12.5, machine={"cores": "2"},
        versions={"rubric": "r1", "replies.dev.jsonl": cases},
    )  # fmt: skip
    return Report(about=about, suites=[suite], bars=bars.held(BARS, [suite]))


def kept(where, made=None, **more):
    """Put a finished run on a shelf; gives its record."""
    name, part = where.begin()
    fields = {
        "id": name, "by": "王老师", "started": "2026-11-24 09:30:00", "suites": ("levels",),
        "split": "dev", "seed": 7,
    }  # fmt: skip
    shelf.put(Record(**(fields | more)), part)
    shelf.finish(part, made or report(), "<p>报告</p>")
    return shelf.record_in(where.at((fields | more)["id"]))


# Stand-ins, run in a process of their own ------------------------------------------------------


def waits(part, wish, line):
    line.send(Step(1, 2, "levels", 3, 10))
    time.sleep(60)


def dies(part, wish, line):
    os._exit(3)


def refuses(part, wish, line):
    line.send("第 3 行 E 列：同理心写成了“好”，应是数字")


def ends(part, wish, line):
    shelf.finish(part, report(), "<p>报告</p>")
    line.send("")
