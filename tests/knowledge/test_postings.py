import math

import numpy as np
import pytest

from knowledge.postings import Postings, bm25

DOCUMENTS = [["听", "听", "说"], ["说"], ["写", "字"]]


def test_bm25_scores_as_worked_out_by_hand():
    # 听 stands in 1 of 3: idf = ln(1 + 2.5/1.5). It stands there twice; with b 0 the length
    # does not count, and with k1 1 that is 2 / (2 + 1).
    scores = bm25(DOCUMENTS, k1=1.0, b=0.0).score({"听": 1.0})
    assert scores == pytest.approx([math.log(1 + 2.5 / 1.5) * 2 / 3, 0, 0])


def test_a_longer_document_counts_less():
    even, long = (bm25(DOCUMENTS, k1=1.0, b=b).score({"说": 1.0})[0] for b in (0.0, 1.0))
    assert long < even


def test_an_unseen_token_scores_nothing_and_counts_as_the_rarest():
    postings = bm25(DOCUMENTS, 1.2, 0.5)
    assert not postings.score({"无": 1.0}).any()
    assert postings.idf("无") == postings.rarest


@pytest.mark.parametrize("query, share", [
    pytest.param({}, 0.0, id="nothing asked"),
    pytest.param({"听": 1}, 1.0, id="all known"),
    pytest.param({"听": 1, "无": 1}, math.sqrt(0.5), id="half: both are the rarest"),
    pytest.param({"无": 1}, 0.0, id="nothing known"),
])  # fmt: skip
def test_coverage_is_the_known_share_of_the_query(query, share):
    assert bm25(DOCUMENTS, 1.2, 0.5).coverage(query) == pytest.approx(share)


@pytest.mark.parametrize("documents", [DOCUMENTS, [[], ["听"]], [[]]])
def test_postings_come_back_from_their_arrays(documents):
    before = bm25(documents, 1.2, 0.5)
    after = Postings.from_arrays(before.arrays())
    assert (after.score({"听": 1.0}) == before.score({"听": 1.0})).all()


@pytest.mark.parametrize("name, value", [
    pytest.param("documents", np.array([9] * 5, np.int32), id="a document that is not there"),
    pytest.param("starts", np.array([0], np.int32), id="too few tokens"),
    pytest.param("weights", np.zeros(1, np.float32), id="too few weights"),
])  # fmt: skip
def test_arrays_that_do_not_fit_are_refused(name, value):
    arrays = {**bm25(DOCUMENTS, 1.2, 0.5).arrays(), name: value}
    with pytest.raises(ValueError, match="postings do not fit"):
        Postings.from_arrays(arrays)
