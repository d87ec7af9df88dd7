import math

import numpy as np
import pytest

from grading import classifier, rubric
from grading.classifier import Classifier
from knowledge.datafile import DataError


def tiny(exclusive):
    """Two pieces, two labels: 好 speaks for the first, 坏 for the second."""
    return Classifier(
        labels=("good", "bad"), vocabulary={"好": 0, "坏": 1},
        idf=np.array([1.0, 1.0], dtype=np.float32),
        weights=np.array([[2.0, 0.0], [0.0, 2.0]], dtype=np.float32),
        bias=np.array([0.0, 1.0], dtype=np.float32), exclusive=exclusive,
    )  # fmt: skip


def test_exclusive_labels_share_one():
    shares = tiny(True).probabilities("好")
    # scores (2, 1): e^2 / (e^2 + e^1) = 0.731
    assert shares["good"] == pytest.approx(0.731, abs=1e-3)
    assert sum(shares.values()) == pytest.approx(1.0)


def test_labels_by_themselves_are_each_judged_alone():
    shares = tiny(False).probabilities("好")
    # scores (2, 1): 1 / (1 + e^-2) = 0.881, 1 / (1 + e^-1) = 0.731
    assert shares == pytest.approx({"good": 0.881, "bad": 0.731}, abs=1e-3)


def test_pieces_are_weighed_by_the_logarithm_of_their_count_and_length_is_one():
    shares = tiny(False).probabilities("好好坏")
    # tf: 好 1 + ln 2, 坏 1; length √(1.693² + 1²) = 1.966; score of good: 2 · 1.693 / 1.966
    good = 2 * (1 + math.log(2)) / math.hypot(1 + math.log(2), 1)
    assert shares["good"] == pytest.approx(1 / (1 + math.exp(-good)), abs=1e-4)


def test_unknown_words_leave_the_bias():
    assert tiny(False).probabilities("猫") == pytest.approx({"good": 0.5, "bad": 0.731}, abs=1e-3)


def test_what_was_saved_judges_as_before(tmp_path):
    classifier.save(tiny(True), tmp_path / "t.npz")
    loaded = classifier.load("t", tmp_path)
    assert loaded.labels == ("good", "bad") and loaded.exclusive
    for text in ("好", "坏", "好好坏", "猫"):
        assert loaded.probabilities(text) == pytest.approx(tiny(True).probabilities(text), abs=1e-3)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.unlink(), id="missing"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(b"not a model at all"), id="text"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:300]), id="cut short"),
        pytest.param(lambda path: np.savez(path, labels=np.zeros(1)), id="parts lacking"),
    ],
)
def test_a_missing_or_damaged_file_is_named_with_the_remedy(tmp_path, damage):
    classifier.save(tiny(True), tmp_path / "t.npz")
    damage(tmp_path / "t.npz")
    with pytest.raises(DataError, match=r"t\.npz 读不出来.*python -m grading\.train"):
        classifier.load("t", tmp_path)


def test_the_shipped_breach_labels_are_known_to_the_rubric():
    model = classifier.load("violations")
    assert model.exclusive and "clean" in model.labels
    assert set(model.labels) - {"clean"} <= set(rubric.load().penalties)


def test_the_shipped_classifiers_tell_clear_cases_apart():
    breaches = classifier.load("violations")
    rude, kind = "你有完没完，爱投诉投诉去", "我帮您查一下，请稍等"
    assert breaches.probabilities(rude)["clean"] < breaches.probabilities(kind)["clean"]
    signals = classifier.load("signals")
    assert signals.probabilities("感谢您的耐心等待")["thanks"] > 0.5
    assert signals.probabilities("宽带断了四天")["thanks"] < 0.5
