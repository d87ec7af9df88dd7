"""Trees laid end to end give what each tree gives."""

import numpy as np
import pytest

from grading.trees import Trees

# output 0: one tree, number 0 at most 1 -> 10 else 20; output 1: one leaf of 7, beside base 0.5
STUMPS = Trees(
    feature=np.array([0, 0, 0, 0], dtype=np.int32),
    limit=np.array([1.0, 0, 0, 0]),
    left=np.array([1, 1, 2, 3], dtype=np.int32),
    right=np.array([2, 1, 2, 3], dtype=np.int32),
    value=np.array([0, 10, 20, 7], dtype=np.float32),
    root=np.array([[0], [3]], dtype=np.int32),
    depth=1,
    base=np.array([0.5, 0.5], dtype=np.float32),
)


@pytest.mark.parametrize(
    "number, expected",
    [(0.9, [10.5, 7.5]), (1.0, [10.5, 7.5]), (1.1, [20.5, 7.5])],
    ids=["below", "at the limit goes left", "above"],
)
def test_a_row_falls_into_the_leaf_its_numbers_lead_to(number, expected):
    row = np.array([number], dtype=np.float32)
    assert STUMPS.predict(row).tolist() == expected
