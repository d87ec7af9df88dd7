"""Comparing words of two speakers: what was copied, what a customer's words hold.

Knows characters; not meanings.
"""

from __future__ import annotations

import re

_MIN_COPY = 10
_STOP_PAIRS = frozenset(
    "你们 我们 您们 他们 什么 怎么 这个 那个 现在 一下 就是 不是 没有 可以 不能 已经 还是 还没 这样 那样 知道 "
    "的时 时候 了吗 是不 为什 不要 起来 出来 一个 我的 你的 您的 问题 不行 客服 自己 的话 是什 今天 明天 因为 所以 "
    "但是 如果 然后 这是 那是 给我 我就 你就 都是 也是 说的 的是 了我 我要 我在 在我 我想 不知 东西 事情 到底 能不 "
    "好的 是我 我是 不用 谢谢 请问 帮我 一直 这么 那么 多少 时间 的人 不到 有没 有人 没人 说过 我说 你说".split()
)


def copied_ratio(norm: str, other: str) -> float:
    """Give the share of a reply that is copied from the other side in runs of 10 or more."""
    compact, source = re.sub(r"[，。！？；、\n ]", "", norm), re.sub(r"[，。！？；、\n ]", "", other)
    if len(compact) < _MIN_COPY or len(source) < _MIN_COPY:
        return 0.0
    runs = {source[i : i + _MIN_COPY] for i in range(len(source) - _MIN_COPY + 1)}
    covered = bytearray(len(compact))
    for at in range(len(compact) - _MIN_COPY + 1):
        if compact[at : at + _MIN_COPY] in runs:
            covered[at : at + _MIN_COPY] = b"\x01" * _MIN_COPY
    return sum(covered) / len(compact)


def case_words(said: str) -> set[str]:
    """Give pairs of characters and numbers in the other side's words that can show listening."""
    found: set[str] = set(re.findall(r"[0-9]+(?:\.[0-9]+)?", said))
    for run in re.findall(r"[㐀-鿿]{2,}", said):
        found |= {run[i : i + 2] for i in range(len(run) - 1)}
    return found - _STOP_PAIRS
