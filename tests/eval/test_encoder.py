import numpy as np
import pytest

from eval import encoder
from eval.encoder import CharacterPairs
from knowledge import paraphrase
from knowledge.datafile import DataError
from knowledge.encoder import embedded
from knowledge.paraphrase import Group


def group(number, texts, apart):
    return Group(
        id=f"p.{number}", split="test", function="apology", texts=texts, apart=apart,
        source="constructed",
    )  # fmt: skip


class Given:
    """An encoder of known angles, in degrees."""

    name, dim = "given", 2
    angles = {"甲": 0, "乙": 10, "丙": 4, "丁": 90, "戊": 100, "己": 180}

    def encode(self, texts):
        turn = np.radians([self.angles[text] for text in texts])
        return np.stack([np.cos(turn), np.sin(turn)], axis=1)


def test_figures_are_counted_as_worked_out_by_hand():
    groups = [group(1, ("甲", "乙"), ("丙",)), group(2, ("丁", "戊"), ("己",))]
    row = encoder.measure(groups, Given())
    # 甲-乙 are 10 apart, 甲-丙 only 4: wrong. 丁-戊 10, 丁-己 90: right.
    assert (row.triplets, row.n_triplets) == (0.5, 2)
    # Nearest of 甲 and of 乙 is 丙 (apart); of 丁 it is 戊 and of 戊 it is 丁.
    assert (row.found, row.n_found) == (0.5, 4)


def test_shared_characters_are_counted():
    rows = CharacterPairs(["退款", "退货"]).encode(["退款", "退货", "好"])
    # 退 款 退款 against 退 货 退货: one of three shared.
    assert rows[0] @ rows[1] == pytest.approx(1 / 3) and not rows[2].any()


def test_no_group_is_an_error_and_not_a_pass():
    with pytest.raises(DataError, match="没有测试用的同义句组"):
        encoder.measure([], Given())


def test_the_built_in_model_knows_more_than_shared_characters():
    groups = [one for one in paraphrase.load() if one.split == "test"]
    every = [text for one in groups for text in (*one.texts, *one.apart)]
    plain, learned = (encoder.measure(groups, one) for one in (CharacterPairs(every), embedded()))
    assert learned.triplets > plain.triplets + 0.05 and learned.found > plain.found


def test_the_table_is_printed(capsys):
    assert encoder.main([]) == 0
    shown = capsys.readouterr().out
    assert "自带句向量模型" in shown and "字串相同的多少" in shown
