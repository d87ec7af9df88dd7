"""The occupational standard as data: work contents, requirements, basics, weights, notes.

Knows the standard's text and nothing of scores.
"""

from __future__ import annotations

import functools
from typing import Literal

from knowledge.datafile import DataError, Entry, fingerprint, parse, read_entries, read_yaml
from knowledge.text import DATA

Level = Literal["初级", "中级", "高级"]
Kind = Literal["skill", "knowledge", "basic"]
LEVELS: tuple[Level, ...] = ("初级", "中级", "高级")
_FILE = DATA / "standard.yaml"


class Item(Entry):
    """One numbered line of the standard, verbatim."""

    id: str
    text: str


class WorkContent(Entry):
    """One of the 20 work contents with its requirements."""

    id: str
    level: Level
    function: str
    number: str
    title: str
    requirements: tuple[Item, ...]


class BasicSection(Entry):
    """One section of chapter 2 (2.1.2 or 2.2.x) with its items."""

    section: str
    name: str
    items: tuple[Item, ...]


class ProfileLine(Entry):
    """One paragraph of chapter 1."""

    section: str
    name: str
    text: str


class LevelRule(Entry):
    """What a level asks for: training hours, teachers, who may enter."""

    level: Level
    code: str
    training_hours: int
    training_text: str
    teachers: str
    entry: tuple[str, ...]


class ExamRule(Entry):
    """Numbers of the examination; minutes for each paper, points, persons."""

    minutes: int
    total: int
    pass_: int
    assessors_least: int
    candidates_per_assessor: int
    candidates_per_invigilator: int


class Weight(Entry):
    """One row of a weight table, percent; None where the standard prints a dash."""

    group: str
    item: str
    初级: int | None
    中级: int | None
    高级: int | None


class Weights(Entry):
    """Tables 4.1 (theory) and 4.2 (practice)."""

    theory: tuple[Weight, ...]
    practice: tuple[Weight, ...]


class Note(Entry):
    """An editorial note that stands beside the text of ``of`` (ids or section prefixes)."""

    id: str
    of: tuple[str, ...]
    text: str
    source: str


class Requirement(Entry):
    """A requirement as search and citations use it; level and work content are None for basics."""

    id: str
    kind: Kind
    level: Level | None
    work_content: str | None
    text: str
    citation: str


class Standard(Entry):
    """The whole standard, as stored."""

    code: str
    title: str
    source: str
    profile: tuple[ProfileLine, ...]
    levels: tuple[LevelRule, ...]
    exam: ExamRule
    weights: Weights
    work_contents: tuple[WorkContent, ...]
    basics: tuple[BasicSection, ...]

    @functools.cached_property
    def requirements(self) -> dict[str, Requirement]:
        """All 178 requirements and 40 basics by id, in the order of the standard."""
        found: dict[str, Requirement] = {}
        for content in self.work_contents:
            for item in content.requirements:
                found[item.id] = _requirement(content, item)
        for section in self.basics:
            for item in section.items:
                number = item.id.rsplit(".", 1)[1]
                cited = f"基础知识·{section.section}({number}) {item.text}"
                found[item.id] = Requirement(
                    id=item.id, kind="basic", level=None, work_content=None,
                    text=item.text, citation=cited,
                )  # fmt: skip
        return found

    @functools.cached_property
    def contents(self) -> dict[str, WorkContent]:
        """The 20 work contents by id."""
        return {content.id: content for content in self.work_contents}

    def cite(self, requirement_id: str) -> str:
        """Give the citation of a requirement, its text verbatim.

        Raises:
            DataError: no such id.
        """
        if requirement_id not in self.requirements:
            raise DataError(f"标准里没有编号 {requirement_id}")
        return self.requirements[requirement_id].citation


def _requirement(content: WorkContent, item: Item) -> Requirement:
    letter, number = item.id.rsplit(".", 1)[1][0], item.id.rsplit(".", 1)[1][1:]
    kind: Kind = "skill" if letter == "S" else "knowledge"
    name = "技能要求" if kind == "skill" else "相关知识"
    cited = f"{content.level}·({content.number}){content.title}·{name}{number} {item.text}"
    return Requirement(
        id=item.id, kind=kind, level=content.level, work_content=content.id,
        text=item.text, citation=cited,
    )  # fmt: skip


@functools.lru_cache(maxsize=1)
def load() -> Standard:
    """Load and check the standard (cached)."""
    raw = read_yaml(_FILE)
    raw["exam"]["pass_"] = raw["exam"].pop("pass")
    return parse(Standard, raw, _FILE.name)


@functools.lru_cache(maxsize=1)
def notes() -> tuple[Note, ...]:
    """Load the editorial notes (cached)."""
    return tuple(read_entries(Note, DATA / "notes.yaml"))


def notes_of(entry_id: str) -> list[Note]:
    """Give the notes that stand beside an id or beside the section it belongs to."""
    return [
        note
        for note in notes()
        if any(entry_id == of or entry_id.startswith(of + ".") for of in note.of)
    ]


def levels_up_to(level: str | None) -> tuple[Level, ...]:
    """Give the levels a candidate's level covers, lowest first; all for None.

    Raises:
        DataError: not one of the three levels.
    """
    if level is None:
        return LEVELS
    if level not in LEVELS:
        raise DataError(f"级别“{level}”不对，只能是 初级、中级、高级 之一")
    return LEVELS[: LEVELS.index(level) + 1]


def version() -> str:
    """Give the digest of the standard's data files."""
    return fingerprint(_FILE, DATA / "notes.yaml")
