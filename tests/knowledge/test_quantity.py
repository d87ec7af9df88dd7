"""Figures in Chinese text: the same however they are written."""

import pytest

from knowledge.quantity import numeral, quantities
from knowledge.text import plain


def read(text):
    norm = plain(text)
    return [
        (q.kind, round(q.value, 6), q.unit, norm[q.start : q.end].strip()) for q in quantities(norm)
    ]


@pytest.mark.parametrize(
    "digits, value",
    [
        ("十", 10), ("十二", 12), ("二十", 20), ("两百零五", 205), ("七千三", 7300), ("三千零三", 3003),
        ("十二万", 120000), ("一万二", 12000), ("一千六百八十八", 1688), ("1,288.5", 1288.5), ("两", 2),
        ("五六", None), ("二三零", None), ("九五", None), ("零", 0),
    ],
)  # fmt: skip
def test_a_numeral_is_read_in_digits_or_characters(digits, value):
    assert numeral(digits) == value


@pytest.mark.parametrize(
    "left, right",
    [
        ("半小时", "30分钟"), ("一个半小时", "90分钟"), ("一刻钟", "15分钟"), ("二十四小时", "1天"),
        ("七天", "一周"), ("三十天", "30日内"), ("九成五", "95%"), ("百分之九十五", "95%"),
        ("打八折", "80%"), ("七千三百块", "7300元"), ("三块五", "3.5元"), ("五毛", "0.5元"),
        ("下午四点", "16:00"), ("早上九点半", "9:30"), ("四点", "下午四点"), ("礼拜天", "周日"),
        ("十一月九号", "11月9日"), ("19号", "11月19号"), ("三个工作日", "3个工作日"), ("一年", "12个月"),
        ("三遍", "3次"), ("三楼", "3层"),
    ],
)  # fmt: skip
def test_the_same_figure_is_the_same_however_it_is_written(left, right):
    (one,), (two,) = quantities(plain(left)), quantities(plain(right))
    assert one.same(two) and two.same(one), (one, two)


@pytest.mark.parametrize(
    "left, right",
    [
        ("三天", "三个工作日"), ("上午四点", "下午四点"), ("95%", "9.5%"), ("3次", "3件"),
        ("11月9号", "10月9号"), ("周三", "周四"), ("15元", "15分钟"), ("一天", "两天"),
    ],
)  # fmt: skip
def test_different_figures_are_not_the_same(left, right):
    (one,), (two,) = quantities(plain(left)), quantities(plain(right))
    assert not one.same(two), (one, two)


@pytest.mark.parametrize(
    "text",
    [
        "一点都不难", "有点慢", "您点一下", "三点建议", "这方面", "10号线坐到头", "3号楼门口", "尾号3310",
        "二三十块的事", "五六天吧", "一成不变", "三年级的学生", "一下子就好了", "说到点上",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_figure_is_none(text):
    assert [q for q in read(text) if q[0] != "count"] == []


def test_figures_come_in_order_and_none_overlap():
    text = plain("周三下午两点半，3个工作日内退您378元，不行就打九折，五天后再说。")
    found = quantities(text)
    assert [q.kind for q in found] == [
        "weekday", "clock", "workdays", "money", "share", "duration",
    ]  # fmt: skip
    assert all(a.end <= b.start for a, b in zip(found, found[1:], strict=False))


def test_a_date_without_its_month_equals_any_with_the_same_day():
    (day,), (whole,) = quantities("19号"), quantities("11月19号")
    assert (day.value, whole.value) == (19, 1119) and day.same(whole)
