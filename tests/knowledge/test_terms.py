import pytest

from knowledge import standard, terms
from knowledge.datafile import DataError


def test_every_requirement_has_its_terms():
    assert set(terms.load()) == set(standard.load().requirements)
    assert min(map(len, terms.load().values())) >= 10


@pytest.mark.parametrize("text, message", [
    pytest.param("- a", "t.yaml：应是“编号: 词、词、词”", id="a list"),
    pytest.param("L9: 词", "t.yaml：编号写成了“L9”，标准里没有这个编号", id="unknown"),
    pytest.param("L1:", "t.yaml：L1 后面没有词", id="empty"),
    pytest.param("L1: 、", "t.yaml：L1 后面没有词", id="only marks"),
    pytest.param("L1: 抢话、插嘴、抢话", "t.yaml：L1 的“抢话”写了两次", id="repeated"),
])  # fmt: skip
def test_faulty_terms_are_refused(tmp_path, text, message):
    path = tmp_path / "t.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        terms.read(path, {"L1"})
    assert str(caught.value).startswith(message)


def test_terms_are_given_three_at_a_time():
    assert terms.lines(("一", "二", "三", "四")) == ["一，二，三", "四"]
