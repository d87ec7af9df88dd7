"""How fast it is: `python -m eval.bench` prints one table. A measurement, not a test.

Grading, search and talks without a model; the local engine at true shape; the endpoint engine; and
what the trainee waits. Exit code 1 when a bar is not met. Knows the parts and their table only.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import date
from importlib import metadata

from eval import bench_batch, bench_endpoint, bench_engine, bench_rules, bench_wait, figure
from eval.figure import Figure

PARTS: dict[str, tuple[str, Callable[[bool], Iterator[Figure]]]] = {
    "grading": ("评分", bench_rules.graded),
    "batch": ("十万条", bench_batch.measured),
    "growth": ("评分随字数", bench_rules.grown),
    "process": ("命令行", bench_rules.started),
    "search": ("检索", bench_rules.searched),
    "talks": ("同时对话", bench_rules.talked),
    "endpoint": ("接口引擎自身的开销", bench_endpoint.measured),
    "engine": ("本机模型引擎，随机权重", bench_engine.measured),
    "wait": ("学员等多久：整轮生成、审查、入库，再按打字速度显出第一个字", bench_wait.measured),
}
_PACKAGES = ("torch", "transformers", "openai", "gradio")
_CORES = "2"


def machine() -> dict[str, str]:
    """Say what was measured on: the day, the processor, threads and versions."""
    return {
        "date": str(date.today()),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "threads_asked": os.environ.get("OMP_NUM_THREADS", _CORES),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in ("kefu-coach", *_PACKAGES)},
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def run(parts: Sequence[str], quick: bool, show: Callable[[str], None]) -> list[dict[str, object]]:
    """Measure the named parts and show each row as it is found; give the figures as plain data."""
    found: list[dict[str, object]] = []
    for part in parts:
        title, measure = PARTS[part]
        show(f"\n{title}")
        for one in measure(quick):
            show(figure.row(one))
            found.append({"part": part, **asdict(one), "ok": one.ok})
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print the table; 1 when a bar is not met."""
    ask = argparse.ArgumentParser(prog="python -m eval.bench", description="速度测量")
    ask.add_argument("--part", action="append", choices=tuple(PARTS), help="只测这一部分，可写几次")
    ask.add_argument("--quick", action="store_true", help="用很小的模型和少量用例，只看能不能跑")
    ask.add_argument("--json", action="store_true", help="在标准输出上只写一个 JSON")
    args = ask.parse_args(argv)
    # The bars are for two cores; torch reads this when it is first imported.
    os.environ.setdefault("OMP_NUM_THREADS", _CORES)
    stream = sys.stderr if args.json else sys.stdout

    def show(line: str) -> None:
        stream.write(line + "\n")
        stream.flush()

    about = machine()
    show("客服陪练 速度测量  " + "，".join(f"{name} {value}" for name, value in about.items()))
    figures = run(args.part or tuple(PARTS), args.quick, show)
    missed = [one for one in figures if one["ok"] is False]
    if args.json:
        whole = {"machine": about, "quick": args.quick, "figures": figures}
        sys.stdout.write(json.dumps(whole, ensure_ascii=False) + "\n")
    barred = sum(one["ok"] is not None for one in figures)
    show(f"\n{barred} 项有标准，{barred - len(missed)} 项达到")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
