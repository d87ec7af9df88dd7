import json

import pytest

from eval.grading import CASES
from grading import lexicon, triggers
from grading.detect import read
from grading.pattern import compile_any


def may(pattern, text):
    found = triggers.of([pattern])
    return found is None or found.hold(triggers.grams(text))


@pytest.mark.parametrize(
    "pattern, needed",
    [
        pytest.param("稍等", [{"稍等"}, {"稍"}, {"等"}], id="letters: the pair, then each"),
        pytest.param("不?用", [{"用"}], id="what may be left out is not needed"),
        pytest.param("用{0,2}心", [{"心"}], id="nor what may stand 0 times"),
        pytest.param("查{1,2}到", [{"查"}, {"到"}], id="repeated: no pair is sure"),
        pytest.param("[您你]先", [{"先"}, {"您", "你"}], id="a class: one of it"),
        pytest.param("[^您]先", [{"先"}], id="what must not stand says nothing"),
        pytest.param("(马上|立刻)查", [{"马上", "立刻"}, {"查"}], id="a group: one of each branch"),
        pytest.param("(?:马上|就)查", [{"查"}, {"马上", "就"}], id="pairs only where all have one"),
        pytest.param("(?<!不)行", [{"行"}], id="looking around needs nothing"),
        pytest.param("先…查", [{"先"}, {"查"}], id="a gap parts a pair"),
        pytest.param(r"\d号", [{"号"}], id="an escape needs nothing"),
    ],
)
def test_needs_stand_the_rarest_first(pattern, needed):
    (way,) = triggers.of([pattern]).ways
    assert [set(need) for need in way] == needed


@pytest.mark.parametrize("pattern", ["[0-9]", r"\d", "(?!不)", "(不|)", "(?i:a)", "(", "[", "a)"])
def test_a_pattern_that_cannot_be_told_is_always_searched_for(pattern):
    assert triggers.of([pattern]) is None
    assert triggers.of(["稍等", pattern]) is None, "one such way is enough"


def test_every_branch_is_a_way_of_its_own():
    found = triggers.of(["稍等|请讲", "再见"])
    assert len(found.ways) == 3
    assert [found.hold(triggers.grams(text)) for text in ("您请讲", "再会见面", "再见")] == [
        True, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "pattern, text",
    [("[您你][先]看", "你先看"), ("(a|[bc])d{2,3}e?", "bdd"), ("x(y(z|w)){1,2}", "xyw")],
)
def test_a_text_that_matches_is_never_passed_over(pattern, text):
    assert compile_any([pattern], "test").search(text)
    assert may(pattern, text)


def texts():
    for path in sorted(CASES.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            yield from (case[key] for key in ("reply", "better", "worse", "attack") if key in case)


def test_no_rule_is_passed_over_in_a_text_it_matches_and_most_are_where_it_does_not():
    book = lexicon.load()
    searched = passed = 0
    for number, text in enumerate(texts()):
        if number % 5:
            continue
        reading = read(text)
        for rule in (*book.signals, *book.violations):
            if rule.may_match(reading.grams):
                searched += 1
            else:
                assert rule.pattern.search(reading.norm) is None, (rule.id, text)
                passed += 1
    assert passed > 2 * searched
