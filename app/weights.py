"""A model's files: what a hub lists, fetched with resume, each checked against the hub's hash.

Knows the routes of Hugging Face (and its mirrors) and of ModelScope; not what a model is for.
huggingface_hub's own download starts a large file anew in a new process, so only its listing and
its stream are used. ModelScope does not speak the Hugging Face routes (its maintainers say so).
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import quote_plus

from app import out
from knowledge.datafile import DataError

_WANTED = (
    "*.safetensors", "*.json", "*.jinja", "merges.txt", "vocab.txt", "tokenizer.model",
)  # fmt: skip
# The same weights once more, in another program's order.
_UNWANTED = ("consolidated*",)
_HUGGING_FACE, _MODELSCOPE = "https://huggingface.co", "https://modelscope.cn"
_BLOCK = 2**20
Got = TypeVar("Got")


@dataclass(frozen=True)
class Place:
    """Where models come from: a site and whose routes it has."""

    routes: Literal["hub", "modelscope"]
    url: str


@dataclass(frozen=True)
class Remote:
    """One file on a hub; ``sha256`` and ``blob`` (git's) are None where the hub tells none."""

    path: str
    size: int
    url: str
    sha256: str | None = None
    blob: str | None = None


def place(named: str | None) -> Place:
    """Give the place --from names: hub, modelscope or the URL of a mirror; None for the hub.

    Raises:
        DataError: it is none of these.
    """
    if named in (None, "hub"):
        return Place("hub", os.environ.get("HF_ENDPOINT", "").rstrip("/") or _HUGGING_FACE)
    if named == "modelscope":
        url = os.environ.get("MODELSCOPE_ENDPOINT", "").rstrip("/") or _MODELSCOPE
        return Place("modelscope", url)
    if named is not None and named.startswith(("http://", "https://")):
        return Place("hub", named.rstrip("/"))
    raise DataError(f"--from 写成了“{named}”，只能是 hub、modelscope 或镜像站的网址（http 开头）")


def fetch(name: str, target: Path, source: Place) -> None:
    """Bring all files of a model into a folder; what is there and sound is left alone.

    Raises:
        DataError: no such model, no safetensors, too little room, cut off, or a wrong hash.
    """
    files = wanted(name, _reached(lambda: _listed(name, source), name, source))
    target.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        _lock(stack, target)
        missing = [one for one in files if not _is_there(one, target)]
        _check_room(missing, target)
        for at, one in enumerate(missing, 1):
            _bring(one, target, source, f"({at}/{len(missing)}) {one.path}")


def wanted(name: str, files: list[Remote]) -> list[Remote]:
    """Choose the files a local model needs: weights as safetensors, settings, the tokenizer.

    Only those at the top, and never a path that would leave the folder.

    Raises:
        DataError: there are no safetensors.
    """
    plain = [one for one in files if not {"/", "\\"} & set(one.path) and one.path[:1] != "."]
    chosen = [
        one
        for one in plain
        if any(fnmatch(one.path, shape) for shape in _WANTED)
        and not any(fnmatch(one.path, shape) for shape in _UNWANTED)
    ]
    if not any(one.path.endswith(".safetensors") for one in chosen):
        others = [one.path for one in plain if one.path.endswith((".bin", ".pt", ".pth", ".gguf"))]
        has = f"只有 {'、'.join(others[:3])}" if others else "没有权重文件"
        raise DataError(
            f"{name} 没有 safetensors 权重（{has}），没有下载；"
            "请换有 safetensors 的版本，GGUF 请用 llama.cpp 或 Ollama 起服务，再用 endpoint"
        )
    return chosen


def _token(source: Place) -> None | Literal[False]:
    """The user's own token goes to its own site alone, never to a mirror: None means use it."""
    return None if source.url == _HUGGING_FACE else False


def _listed(name: str, source: Place) -> list[Remote]:
    from huggingface_hub import HfApi, hf_hub_url
    from huggingface_hub.hf_api import RepoFile

    if source.routes == "modelscope":
        return _listed_by_modelscope(name, source)
    found = HfApi(endpoint=source.url, token=_token(source)).list_repo_tree(name)
    return [
        Remote(
            one.path, one.size, hf_hub_url(name, one.path, endpoint=source.url),
            sha256=one.lfs.sha256 if one.lfs else None, blob=None if one.lfs else one.blob_id,
        )
        for one in found
        if isinstance(one, RepoFile)
    ]  # fmt: skip


def _listed_by_modelscope(name: str, source: Place) -> list[Remote]:
    """List by ModelScope's own routes, as modelscope-hub 0.5.1 uses them."""
    from huggingface_hub import get_session, hf_raise_for_status
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    validate_repo_id(name)
    base = f"{source.url}/api/v1/models/{name}/repo"
    answer = get_session().get(
        f"{base}/files", params={"Revision": "master", "Recursive": "False"}, timeout=20
    )
    hf_raise_for_status(answer)
    try:
        files = answer.json()["Data"]["Files"]
        return [
            Remote(
                str(one["Path"]), int(one["Size"]),
                f"{base}?Revision=master&FilePath={quote_plus(one['Path'])}",
                sha256=one.get("Sha256") or None,
            )
            for one in files
            if one.get("Type") != "tree"
        ]  # fmt: skip
    except (ValueError, KeyError, TypeError):
        raise DataError(
            f"{source.url} 的回答不像 ModelScope 的文件清单，请检查模型名，或换一个来源：--from hub"
        ) from None


def _reached(work: Callable[[], Got], what: str, source: Place) -> Got:
    """Do something on the network; its faults in a sentence."""
    import httpx2
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    try:
        return work()
    except HFValidationError:
        raise DataError(f"模型名写成了“{what}”，应像 Qwen/Qwen3-0.6B 这样") from None
    except OfflineModeIsEnabled:
        raise DataError("环境变量 HF_HUB_OFFLINE 关掉了下载，请先取消它") from None
    except HfHubHTTPError as error:
        code = error.response.status_code
        if isinstance(error, RepositoryNotFoundError) or code in (401, 403, 404):
            raise DataError(
                f"{source.url} 上没有 {what}，或者它要授权（{code}）："
                "请检查名称；要授权的先在网站上同意条款，再设环境变量 HF_TOKEN"
            ) from None
        raise DataError(
            f"{source.url} 现在不给 {what}（{code}），已下的留着，请稍后再运行"
        ) from None
    except (httpx2.HTTPError, OSError) as error:
        reason = str(error).strip().split("\n")[0][:120] or type(error).__name__
        raise DataError(f"{what} 下载中断（{reason}），再运行一次会接着下") from None


def _lock(stack: ExitStack, target: Path) -> None:
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

    try:
        stack.enter_context(WeakFileLock(target / ".fetching.lock", timeout=0.5))
    except TimeoutError:
        raise DataError(f"另一个程序正在往 {target} 下载，请等它下完") from None


def _check_room(missing: list[Remote], target: Path) -> None:
    begun = sum(part.stat().st_size for one in missing if (part := _part(one, target)).is_file())
    need, free = sum(one.size for one in missing) - begun, shutil.disk_usage(target).free
    if need > free:
        raise DataError(
            f"磁盘空间不够：还要下 {need / 1e9:.1f} GB，{target} 只剩 {free / 1e9:.1f} GB，"
            "请腾出地方，或把环境变量 KEFU_HOME 设到别的盘"
        )


def _part(one: Remote, target: Path) -> Path:
    return target / f"{one.path}.part"


def _is_there(one: Remote, target: Path) -> bool:
    path = target / one.path
    return path.is_file() and path.stat().st_size == one.size and _is_sound(path, one)


def _is_sound(path: Path, one: Remote) -> bool:
    """Compare a whole file with the hub's hash; without one the size must do."""
    if one.sha256 is None and one.blob is None:
        return path.stat().st_size == one.size
    # Git's hash of a file covers its length too; it is SHA-1, which is what the hub tells.
    told = hashlib.sha256() if one.sha256 else hashlib.sha1(f"blob {one.size}\0".encode())
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            told.update(block)
    return told.hexdigest() == (one.sha256 or one.blob)


def _bring(one: Remote, target: Path, source: Place, label: str) -> None:
    """Fetch one file from where it was cut off; it gets its name only once it is sound."""
    part = _part(one, target)
    have = part.stat().st_size if part.is_file() else 0
    if have > one.size:
        part.unlink()
        have = 0
    if not sys.stderr.isatty():  # a bar is shown at a terminal
        begun = f"，接着已有的 {have / 1e6:.1f} MB" if have else ""
        out.note(f"{label}，{one.size / 1e6:.1f} MB{begun}")
    _reached(lambda: _stream(one, part, have, (label, source)), one.path, source)
    if not _is_sound(part, one):
        part.unlink()
        raise DataError(f"{one.path} 的校验值和 {source.url} 说的不同，已删掉，请再运行一次")
    part.replace(target / one.path)


def _stream(one: Remote, part: Path, have: int, shown: tuple[str, Place]) -> None:
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]
    from huggingface_hub.utils import logging as told

    told.set_verbosity(logging.ERROR)  # its English tales of a cut line; it goes on by itself
    label, source = shown
    headers = build_hf_headers(token=_token(source)) | {"Accept-Encoding": "identity"}
    with part.open("ab") as stream:
        try:
            http_get(
                one.url, stream, resume_size=have, headers=headers, expected_size=one.size,
                displayed_filename=label,
            )  # fmt: skip
        except HfHubHTTPError as error:
            if error.response.status_code != 416:  # 416: the rest that is asked for is not there
                raise
            stream.truncate(0)
            raise OSError(f"{one.path} 的大小和清单不符") from error
