import pytest

from grading import echo, moment
from grading.detect import read
from tests.talk import history

SAID = "纪念日订的花，送来全是蔫的，我老婆收到脸都青了"


def rules(reply, said=SAID):
    now = moment.read("chat", history(said), staff=False)
    return [hit.rule for hit in echo.find(read(reply), now)]


def test_naming_the_facts_with_what_they_mean_is_empathy_without_feeling_words():
    assert rules("纪念日收到一束蔫花，送的人收的人都难堪") == ["empathy.impact.echo"]


def test_naming_two_facts_alone_is_less():
    assert rules("纪念日的花是蔫的") == ["empathy.specific"]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param("收到，我看一下哪里出了差错", id="no facts of this customer"),
        pytest.param("纪念日的花是蔫的吗？", id="a question"),
        pytest.param("您说的“纪念日的花是蔫的”", id="a quotation"),
        pytest.param("我查一下纪念日的蔫花", id="a plan of one's own"),
        pytest.param("好。好。好。纪念日收到蔫花，送的人都难堪", id="too late in the reply"),
    ],
)
def test_what_only_uses_the_words_is_none(reply):
    assert rules(reply) == []


def test_without_words_of_the_customer_there_is_nothing_to_echo():
    assert rules("纪念日收到一束蔫花，都难堪", said="。") == []
