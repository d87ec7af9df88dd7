"""The plots of a report, as plotly figures in HTML; the library itself is put in once, elsewhere.

Knows figures by path and how to draw them; text is dark on light and fits a phone.
"""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from eval import report_words
from eval.metrics import Measured
from eval.metrics_levels import LEVELS
from eval.report_words import Namer
from eval.suites import Suite

INK, MUTED, GRID, ACCENT, WARM, RED = (
    "#1d2b2a", "#566563", "#e3e9e6", "#0f766e", "#a35c10", "#b3261e",
)  # fmt: skip
_FONT = {"family": '"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif', "size": 13}
_WHO = {
    "passes": ("两遍标注", "#3d5a8a", "diamond"), "raters": ("评分人之间", "#3d5a8a", "diamond"),
    "": ("评分器", ACCENT, "circle"), "words": ("数客套话", WARM, "square"),
    "constant": ("最常见档", MUTED, "x"),
}  # fmt: skip
_ROW = 30
_SHADES = [[0.0, "#ffffff"], [0.15, "#d7ece8"], [0.5, "#7fc1b6"], [1.0, "#2f9586"]]


def library() -> str:
    """Give plotly.js, which every plot on the page shares."""
    return str(get_plotlyjs())


def _html(plot: go.Figure, height: int, **axes: object) -> str:
    plot.update_layout(
        height=height, font=_FONT | {"color": INK}, paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)", margin={"l": 8, "r": 12, "t": 34, "b": 34},
        hoverlabel={"bgcolor": "#ffffff", "font": {"color": INK}}, **axes,
    )  # fmt: skip
    plot.update_xaxes(gridcolor=GRID, zeroline=False, automargin=True, fixedrange=True)
    plot.update_yaxes(automargin=True, fixedrange=True)
    return str(
        plot.to_html(
            full_html=False, include_plotlyjs=False,
            config={"displayModeBar": False, "responsive": True},
        )
    )  # fmt: skip


def heatmap(title: str, table: Sequence[Sequence[int]]) -> str:
    """Draw counts of label by grader's level; the last row and column are those without one."""
    names = [str(level) for level in range(LEVELS)] + ["不评"]
    most = max((max(row) for row in table), default=0) or 1
    sums = [sum(row) or 1 for row in table]
    shade = [[count / whole for count in row] for row, whole in zip(table, sums, strict=True)]
    words = [[str(count) if count else "" for count in row] for row in table]
    plot = go.Figure(
        go.Heatmap(
            z=shade, x=names, y=names, text=words, texttemplate="%{text}", showscale=False,
            colorscale=_SHADES, zmin=0, zmax=1, xgap=2, ygap=2,
            textfont={"color": INK, "size": 14 if most < 1000 else 11},
            hovertemplate="标注 %{y}，评分器 %{x}：%{text}<extra></extra>",
        )
    )  # fmt: skip
    plot.update_xaxes(type="category", title={"text": "评分器", "font": {"color": MUTED}})
    plot.update_yaxes(type="category", autorange="reversed",
                      title={"text": "标注", "font": {"color": MUTED}})  # fmt: skip
    return _html(plot, 300, title={"text": title, "x": 0.5, "font": {"size": 15}})


def _error(ones: Sequence[Measured]) -> dict[str, object]:
    up = [0.0 if o.high is None or o.value is None else max(0.0, o.high - o.value) for o in ones]
    down = [0.0 if o.low is None or o.value is None else max(0.0, o.value - o.low) for o in ones]
    return {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "thickness": 1.6}


def against(suite: Suite, dimensions: Sequence[str], kind: Namer) -> str:
    """Draw the quadratic kappa with its interval beside the passes' and the baselines'."""
    plot = go.Figure()
    for who, (name, colour, symbol) in _WHO.items():
        paths = [f"{d}.{who}.qwk" if who else f"{d}.qwk" for d in dimensions]
        kept = [(d, suite.figures[p]) for d, p in zip(dimensions, paths, strict=True)
                if p in suite.figures and suite.figures[p].value is not None]  # fmt: skip
        if not kept:
            continue
        ones = [one for _, one in kept]
        plot.add_trace(
            go.Scatter(
                x=[one.value for one in ones], y=[report_words.part(d, kind) for d, _ in kept],
                name=name, mode="markers", orientation="h",
                error_x=_error(ones) | {"color": colour},
                marker={"color": colour, "size": 11, "symbol": symbol},
                hovertemplate=f"{name}：%{{x:.2f}}<extra>%{{y}}</extra>",
            )
        )  # fmt: skip
    plot.update_xaxes(range=[-0.2, 1.02], dtick=0.2)
    return _html(
        plot, 130 + 62 * len(dimensions), scattermode="group", scattergap=0.35,
        title={"text": "二次加权 κ 与 95 % 区间", "x": 0, "font": {"size": 15}},
        legend={"orientation": "h", "y": -0.2, "x": 0},
        yaxis={"autorange": "reversed"},
    )  # fmt: skip


def bars(suite: Suite, prefix: str, last: str, kind: Namer) -> str:
    """Draw one bar a kind, such as ``kind.*.f1``, the lowest on top; "" where there is none.

    Kinds whose figure is 0 with nothing to find are left out: they say nothing.
    """
    found = [
        (path, one) for path, one in suite.figures.items()
        if path.startswith(prefix) and path.endswith(f".{last}") and one.n and one.value is not None
    ]  # fmt: skip
    if not found:
        return ""
    bad = last == "raised"
    found.sort(key=lambda pair: -(pair[1].value or 0.0) if bad else pair[1].value or 0.0)
    labels = [f"{report_words.figure(p[len(prefix):-len(last) - 1], kind)}（{one.n}）"
              for p, one in found]  # fmt: skip
    ones = [one for _, one in found]
    plot = go.Figure(
        go.Bar(
            x=[one.value for one in ones], y=labels, orientation="h", width=0.62,
            marker={"color": "#c8574f" if bad else "#5aa99d"},
            error_x=_error(ones) | {"color": MUTED},
            hovertemplate="%{y}：%{x:.2f}<extra></extra>",
        )
    )  # fmt: skip
    plot.update_xaxes(range=[0, 1.02], dtick=0.2, tickformat=".0%" if bad else ".1f")
    plot.update_yaxes(autorange="reversed")
    which = {"signals.kind.": "信号各类", "violations.kind.": "违规各类"}.get(prefix, "各类")
    text = "各类攻击里得分高于原句的（越短越好）" if bad else f"{which} F1（括号里是标注的个数）"
    return _html(plot, 80 + _ROW * len(ones),
                 title={"text": text, "x": 0, "font": {"size": 15}})  # fmt: skip


def agents(suite: Suite) -> str:
    """Draw how anger and trust change with the good, the bad and the empty agent."""
    who = {"good": "好座席", "bad": "差座席", "empty": "空话座席"}
    plot = go.Figure()
    for name, shown, colour in (("anger", "怒气", RED), ("trust", "信任", ACCENT)):
        ones = [suite.figures[f"{agent}.{name}"] for agent in who]
        plot.add_trace(
            go.Bar(
                y=list(who.values()), x=[one.value for one in ones], orientation="h", name=shown,
                error_x=_error(ones) | {"color": MUTED}, marker={"color": colour}, opacity=0.85,
                hovertemplate=f"{shown} %{{x:+.0f}}<extra>%{{y}}</extra>",
            )
        )  # fmt: skip
    plot.update_xaxes(zeroline=True, zerolinecolor=MUTED)
    return _html(
        plot, 250, barmode="group",
        title={"text": "一场对话里的变化（点）", "x": 0, "font": {"size": 15}},
        legend={"orientation": "h", "y": -0.2, "x": 0}, yaxis={"autorange": "reversed"},
    )  # fmt: skip
