import pytest

from tests.talk import COMPLAINT, graded

ACTION = "我现在给您派师傅，今天下午四点前上门。"
DEEP = "四天没网，孩子的网课一节节落下，换谁都着急。"


def score(reply, *said):
    return graded(reply, *said).dimensions.empathy.score


@pytest.mark.parametrize(
    "better, worse",
    [
        pytest.param(DEEP + ACTION, "您的心情我非常理解。" + ACTION, id="own facts over a formula"),
        pytest.param(DEEP + ACTION, DEEP, id="followed by a deed over words alone"),
        pytest.param(DEEP + ACTION, ACTION, id="words and deed over the deed alone"),
        pytest.param(
            DEEP, DEEP.rstrip("。") + "，但是公司有规定。", id="not cancelled by 但是规定"
        ),
        pytest.param(DEEP + ACTION, COMPLAINT, id="own words over copied ones"),
        pytest.param(DEEP, DEEP + "我上个月也遇到一样的事。", id="no story of one's own"),
        pytest.param(
            DEEP + "今天暂时不能安排。", "今天暂时不能安排。" + DEEP, id="comfort before the rule"
        ),
    ],
)
def test_the_better_answer_to_a_feeling_scores_higher(better, worse):
    assert score(better) > score(worse)


def test_a_formula_alone_is_level_1_at_the_most():
    empathy = graded("您的心情我非常理解。").dimensions.empathy
    assert empathy.level <= 1
    assert "套话" in empathy.why


def test_a_formula_said_before_is_worth_less_still():
    formula = "您的心情我非常理解。"
    first = graded(formula + ACTION, COMPLAINT, "座席：您好。", "到底谁来修")
    again = graded(formula + ACTION, COMPLAINT, f"座席：{formula}", "到底谁来修")
    assert "formula_again" in again.flags and "formula_again" not in first.flags
    assert again.dimensions.empathy.score <= first.dimensions.empathy.score
    assert again.overall < first.overall


def test_nothing_is_judged_where_no_feeling_was_shown():
    empathy = graded("套餐每月 59 元。", "请问套餐多少钱").dimensions.empathy
    assert (empathy.score, empathy.level, empathy.evidence) == (None, None, [])
    assert empathy.why


def test_work_after_comfort_is_not_held_to_be_cold():
    said = (COMPLAINT, f"座席：{DEEP}请问光猫亮红灯吗？", "亮红灯，又怎么了")
    empathy = graded("那是光路断了，我现在给您派师傅。", *said).dimensions.empathy
    assert empathy.level is None or empathy.level >= 2


def test_silence_about_a_feeling_is_a_gap_with_its_cause():
    empathy = graded("请报一下宽带账号。").dimensions.empathy
    gap = next(span for span in empathy.evidence if span.kind == "missing_empathy")
    assert (gap.text, gap.start, gap.end, gap.because.turn) == ("", None, None, 0)
    assert gap.because.text and gap.because.text in COMPLAINT
    assert "L1.5.S6" in empathy.citations


def test_an_apology_for_something_is_worth_more_than_a_bare_one_and_both_than_none():
    named = score("是我们没有跟进，耽误了您。" + ACTION)
    assert named > score("抱歉。" + ACTION) > score(ACTION)
