import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import save_file

from knowledge import encoder, sentence_model
from knowledge.datafile import DataError
from knowledge.encoder import FOLDER, EmbeddedEncoder, embedded, quantise
from knowledge.sentence_model import SentenceTransformerEncoder

PIECES = {"[无]": 0, "听": 1, "报": 2, "词:倾听": 3}
ROWS = np.array([[0, 0], [3, 4], [-1, 0], [0, 2]], dtype=np.float32)


@pytest.fixture
def small(tmp_path):
    """A model of three pieces in a folder."""
    rows, scales = quantise(ROWS)
    save_file({"embedding.weight": rows, "embedding.scale": scales}, tmp_path / encoder.WEIGHTS)
    words = ",".join(f'"{piece}":{at}' for piece, at in PIECES.items())
    text = f'{{"model":{{"vocab":{{{words}}}}}}}'
    (tmp_path / encoder.TOKENIZER).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_text_is_the_mean_of_its_pieces_scaled_to_length_one(small):
    # 倾听: 听 (3, 4) and the word (0, 2); 倾 and the pair are not known: (3, 6) / sqrt(45).
    row = EmbeddedEncoder(small).encode(["倾听"])[0]
    assert row == pytest.approx(np.array([3, 6]) / np.sqrt(45), abs=0.01)


@pytest.mark.parametrize("text", ["", "。！", "xyz", "\ud800"])
def test_a_text_of_no_known_piece_has_a_row_of_zeros(small, text):
    assert not EmbeddedEncoder(small).encode([text]).any()


def test_vectors_are_unit_rows():
    rows = embedded().encode(["下班了脑子里还是客户的吼声", "搁我身上也坐不住"])
    assert rows.shape == (2, embedded().dim) and rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert embedded().encode([]).shape == (0, embedded().dim)


def test_whole_numbers_and_a_scale_keep_each_row_within_half_a_step():
    weights = np.random.default_rng(1).normal(size=(50, 8)).astype(np.float32)
    rows, scales = quantise(weights)
    most = np.abs(weights).max(axis=1, keepdims=True)
    assert rows.dtype == np.int8
    assert (np.abs(rows * scales[:, None] - weights) <= most / 127 / 2 + 1e-6).all()


@pytest.mark.parametrize("name", [encoder.WEIGHTS, encoder.TOKENIZER])
def test_a_missing_file_is_named_with_the_remedy(small, name):
    (small / name).unlink()
    with pytest.raises(DataError, match=f"自带的句向量模型：缺少文件 .*{name}，请重新安装，或用"):
        EmbeddedEncoder(small)


@pytest.mark.parametrize("name", [encoder.WEIGHTS, encoder.TOKENIZER])
@pytest.mark.parametrize("bytes_", [b"", b"{}", b"not this kind of file"])
def test_a_damaged_file_is_refused_with_the_remedy(small, name, bytes_):
    (small / name).write_bytes(bytes_)
    with pytest.raises(DataError, match="自带的句向量模型：.* 读不出来（.*），请重新安装"):
        EmbeddedEncoder(small)


def test_a_vocabulary_of_another_model_is_refused(small):
    save_file(
        {"embedding.weight": np.zeros((9, 2), np.int8), "embedding.scale": np.ones(9, np.float32)},
        small / encoder.WEIGHTS,
    )
    with pytest.raises(DataError, match=r"词表有 4 项，向量是 int8 \(9, 2\)，对不上"):
        EmbeddedEncoder(small)


def test_the_shipped_model_is_small():
    assert sum(path.stat().st_size for path in FOLDER.rglob("*")) < 12_000_000


def test_five_thousand_short_sentences_a_second_on_one_core():
    texts = [f"我等了{n}天，到底管不管" for n in range(1000)]
    embedded().encode(texts[:10])
    spent = []
    for _ in range(3):
        started = time.process_time()
        embedded().encode(texts)
        spent.append(time.process_time() - started)
    assert len(texts) / min(spent) > 5000


def test_the_numpy_door_gives_what_sentence_transformers_gives():
    from knowledge.piece_embedding import open_model

    texts = ["人家话还没讲完我就插嘴了", "接通率怎么算", "", "AHT 超了 12%"]
    theirs = open_model(FOLDER).encode(texts)
    assert embedded().encode(texts) == pytest.approx(theirs, abs=1e-4)


def test_a_missing_model_folder_is_named_with_the_remedy():
    with pytest.raises(
        DataError, match="句向量模型：没有文件夹 /no/such，请给出 .*文件夹，或不指定"
    ):
        SentenceTransformerEncoder("/no/such")


def test_a_folder_that_is_no_sentence_model_is_named_with_the_remedy(tmp_path):
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="里没有 modules.json，不是 sentence-transformers 模型"):
        SentenceTransformerEncoder(str(tmp_path))


def test_a_folder_that_asks_to_run_its_own_code_is_refused(tmp_path):
    (tmp_path / "modules.json").write_text(
        '[{"idx":0,"name":"0","path":"","type":"evil.Module"}]', encoding="utf-8"
    )
    with pytest.raises(DataError, match="读不到 .*，请检查名称、网络或文件夹是否完整"):
        SentenceTransformerEncoder(str(tmp_path))


def test_a_missing_package_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(DataError, match="没有安装 sentence-transformers，请运行 pip install"):
        SentenceTransformerEncoder("some/model")


def test_a_model_that_cannot_be_read_is_named_with_the_remedy(monkeypatch):
    def refuse(name):
        raise OSError(name)

    fake = SimpleNamespace(SentenceTransformer=refuse)
    monkeypatch.setattr(sentence_model, "_is_at_hand", lambda name: True)
    monkeypatch.setitem(sys.modules, "sentence_transformers", fake)
    with pytest.raises(DataError, match="读不到 .*（OSError），请检查名称、网络或文件夹是否完整"):
        SentenceTransformerEncoder("some/model")


def test_a_hub_name_without_cache_or_network_is_told_at_once(monkeypatch, tmp_path):
    def refuse(address, timeout):
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("socket.create_connection", refuse)
    with pytest.raises(DataError, match="本机没有 some/model，也连不上模型站，请先在有网的机器上"):
        SentenceTransformerEncoder("some/model")


def test_a_sentence_model_gives_unit_rows(monkeypatch):
    class Model:
        def __init__(self, name):
            self.name = name

        def get_embedding_dimension(self):
            return 2

        def encode(self, texts, *, convert_to_numpy):
            return np.array([[3.0, 4.0]] * len(texts))

    fake = SimpleNamespace(SentenceTransformer=Model)
    monkeypatch.setattr(sentence_model, "_is_at_hand", lambda name: True)
    monkeypatch.setitem(sys.modules, "sentence_transformers", fake)
    made = SentenceTransformerEncoder("some/model")
    assert (made.name, made.dim) == ("some/model", 2)
    assert made.encode(["一"]) == pytest.approx(np.array([[0.6, 0.8]]))
    assert made.encode([]).shape == (0, 2)


def test_nothing_heavy_is_imported_by_the_door():
    code = (
        "import sys; from knowledge.encoder import embedded; embedded().encode(['您好']);"
        "import knowledge.retrieval; print([m for m in sys.argv[1:] if m in sys.modules])"
    )
    heavy = [
        "torch", "transformers", "tokenizers", "sentence_transformers", "sklearn", "scipy",
        "gradio", "faiss",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
