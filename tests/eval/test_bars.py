import pytest

from eval import bars, suites
from eval.bars import Bar, Below
from eval.metrics import Measured
from eval.suites import Suite
from knowledge.datafile import DataError


def suite(name="levels", **figures):
    found = {path.replace("__", "."): one for path, one in figures.items()}
    return Suite(name=name, title="t", n=1, unit="条", figures=found)


def value(number, low=None, high=None):
    return Measured(value=number, low=low, high=high, n=10)


def bar(**more):
    return Bar(**({"id": "b", "suite": "levels", "figure": "empathy.qwk"} | more))


@pytest.mark.parametrize(
    "one, number, met",
    [
        (bar(least=0.8), 0.8, True),
        (bar(least=0.8), 0.79, False),
        (bar(most=0.2), 0.2, True),
        (bar(most=0.2), 0.21, False),
        (bar(least=0.8), None, False),
    ],
)
def test_a_bar_is_met_or_not_and_no_value_is_not(one, number, met):
    assert bars.held([one], [suite(empathy__qwk=value(number))])[0].is_met is met


def test_a_figure_that_is_not_there_falls_short():
    assert not bars.held([bar(least=0.8)], [suite()])[0].is_met


def test_a_bar_of_a_suite_that_was_not_run_is_not_held():
    assert bars.held([bar(suite="pairs", least=0.8)], [suite()]) == []


@pytest.mark.parametrize("passes, limit", [(0.75, 0.70), (0.95, 0.8), (None, 0.8)])
def test_a_bar_sinks_to_the_passes_own_agreement_less_a_twentieth(passes, limit):
    one = bar(least=0.8, below=Below(figure="empathy.passes.qwk", by=0.05))
    found = suite(empathy__qwk=value(0.72), empathy__passes__qwk=value(passes))
    held = bars.held([one], [found])[0]
    assert held.limit == pytest.approx(limit)
    assert held.is_met is (limit < 0.72)


@pytest.mark.parametrize(
    "text, message",
    [
        ("least: 1, most: 2", "要写一个，也只能写一个"),
        ("note: x", "要写一个，也只能写一个"),
        ("most: 1, below: {figure: a, by: 1}", "below 只能和 least 一起用"),
        ("least: 1, lest: 2", "lest：没有这个字段"),
    ],
)
def test_an_edited_bar_is_checked(tmp_path, text, message):
    path = tmp_path / "bars.yaml"
    path.write_text(f"- {{id: x, suite: levels, figure: a, {text}}}\n", encoding="utf-8")
    with pytest.raises(DataError, match=message):
        bars.load(path)


def test_a_bar_of_no_suite_is_refused(tmp_path):
    path = tmp_path / "bars.yaml"
    path.write_text("- {id: x, suite: levles, figure: a, least: 1}\n", encoding="utf-8")
    with pytest.raises(DataError, match="suite 写成了“levles”，只能是 levels、"):
        bars.load(path)


def test_the_shipped_bars_name_suites_and_cover_the_issue():
    found = bars.load()
    assert {one.suite for one in found} <= set(suites.ALL)
    assert {"levels", "pairs", "signals", "violations", "gaming", "speed"} <= {
        one.suite for one in found
    }


@pytest.mark.parametrize("before, outside", [(0.85, False), (0.95, True), (0.70, True)])
def test_a_move_is_marked_where_the_earlier_value_lies_outside_the_interval(before, outside):
    move = bars.moved([suite(a=value(before))], [suite(a=value(0.8, 0.75, 0.9))])[0]
    assert (move.before, move.now, move.is_outside) == (before, 0.8, outside)
    assert move.change == pytest.approx(0.8 - before, abs=1e-4)


def test_what_did_not_move_is_left_out_and_what_came_or_went_is_shown():
    before = [suite(same=value(0.5), gone=value(0.4)), suite("pairs", a=value(1))]
    moves = bars.moved(before, [suite(same=value(0.5), new=value(0.3))])
    assert [(m.figure, m.before, m.now, m.is_outside) for m in moves] == [
        ("new", None, 0.3, True),
        ("gone", 0.4, None, True),
    ]
