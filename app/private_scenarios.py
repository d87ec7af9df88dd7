"""Scenarios of one's own: drafts kept under KEFU_HOME/scenarios, a folder an author, nobody else's.

Knows files and authors; an author is ``local`` (the command line) or a visitor's hash.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app import home
from coach import draft
from coach.draft_check import read
from coach.scenario import DRAFT, Scenario
from knowledge.datafile import DataError, read_text

LOCAL = "local"
MOST = 200
_AUTHOR = re.compile(r"local|[0-9a-f]{64}")
_ID = re.compile(rf"{DRAFT}[a-z0-9]+(-[a-z0-9]+)*")
_ID_CHARS = 80


@dataclass(frozen=True)
class Shelf:
    """An author's scenarios by id, and a sentence for each file that cannot be read."""

    cases: tuple[Scenario, ...]
    faults: tuple[str, ...]


def is_private(scenario_id: str) -> bool:
    """Say whether an id could be a draft's."""
    return len(scenario_id) <= _ID_CHARS and _ID.fullmatch(scenario_id) is not None


def keep(author: str, text: str, where: str = "情景") -> Scenario:
    """Check an edited draft and keep it, in place of one with the same id.

    Args:
        author: whose it is.
        text: the whole YAML.
        where: its name for errors.

    Raises:
        DataError: it is faulty, there are too many, or the file cannot be written.
    """
    case = draft.check(text, where)
    path = _path(author, case.id)
    folder = path.parent
    if not path.exists() and len(list(folder.glob("*.yaml"))) >= MOST:
        raise DataError(f"自拟情景已有 {MOST} 个，请先在 {folder} 里删掉几个不用的")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        os.replace(file.name, path)
    except OSError as error:
        raise DataError(f"存不了 {path}（{error.strerror}），请检查目录和权限") from None
    return case


def from_file(name: str) -> Scenario:
    """Read a draft from anywhere, checked like a kept one.

    Raises:
        DataError: it cannot be read, or is faulty.
    """
    return draft.check(read_text(Path(name)), Path(name).name)


def text_of(author: str, scenario_id: str) -> str:
    """Give the YAML of a kept draft.

    Raises:
        DataError: this author has none with that id.
    """
    path = _path(author, scenario_id)
    if not path.is_file():
        raise DataError(f"没有你自拟的情景“{scenario_id[:60]}”，可用 kefu scenarios --mine 查看")
    return read_text(path)


def get(author: str, scenario_id: str) -> Scenario:
    """Give a kept draft.

    Raises:
        DataError: this author has none with that id, or its file is damaged.
    """
    case = read(text_of(author, scenario_id), f"{scenario_id}.yaml")
    if case.id != scenario_id:
        raise DataError(f"{scenario_id}.yaml：id 写成了“{case.id}”，应与文件名一致")
    return case


def mine(author: str) -> Shelf:
    """Give all of an author's drafts; a damaged file is named and left out."""
    cases, faults = [], []
    for path in sorted(_folder(author).glob(f"{DRAFT}*.yaml")):
        try:
            cases.append(get(author, path.stem))
        except DataError as error:
            faults.append(str(error))
    return Shelf(tuple(cases), tuple(faults))


def _folder(author: str) -> Path:
    if not _AUTHOR.fullmatch(author):
        raise DataError("认不出作者，不能读写自拟情景；请刷新页面再试")
    return home.folder() / "scenarios" / author


def _path(author: str, scenario_id: str) -> Path:
    if not is_private(scenario_id):
        raise DataError(f"没有你自拟的情景“{scenario_id[:60]}”，可用 kefu scenarios --mine 查看")
    return _folder(author) / f"{scenario_id}.yaml"
