"""The command line's grammar, with Chinese help and Chinese errors.

Knows names and options; runs nothing.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from app import out

_ERRORS = (
    (r"the following arguments are required: (.+)", r"缺少参数：\1"),
    (r"unrecognized arguments: (.+)", r"不认识的参数：\1"),
    (
        r"argument (.+?): invalid choice: '?(.*?)'? \(choose from (.+)\)",
        r"\1 不能是“\2”，只能是 \3",
    ),
    (r"argument (.+?): invalid (\w+) value: '?(.*?)'?$", r"\1 写成了“\3”，应为整数"),
    (r"argument (.+?): expected one argument", r"\1 后面要跟一个值"),
    (r"argument (.+?): not allowed with argument (.+)", r"\1 不能和 \2 一起用"),
    (r"one of the arguments (.+) is required", r"要给出其中一个：\1"),
    (r"ambiguous option: (.+) could match (.+)", r"选项 \1 不明确，可能是 \2"),
)


class Parser(argparse.ArgumentParser):
    """An argument parser that speaks Chinese and exits with 2 on bad usage."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Build without the English help option, then add a Chinese one."""
        kwargs.setdefault("add_help", False)
        kwargs.setdefault("allow_abbrev", False)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._positionals.title = "参数"
        self._optionals.title = "选项"
        self.add_argument("-h", "--help", action="help", help="显示这段说明")

    def format_usage(self) -> str:
        """Give the usage line in Chinese."""
        return super().format_usage().replace("usage:", "用法：", 1)

    def format_help(self) -> str:
        """Give the help text in Chinese."""
        return super().format_help().replace("usage:", "用法：", 1)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one Chinese line and exit with 2."""
        for english, chinese in _ERRORS:
            if re.match(english, message):
                message = re.sub(english, chinese, message, count=1)
                break
        names = {"command": "命令", "query": "查询"}
        for name, shown in names.items():
            message = re.sub(rf"(?<![\w-]){name}(?![\w-])", shown, message)
        out.note(f"{self.prog}：{message}。用 {self.prog} --help 看用法")
        sys.exit(out.BAD_INPUT)


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="在标准输出上只写 JSON")


def build(version: str) -> Parser:
    """Build the whole grammar."""
    parser = Parser(prog="kefu", description="客服陪练：和难缠的客户练，按标准评，句句有出处。")
    parser.add_argument("--version", action="version", version=f"kefu {version}", help="显示版本")
    commands = parser.add_subparsers(
        dest="command", required=True, title="命令", metavar="命令", parser_class=Parser
    )
    serve = commands.add_parser("serve", help="启动网页练习")
    serve.add_argument(
        "--host", default="127.0.0.1", metavar="地址", help="监听地址，默认 127.0.0.1"
    )
    serve.add_argument("--port", type=int, default=7860, metavar="端口", help="端口，默认 7860")
    serve.add_argument(
        "--evaluation", action="store_true", help="开放评测页 /evaluation，口令启动时显示一次"
    )
    _engine(serve)
    _judge(serve)
    told = "检查安装、数据、数据库是否就绪，各引擎说一轮要多久"
    _doctor(commands.add_parser("doctor", help=told))
    search = commands.add_parser("search", help="用自己的话找标准里的要求")
    search.add_argument("query", nargs="?", metavar="查询", help="一句话，例如：客户一骂我就慌")
    search.add_argument("--level", metavar="级别", help="初级、中级、高级；不写则查全部")
    search.add_argument("-k", type=int, default=5, metavar="条数", help="要几条，默认 5")
    search.add_argument(
        "--encoder", metavar="模型", help="再加一个 sentence-transformers 模型：名称或目录"
    )
    search.add_argument("--file", metavar="文件", help="批量：每行一个 JSON，- 表示标准输入")
    _json(search)
    show = commands.add_parser("show", help="看一条要求、注释或情景的原文")
    show.add_argument("id", metavar="编号", help="例如 L1.5.S6、B2.2.5.7 或情景编号")
    _json(show)
    scenarios = commands.add_parser("scenarios", help="列出全部情景")
    scenarios.add_argument("--mine", action="store_true", help="列出自己起草、保存过的情景")
    _json(scenarios)
    _draft(commands.add_parser("draft", help="写一句愿望，起草一个新情景"))
    _play(commands.add_parser("play", help="在终端里练一个情景"))
    _model(commands.add_parser("model", help="选一个本机模型，下载它的权重"))
    _grade(commands.add_parser("grade", help="给座席的回复评分"))
    _rubric(commands.add_parser("rubric", help="检查改过的评分标准，看会改变什么"))
    _evaluate(commands.add_parser("eval", help="离线评测：检索、评分、模拟客户，出一份报告"))
    return parser


def _grade(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--file", required=True, metavar="文件",
        help="每行一个 JSON，或 .xlsx（表头：编号、渠道、对话、回复），- 表示标准输入",
    )  # fmt: skip
    command.add_argument(
        "--out", metavar="文件", help="把结果写到 .jsonl、.csv 或 .xlsx，不写到屏幕"
    )
    command.add_argument(
        "--resume", action="store_true", help="和 --out 一起用：从上次停下的地方接着做"
    )
    _spread(command, "用几个进程，默认全部核；行数少时只用一个")
    _judge(command)
    _json(command)


def _rubric(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "action", choices=("check",), metavar="check",
        help="检查写法，再用开发集的用例比一比改之前和改之后",
    )  # fmt: skip
    command.add_argument("file", metavar="文件", help="改过的 rubric.yaml，或放着它和各词表的目录")
    command.add_argument("--cases", metavar="目录", help="用另一个目录里的用例")
    _json(command)


def _spread(command: argparse.ArgumentParser, told: str) -> None:
    command.add_argument("--workers", type=int, metavar="个数", help=told)
    command.add_argument(
        "--ray", nargs="?", const="", metavar="地址",
        help="用 Ray Data 分到集群上做；不写地址就在本机起一个",
    )  # fmt: skip


def _evaluate(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--suite", action="append", metavar="评测",
        choices=(
            "levels", "sessions", "pairs", "signals", "violations", "gaming", "retrieval",
            "customer", "speed", "human",
        ),
        help="只做这一项，可写几次：levels 回复档位、sessions 整场对话、pairs 好坏对比、"
        "signals 信号、violations 违规、gaming 骗分、retrieval 检索、customer 模拟客户、"
        "speed 速度、human 本单位的人工评分；不写则做 human 以外的全部",
    )  # fmt: skip
    command.add_argument(
        "--split", choices=("dev", "test"), default="test", help="用哪一部分用例，默认 test"
    )
    command.add_argument("--out", metavar="目录", help="把报告写成 report.html 和 report.json")
    command.add_argument(
        "--baseline", metavar="目录", help="和这里上次的报告比；有达标线没达到时退出码为 1"
    )
    command.add_argument("--data", metavar="文件", help="human 的数据：.jsonl 或 .xlsx，每行一条")
    command.add_argument(
        "--scale", choices=("levels", "points"),
        help="人工分是 0–4 档（levels）还是 0–100 分（points）；不写则看数据里有没有大于 4 的",
    )  # fmt: skip
    _spread(command, "human 用几个进程评分，默认全部核；行数少时只用一个")
    command.add_argument(
        "--resume", action="store_true", help="human 和 --out 一起用：从上次停下的地方接着做"
    )
    command.add_argument("--cases", metavar="目录", help="用另一个目录里的用例")
    command.add_argument("--seed", type=int, default=7, metavar="种子", help="重抽样的种子，默认 7")
    _json(command)


def _play(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "scenario", metavar="情景", help="情景编号，见 kefu scenarios；或自拟的文件"
    )
    _engine(command)
    command.add_argument(
        "--temperature", type=float, metavar="温度", help="0 到 2；0 表示每次都说同样的话"
    )
    command.add_argument(
        "--seed", type=int, default=7, metavar="种子", help="同一种子同样的客户，默认 7"
    )
    command.add_argument(
        "--replies", metavar="文件", help="从文件读座席的话，一行一条，- 表示标准输入"
    )
    _judge(command)
    command.add_argument(
        "--order", metavar="文件",
        help="和 --replies 一起用：再评一份谈完写的工单，一个 JSON 对象，字段 type"
        "（complaint 投诉、enquiry 咨询、repair 报修、order 订单、suggestion 建议、other 其他）、"
        "customer、facts、done、demand、promise、owner、next；"
        "班组谈话写 facts、said、agreed、date、support。"
        '加 --json 时在各轮之后多一行 {"order": …}',
    )  # fmt: skip
    command.add_argument("--save", action="store_true", help="和 --replies 一起用：存进数据库")
    _json(command)


def _doctor(command: argparse.ArgumentParser) -> None:
    command.add_argument("--no-turn", action="store_true", help="不试说一轮")
    command.add_argument(
        "--turn-seconds", type=int, default=120, metavar="秒", help="一轮最多等多久，默认 120"
    )
    _json(command)


def _model(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "action", choices=("fetch", "suggest"), metavar="fetch|suggest",
        help="fetch 下载，断了再运行会接着下；suggest 说这台机器适合哪个",
    )  # fmt: skip
    command.add_argument(
        "name", nargs="?", metavar="模型", help="模型站上的名称，例如 Qwen/Qwen3-0.6B"
    )
    command.add_argument(
        "--from", dest="source", metavar="来源", help="hub（默认）、modelscope 或镜像站的网址"
    )
    _json(command)


def _draft(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "wish", nargs="?", metavar="愿望", help="例如：暴躁的老客户，七天无理由退货被拒，中级"
    )
    command.add_argument("--level", metavar="级别", help="初级、中级、高级；不写则看愿望")
    command.add_argument(
        "--seed", type=int, default=7, metavar="种子", help="同一种子拼出同一个情景，默认 7"
    )
    _engine(command)
    command.add_argument("--out", metavar="文件", help="把起草的情景写到文件，自己改")
    command.add_argument("--check", metavar="文件", help="检查改过的情景")
    command.add_argument("--file", metavar="文件", help="和 --keep 一起用：保存改过的情景")
    command.add_argument("--keep", action="store_true", help="保存，只有自己看得到")
    _json(command)


def _engine(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--engine", choices=("scripted", "transformers", "endpoint"), default="scripted",
        help="谁来说客户的话：脚本、本机的模型、接口上的模型",
    )  # fmt: skip
    command.add_argument("--model", metavar="模型", help="本机模型的名称或目录，或接口上的模型名")


def _judge(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--judge", choices=("transformers", "endpoint"),
        help="请一个语言模型另作评判，不改分数：本机的模型、接口上的模型；默认不用",
    )  # fmt: skip
    command.add_argument("--judge-model", metavar="模型", help="评判的模型，写法同 --model")
    command.add_argument(
        "--judge-samples", type=int, metavar="次数", help="每个问题评几次，取中间一级，默认 1"
    )


def parse(argv: Sequence[str] | None, version: str) -> argparse.Namespace:
    """Parse a command line; exits with 2 on bad usage, 0 after help or version."""
    return build(version).parse_args(argv)
