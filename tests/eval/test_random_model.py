import dataclasses
import threading

import pytest

from coach.engine import Message, Sampling
from eval.random_model import LARGER, TINY, TRUE, write_model


def test_the_true_shapes_are_those_of_qwen3():
    def parameters(shape):
        attention = 2 * shape.hidden * shape.width * (shape.heads + shape.pairs)
        layer = attention + 3 * shape.hidden * shape.inner
        return shape.layers * layer + (1 if shape.tied else 2) * shape.vocabulary * shape.hidden

    # As on the model cards: 0.6B (0.44B without embedding), 1.7B, 8.2B.
    assert parameters(TRUE) / 1e9 == pytest.approx(0.596, abs=0.005)
    assert parameters(LARGER["Qwen3-1.7B"]) / 1e9 == pytest.approx(1.72, abs=0.02)
    assert parameters(LARGER["Qwen3-8B"]) / 1e9 == pytest.approx(8.19, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("tied, in_parts", [(True, False), (True, True), (False, True)])
def test_a_folder_loads_in_one_file_and_in_parts(tmp_path, tied, in_parts):
    from coach.transformers_engine import TransformersEngine

    shape = dataclasses.replace(TINY, tied=tied)
    write_model(tmp_path, shape, in_parts=in_parts)
    assert len(list(tmp_path.glob("*.safetensors"))) == (1 + shape.layers if in_parts else 1)
    engine = TransformersEngine(str(tmp_path), device="cpu", dtype="float32")
    drawn = engine.tokens(
        [Message("user", "您好")], Sampling(max_tokens=5, temperature=0), session="s",
        cancel=threading.Event(),
    )  # fmt: skip
    assert len(list(drawn)) == 5
