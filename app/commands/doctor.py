"""`kefu doctor`: what is installed and ready, what is missing, and how to get it."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

from app import home, out
from app.commands.model import advice, resolve
from knowledge.datafile import DataError

PACKAGES = (
    "transformers", "torch", "sentence-transformers", "gradio", "faiss-cpu", "jieba", "pytest",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One thing looked at; ``needed``: without it the program is not usable.

    ``seconds``: what a timed turn took from the trainee's reply to the first character shown.
    """

    group: str
    name: str
    ok: bool
    detail: str
    remedy: str | None = None
    needed: bool = True
    seconds: float | None = None


def _packages() -> Iterator[Finding]:
    for name in PACKAGES:
        try:
            yield Finding("软件包", name, True, metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Finding("软件包", name, False, "没有安装", "运行 make setup")


def _standard() -> str:
    from knowledge import standard

    return f"{len(standard.load().requirements)} 条要求，{len(standard.notes())} 条编者注"


def _scenarios() -> str:
    from coach import scenario

    return f"{len(scenario.load_all())} 个情景"


def _lines() -> str:
    from coach import bank

    return f"{sum(1 for _ in bank.load())} 条台词"


def _rubric() -> str:
    from grading import rubric

    return f"评分规则 {rubric.load().version}"


def _encoder() -> str:
    from knowledge.encoder import embedded

    model = embedded()
    return f"自带模型 {model.name.removeprefix('embedded-')}，{model.dim} 维"


def _home() -> str:
    return str(home.folder())


def _database() -> str:
    from app.records import store

    url = home.database_url()
    with store.opened(url) as records:
        talks = records.total()
    where = url.removeprefix("sqlite:///") if url.startswith("sqlite") else url.split("@")[-1]
    return f"{where}，{talks} 次练习"


def _look(
    group: str, name: str, work: Callable[[], str], remedy: str, *, needed: bool = True
) -> Finding:
    try:
        return Finding(group, name, True, work(), needed=needed)
    except DataError as error:
        return Finding(group, name, False, str(error), remedy, needed)


def _local_model() -> Finding:
    """Look at the weights KEFU_MODEL names; loading them is left to the timed turn."""
    name = os.environ.get("KEFU_MODEL", "").strip()
    if not name:
        from coach import suggestion

        machine = suggestion.this_machine()
        fit = suggestion.suggest(machine)
        remedy = f"kefu model fetch {fit.name} && export KEFU_MODEL={fit.name}" if fit else None
        detail = f"没有指定本机模型；{advice(machine)}"
        return Finding("引擎", "transformers", False, detail, remedy, needed=False)
    from coach.engine import EngineError
    from coach.model_folder import find_folder, weight_bytes

    try:
        folder = find_folder(str(resolve(name)))
        size = weight_bytes(folder, 2)
    except EngineError as error:
        remedy = f"kefu model fetch {name}"
        return Finding("引擎", "transformers", False, str(error), remedy, needed=False)
    told = f"本机模型 {folder}，权重 {size / 2**30:.1f} GiB"
    return Finding("引擎", "transformers", True, told, needed=False)


def _endpoint() -> Finding:
    """Ask the server the environment names, if it names one."""
    from coach import endpoint

    try:
        engine = endpoint.from_environment()
    except DataError as error:
        remedy = (
            "export KEFU_ENDPOINT_URL=http://127.0.0.1:8000/v1 KEFU_ENDPOINT_MODEL=服务上的模型名"
        )
        return Finding("引擎", "endpoint", False, str(error), remedy, needed=False)
    try:
        seen = engine.check()
    finally:
        engine.close()
    where = "本机" if engine.local else "别的机器（姓名、号码会先遮住）"
    told = f"{engine.base_url}，{where}，{seen.seconds:.1f} 秒应答"
    if seen.problem:
        return Finding("引擎", "endpoint", False, seen.problem, "按提示处理", needed=False)
    return Finding("引擎", "endpoint", True, told, needed=False)


def _turn(engine: str, limit_seconds: float) -> Finding:
    """Time one turn of an engine as the page plays it, in a process that can be cut off."""
    command = [sys.executable, "-m", "app.turn_clock", "--engine", engine]
    if engine == "transformers":
        command += ["--model", str(resolve(os.environ["KEFU_MODEL"].strip()))]
    with tempfile.TemporaryDirectory() as home_folder:
        env = os.environ | {"KEFU_HOME": home_folder, "PYTHONIOENCODING": "utf-8"}
        try:
            done = subprocess.run(
                command, env=env, capture_output=True, text=True, encoding="utf-8", check=False,
                timeout=limit_seconds,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            detail = f"等了 {limit_seconds:g} 秒还没有说完一轮"
            remedy = "换小一些的模型，或用 --turn-seconds 多等一会儿"
            return Finding("一轮", engine, False, detail, remedy, needed=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["没有说明原因"])[-1]
        remedy = f"运行 kefu play rural-water-bill --engine {engine} 看它怎么说"
        return Finding("一轮", engine, False, said, remedy, needed=False)
    return _told(engine, json.loads(done.stdout))


def _told(engine: str, told: dict[str, Any]) -> Finding:
    """Put a timed turn in words; one that the script said in the model's stead is not well."""
    turn = told["turns"][0]
    detail = (
        f"发出回复 {turn['stored_seconds']:.1f} 秒后整轮说完、审过、存好，"
        f"{turn['shown_seconds']:.1f} 秒看到第一个字"
    )
    if told["model"]:
        detail = f"{told['model']}，准备 {told['ready_seconds']:.1f} 秒；{detail}"
    own, seconds = turn["engine"] == engine, turn["shown_seconds"]
    if not own:
        detail += f"；但模型的 {turn['slips']} 次都不合格，这一轮由脚本顶替"
    remedy = None if own else "换一个大一些的模型：kefu model suggest"
    return Finding("一轮", engine, own, detail, remedy, needed=False, seconds=seconds)


def turns(engines: Sequence[Finding], limit_seconds: float) -> Iterator[Finding]:
    """Time a turn on every engine that was found ready."""
    for one in engines:
        if one.group == "引擎" and one.ok:
            yield _turn(one.name, limit_seconds)


def findings() -> list[Finding]:
    """Look at everything; never imports torch or gradio."""
    mend = "按提示改这个文件，或重新安装本程序"
    return [
        *_packages(),
        _look("数据", "标准", _standard, mend),
        _look("数据", "情景", _scenarios, mend),
        _look("数据", "台词", _lines, mend),
        _look("数据", "评分", _rubric, mend),
        _look("数据", "句向量", _encoder, "检索先只按字面进行；请重新安装", needed=False),
        _look("存储", "目录", _home, "设置环境变量 KEFU_HOME 为一个可写的目录"),
        _look("存储", "数据库", _database, "按提示处理，或设置 KEFU_DATABASE_URL"),
        Finding("引擎", "scripted", True, "脚本客户，可用"),
        _local_model(),
        _endpoint(),
    ]


def run(args: argparse.Namespace) -> int:
    """Show the findings; 0 when the program is usable, else 1.

    Raises:
        DataError: the limit is not above 0.
    """
    if args.turn_seconds <= 0:
        raise DataError(f"--turn-seconds 写成了 {args.turn_seconds}，应大于 0")
    found, show = [], (lambda one: None) if args.json else _show
    for one in findings():
        found.append(one)
        show(one)
    usable = all(one.ok for one in found if one.needed)
    if usable and not args.no_turn:
        out.note("正在给每个可用的引擎试说一轮（不想等就加 --no-turn）…")
        for one in turns(found, args.turn_seconds):
            found.append(one)
            show(one)
    if args.json:
        rows = [asdict(one) for one in found]
        out.as_json({"version": home.version(), "usable": usable, "findings": rows})
    else:
        out.text("可以使用" if usable else "还不能使用，请先处理标 ✗ 的项目")
    return out.OK if usable else out.FAILED


def _show(one: Finding) -> None:
    mark = "✓" if one.ok else ("✗" if one.needed else "–")
    remedy = f" → {one.remedy}" if one.remedy else ""
    out.text(f"{mark} {one.group} {one.name}：{one.detail}{remedy}")
    sys.stdout.flush()
