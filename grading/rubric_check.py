"""Checks an edited rubric or lexicon, and says on which line a fault stands.

The loaders know what is right; this module knows where in the file it was written. What is loaded
in this process stays as it is: the edited files are put together in a folder of their own.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from grading import classifier, lexicon, moment, rubric
from grading.lexicon import FOLDER
from knowledge.datafile import DataError, read_text

RUBRIC = "rubric.yaml"
_SKIPPED = "train"  # what the models are made from: not read when grading
_NAMED = re.compile(r"^(?P<file>[\w-]+\.yaml)[：\s]*(?P<entry>[\w.-]+)?")
_QUOTED = re.compile(r"“(.+?)”")
_REPEATED = re.compile(r"编号 (\S+) 重复")


@dataclass(frozen=True)
class Edited:
    """A whole folder of data with the edited files in it; ``names``: of those, by file name."""

    folder: Path
    names: tuple[str, ...]


def gather(given: Path, folder: Path) -> Edited:
    """Put edited files and, for the rest, the shipped ones together.

    Args:
        given: one file (a name that is not ours means rubric.yaml), or a folder of files.
        folder: where to put them; must not exist.

    Raises:
        DataError: there is no such file, or a file in the folder is none of ours.
    """
    if not given.exists():
        raise DataError(f"找不到 {given}，请检查路径")
    ours = {path.name for path in FOLDER.iterdir() if path.is_file()}
    if given.is_dir():
        found = {p.name: p for p in sorted(given.iterdir()) if p.suffix in (".yaml", ".txt")}
        if odd := sorted(found.keys() - ours):
            raise DataError(f"{given} 里的 {'、'.join(odd)} 不是评分数据的文件名，请检查拼写")
        if not found:
            raise DataError(f"{given} 里没有一个评分数据文件，例如 {RUBRIC}")
    else:
        found = {given.name if given.name in ours else RUBRIC: given}
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns(_SKIPPED, "__pycache__"))
    for name, path in found.items():
        (folder / name).write_text(read_text(path), encoding="utf-8")
    return Edited(folder, tuple(found))


def check(edited: Edited) -> list[str]:
    """Check edited files as the grader would load them.

    Returns:
        Doubts, one sentence each: names nothing else knows, a version that was not raised.

    Raises:
        DataError: naming file, line and field.
    """
    loaders: tuple[Callable[[Path], object], ...] = (
        lexicon.load, rubric.load, rubric.wording, rubric.empathy_words, moment.flags_of,
    )  # fmt: skip
    for name in edited.names:
        if name.endswith(".yaml"):
            _refuse_twice(edited.folder / name)
    for load in loaders:
        try:
            load(edited.folder)
        except DataError as error:
            raise DataError(_located(error, edited.folder)) from None
    _refuse_lost_lists(edited.folder)
    return [*_unknown(edited.folder), *_unraised(edited)]


def _refuse_lost_lists(folder: Path) -> None:
    """The grader asks for its small word lists by name, so each must stay."""
    shipped, found = rubric.wording().keys(), rubric.wording(folder).keys()
    if gone := sorted(shipped - found):
        raise DataError(f"wording.yaml：缺少 {'、'.join(gone)}")
    if odd := sorted(found - shipped):
        line = _line(folder / "wording.yaml", (odd[0],))
        raise DataError(f"wording.yaml 第 {line} 行：{odd[0]}：没有这个字段，请检查拼写")


def _unknown(folder: Path) -> Iterator[str]:
    """Name kinds and flags that neither the shipped rubric nor any word list knows."""
    new, old = rubric.load(folder), rubric.load()
    books = (lexicon.load(folder), lexicon.load())
    kinds = {rule.kind for book in books for rule in (*book.signals, *book.violations)}
    kinds |= {kind for e in old.expectations for kind in e.met} | set(old.penalties)
    kinds |= {label for name in ("signals", "violations") for label in classifier.load(name).labels}
    flags = {f for e in old.expectations for f in (*e.when.all, *e.when.any, *e.when.none)}
    flags |= {flag.id for place in (folder, FOLDER) for flag in moment.flags_of(place)}
    flags |= {d.flag for d in old.deductions} | {f"r.{kind}" for kind in kinds}
    for at, entry in enumerate(new.expectations):
        line = _line(folder / RUBRIC, ("expectations", at))
        used = {*entry.when.all, *entry.when.any, *entry.when.none}
        for name in sorted((used - flags) | (entry.met.keys() - kinds)):
            yield f"{RUBRIC} 第 {line} 行：{entry.id} 里的 {name} 没有别处用过，是不是写错了"
    for name in sorted(new.penalties.keys() - kinds):
        line = _line(folder / RUBRIC, ("penalties", name))
        yield f"{RUBRIC} 第 {line} 行：penalties 里的 {name} 没有别处用过，是不是写错了"


def _unraised(edited: Edited) -> Iterator[str]:
    same = rubric.load(edited.folder).version == rubric.load().version
    changed = [n for n in edited.names if read_text(edited.folder / n) != read_text(FOLDER / n)]
    if changed and same:
        yield f"内容改了，{RUBRIC} 的 version 还是 {rubric.load().version}，请改大"


def _compose(path: Path) -> yaml.Node | None:
    found: yaml.Node | None = yaml.compose(read_text(path), Loader=yaml.SafeLoader)
    return found


def _refuse_twice(path: Path) -> None:
    """Refuse a key that stands twice in one place: YAML would keep the last one silently.

    Raises:
        DataError: naming line and key; or that it is no YAML.
    """
    try:
        nodes = [_compose(path)]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" 第 {mark.line + 1} 行" if mark else ""
        raise DataError(f"{path.name}{where}：YAML 写法有误，请检查缩进、冒号和引号") from None
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.SequenceNode):
            nodes += node.value
        if not isinstance(node, yaml.MappingNode):
            continue
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise DataError(f"{path.name} 第 {line} 行：{key.value} 写了两遍")
            seen.add(key.value)
            nodes.append(value)


def _located(error: DataError, folder: Path) -> str:
    """Put the line into a loader's message, where it can be told."""
    said = str(error)
    named = _NAMED.match(said)
    if named is None or "第" in said[: named.end() + 3]:
        return said
    path = folder / named["file"]
    faulty: tuple[str | int, ...] = ()
    if isinstance(error.__cause__, ValidationError):
        faulty = error.__cause__.errors()[0]["loc"]
    twice = _REPEATED.search(said)
    entry = twice[1] if twice else named["entry"]
    line = _line(path, faulty, entry=entry, text=_QUOTED.findall(said), last=bool(twice))
    return said.replace(named["file"], f"{named['file']} 第 {line} 行", 1)


def _line(
    path: Path, place: tuple[str | int, ...], *, entry: str | None = None,
    text: list[str] | None = None, last: bool = False,
) -> int:  # fmt: skip
    """Give the line, from 1, of a place in a file, or of the nearest thing around it.

    Args:
        path: a YAML file.
        place: keys and numbers from the top, or from the entry.
        entry: the id of an entry to start from, or a key at the top.
        text: a string that is quoted as wrong.
        last: whether the last entry of that id is meant.
    """
    node = _compose(path)
    line = 1
    if entry is not None and node is not None:
        entries = [one for one in _within(node) if _id_of(one) == entry]
        if entries:
            node = entries[-1 if last else 0]
            line = node.start_mark.line + 1
        else:
            place = (entry, *place)
    for step in place:
        found = _child(node, step)
        if found is None:
            break
        node, line = found[1], found[0]
    for one in _within(node) if text and node is not None else ():
        if isinstance(one, yaml.ScalarNode) and one.value in (text or ()):
            return int(one.start_mark.line) + 1
    return line


def _child(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    """Give the line and node of a key or a number."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        value = node.value[step]
        return value.start_mark.line + 1, value
    return None


def _within(node: yaml.Node) -> Iterator[yaml.Node]:
    """Give a node and all under it, in the order of the file."""
    yield node
    if isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from _within(one)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield from _within(value)


def _id_of(node: yaml.Node) -> str | None:
    found = _child(node, "id") if isinstance(node, yaml.MappingNode) else None
    return str(found[1].value) if found else None
