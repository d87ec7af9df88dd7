"""Quantities in Chinese text: durations, clock times, dates, sums, shares, counts.

Knows how a figure is written, in digits or characters; not what it is about, nor whether it is
right. Equal quantities compare equal however they are written: 半小时 and 30 分钟, 九成五 and 95%.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "俩": 2, "三": 3, "四": 4, "五": 5,
           "六": 6, "七": 7, "八": 8, "九": 9, "仨": 3}  # fmt: skip
_TENS = {"十": 10, "百": 100, "千": 1000}
_N = r"(?:[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?|[零〇一二两俩仨三四五六七八九十百千万]+)"
_MINUTES = {
    "秒": 1 / 60, "秒钟": 1 / 60, "分钟": 1.0, "刻钟": 15.0, "小时": 60.0, "个小时": 60.0,
    "钟头": 60.0, "个钟头": 60.0, "个钟": 60.0, "天": 1440.0, "日": 1440.0, "个自然日": 1440.0,
    "自然日": 1440.0, "周": 10080.0, "个星期": 10080.0, "星期": 10080.0, "个礼拜": 10080.0,
    "礼拜": 10080.0,
}  # fmt: skip
_WEEKDAYS = "一二三四五六日"

Kind = Literal[
    "duration", "workdays", "months", "clock", "date", "weekday", "money", "share", "count"
]


@dataclass(frozen=True)
class Quantity:
    """One figure of a text.

    ``value``: minutes for a duration; working days; months; minutes after midnight for a clock
    time; month * 100 + day for a date (0 as the month where it is not said); 0-6 for a weekday,
    Monday 0; yuan; a share of 1; a plain count. ``unit``: the counted thing, "" but for counts.
    ``half``: a clock time that may as well be twelve hours later. ``start``, ``end``: code points.
    """

    kind: Kind
    value: float
    start: int
    end: int
    unit: str = ""
    half: bool = False

    def same(self, other: Quantity) -> bool:
        """Say whether both are the same figure, however written."""
        if (self.kind, self.unit) != (other.kind, other.unit):
            return False
        if self.kind == "date" and (self.value < 100 or other.value < 100):
            return self.value % 100 == other.value % 100
        gap = abs(self.value - other.value)
        if self.kind == "clock" and (self.half or other.half):
            gap = min(gap, abs(gap - 720))
        return gap <= 1e-6 * max(1.0, abs(self.value))


def numeral(digits: str) -> float | None:
    """Read one number in digits or Chinese characters, 七千三 as 7300.

    Returns:
        None where the characters are no single number below 100 million (五六, 二三零).
    """
    plain = digits.replace(",", "")
    if plain[:1].isdigit():
        return float(plain)
    total, current, last, whole = 0, 0, 0, 0
    pending = False
    for char in plain:
        if char == "万":
            whole, total, current, last, pending = (total + current) * 10000, 0, 0, 10000, False
        elif char in _TENS:
            total += (current if pending else 1) * _TENS[char]
            current, last, pending = 0, _TENS[char], False
        elif pending and current:
            return None
        else:
            current, pending = _DIGITS[char], True
    if pending and current and last >= 100 and plain[-2] not in "零〇":
        current *= last // 10  # 七千三 is 7300: a bare last digit takes the next lower unit
    return float(whole + total + current)


def _duration(match: re.Match[str]) -> tuple[Kind, float] | None:
    number, more, unit = match["n"], match["more"], match["unit"]
    value = 0.5 if number in ("半", "半个") else numeral(number)
    if value is None:
        return None
    if more:
        value += 0.5
    if unit in ("工作日", "个工作日"):
        return "workdays", value
    if unit in ("个月", "年"):
        return "months", value * (12 if unit == "年" else 1)
    return "duration", value * _MINUTES[unit]


def _clock(match: re.Match[str]) -> tuple[Kind, float] | None:
    hour, minute = numeral(match["hour"]), 0.0
    if hour is None or hour > 24:
        return None
    rest, day = match["rest"], match["day"]
    if rest == "半":
        minute = 30.0
    elif rest in ("一刻", "三刻"):
        minute = 15.0 if rest == "一刻" else 45.0
    elif rest:
        minute = numeral(rest.rstrip("分")) or 0.0
    late = day in ("下午", "晚上", "傍晚", "今晚", "明晚", "晚", "夜里")
    noon = day == "中午" and hour < 3
    if (late or noon) and hour < 12:
        hour += 12
    return "clock", hour * 60 + minute


def _colon(match: re.Match[str]) -> tuple[Kind, float] | None:
    hour, minute = int(match["hour"]), int(match["rest"])
    return ("clock", hour * 60.0 + minute) if hour <= 24 and minute < 60 else None


def _date(match: re.Match[str]) -> tuple[Kind, float] | None:
    month, day = numeral(match["month"]) if match["month"] else 0.0, numeral(match["dom"])
    if month is None or day is None or not (0 <= month <= 12 and 1 <= day <= 31):
        return None
    return "date", month * 100 + day


def _weekday(match: re.Match[str]) -> tuple[Kind, float] | None:
    return "weekday", float(_WEEKDAYS.index(match["w"].replace("天", "日")))


def _money(match: re.Match[str]) -> tuple[Kind, float] | None:
    value = numeral(match["n"])
    if value is None:
        return None
    cents = match["cents"]
    if cents:
        value += (numeral(cents) or 0.0) / 10
    return "money", value * {"毛": 0.1, "角": 0.1, "分钱": 0.01}.get(match["unit"], 1.0)


def _yuan(match: re.Match[str]) -> tuple[Kind, float] | None:
    value = numeral(match["n"])
    return None if value is None else ("money", value)


def _percent(match: re.Match[str]) -> tuple[Kind, float] | None:
    value = numeral(match["n"])
    return None if value is None else ("share", value / 100)


def _tenths(match: re.Match[str]) -> tuple[Kind, float] | None:
    value, more = numeral(match["n"]), match["more"]
    if value is None or value > 10 and match["unit"] == "成":
        return None
    if match["unit"] == "折" and value >= 10:
        return "share", value / 100
    return "share", value / 10 + ((numeral(more) or 0.0) / 100 if more else 0.0)


def _count(match: re.Match[str]) -> tuple[Kind, float] | None:
    value = numeral(match["n"])
    return None if value is None else ("count", value)


_COUNTED = "次遍回趟张件条位份人节集米斤单台笔项户期级层楼岁格门片粒盒袋箱兆"
_SAME_COUNT = {"遍": "次", "回": "次", "趟": "次", "楼": "层"}
_DAYTIME = "早上|上午|中午|下午|晚上|傍晚|今晚|明晚|晚|凌晨|夜里|早"
_NO_CLOCK = r"(?!了|儿|都|也|不|没|[击开播滴赞评]|(?:个)?(?:问题|意见|要求|建议))"
_NO_DATE = r"(?!线|楼|店|码|柜|工|馆|机|内|院)"
_SPAN = (
    r"(?:个)?工作日|(?:个)?自然日|秒钟|秒|分钟|刻钟|个?小时|个?钟头|个钟|(?<=半)天|天|日(?=之?内|后)"
    r"|个?星期|个?礼拜|周(?!年|[一二三四五六日])|个月|年(?!级|前|代)"
)
_END_CENTS = r"(?=[，。！？；、 \n）)]|$|的|左右|退|一(?:个)?月)"
_COINS = "块钱|块|元钱|元|毛钱|毛|角|分钱"
_Read = Callable[[re.Match[str]], "tuple[Kind, float] | None"]
_PATTERNS: tuple[tuple[re.Pattern[str], _Read], ...] = tuple(
    (re.compile(pattern), read)
    for pattern, read in (
        (rf"百分之(?P<n>{_N})", _percent),
        (rf"(?P<n>{_N})%", _percent),
        (rf"(?P<n>{_N})(?P<unit>成|折)(?P<more>[一二三四五六七八九])?(?![为了本立功不])", _tenths),
        (rf"[¥￥](?P<n>{_N})", _yuan),
        (rf"(?P<n>{_N})(?P<unit>{_COINS})(?P<cents>[一二三四五六七八九1-9]{_END_CENTS})?", _money),
        (r"(?P<hour>[0-2]?[0-9])[:：](?P<rest>[0-5][0-9])", _colon),
        (
            rf"(?P<day>{_DAYTIME})?(?P<hour>{_N})点(?:钟|整)?{_NO_CLOCK}"
            rf"(?P<rest>半|一刻|三刻|{_N}分?)?",
            _clock,
        ),
        (rf"(?:(?P<month>{_N})月)?(?P<dom>{_N})(?:号|日){_NO_DATE}", _date),
        (r"(?:周|星期|礼拜)(?P<w>[一二三四五六日天])", _weekday),
        (rf"(?P<n>{_N}|半个?)(?P<more>个半)?(?P<unit>{_SPAN})", _duration),
        (rf"(?P<n>{_N})(?P<unit>个?[{_COUNTED}])", _count),
    )
)


@functools.lru_cache(maxsize=2048)
def quantities(norm: str) -> tuple[Quantity, ...]:
    """Find the figures of a normal text, in order; none overlap (cached: cards are read often).

    Args:
        norm: normal text (knowledge.text.plain).
    """
    taken = [False] * len(norm)
    found: list[Quantity] = []
    for pattern, read in _PATTERNS:
        for match in pattern.finditer(norm):
            start, end = match.span()
            if any(taken[start:end]):
                continue
            made = read(match)
            if made is None:
                continue
            taken[start:end] = [True] * (end - start)
            kind, value = made
            unit = match["unit"].lstrip("个") if kind == "count" else ""
            half = kind == "clock" and not match.groupdict().get("day") and value < 720
            found.append(Quantity(kind, value, start, end, _SAME_COUNT.get(unit, unit), half))
    return tuple(sorted(found, key=lambda one: one.start))
