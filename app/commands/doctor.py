"""`kefu doctor`: what is installed and ready, what is missing, and how to get it."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata

from app import home, out
from app.commands.model import resolve
from knowledge.datafile import DataError

PACKAGES = (
    "transformers", "torch", "sentence-transformers", "gradio", "faiss-cpu", "jieba", "pytest",
)  # fmt: skip
_HUB_MODELS = {False: "Qwen/Qwen3-0.6B 或 Qwen/Qwen3-1.7B", True: "Qwen/Qwen3-4B-Instruct-2507"}


@dataclass(frozen=True)
class Finding:
    """One thing looked at; ``needed``: without it the program is not usable."""

    group: str
    name: str
    ok: bool
    detail: str
    remedy: str | None = None
    needed: bool = True


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
    """Look at the weights KEFU_MODEL names; loading them is left to ``kefu play``."""
    name = os.environ.get("KEFU_MODEL", "").strip()
    if not name:
        fit = _HUB_MODELS[shutil.which("nvidia-smi") is not None]
        return Finding(
            "引擎", "transformers", False, f"没有指定本机模型；这台机器适合 {fit}",
            "运行 kefu model fetch 模型名，再把 KEFU_MODEL 设为它", needed=False,
        )  # fmt: skip
    from coach.engine import EngineError
    from coach.prefix_cache import find_folder

    try:
        folder = find_folder(str(resolve(name)))
    except EngineError as error:
        return Finding("引擎", "transformers", False, str(error), "按提示处理", needed=False)
    return Finding("引擎", "transformers", True, f"本机模型 {folder}", needed=False)


def _endpoint() -> Finding:
    """Ask the server the environment names, if it names one."""
    from coach import endpoint

    try:
        engine = endpoint.from_environment()
    except DataError as error:
        return Finding("引擎", "endpoint", False, str(error), "先用脚本客户", needed=False)
    try:
        seen = engine.check()
    finally:
        engine.close()
    where = "本机" if engine.local else "别的机器（姓名、号码会先遮住）"
    told = f"{engine.base_url}，{where}，{seen.seconds:.1f} 秒应答"
    if seen.problem:
        return Finding("引擎", "endpoint", False, seen.problem, "按提示处理", needed=False)
    return Finding("引擎", "endpoint", True, told, needed=False)


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
    """Show the findings; 0 when the program is usable, else 1."""
    found = findings()
    usable = all(one.ok for one in found if one.needed)
    if args.json:
        out.as_json({"version": home.version(), "usable": usable} | {
            "findings": [asdict(one) for one in found]
        })  # fmt: skip
        return out.OK if usable else out.FAILED
    for one in found:
        mark = "✓" if one.ok else ("✗" if one.needed else "–")
        remedy = f" → {one.remedy}" if one.remedy else ""
        out.text(f"{mark} {one.group} {one.name}：{one.detail}{remedy}")
    out.text("可以使用" if usable else "还不能使用，请先处理标 ✗ 的项目")
    return out.OK if usable else out.FAILED
