"""Reading a wish: level, customer type, channel, matter and difficulty from words of the data.

Knows wishes; a wish is untrusted text that is only ever read, never obeyed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import prompts
from coach import draft_data
from coach.draft_data import Matter
from coach.findings import topics
from coach.scenario import CustomerType
from grading.result import Channel
from knowledge import standard
from knowledge.datafile import DataError
from knowledge.text import plain

Key = TypeVar("Key", bound=str)
_CHINESE = re.compile(r"[㐀-鿿]")


@dataclass(frozen=True)
class Wish:
    """A wish as read; None where it says nothing. ``text`` is safe to quote.

    ``matter`` is the matter that fits best, ``harder`` -1, 0 or 1; ``elder``: an old person of
    another type; ``dialect`` and ``calls`` are the region and titles named; ``notes`` say in
    Chinese what was not followed.
    """

    text: str
    level: standard.Level
    customer_type: CustomerType | None
    channel: Channel | None
    matter: Matter | None
    harder: int
    elder: bool
    regular: bool
    staff: bool
    work: str | None
    dialect: str | None = None
    calls: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def clean(wish: str) -> str:
    """Make a wish safe to read and quote.

    Raises:
        DataError: too long, or nothing in it that could be read.
    """
    limits = draft_data.book().limits
    if len(wish) > limits.wish_chars * 4:
        raise DataError(f"愿望有 {len(wish)} 个字，最多 {limits.wish_chars} 个，请只写要练什么")
    text = prompts.unmarked(wish)
    if len(text) > limits.wish_chars:
        raise DataError(f"愿望有 {len(text)} 个字，最多 {limits.wish_chars} 个，请只写要练什么")
    if len(_CHINESE.findall(text)) < limits.wish_least:
        raise DataError(
            "愿望太短，看不出要练什么；请写谁、为什么事、什么级别，例如：暴躁的老客户，七天无理由退货被拒，中级"
        )
    return text


def read(wish: str, level: str | None = None) -> Wish:
    """Read a wish.

    Args:
        wish: the author's words.
        level: 初级, 中级 or 高级; stronger than what the wish says.

    Raises:
        DataError: the wish cannot be read, or there is no such level.
    """
    words = draft_data.book()
    text = clean(wish)
    norm = plain(text)
    if level is not None and level not in standard.LEVELS:
        raise DataError(f"级别写成了“{level[:20]}”，只能是 {'、'.join(standard.LEVELS)} 之一")
    notes: list[str] = []
    named = _first(words.levels, norm, "levels")
    if level and named and level != named:
        notes.append(f"愿望里写的是{named}，按选定的{level}起草")
    kind, elder = _type(norm)
    if _hit(words.insults, norm, "insults"):
        notes.append("含辱骂的情景不拼配：对方再生气也不骂人")
    if topics()["jailbreak"].search(norm):
        notes.append("愿望里有命令程序的话，没有照办")
    return Wish(
        text=text,
        level=next(one for one in standard.LEVELS if one == (level or named or "初级")),
        customer_type=kind,
        channel=_first(words.channels, norm, "channels"),
        matter=_matter(norm),
        harder=_hit(words.harder, norm, "harder") - _hit(words.easier, norm, "easier"),
        elder=elder,
        regular=_hit(words.regular_words, norm, "regular_words"),
        staff=_hit(words.staff, norm, "staff"),
        work=_first(words.focus, norm, "focus"),
        dialect=_first(words.dialects, norm, "dialects"),
        calls=tuple((_first(words.calls, norm, "calls") or "").split("|")),
        notes=tuple(notes),
    )


def _hit(words: tuple[str, ...], norm: str, where: str) -> bool:
    return draft_data.pattern(words, f"draft.yaml：{where}").search(norm) is not None


def _first(table: Mapping[Key, tuple[str, ...]], norm: str, where: str) -> Key | None:
    return next((key for key, words in table.items() if _hit(words, norm, where)), None)


def _type(norm: str) -> tuple[CustomerType | None, bool]:
    """Give the type wished, and whether an old person of that type is."""
    table = draft_data.book().customer_types
    found = [key for key, words in table.items() if _hit(words, norm, f"customer_types.{key}")]
    if "elderly" in found and len(found) > 1:
        return next(key for key in found if key != "elderly"), True
    return (found[0] if found else None), False


def _matter(norm: str) -> Matter | None:
    """Give the matter whose words cover most of the wish; None where none says anything."""
    best, most = None, 0
    for matter in draft_data.matters().values():
        places: set[int] = set()
        for word in matter.words:
            searched = draft_data.pattern((word,), f"{matter.id}：words")
            places |= {at for match in searched.finditer(norm) for at in range(*match.span())}
        if len(places) > most:
            best, most = matter, len(places)
    return best
