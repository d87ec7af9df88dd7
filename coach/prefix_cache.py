"""What a local model needs beside its network: its files, the kept prefixes, the line for it.

Knows files, tokens, bytes, whose turn it is and what is thinking; not how a network runs: torch
enters by transformers_engine.py alone.
"""

from __future__ import annotations

import json
import math
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError, safe_open

from coach.engine import EngineError

FETCH = "请用 kefu model fetch 重新下载"
_FLOATS = {"F64", "F32", "F16", "BF16"}
_LOOK_SECONDS = 0.05
_TAG = re.compile("</?think>")


@dataclass(frozen=True)
class Kept:
    """Keys and values of a prompt's first tokens.

    ``ids``: the tokens they belong to, in order. ``cache``: the model library's own object, as
    long as ``ids``. ``size``: its bytes, > 0.
    """

    ids: tuple[int, ...]
    cache: Any
    size: int


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """Count the tokens that two prompts share from the start."""
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return count


class PrefixCache:
    """Kept prefixes by session, bounded in number and bytes; the longest unused go first."""

    def __init__(self, max_sessions: int, memory_bytes: int) -> None:
        """Start empty; both bounds >= 0, 0 keeps nothing."""
        if max_sessions < 0 or memory_bytes < 0:
            raise ValueError(f"PrefixCache: {max_sessions=}, {memory_bytes=}; need >= 0")
        self._max_sessions = max_sessions
        self._memory_bytes = memory_bytes
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._out: set[str] = set()
        self._guard = threading.Lock()

    def take(self, session: str) -> Kept | None:
        """Hand out what is kept for a session; it is the caller's alone until given back."""
        with self._guard:
            self._out.add(session)
            return self._kept.pop(session, None)

    def give(self, session: str, kept: Kept | None) -> None:
        """Take a prefix back, unless the session was forgotten meanwhile; evict what is too much.

        One that alone is past the bytes is not kept. None gives nothing back.
        """
        with self._guard:
            wanted = session in self._out
            self._out.discard(session)
            if kept is None or not wanted:
                return
            self._kept[session] = kept
            while self._kept and (
                len(self._kept) > self._max_sessions
                or sum(one.size for one in self._kept.values()) > self._memory_bytes
            ):
                self._kept.popitem(last=False)

    def forget(self, session: str) -> None:
        """Drop a session's prefix, also one that is handed out; unknown sessions are ignored."""
        with self._guard:
            self._kept.pop(session, None)
            self._out.discard(session)

    @property
    def lengths(self) -> dict[str, int]:
        """Tokens kept by session, the longest unused first."""
        with self._guard:
            return {session: len(kept.ids) for session, kept in self._kept.items()}

    @property
    def size(self) -> int:
        """Bytes kept in all."""
        with self._guard:
            return sum(one.size for one in self._kept.values())


class Line:
    """First come, first served: one call has the model, the others wait, up to a limit.

    Not a plain lock: it knows each one's place, and a turn may end in another thread than it began
    in (an iterator that is dropped ends wherever it is collected).
    """

    def __init__(self, limit: int) -> None:
        """Start empty; ``limit`` >= 0 is how many may wait behind the one being served."""
        if limit < 0:
            raise ValueError(f"Line: {limit=}; need >= 0")
        self._limit = limit
        self._tickets: list[tuple[object, str]] = []
        self._moved = threading.Condition()

    @contextmanager
    def turn(self, session: str, cancel: threading.Event) -> Iterator[bool]:
        """Wait for the model and hold it; False when cancelled while waiting.

        Raises:
            EngineError: ``slow``, the line is full.
        """
        ticket = (object(), session)
        with self._moved:
            if len(self._tickets) > self._limit:
                raise EngineError(
                    "slow",
                    f"现在用这个模型的人太多（已有 {len(self._tickets)} 个在用或排队），请稍后再试",
                )
            self._tickets.append(ticket)
        try:
            yield self._wait(ticket, cancel)
        finally:
            with self._moved:
                self._tickets.remove(ticket)
                self._moved.notify_all()

    def _wait(self, ticket: tuple[object, str], cancel: threading.Event) -> bool:
        with self._moved:
            while self._tickets[0] is not ticket and not cancel.is_set():
                # An event cannot wake a condition, so a cancel is looked for now and then.
                self._moved.wait(_LOOK_SECONDS)
            return not cancel.is_set()

    def place(self, session: str) -> int | None:
        """Give how many calls stand before the session's first one: 0 served now, None absent."""
        with self._moved:
            places = (at for at, (_, name) in enumerate(self._tickets) if name == session)
            return next(places, None)


class ThinkFilter:
    """Lets text through as it grows, without <think>…</think>, also where a tag is cut in two."""

    def __init__(self, inside: bool = False) -> None:
        """Start; ``inside`` when the prompt itself has opened the thinking."""
        self._inside = inside
        self._begun = False
        self._held = ""

    def feed(self, piece: str) -> str:
        """Take the next piece and give what may be shown by now, "" if nothing."""
        self._held += piece
        shown = ""
        while found := _TAG.search(self._held):
            shown += "" if self._inside else self._held[: found.start()]
            self._inside = found.group() == "<think>"
            self._held = self._held[found.end() :]
        cut = self._held.rfind("<")
        begins = cut >= 0 and any(t.startswith(self._held[cut:]) for t in ("<think>", "</think>"))
        free, self._held = (self._held[:cut], self._held[cut:]) if begins else (self._held, "")
        shown += "" if self._inside else free
        shown = shown if self._begun else shown.lstrip()
        self._begun = self._begun or bool(shown)
        return shown

    def finish(self) -> str:
        """Give what was held back and is no tag after all: a lone "<"."""
        return self._held if self._held == "<" and not self._inside else ""


class Markers:
    """Takes a tokenizer's own markers (<|im_end|>, <think>…) out of what people and models said.

    Otherwise a trainee could type the end of a message and the start of a system message.
    """

    def __init__(self, tokenizer: Any) -> None:  # noqa: ANN401 - each family has its class
        """Collect the markers; added words that are no markers (runs of blanks) stay."""
        added = tokenizer.added_tokens_decoder.values()
        marks = {str(t.content) for t in added if t.special or t.content.startswith("<")}
        longest_first = sorted(marks, key=lambda mark: (-len(mark), mark))
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    def __call__(self, text: str) -> str:
        """Give the text without markers, nor any that their going leaves behind."""
        while (less := self._pattern.sub("", text)) != text:
            text = less
        return text


def find_folder(name: str) -> Path:
    """Give the folder of a model: a path, or a hub name that this machine already holds.

    Raises:
        EngineError: ``model``, there is none.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        raise EngineError(
            "model",
            f"本机没有模型“{name}”：请写模型文件夹的路径，或先用 kefu model fetch {name} 下载",
        ) from None


def read_json(path: Path) -> Any:  # noqa: ANN401 - JSON holds anything
    """Read one JSON file of a model folder; EngineError ``model`` if it is missing or broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EngineError(
            "model", f"{path.parent} 里没有 {path.name}，不是模型文件夹，请检查路径；{FETCH}"
        ) from None
    except (OSError, ValueError):
        raise EngineError("model", f"{path} 读不了或已损坏，{FETCH}") from None


def weight_files(folder: Path) -> list[Path]:
    """Give the safetensors files of a folder.

    Raises:
        EngineError: ``model``: one is missing, or there are only pickled weights.
    """
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        names = set(read_json(index).get("weight_map", {}).values())
        files = [folder / name for name in sorted(names)]
    else:
        files = [folder / "model.safetensors"]
    lost = [path.name for path in files if not path.is_file()]
    if files and not lost:
        return files
    if any(folder.glob("*.bin")) or any(folder.glob("*.pt*")):
        raise EngineError(
            "model",
            f"{folder} 里只有 pickle 格式的权重（打开它会执行其中的代码），"
            "请换有 model.safetensors 的版本",
        )
    raise EngineError("model", f"{folder} 里缺少权重 {'、'.join(lost[:3])}，{FETCH}")


def weight_bytes(folder: Path, item_bytes: int) -> int:
    """Count the bytes of a folder's weights once loaded, from the file headers alone.

    Args:
        folder: the model's folder.
        item_bytes: of one number in the type they are loaded in, 2 or 4.

    Raises:
        EngineError: ``model``: a file is damaged or cut short.
    """
    total = 0
    for path in weight_files(folder):
        try:
            with safe_open(str(path), framework="numpy") as weights:
                for key in weights.keys():
                    part = weights.get_slice(key)
                    each = item_bytes if part.get_dtype() in _FLOATS else 1
                    total += math.prod(part.get_shape()) * each
        except (SafetensorError, OSError):
            raise EngineError("model", f"权重文件 {path} 已损坏或没有下载完整，{FETCH}") from None
    return total
