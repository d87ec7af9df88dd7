import numpy as np
import pytest

from knowledge.dense import DenseSide, VectorSettings, alike
from knowledge.encoder import unit_rows

OWNERS = np.array([0, 0, 0, 1, 1])
VECTORS = unit_rows(np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 1]], dtype=np.float32))


class Given:
    """An encoder whose texts are their vectors."""

    name, dim = "given", 2

    def encode(self, texts):
        return unit_rows(np.array([[float(n) for n in t.split()] for t in texts]))


def side(**changed):
    kept = {"nearest": 5, "best_count": 2, "best": 1.0, "other": 0.5, **changed}
    return DenseSide(Given(), OWNERS, VECTORS, VectorSettings(**kept))


def test_the_best_few_of_each_owner_are_averaged():
    # Towards (1, 0): owner 0 has 1, 1, 0; owner 1 has 0, 0.
    assert side().score("1 0") == pytest.approx([1.0, 0.0])
    assert side(best_count=3).score("1 0") == pytest.approx([2 / 3, 0.0])


def test_the_mean_of_an_owner_counts_by_its_share():
    # The middle of owner 0 is (2, 1) / sqrt(5).
    assert side(best=0.0).score("1 0") == pytest.approx([2 / np.sqrt(5), 0.0])


def test_entries_beyond_the_nearest_count_as_the_last_one_found():
    # Only two entries are looked at, both owner 0's at 1; owner 1's are at most that near.
    assert side(nearest=2).score("1 0") == pytest.approx([1.0, 1.0])


def test_a_query_of_nothing_known_scores_zero():
    assert not side().score("0 0").any()


def test_parts_that_do_not_fit_are_refused():
    chosen = side().settings
    with pytest.raises(ValueError, match=r"5 owners, vectors \(4, 2\)"):
        DenseSide(Given(), OWNERS, VECTORS[:4], chosen)
    with pytest.raises(ValueError, match="stored vectors of 3, the model gives 2"):
        DenseSide(Given(), OWNERS, np.zeros((5, 3), np.float32), chosen)


def test_scores_are_brought_to_the_mean_and_spread_of_others():
    brought = alike(np.array([10, 20, 30], np.float32), np.array([0.2, 0.4, 0.6], np.float32))
    assert brought == pytest.approx([0.2, 0.4, 0.6])
    flat = alike(np.array([5, 5], np.float32), np.array([0.2, 0.4], np.float32))
    assert flat == pytest.approx([0.3, 0.3])
