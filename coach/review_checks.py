"""Measures on one generated line: what it gives away, repeats, copies, and in which script it is.

Knows texts and counts; not kinds of faults, nor when a finding matters.
"""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coach import bank
from coach import scenario as scenario_files
from coach.scenario import Scenario
from knowledge.quantity import numeral
from knowledge.text import plain

_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?|[零〇一二两俩三四五六七八九十百千万]+)([㐀-鿿]?)")
_UNITS = {"块": "元", "元": "元", "点": "点", "时": "点", "回": "次", "次": "次", "遍": "次",
          "趟": "次", "通": "次", "天": "天", "日": "日", "号": "日", "岁": "岁", "斤": "斤",
          "成": "成", "家": "家", "张": "张", "件": "件", "单": "单", "台": "台", "晚": "晚",
          "楼": "楼", "月": "月", "年": "年", "格": "格", "人": "人"}  # fmt: skip
_RUN = re.compile(r"[㐀-鿿a-z0-9]+")
_CLAUSE = re.compile(r"[，。！？；、\n.]+")
_LATIN = re.compile(r"[a-zA-Z][a-zA-Z'’]*")
_FOREIGN = re.compile(r"[぀-ヿ가-힯Ѐ-ӿ؀-ۿ฀-๿ऀ-ॿ]")
_CJK = re.compile(r"[㐀-鿿]")
_QUOTED = re.compile(r"[“\"「『‘']([^”\"」』’'\n]{1,60})[”\"」』’']")
_AFTER_COLON = re.compile(r"^[ ]?：[ ]?([^，。！？；\n“\"「]{1,40})")


@dataclass(frozen=True)
class Weights:
    """How much a shared token counts towards a leak; all > 0.

    ``core``: a pair of characters of the fact itself; ``side``: of its ways to be told; both times
    how rare the pair is, 0-1. ``amount``, ``number``, ``digit``: numbers of three or more digits,
    of two, of one with a unit.
    """

    core: float
    side: float
    amount: float
    number: float
    digit: float


def numbers(norm: str) -> dict[str, int]:
    """Give the numbers of a normal text with how many digits each has; one digit keeps its unit."""
    found: dict[str, int] = {}
    for digits, unit in _NUMBER.findall(norm):
        known = _UNITS.get(unit, "")
        if digits[0].isdigit():
            if len(digits) > 1 or known:
                found[digits + (known if len(digits) == 1 else "")] = len(digits)
            continue
        value = numeral(digits)
        if value is None:
            found[digits] = len(digits) - 1  # 五六 is vague, 二三零 is three digits said one by one
        elif value >= 10:
            found[str(int(value))] = len(str(int(value)))
        elif value > 1 and known:
            found[str(int(value)) + known] = 1
    return found


def _case_lines(case: Scenario) -> list[str]:
    lines = [line for fact in case.facts for line in (fact.what, *fact.say)]
    lines += [line for goal in case.goals for line in (*goal.ask, *goal.met)]
    return lines + [line for group in (*case.opening, *case.lines.values()) for line in group]


@functools.lru_cache(maxsize=1)
def _rarity() -> tuple[Counter[str], float]:
    """Count in how many written lines each pair of characters stands; log of all lines."""
    lines = [line.say for line in bank.load()]
    lines += [line for case in scenario_files.load_all().values() for line in _case_lines(case)]
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(_pairs(plain(line)))
    return counts, math.log(len(lines))


def _rare(pair: str) -> float:
    """Give how rare a pair of characters is: 1 in no line, 0 in every line."""
    counts, whole = _rarity()
    return 1 - math.log(1 + counts[pair]) / whole


@dataclass(frozen=True)
class _Profile:
    """What tells a fact: pairs of characters and numbers, with their share of the weights."""

    id: str
    core: dict[str, float]
    side: dict[str, float]
    numbers: dict[str, int]


_FactKey = tuple[tuple[str, str, tuple[str, ...]], ...]


@functools.lru_cache(maxsize=128)
def _profiles(facts: _FactKey, public: str) -> tuple[_Profile, ...]:
    open_numbers = numbers(public)
    found = []
    for fact_id, what, say in facts:
        core = {pair for pair in _pairs(plain(what)) if pair not in public}
        side = {p for line in say for p in _pairs(plain(line)) if p not in public} - core
        counts: dict[str, int] = {}
        for line in (what, *say):
            counts.update(numbers(plain(line)))
        own = {number: size for number, size in counts.items() if number not in open_numbers}
        found.append(
            _Profile(fact_id, {p: _rare(p) for p in core}, {p: _rare(p) for p in side}, own)
        )
    return tuple(found)


def _public(scenario: Scenario) -> str:
    """Give what the other side may say from the start, as one normal text."""
    slots, facts = scenario.slots, {fact.id for fact in scenario.facts}
    asks = [line for g in scenario.goals if not facts & set(g.after) for line in g.ask]
    lines = [line for group in scenario.lines.values() for line in group]
    traps = [line for trap in scenario.worse for line in trap.say]
    opening = [line for group in scenario.opening for line in group]
    whole = [scenario.title, scenario.wants, scenario.person.about, scenario.person.name,
             slots.thing, slots.demand, slots.harm, *opening, *asks, *lines, *traps]  # fmt: skip
    return "\n".join(plain(text) for text in whole)


def leaks(
    norm: str, scenario: Scenario, known: Iterable[str], heard: Sequence[str], weights: Weights
) -> dict[str, tuple[float, str]]:
    """Weigh how much of each untold fact a text gives away.

    Args:
        norm: the text, normal form.
        scenario: whose facts.
        known: ids of facts that may be told or were told.
        heard: texts already said in the talk, by either side; their words give nothing away.
        weights: what a shared token counts.

    Returns:
        By fact id: (sum of weights >= 0, the shared tokens joined by 、); untouched facts left out.
    """
    told = set(known)
    key = tuple((f.id, f.what, f.say) for f in scenario.facts)
    spoken = "\n".join((*map(plain, heard), *_told(scenario, told)))
    mine = [pair for pair in _pairs(norm) if pair not in spoken]
    spoken_numbers = numbers(spoken)
    own_numbers = [n for n in numbers(norm) if n not in spoken_numbers]
    by_size = {1: weights.digit, 2: weights.number}
    found: dict[str, tuple[float, str]] = {}
    for profile in _profiles(key, _public(scenario)):
        if profile.id in told:
            continue
        score = sum(profile.core.get(pair, 0.0) for pair in mine) * weights.core
        score += sum(profile.side.get(pair, 0.0) for pair in mine) * weights.side
        digits = [n for n in own_numbers if n in profile.numbers]
        score += sum(by_size.get(profile.numbers[n], weights.amount) for n in digits)
        if score:
            tokens = [p for p in mine if p in profile.core or p in profile.side]
            found[profile.id] = (score, "、".join([*sorted(tokens, key=norm.find), *digits]))
    return found


def _told(scenario: Scenario, told: set[str]) -> list[str]:
    """Give what the told facts make sayable: their texts, and the questions that rest on them."""
    facts = {fact.id: fact for fact in scenario.facts}
    texts = [line for i in told if i in facts for line in (facts[i].what, *facts[i].say)]
    for goal in scenario.goals:
        if set(goal.after) & facts.keys() <= told:
            texts += goal.ask
    return [plain(text) for text in texts]


@functools.lru_cache(maxsize=2048)
def _pairs(norm: str) -> frozenset[str]:
    return frozenset(run[at : at + 2] for run in _RUN.findall(norm) for at in range(len(run) - 1))


def visible(norm: str) -> int:
    """Count the characters that are Chinese, letters or digits."""
    return sum(len(run) for run in _RUN.findall(norm))


def overlap(one: str, other: str) -> float:
    """Give the share of equal character pairs of two normal texts (Dice), 0-1."""
    first, second = _pairs(one), _pairs(other)
    total = len(first) + len(second)
    return 2 * len(first & second) / total if total else 0.0


def repeated(norm: str, earlier: Sequence[str], share: float, chars: int) -> str | None:
    """Find an earlier text that this one says again, whole or message by message.

    Args:
        norm: the text, normal form.
        earlier: normal forms of what was said before.
        share: overlap from which it is a repeat, 0-1.
        chars: texts with fewer visible characters are no repeats.
    """
    mine = [part for part in {norm, *norm.split("\n")} if visible(part) >= chars]
    theirs = [part for text in earlier for part in {text, *text.split("\n")}]
    theirs = [part for part in theirs if visible(part) >= chars]
    for part in mine:
        for old in theirs:
            if overlap(part, old) >= share:
                return part
            # an old line in full, with little around it
            if old in part and visible(old) >= 0.6 * visible(part):
                return old
    return None


def loop(norm: str, times: int) -> str | None:
    """Find a clause of four or more characters that comes at least so many times."""
    counts = Counter(part.strip() for part in _CLAUSE.split(norm) if visible(part) >= 4)
    for part, count in counts.items():
        if count >= times:
            return part
    match = re.search(rf"(.{{4,12}}?)\1{{{times - 1}}}", norm)
    return match[1] if match and visible(match[1]) >= 4 else None


def foreign(norm: str, familiar: str, latin_words: int, foreign_chars: int) -> str | None:
    """Find other scripts, or running text in Latin letters.

    Args:
        norm: the text, normal form.
        familiar: what was said before and stands in the scenario; its Latin words are allowed.
        latin_words: so many unfamiliar words make it another language.
        foreign_chars: so many characters of another script do.
    """
    strange = _FOREIGN.findall(norm)
    if len(strange) >= foreign_chars:
        return "".join(strange)
    run = [word for word in _LATIN.findall(norm) if word not in familiar]
    letters = sum(len(word) for word in run)
    if len(run) >= latin_words and letters > len(_CJK.findall(norm)):
        return " ".join(run)
    alone = not _CJK.search(norm) and letters >= 16
    return " ".join(run) if alone else None


def ordered_strings(reply: str, ends: Iterable[int]) -> list[str]:
    """Give the strings that a reply tells the other side to say.

    Args:
        reply: normal form.
        ends: offsets just behind each order (请回复, 重复一遍).
    """
    found: list[str] = []
    for end in ends:
        rest = reply[end : end + 80]
        if quoted := _QUOTED.search(rest[:70]):
            found.append(quoted[1])
        elif colon := _AFTER_COLON.match(rest):
            found.append(colon[1])
    return found


def is_chinese(text: str) -> bool:
    """Say whether a text is written at least by half in Chinese characters."""
    letters = sum(len(word) for word in _LATIN.findall(text))
    return len(_CJK.findall(text)) * 2 >= letters
