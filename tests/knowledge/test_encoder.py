import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from knowledge import encoder
from knowledge.datafile import DataError
from knowledge.encoder import LearnedEncoder, SentenceTransformerEncoder, VectorSettings

SETTINGS = VectorSettings(ridge=1.0, held_out=0.5, dense=0.5, best=0.0)
TEXTS = ["倾听客户", "打断客户说话", "填写报表", "报表数据分析"]
OWNERS = [0, 0, 1, 1]


class OneHot:
    """An encoder over five words."""

    name, dim = "one-hot", 5

    def encode(self, texts):
        rows = [[word in text for word in ("听", "打断", "插嘴", "报表", "数据")] for text in texts]
        rows = np.array(rows, dtype=np.float32).reshape(len(texts), 5)
        rows[:, 1:3] = rows[:, 1:3].max(axis=1, keepdims=True)  # 打断 and 插嘴 mean the same
        return encoder.unit_rows(rows)


def fit(base=None):
    return encoder.fit(TEXTS, OWNERS, (1, 2), settings=SETTINGS, base=base)


def test_tokens_are_ngrams_and_marked_words():
    assert encoder.tokens("倾听", (1, 2)) == ["倾", "听", "倾听", "词:倾听"]


@pytest.mark.parametrize("text", ["", "。！", "xyz"])
def test_a_text_that_shares_nothing_has_a_row_of_zeros(text):
    learned, _ = fit()
    assert not learned.encode([text]).any()


def test_vectors_are_unit_rows_one_number_for_each_owner():
    learned, vectors = fit()
    rows = learned.encode(["客户说", "报表"])
    assert rows.shape == (2, learned.dim) == (2, 2)
    assert rows.dtype == vectors.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1] * 4)
    assert learned.encode([]).shape == (0, 2)


def test_a_text_lies_nearest_to_its_owner():
    learned, _ = fit()
    assert learned.encode(["打断说话", "分析数据"]).argmax(axis=1).tolist() == [0, 1]


def test_what_an_entry_would_get_unseen_is_what_a_fit_without_it_gives():
    settings = VectorSettings(ridge=1.0, held_out=1.0, dense=0.0, best=0.0)
    _, vectors = encoder.fit(TEXTS, OWNERS, (1,), settings=settings)
    tokens = [encoder.tokens(text, (1,)) for text in TEXTS]
    kernel = encoder._gram(encoder.tfidf(tokens))
    kept = [1, 2, 3]
    duals = np.linalg.solve(kernel[np.ix_(kept, kept)] + np.eye(3), np.eye(2)[[0, 1, 1]])
    expected = kernel[0, kept] @ duals
    assert vectors[0] == pytest.approx(expected / np.linalg.norm(expected), abs=1e-5)


def test_another_encoder_brings_in_what_the_words_do_not_share():
    alone, _ = fit()
    joined, _ = fit(OneHot())
    assert not alone.encode(["插嘴"]).any()
    assert joined.encode(["插嘴"]).argmax() == 0
    assert joined.name == "learned+one-hot" and alone.name == "learned"


@pytest.mark.parametrize("base", [None, OneHot()])
def test_an_encoder_comes_back_from_its_arrays(base):
    before, _ = fit(base)
    after = LearnedEncoder(before.arrays(), (1, 2), settings=SETTINGS, base=base)
    assert (after.encode(TEXTS) == before.encode(TEXTS)).all()


def test_arrays_that_do_not_fit_are_refused():
    arrays = {**fit()[0].arrays(), "duals": np.zeros((1, 2), np.float32)}
    with pytest.raises(ValueError, match="encoder arrays do not fit"):
        LearnedEncoder(arrays, (1, 2), settings=SETTINGS)


def test_a_missing_model_folder_is_named_with_the_remedy():
    with pytest.raises(
        DataError, match="句向量模型：没有文件夹 /no/such，请给出 .*文件夹，或不指定"
    ):
        SentenceTransformerEncoder("/no/such")


def test_a_missing_package_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(DataError, match="没有安装 sentence-transformers，请运行 pip install"):
        SentenceTransformerEncoder("some/model")


def test_a_model_that_cannot_be_read_is_named_with_the_remedy(monkeypatch, tmp_path):
    def refuse(name):
        raise OSError(name)

    fake = SimpleNamespace(SentenceTransformer=refuse)
    monkeypatch.setitem(sys.modules, "sentence_transformers", fake)
    with pytest.raises(DataError, match="读不到 .*（OSError），请检查名称、网络或文件夹是否完整"):
        SentenceTransformerEncoder(str(tmp_path))


def test_a_sentence_model_gives_unit_rows(monkeypatch):
    class Model:
        def __init__(self, name):
            self.name = name

        def get_embedding_dimension(self):
            return 2

        def encode(self, texts, *, convert_to_numpy):
            return np.array([[3.0, 4.0]] * len(texts))

    fake = SimpleNamespace(SentenceTransformer=Model)
    monkeypatch.setitem(sys.modules, "sentence_transformers", fake)
    made = SentenceTransformerEncoder("some/model")
    assert (made.name, made.dim) == ("some/model", 2)
    assert made.encode(["一"]) == pytest.approx(np.array([[0.6, 0.8]]))


def test_nothing_heavy_is_imported_with_the_module():
    code = (
        "import sys, knowledge.retrieval as _; print([m for m in sys.argv[1:] if m in sys.modules])"
    )
    heavy = [
        "torch",
        "transformers",
        "sentence_transformers",
        "sklearn",
        "scipy",
        "gradio",
        "faiss",
    ]
    done = subprocess.run(
        [sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
