import numpy as np
import pytest

from eval import metrics, metrics_levels
from eval.metrics import Measured


def table(pairs):
    return metrics_levels.one_hot(pairs)


def figures(pairs, cases=None):
    rows = table(pairs)
    return metrics_levels.agreement(metrics.by_case(cases or range(len(rows)), rows, seed=1))


def test_a_perfect_grader_agrees_fully():
    found = figures([(level, level) for level in range(5)] * 3)
    for name in ("qwk", "linear", "spearman", "exact", "within_one", "coverage"):
        assert found[name].value == 1
    assert found["smd"].value == found["two_off"].value == 0
    assert (found["qwk"].low, found["qwk"].high) == (1, 1)


def test_a_constant_grader_has_no_agreement_beyond_chance():
    found = figures([(level, 2) for level in range(5)] * 3)
    assert found["qwk"].value == found["linear"].value == 0
    assert found["exact"].value == pytest.approx(1 / 5)
    assert found["spearman"].value is None


def test_the_kappas_of_five_items_are_those_worked_out_by_hand():
    found = figures([(0, 0), (1, 1), (2, 2), (3, 4), (4, 3)])
    # squares: seen (1+1)/5 = 0.4, by chance 2 * variance of 0..4 = 4; 1 - 0.4/4
    assert found["qwk"].value == pytest.approx(0.9)
    # distances: seen 2/5, by chance (5·0 + 8·1 + 6·2 + 4·3 + 2·4)/25 = 1.6; 1 - 0.4/1.6
    assert found["linear"].value == pytest.approx(0.75)
    # ranks differ by 1 twice: 1 - 6·2 / (5·24)
    assert found["spearman"].value == pytest.approx(0.9)
    assert (found["exact"].value, found["within_one"].value) == (0.6, 1)


def test_the_mean_difference_is_in_standard_deviations():
    found = figures([(0, 1), (1, 2), (2, 3), (3, 4)])
    # one level too high; both have variance 1.25
    assert found["smd"].value == pytest.approx(1 / 1.25**0.5, abs=1e-4)
    assert found["low.bias"].value == found["middle.bias"].value == 1


def test_no_level_counts_as_the_farthest_one():
    with_null = figures([(0, None), (1, None), (2, None), (3, None), (4, None), (2, 2)])
    farthest = figures([(0, 4), (1, 4), (2, 0), (3, 0), (4, 0), (2, 2)])
    for name in ("qwk", "linear", "spearman", "exact", "smd", "two_off"):
        assert with_null[name] == farthest[name]
    assert with_null["coverage"].value == pytest.approx(1 / 6, abs=1e-4)


def test_a_level_where_the_label_is_null_is_an_error_and_shown():
    found = figures([(1, 1), (3, 3), (None, 2), (None, None)])
    assert found["exact"].value == found["within_one"].value == pytest.approx(2 / 3, abs=1e-4)
    assert (found["false_scores"].value, found["false_scores"].n) == (0.5, 2)
    assert (found["qwk"].value, found["qwk"].n) == (1, 2)


def test_bands_are_of_the_label():
    found = figures([(0, 0), (1, 3), (2, 2), (3, 4), (4, 4)])
    assert found["low.exact"].value == 0.5
    assert found["middle.exact"].value == 1
    assert (found["high.exact"].value, found["high.within_one"].value) == (0.5, 1)
    assert found["low.exact"].n == 2


def test_one_level_everywhere_tells_nothing():
    found = figures([(2, 2)] * 6)
    assert found["qwk"].value is None and found["spearman"].value is None
    assert found["exact"].value == 1


def test_the_statistics_of_the_resamples_are_the_libraries_own():
    dice = np.random.default_rng(5)
    for _ in range(20):
        pairs = [(int(a), int(b)) for a, b in dice.integers(0, 5, size=(30, 2))]
        drawn = metrics.by_case(range(30), table(pairs), seed=1)
        found = metrics_levels.agreement(drawn)
        for name, way in (
            ("qwk", metrics_levels._kappa(2)),
            ("linear", metrics_levels._kappa(1)),
            ("spearman", metrics_levels._spearman),
        ):
            assert way(drawn.total[None])[0] == pytest.approx(found[name].value, abs=1e-4)


def test_label_passes_are_compared_where_both_gave_a_level():
    rows = table([(0, 0), (2, 3), (4, 4), (None, 1), (2, None), (None, None)])
    found = metrics_levels.passes(metrics.by_case(range(6), rows, seed=1))
    assert (found["exact"].value, found["exact"].n) == (pytest.approx(2 / 3, abs=1e-4), 3)
    assert found["null_apart"].value == pytest.approx(2 / 6, abs=1e-4)


def test_a_level_off_the_scale_is_refused():
    with pytest.raises(ValueError, match="level 5; need 0 to 4 or None"):
        metrics_levels.cell(1, 5)


def test_rows_of_one_case_are_drawn_together():
    # 20 cases of 5 equal rows vary like 20 rows, not like 100
    flags = [case % 2 for case in range(20) for _ in range(5)]
    together = metrics.share([case for case in range(20) for _ in range(5)], flags, seed=3)
    single = metrics.share(range(20), [case % 2 for case in range(20)], seed=3)
    apart = metrics.share(range(100), flags, seed=3)
    assert (together.low, together.high) == (single.low, single.high)
    assert together.high - together.low > 1.7 * (apart.high - apart.low)


@pytest.mark.parametrize(
    "row_id, case",
    [
        ("ga-001-a", "ga-001"),
        ("ga-001-c", "ga-001"),
        ("st.001", "st.001"),
        ("ga-001", "ga-001"),
        ("x-ab", "x-ab"),
    ],
)
def test_the_case_is_the_id_without_its_last_letter(row_id, case):
    assert metrics.case_of(row_id) == case


def test_the_same_seed_draws_the_same():
    flags = [1, 0, 0, 1, 1, 0, 1]
    assert metrics.share(range(7), flags, seed=4) == metrics.share(range(7), flags, seed=4)
    one, two = (metrics.by_case(range(7), table([(1, 1)] * 7), seed=s).draws for s in (4, 5))
    assert one.shape == two.shape == (metrics.RESAMPLES, 36)


def test_rows_known_by_their_counts_are_drawn_as_rows_are():
    pairs = [(level % 5, (level * 3) % 5) for level in range(200)]
    rows = table(pairs)
    by_row = metrics_levels.agreement(metrics.by_row(rows.sum(axis=0), seed=1))["exact"]
    by_case = metrics_levels.agreement(metrics.by_case(range(200), rows, seed=1))["exact"]
    assert by_row.value == by_case.value
    assert by_row.low == pytest.approx(by_case.low, abs=0.02)
    assert by_row.high == pytest.approx(by_case.high, abs=0.02)


def test_one_case_gives_a_value_without_an_interval():
    assert metrics.share(["a", "a"], [1, 0], seed=1) == Measured(value=0.5, n=2)


def test_nothing_measured_is_null_not_zero():
    assert metrics.share([], [], seed=1) == Measured(value=None, n=0)
    assert np.isnan(metrics.f1(np.zeros((1, 3)))[0])
    assert np.isnan(metrics.ratio([0], [1])(np.zeros((1, 2)))[0])


def test_f1_follows_from_the_counts():
    assert metrics.f1(np.array([[6.0, 2.0, 4.0]]))[0] == pytest.approx(12 / 18)


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="0 cases, 0 rows"):
        metrics.by_case([], np.zeros((0, 2)), seed=1)
    with pytest.raises(ValueError, match="no rows"):
        metrics.by_row(np.zeros(4), seed=1)
