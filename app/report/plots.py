"""Small plots as inline SVG, each with the same numbers in words beside it; knows no meanings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from app.report import words
from coach.report import CurvePoint

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 340, 132, 28, 52, 10, 20


def _x(at: int, count: int) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (at / max(1, count - 1))


def _y(value: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - value / 100)


def _apart(wanted: Mapping[str, float], gap: float = 14.0) -> dict[str, float]:
    """Push labels apart so that none covers another; heights in SVG units."""
    placed: dict[str, float] = {}
    last = -gap
    for name, y in sorted(wanted.items(), key=lambda pair: pair[1]):
        last = max(y, last + gap)
        placed[name] = last
    over = last - (_HEIGHT - _BOTTOM + 8)
    return {name: y - max(0.0, over) for name, y in placed.items()}


def mood_words(curve: Sequence[CurvePoint]) -> str:
    """Say the latest numbers and how they moved since the turn before."""
    now = curve[-1]
    before = curve[-2] if len(curve) > 1 else now
    parts = []
    for name, shown in words.MOODS.items():
        value, change = getattr(now, name), getattr(now, name) - getattr(before, name)
        moved = (
            f"（{'升' if change > 0 else '降'} {abs(change):.0f}）" if abs(change) >= 0.5 else ""
        )
        parts.append(f"{shown} {value:.0f}{moved}")
    return "，".join(parts)


def mood(curve: Sequence[CurvePoint]) -> str:
    """Draw anger, trust and patience over the turns.

    Args:
        curve: one point a turn, oldest first, at least one; numbers 0-100.
    """
    count = len(curve)
    lines, ends = [], {name: _y(getattr(curve[-1], name)) for name in words.MOODS}
    labels = _apart(ends)
    for name, shown in words.MOODS.items():
        path = " ".join(
            f"{_x(at, count):.1f},{_y(getattr(point, name)):.1f}" for at, point in enumerate(curve)
        )
        x = _x(count - 1, count)
        lines.append(
            f'<polyline class="m-{name}" points="{path}"/>'
            f'<circle class="m-{name}" cx="{x:.1f}" cy="{ends[name]:.1f}" r="3"/>'
            f'<text class="m-{name}" x="{x + 8:.1f}" y="{labels[name] + 4:.1f}">'
            f"{shown} {getattr(curve[-1], name):.0f}</text>"
        )
    grid = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" '
        f'y1="{_y(v):.1f}" y2="{_y(v):.1f}"/>'
        f'<text class="tick" x="{_LEFT - 6}" y="{_y(v) + 4:.1f}" text-anchor="end">{v}</text>'
        for v in (0, 50, 100)
    )
    turns = "".join(
        f'<text class="tick" x="{_x(at, count):.1f}" y="{_HEIGHT - 4}" text-anchor="middle">'
        f"{'开场' if at == 0 else f'第{at}句'}</text>"
        for at in sorted({0, count - 1})
    )
    said = escape(mood_words(curve))
    return (
        f'<svg class="mood" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="情绪曲线：{said}">'
        f"{grid}{turns}{''.join(lines)}</svg>"
    )


def bar(name: str, score: float | None) -> str:
    """Draw one score as a labelled bar; no score gives an empty, dashed bar that says 不评."""
    shown = words.DIMENSIONS[name]
    fill = "" if score is None else f'<i class="fill d-{name}" style="width:{score:.1f}%"></i>'
    empty = " none" if score is None else ""
    return (
        f'<div class="bar{empty}"><span class="bar-name">{shown}</span>'
        f'<span class="track" aria-hidden="true">{fill}</span>'
        f'<b class="bar-score">{words.points(score)}</b></div>'
    )
