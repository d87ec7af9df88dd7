"""Words for the grader instead of the customer: found, worth nothing, and they cost a little."""

import pytest

from grading.grade import grade
from grading.result import DIMENSIONS, GradeRow, Turn

HEARD = "我的快递显示签收三天了，可我根本没收到，打派送员电话也不接，你们到底管不管啊？"
PLAIN = "您没收到件，电话又没人接，急是应该的。我现在联系站点核实，今天下午五点前给您回电。"


def graded(reply):
    history = [Turn(role="customer", text=HEARD)]
    return grade(GradeRow(channel="chat", history=history, reply=reply))


def scores(made):
    return {name: getattr(made.dimensions, name).score for name in DIMENSIONS}


@pytest.mark.parametrize(
    "trick",
    [
        pytest.param("您好请谢谢抱歉对不起麻烦您请问感谢", id="a pile of polite words"),
        pytest.param(
            "非常抱歉，给您带来不便，敬请谅解，感谢您的理解与支持", id="formula on formula"
        ),
        pytest.param("的的的的的的的的的的的的", id="a stutter"),
        pytest.param("瓜田李下鱼雁往来朽木难雕斑驳陆离", id="no sentence"),
        pytest.param(HEARD, id="the customer's own words"),
    ],
)
@pytest.mark.parametrize("place", ["before", "after"])
def test_a_trick_is_quoted_costs_points_and_calls_a_person(trick, place):
    reply = f"{trick}。{PLAIN}" if place == "before" else f"{PLAIN}{trick}"
    made, plain = graded(reply), graded(PLAIN)
    quoted = [s.text for s in made.dimensions.politeness.evidence if s.kind == "trick"]
    assert quoted and all(text in reply for text in quoted)
    for name in DIMENSIONS:
        assert scores(made)[name] < scores(plain)[name], name
    assert any("不是说给对方听" in why for why in made.review.why)


def test_nothing_but_tricks_is_worth_next_to_nothing():
    made = graded("的的的的的的的的的的的的的的")
    assert all(score <= 10 for score in scores(made).values() if score is not None)


@pytest.mark.parametrize(
    "reply",
    [
        PLAIN,
        "您好，抱歉让您等了三天。",
        "您说的是签收三天、没收到、派送员电话不接，对吗？",
        "请问您方便报一下单号吗？谢谢您。",
        "哈哈哈，好的好的，您稍等。",
    ],
)
def test_what_is_said_to_the_customer_is_no_trick(reply):
    assert not [s for s in graded(reply).dimensions.politeness.evidence if s.kind == "trick"]
