import numpy as np
import pytest

from knowledge import index
from knowledge.datafile import DataError, parse
from knowledge.encoder import unit_rows
from knowledge.index import Fusion, HybridIndex
from knowledge.retrieval import settings

TEXTS = ["倾听客户", "打断客户说话", "填写报表", "报表数据分析"]
OWNERS = [0, 0, 1, 1]


class Words:
    """An encoder that sees four words."""

    name, dim = "words", 4

    def encode(self, texts):
        rows = [[word in text for word in ("听", "打断", "报表", "分析")] for text in texts]
        return unit_rows(np.array(rows, dtype=np.float32).reshape(len(texts), 4))


@pytest.fixture(scope="module")
def small():
    return index.build(TEXTS, OWNERS, settings(), [Words()])


@pytest.mark.parametrize("side", ["chars", "words", "vector", "fused"])
def test_every_side_finds_the_owner_of_the_words(small, side):
    assert getattr(small.score("打断客户"), side).argmax() == 0
    assert getattr(small.score("报表分析"), side).argmax() == 1


@pytest.mark.parametrize("query", ["", "！？", "\n", "xyz", "🙂"])
def test_a_query_that_shares_nothing_scores_zero(small, query):
    assert not small.score(query).fused.any()


@pytest.mark.parametrize("query", [*TEXTS, "客户报表", "倾听客户" * 50])
def test_scores_lie_between_zero_and_one(small, query):
    for side in ("chars", "words", "vector", "fused"):
        scores = getattr(small.score(query), side)
        assert scores.shape == (2,) and (scores >= 0).all() and (scores <= 1 + 1e-6).all()


def test_unknown_words_lower_the_score(small):
    assert small.score("打断客户，红烧排骨").fused[0] < small.score("打断客户").fused[0]


def test_punctuation_changes_nothing(small):
    assert (small.score("打断客户。").fused == small.score("打断客户").fused).all()


def test_the_best_entries_are_weighed_one_half_each_time(small):
    # Owner 0 has entries 0.8 and 0.4, owner 1 has 0.5 and 0: (1*a + .5*b + .25*0) / 1.75.
    best = small._best_of_each(np.array([0.8, 0.4, 0.0, 0.5], dtype=np.float32))
    assert best == pytest.approx([(0.8 + 0.2) / 1.75, 0.5 / 1.75])


def test_an_index_comes_back_from_its_arrays(small):
    after = HybridIndex.from_arrays(small.arrays(), settings(), [Words()])
    assert (after.score("打断报表").fused == small.score("打断报表").fused).all()


def test_parts_that_do_not_fit_are_refused(small):
    with pytest.raises(ValueError, match="index parts do not fit"):
        HybridIndex.from_arrays({**small.arrays(), "owners": np.array([0, 1])}, settings(), [])


def test_without_an_encoder_the_words_decide_alone(small):
    bare = index.build(TEXTS, OWNERS, settings())
    scores = bare.score("打断客户")
    assert scores.fused.argmax() == 0 and not scores.vector.any()
    assert (scores.words == small.score("打断客户").words).all()


def test_another_encoder_brings_in_what_the_words_do_not_share():
    class Knows(Words):
        """Knows that 插嘴 is 打断."""

        def encode(self, texts):
            return super().encode([text.replace("插嘴", "打断") for text in texts])

    both = index.build(TEXTS, OWNERS, settings(), [Words(), Knows()])
    alone = index.build(TEXTS, OWNERS, settings(), [Words()])
    assert not alone.score("客户插嘴").vector.any()
    assert both.score("客户插嘴").vector.argmax() == 0


def test_fusion_weights_must_add_up_to_one():
    with pytest.raises(DataError, match="两个数之和应为 1，现在是 0.9"):
        parse(Fusion, {"vector": 0.5, "lexical": 0.4}, "retrieval.yaml")
