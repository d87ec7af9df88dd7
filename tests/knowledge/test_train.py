import os
import subprocess
import sys

import numpy as np
import pytest

from knowledge import train
from knowledge.datafile import DataError
from knowledge.encoder import EmbeddedEncoder
from knowledge.paraphrase import Group
from knowledge.train import Corpus, Least, Settings

TINY = Settings(
    seeds=(1, 2), dim_each=12, dim=8, least=Least(chars=1, pairs=1, words=1), steps=60, rate=0.05,
    drop=0.2, scale=10, groups=2, group_share=0.3,
)  # fmt: skip
TEXTS = [
    "话没说完就打断",
    "老是插嘴抢话",
    "耐心听人讲完",
    "报表数字对不上",
    "做一张统计表",
    "数据怎么汇总",
]
GROUPS = [
    Group(
        id="p.1", split="train", function="apology", texts=("是我们没做好", "对不住您"),
        apart=("您没做好",), source="constructed",
    )
]  # fmt: skip
CORPUS = Corpus(TEXTS, [0, 0, 0, 1, 1, 1], GROUPS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model trained on six sentences."""
    made = tmp_path_factory.mktemp("model")
    train.save(train.train(TINY, CORPUS), made, TINY, CORPUS)
    return made


def test_what_was_trained_together_lies_together(folder):
    rows = EmbeddedEncoder(folder).encode([TEXTS[0], TEXTS[1], TEXTS[3]])
    assert rows.shape == (3, 8)
    assert rows[0] @ rows[1] > 0.5 > rows[0] @ rows[2]


def test_training_twice_gives_the_same_bytes(folder, tmp_path):
    train.save(train.train(TINY, CORPUS), tmp_path, TINY, CORPUS)
    for name in ("model.safetensors", "tokenizer.json", "modules.json"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_the_order_of_pieces_does_not_hang_on_the_hash_seed():
    code = (
        "from knowledge.train import Least, vocabulary;"
        "print(vocabulary(['老是插嘴抢话', '耐心听人讲完'], Least(chars=1, pairs=1, words=1))[0])"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(told) == 1


def test_the_card_says_what_it_was_trained_on_and_what_it_cannot_do(folder):
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "2 个条目的 6 条文字" in card and "1 组同义句" in card and "种子 1、2" in card
    assert "做不到什么" in card and "自拟" in card and "$" not in card


def test_rare_pieces_are_left_out_by_kind():
    words, telling = train.vocabulary(["抢话", "抢单"], Least(chars=1, pairs=2, words=2))
    assert set(words) == {"[无]", "抢", "话", "单"}
    by_word = dict(zip(words, telling, strict=True))
    # 抢 stands in both of 2, 话 in one: ln(1 + 2/2) and ln(1 + 2/1).
    assert by_word["抢"] == pytest.approx(np.log(2)) and by_word["话"] == pytest.approx(np.log(3))


def test_compressed_vectors_keep_most_where_most_is_met():
    weights = np.array([[3, 0, 0], [0, 2, 0], [0, 0, 1]], dtype=np.float32)
    # By how often: 9, 4 and 1 of square length once each, so the last direction goes.
    small = train.compress(weights, np.ones(3, np.float32), 2)
    assert np.linalg.norm(small, axis=1) == pytest.approx([3, 2, 0])
    assert abs(small[0, 0]) == pytest.approx(3), "the direction that carries most comes first"


def test_the_shipped_model_is_of_the_shipped_settings():
    assert EmbeddedEncoder().dim == train.settings().dim


def test_test_groups_are_not_trained_on():
    assert all(group.split == "train" for group in train.corpus().groups)


def test_wrong_settings_end_with_code_2_and_one_line(monkeypatch, tmp_path, capsys):
    def refuse():
        raise DataError("training.yaml：steps：应大于或等于 1")

    monkeypatch.setattr(train, "settings", refuse)
    assert train.main(["--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "training.yaml：steps：应大于或等于 1\n"
