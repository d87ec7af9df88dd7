"""Chinese text: normalising with a way back to the text as typed, clauses, words, n-grams.

Knows nothing of scores. The only door to jieba and OpenCC.
"""

from __future__ import annotations

import functools
import re
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
_WIDE = str.maketrans(",!?:;()~", "，！？：；（）～")
_CLAUSE_END = re.compile(r"[，。！？；、…～\n]+|(?<=[^\x00-\x7f]) +(?=[^\x00-\x7f])")
_SENTENCE_END = re.compile(r"[。！？；…\n]")
_CJK = re.compile(r"[㐀-鿿]")
_SPACED = re.compile(r"(?:[㐀-鿿] ){2,}[㐀-鿿](?![㐀-鿿])")
_WORD = re.compile(r"[㐀-鿿]+|[a-z]+|[0-9]+(?:\.[0-9]+)?")
_NUMBER_GAP = re.compile(r"(?<=[0-9])[，：](?=[0-9])")
_DIGIT_GAP = re.compile(r"(?<=[㐀-鿿]) (?=[0-9])|(?<=[0-9]) (?=[㐀-鿿])")
_DROPPED = {"Cf", "Mn", "Cc", "Cs", "Co"}


@dataclass(frozen=True)
class Clause:
    """A run of text between punctuation marks; offsets are into ``Text.norm``."""

    start: int
    end: int
    text: str
    sentence: int
    tail: str


@dataclass(frozen=True)
class Text:
    """A text as typed, its normal form, and where each normal character came from.

    ``origin[i]`` is the raw offset (Unicode code points) of ``norm[i]``; one entry more than
    ``norm`` has characters, the last one being ``len(raw)``.
    """

    raw: str
    norm: str
    origin: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Turn offsets into ``norm`` into offsets into ``raw``, end exclusive."""
        if not 0 <= start < end <= len(self.norm):
            raise ValueError(f"span {start}:{end} outside 0:{len(self.norm)}")
        return self.origin[start], self.origin[end - 1] + 1


@functools.lru_cache(maxsize=1)
def _converter() -> Any:  # noqa: ANN401 - opencc has no types
    import opencc

    return opencc.OpenCC("t2s")


@functools.lru_cache(maxsize=65536)
def _normal_char(char: str) -> str:
    """Give the normal form of one character: NFKC, simplified, lower case, wide punctuation."""
    if char in "\n\r":
        return "\n"
    folded = unicodedata.normalize("NFKC", char).lower().translate(_WIDE)
    if "㐀" <= char <= "鿿":
        simple = _converter().convert(folded)
        return simple if len(simple) == 1 else folded
    if char.isspace():
        return " "
    return "".join(c for c in folded if unicodedata.category(c) not in _DROPPED)


@functools.lru_cache(maxsize=4096)
def normalise(raw: str) -> Text:
    """Normalise a text and remember where every character came from.

    NFKC, traditional to simplified (character by character), lower case, punctuation of both
    widths to the wide one, invisible characters dropped, blanks inside 对 不 起 (single
    characters set apart) dropped.
    """
    chars: list[str] = []
    origin: list[int] = []
    for offset, char in enumerate(raw):
        for piece in _normal_char(char):
            if piece == " " and (not chars or chars[-1] in " \n"):
                continue
            chars.append(piece)
            origin.append(offset)
    norm = "".join(chars)
    for match in reversed(list(_SPACED.finditer(norm))):
        for at in range(match.end() - 1, match.start(), -1):
            if norm[at] == " ":
                del chars[at], origin[at]
        norm = "".join(chars)
    if " " in norm and _DIGIT_GAP.search(norm):
        for match in reversed(list(_DIGIT_GAP.finditer(norm))):
            del chars[match.start()], origin[match.start()]
        norm = "".join(chars)
    if _NUMBER_GAP.search(norm):
        norm = _NUMBER_GAP.sub(lambda m: "," if m[0] == "，" else ":", norm)
    origin.append(len(raw))
    return Text(raw, norm, tuple(origin))


def plain(raw: str) -> str:
    """Give only the normal form, for queries and comparison."""
    return normalise(raw).norm


def clauses(norm: str) -> list[Clause]:
    """Cut a normal text at punctuation; ``sentence`` counts from 0, ``tail`` is the mark after."""
    found: list[Clause] = []
    start, sentence = 0, 0
    for mark in [*_CLAUSE_END.finditer(norm), None]:
        end = mark.start() if mark else len(norm)
        tail = mark[0] if mark else ""
        if norm[start:end].strip():
            found.append(Clause(start, end, norm[start:end], sentence, tail))
        if mark:
            sentence += bool(_SENTENCE_END.search(tail))
            start = mark.end()
    return found


def _cache_folder() -> str | None:
    """Give a folder of this user's own for jieba's dictionary cache, None if there can be none."""
    import platformdirs

    folder = platformdirs.user_cache_path("kefu-coach")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return str(folder)


@functools.lru_cache(maxsize=1)
def _tokenizer() -> Any:  # noqa: ANN401 - jieba has no types
    import jieba

    jieba.setLogLevel(60)
    tokenizer = jieba.Tokenizer()
    tokenizer.lock = threading.RLock()
    tokenizer.tmp_dir = _cache_folder()
    tokenizer.initialize()
    for line in (DATA / "words.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            tokenizer.add_word(line)
    return tokenizer


def words(norm: str) -> list[str]:
    """Cut a normal text into words with our own jieba tokenizer; punctuation is left out."""
    return [piece for piece in _tokenizer().lcut(norm) if _WORD.search(piece)]


def ngrams(norm: str, sizes: tuple[int, ...] = (1, 2, 3)) -> Iterator[str]:
    """Give the character n-grams of each run of Chinese characters, letters or digits."""
    for run in _WORD.findall(norm):
        for size in sizes:
            for start in range(len(run) - size + 1):
                yield run[start : start + size]


def has_chinese(norm: str) -> bool:
    """Say whether a text holds at least one Chinese character."""
    return bool(_CJK.search(norm))
