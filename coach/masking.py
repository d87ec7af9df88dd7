"""Personal data must not pass in a text that leaves this machine.

Knows data/masking.yaml and which hosts are ours; not whose names are at stake (the caller does).
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from coach.engine import Message
from knowledge.datafile import DataError, Entry, parse, read_yaml, refuse_repeats

FILE = Path(__file__).parent / "data" / "masking.yaml"
_SAID = "[零〇一幺二两三四五六七八九]"
_SEPARATORS = re.compile(r"[ .·，,、-]")


class Rule(Entry):
    """One pattern; its group ``n``, or else the whole match, is hidden but for ``keep``."""

    id: str
    keep: Literal["last1", "phone", "tail4", "name"]
    match: str


class Book(Entry):
    """All of masking.yaml."""

    version: str
    compound: tuple[str, ...] = Field(min_length=1)
    surnames: str
    titles: tuple[str, ...]
    not_names: tuple[str, ...]
    not_exactly: tuple[str, ...]
    rules: tuple[Rule, ...] = Field(min_length=1)


@functools.lru_cache(maxsize=2)
def book(path: Path = FILE) -> Book:
    """Load the rules (cached).

    Raises:
        DataError: an unknown key, a repeated id, or a pattern that does not compile.
    """
    found = parse(Book, read_yaml(path), path.name)
    refuse_repeats((rule.id for rule in found.rules), path.name)
    for rule in found.rules:
        try:
            re.compile(_expanded(rule, found))
        except re.error as error:
            raise DataError(f"{path.name}：{rule.id} 的 match 写法有误（{error}）") from None
    return found


def _surnames(found: Book) -> str:
    return "".join(found.surnames.split())


def _expanded(rule: Rule, found: Book) -> str:
    surname = f"(?:{'|'.join(found.compound)}|[{_surnames(found)}])"
    text = rule.match.replace("SURNAME_HAN", surname + "[一-鿿]").replace("SURNAME", surname)
    return text.replace("HAN", "[一-鿿]").replace("SAID", _SAID)


@functools.lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(_expanded(rule, book())), rule.keep) for rule in book().rules)


def spots(text: str, rules: Iterable[str]) -> list[tuple[int, int]]:
    """Give where these rules find something to hide in a text, in code points, sorted."""
    wanted, found = set(rules), set()
    for rule, (pattern, _) in zip(book().rules, _patterns(), strict=True):
        for match in pattern.finditer(text) if rule.id in wanted else ():
            found.add(match.span("n" if "n" in pattern.groupindex else 0))
    return sorted(found)


def _shortened(name: str) -> str:
    """Keep the surname (two characters of a compound one) or a first letter."""
    first = name[:2] if name[:2] in book().compound and len(name) > 2 else name[:1]
    return first + "**"


def _is_name(name: str) -> bool:
    """Tell a surname with a given name from a surname with a title, and from a plain word."""
    given = name[2:] if name[:2] in book().compound else name[1:]
    if not given or given in book().titles or given.startswith(book().titles):
        return False
    if name.startswith(book().not_names) or name in book().not_exactly:
        return False
    if set(given) & set("位个的是这那"):
        return False
    # 对于张女士: a lone surname before a title is not the given name of the character before it.
    return not (len(given) == 1 and given in _surnames(book()))


def _hidden(text: str, keep: str) -> str:
    if keep == "name":
        return _shortened(text) if _is_name(text) else text
    bare = _SEPARATORS.sub("", text)
    if keep == "phone":
        return f"{bare[:3]}****{bare[-4:]}"
    rest = bare[-1:] if keep == "last1" else bare[-4:]
    return "*" * (len(bare) - len(rest)) + rest


def mask(text: str, names: Iterable[str] = ()) -> str:
    """Hide names, phone, identity, card and order numbers in a text.

    Args:
        text: anything that is about to leave.
        names: whole names to hide wherever they stand; those under two characters are ignored.

    Returns:
        The text with 138****1234 for a phone, stars and the last four for a card or an order, stars
        and the last one for an identity number, 邓** for a name. Masking twice changes nothing.
    """
    for name in sorted({name.strip() for name in names}, key=len, reverse=True):
        if len(name) >= 2:
            text = text.replace(name, _shortened(name))
    for pattern, keep in _patterns():
        text = pattern.sub(functools.partial(_replaced, keep=keep), text)
    return text


def _replaced(match: re.Match[str], keep: str) -> str:
    group = "n" if "n" in match.re.groupindex else 0
    start, end = match.start(group) - match.start(), match.end(group) - match.start()
    whole = match[0]
    return whole[:start] + _hidden(match[group], keep) + whole[end:]


def outgoing(messages: Sequence[Message], names: Iterable[str] | None) -> list[Message]:
    """Give a chat as it may be sent: masked with these names, or as it is for None."""
    # A lone surrogate, as a browser may send, cannot be put on the wire.
    texts = [message.content.encode("utf-8", "replace").decode() for message in messages]
    if names is not None:
        known = tuple(names)
        texts = [mask(text, known) for text in texts]
    return [Message(old.role, text) for old, text in zip(messages, texts, strict=True)]


def is_loopback(url: str) -> bool:
    """Say whether a URL names this machine itself: localhost, 127.0.0.0/8 or [::1], nothing else.

    A name that merely resolves to loopback does not count: who answers it can change.
    """
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def address(base_url: str) -> str:
    """Give a server's address without a closing slash.

    Raises:
        DataError: it is no plain http address, or two readers could disagree about its host.
    """
    try:
        parts = urlsplit(base_url)
        good = bool(parts.scheme in ("http", "https") and parts.hostname and parts.port != 0)
    except ValueError:
        good = False
    if not good or set(base_url) & set("@\\?# "):
        raise DataError(f"对话服务的地址写成了“{base_url}”，应像 http://127.0.0.1:8000/v1")
    return base_url.rstrip("/")
