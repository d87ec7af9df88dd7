"""Every word said to a language model, one template a file; fills them and cleans what goes in.

Knows templates and our own markers; not scenarios, nor models.
"""

from __future__ import annotations

import functools
import hashlib
import re
import unicodedata
from pathlib import Path
from string import Template

FOLDER = Path(__file__).parent
_HIDDEN = {"Cc", "Cf", "Co", "Cs", "Cn"}
_MARKERS = re.compile(
    r"</?[A-Za-z_|｜!?][^<>]{0,80}>"  # tags and the chat templates' own tokens
    r"|\[/?(?:INST|SYS|SYSTEM|ASSISTANT|USER)\]"
    r"|<</?SYS>>|<<|>>|<\||\|>|<｜|｜>|```|【|】",
    re.IGNORECASE,
)
_QUOTES = str.maketrans({"“": "「", "”": "」"})
_BLANKS = re.compile(r"\s+")


def names() -> tuple[str, ...]:
    """Give the names of all templates, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.txt")))


@functools.lru_cache(maxsize=64)
def _template(name: str) -> Template:
    if name not in names():
        raise ValueError(f"prompts: no template {name!r}; there are {', '.join(names())}")
    text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").removesuffix("\n")
    template = Template(text)
    if not template.is_valid():
        raise ValueError(f"prompts/{name}.txt: a dollar sign that names no value; write $$")
    return template


def fields(name: str) -> frozenset[str]:
    """Give the values a template wants."""
    return frozenset(_template(name).get_identifiers())


def fill(name: str, /, **values: str) -> str:
    """Fill a template; the values are put in as they are.

    Raises:
        ValueError: no such template, or a value is missing or surplus (names both).
    """
    wanted = fields(name)
    if missing := wanted - values.keys():
        raise ValueError(f"prompts/{name}.txt: no value for {', '.join(sorted(missing))}")
    if surplus := values.keys() - wanted:
        raise ValueError(f"prompts/{name}.txt: knows no value {', '.join(sorted(surplus))}")
    return _template(name).substitute(values)


def unmarked(text: str) -> str:
    """Make an untrusted text safe to quote: one line, without our markers or a template's tokens.

    Chinese double quotes become 「」, so that the text cannot close the quotes it stands in.
    """
    shown = "".join(
        char for char in text if char.isspace() or unicodedata.category(char) not in _HIDDEN
    ).translate(_QUOTES)
    while (fewer := _MARKERS.sub("", shown)) != shown:
        shown = fewer  # a marker may appear once another inside it is gone
    return _BLANKS.sub(" ", shown).strip()


def version() -> str:
    """Give the digest of all templates, for version fields."""
    digest = hashlib.sha256()
    for name in names():
        digest.update(f"{name}\n".encode())
        digest.update((FOLDER / f"{name}.txt").read_bytes())
    return digest.hexdigest()[:12]
