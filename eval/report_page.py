"""The report as one HTML file that needs nothing else. Knows the template and what it is given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from eval import report_plots, report_words, suites
from eval.bars import Held, Move
from eval.metrics import Measured
from eval.report import Report
from eval.report_text import ordered
from eval.report_words import Namer
from eval.suites import Suite
from grading.result import DIMENSIONS

TEMPLATE = "report.html.j2"
MARKED = (*DIMENSIONS, "overall")
_GRID = (
    "qwk", "linear", "spearman", "exact", "within_one", "two_off", "smd", "coverage",
    "false_scores", "null_apart",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One line of a table, all text."""

    name: str
    value: str
    interval: str
    n: int


@dataclass(frozen=True)
class Grid:
    """Figures by dimension: one row a figure, one (value, interval) a dimension."""

    heads: list[str]
    rows: list[tuple[str, list[tuple[str, str]]]]


@dataclass(frozen=True)
class Section:
    """One suite as the template takes it; plots are HTML made by plotly."""

    suite: Suite
    agreed: Grid | None
    main: Grid | None
    rows: list[Row]
    heat: list[Markup]
    plots: list[Markup]


def _rows(suite: Suite, kind: Namer) -> list[Row]:
    return [
        Row(report_words.figure(path, kind), report_words.number(path, one.value),
            report_words.interval(path, one), one.n)
        for path in ordered(suite) if (one := suite.figures[path])
    ]  # fmt: skip


def _grid(suite: Suite, who: str, kind: Namer) -> Grid | None:
    """Lay out the figures of one comparison, null where the suite has none of it."""
    names = [name for name in MARKED if name in suite.tables]
    heads = [f"{name}.{who}" if who else name for name in names]
    wanted = [last for last in _GRID if any(f"{head}.{last}" in suite.figures for head in heads)]
    if not wanted:
        return None
    rows = []
    for last in wanted:
        cells = []
        for head in heads:
            path = f"{head}.{last}"
            one = suite.figures.get(path, Measured(value=None, n=0))
            cells.append((report_words.number(path, one.value), report_words.interval(path, one)))
        rows.append((report_words.part(last, kind), cells))
    return Grid([report_words.part(name, kind) for name in names], rows)


def _plots(suite: Suite, kind: Namer) -> Iterator[str]:
    marked = [name for name in MARKED if name in suite.tables]
    if marked:
        yield report_plots.against(suite, marked, kind)
    if suite.name == "gaming":
        yield report_plots.bars(suite, "kind.", "raised", kind)
    elif suite.name == "customer":
        yield report_plots.agents(suite)
        last = [path for path in suite.figures if path.startswith("reviewer.")][-1].split(".")[1]
        yield report_plots.bars(suite, f"reviewer.{last}.kind.", "f1", kind)
    else:
        for prefix in ("kind.", "signals.kind.", "violations.kind."):
            yield report_plots.bars(suite, prefix, "f1", kind)


def _section(suite: Suite, kind: Namer) -> Section:
    # plotly's own HTML; every text in it went through its JSON encoder, which escapes < and >
    return Section(
        suite=suite, rows=_rows(suite, kind), main=_grid(suite, "", kind),
        agreed=_grid(suite, "passes", kind) or _grid(suite, "raters", kind),
        heat=[Markup(report_plots.heatmap(report_words.part(name, kind), table))
              for name, table in suite.tables.items()],
        plots=[Markup(plot) for plot in _plots(suite, kind) if plot],
    )  # fmt: skip


def render(report: Report, kind: Namer) -> str:
    """Give the page.

    Args:
        report: of a run.
        kind: gives the Chinese name of a signal or breach.
    """
    folder = FileSystemLoader(Path(__file__).parent)
    pages = Environment(loader=folder, autoescape=True, undefined=StrictUndefined)

    def limit(bar: Held) -> str:
        sign = "≥" if bar.way == "least" else "≤"
        return f"{sign} {report_words.number(bar.figure, bar.limit)}"

    def change(move: Move) -> str:
        return report_words.number(move.figure, move.change, signed=True)

    pages.filters |= {"limit": limit, "change": change}
    return pages.get_template(TEMPLATE).render(
        report=report, about=report.about, library=Markup(report_plots.library()),
        sections=[_section(suite, kind) for suite in report.suites],
        name=lambda path: report_words.figure(path, kind), title=suites.title,
        number=report_words.number, word=lambda name: report_words.part(name, kind),
    )  # fmt: skip
