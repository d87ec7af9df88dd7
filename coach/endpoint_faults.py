"""Puts a fault of the wire in one Chinese sentence, and says whether trying again can help.

Knows openai's errors and what servers write in them; tries nothing itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coach.endpoint_dialects import Server
from coach.engine import EngineError

_TOO_LONG = re.compile(r"context[ _](length|size|window)|max_model_len|maximum model length", re.I)
_SWITCH = "chat_template_kwargs"


class Failure(EngineError):
    """One attempt went wrong.

    ``wait``: seconds until another may help, None for never. ``plainer``: an unknown server
    refused the switch against thinking, which it may be asked without.
    """

    def __init__(
        self, kind: str, message: str, wait: float | None = None, *, plainer: bool = False
    ) -> None:
        """Keep when to try again beside the cause and the sentence."""
        super().__init__(kind, message)
        self.wait, self.plainer = wait, plainer


@dataclass(frozen=True)
class Site:
    """What a sentence names: the server's address and host, the model, the longest wait (s)."""

    base_url: str
    host: str
    model: str
    longest_wait: float


@dataclass(frozen=True)
class Progress:
    """How far an attempt had come: the answer had ``opened``, a piece was ``given``."""

    opened: bool = False
    given: bool = False


def explain(error: Exception, site: Site, server: Server, progress: Progress) -> Failure:
    """Give the failure that an error of openai, or a ValueError of a reader, stands for."""
    import openai

    kind, wait, host = "status", None if progress.given else 0.0, site.host
    if isinstance(error, openai.APIConnectionError):
        kind = "broken" if progress.opened else "refused"
        refused = f"连不上对话服务 {site.base_url}，请确认服务已启动，地址和端口没有写错"
        said = f"{host} 的连接中途断了，请再试一次" if progress.opened else refused
    elif not isinstance(error, openai.APIError):
        kind, wait = "broken", None
        said = f"{host} 的回答不完整或不是 UTF-8 的 JSON，请确认地址是对话接口，一般以 /v1 结尾"
    elif _TOO_LONG.search(f"{error.message} {error.code} {error.type} {error.body}"):
        kind, wait = "context", None
        said = f"{host} 说对话超出了模型的上下文窗口，请在服务端调大窗口，或换一个情景"
    elif isinstance(error, openai.APIStatusError):
        return _status(error, site, server)
    else:
        said = f"{host} 中途报错：{error.message[:80]}"
    return Failure(kind, said, wait)


def _status(error: Any, site: Site, server: Server) -> Failure:  # noqa: ANN401 - openai's
    code, host, told = error.status_code, site.host, _told(error)
    if server.guessed and code in (400, 422) and _SWITCH in told:
        return Failure("status", f"{host} 不认关闭思考的参数", 0.0, plainer=True)
    wait, said = None, f"{host} 不接受这次请求（{told[:80]}）"
    if code in (401, 403):
        said = f"{host} 不认密钥（{code}），请检查环境变量 KEFU_ENDPOINT_KEY"
    elif code == 404 and server.models and site.model not in server.models:
        said = no_model(site, server.models)
    elif code == 404:
        said = f"{site.base_url} 没有对话接口（404），请检查地址，一般以 /v1 结尾"
    elif code == 429:
        asked = error.response.headers.get("retry-after", "")
        after = float(asked) if re.fullmatch(r"\d{1,6}(\.\d+)?", asked) else 0.0
        wait = after if after <= site.longest_wait else None
        said = f"{host} 正忙（429），请{f' {math.ceil(after)} 秒' if after else '稍'}后再试"
    elif code >= 500:
        said, wait = f"{host} 内部出错（{code}），请稍后再试或查看服务端日志", 0.0
    elif site.model in told:
        said = f"{host} 不给模型“{site.model}”（{told[:80]}），请改 KEFU_ENDPOINT_MODEL"
    return Failure("status", said, wait)


def _told(error: Any) -> str:  # noqa: ANN401 - openai's
    """Give a server's own words: openai reads ``error.message``, FastAPI writes ``detail``."""
    detail = error.body.get("detail") if isinstance(error.body, dict) else None
    return str(detail or error.message)


def no_model(site: Site, models: Sequence[str]) -> str:
    """Say that a server lists other models."""
    known = "、".join(models[:5])
    return f"{site.host} 上没有模型“{site.model}”，它有：{known}；请改 KEFU_ENDPOINT_MODEL"
