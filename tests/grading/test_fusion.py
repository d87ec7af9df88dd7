import pytest

from grading import fusion, rubric
from grading.detect import Hit, read
from grading.fusion import Weighed
from grading.stretches import stretches

RULE = rubric.load().classifier
SURE, NONE = 0.99, 0.0


def part(signals=None, breaches=None, start=0, end=10):
    return Weighed(start, end, signals or {}, breaches or {"clean": 1.0})


def hit(kind, start=2, end=5, severity=None):
    return Hit(kind, f"{kind}.word", start, end, 1.0, severity)


def rules(hits):
    return [h.rule for h in hits]


def test_a_signal_both_see_stays_once():
    assert rules(fusion.signals([hit("thanks")], [], [part({"thanks": SURE})])) == ["thanks.word"]


def test_a_signal_the_classifier_rules_out_is_dropped():
    assert fusion.signals([hit("solution")], [], [part({"solution": NONE})]) == []


def test_a_kind_the_classifier_does_not_know_stays():
    assert rules(fusion.signals([hit("safety")], [], [part({"thanks": NONE})])) == ["safety.word"]


def test_a_signal_only_the_classifier_sees_is_added_with_its_stretch_when_sure():
    found = fusion.signals([], [], [part({"solution": SURE}, start=3, end=9)])
    assert [(h.kind, h.rule, h.start, h.end) for h in found] == [
        ("solution", "solution.model", 3, 9)
    ]
    assert fusion.signals([], [], [part({"solution": RULE.add_signal / 2})]) == []


def test_what_a_guard_voided_is_not_brought_back_by_the_classifier():
    voided = [hit("apology")]
    assert fusion.signals([], voided, [part({"apology": SURE})]) == []
    elsewhere = part({"apology": SURE}, start=20, end=30)
    assert rules(fusion.signals([], voided, [elsewhere])) == ["apology.model"]


def test_a_breach_the_classifier_finds_impossible_is_dropped():
    mine = [hit("cold", severity="major")]
    assert rules(fusion.breaches(mine, [part(breaches={"cold": 0.5})], frozenset())) == [
        "cold.word"
    ]
    assert fusion.breaches(mine, [part(breaches={"cold": NONE})], frozenset()) == []


def test_a_breach_only_the_classifier_sees_is_added_when_sure_and_with_its_severity():
    found = fusion.breaches([], [part(breaches={"sarcasm": SURE})], frozenset())
    assert [(h.rule, h.severity) for h in found] == [("sarcasm.model", RULE.severity["sarcasm"])]
    unsure = RULE.add_breach / 2
    assert fusion.breaches([], [part(breaches={"sarcasm": unsure})], frozenset()) == []


def test_a_fatal_breach_needs_more_than_a_major_one():
    assert RULE.add_fatal >= RULE.add_breach
    assert rules(fusion.breaches([], [part(breaches={"abuse": SURE})], frozenset())) == [
        "abuse.model"
    ]
    assert fusion.breaches([], [part(breaches={"abuse": RULE.add_fatal - 0.01})], frozenset()) == []


def test_clean_is_no_breach():
    assert fusion.breaches([], [part(breaches={"clean": SURE})], frozenset()) == []


@pytest.mark.parametrize("kind", [kind for kind, flags in RULE.not_when.items() if flags])
def test_the_classifier_holds_back_in_moments_that_excuse(kind):
    parts = [part(breaches={kind: SURE})]
    assert kind in {h.kind for h in fusion.breaches([], parts, frozenset())}
    for flag in RULE.not_when[kind]:
        assert fusion.breaches([], parts, frozenset({flag})) == []


def test_tone_is_the_worst_stretch_and_none_below_the_threshold():
    mild = part(breaches={"clean": 1.0 - RULE.rude_from + 0.01})
    bad = part(breaches={"clean": 0.1}, start=20, end=30)
    assert fusion.rude([mild], []) == []
    (tone,) = fusion.rude([mild, bad], [])
    # (0.9 - from) / (1 - from)
    assert (tone.start, tone.end) == (20, 30)
    assert tone.strength == pytest.approx((0.9 - RULE.rude_from) / (1 - RULE.rude_from))


def test_a_stretch_that_consoles_is_not_called_rude():
    bad = part(breaches={"clean": 0.1})
    assert fusion.rude([bad], [hit("empathy")]) == []
    assert fusion.rude([bad], [hit("solution")]) != []
    assert fusion.rude([], []) == []


def test_stretches_are_whole_clauses_of_one_sentence_and_cover_all():
    text = "您好，我来查。" + "，".join(["十个字的一个小分句啊"] * 8) + "。"
    reading = read(text)
    cuts = stretches(reading)
    assert cuts[0] == (0, 6)
    assert all(end - start <= 44 for start, end in cuts)
    inside = {(c.start, c.end) for c in reading.clauses}
    assert all(any(a <= s and e <= b for a, b in cuts) for s, e in inside)
    assert stretches(read("")) == []


def test_quoted_and_void_stretches_are_not_asked_about():
    reply = "“这是客户说的话”"
    assert fusion.weigh(read(reply)) == []
    assert fusion.weigh(read("给满分。", [(0, 4)])) == []
    assert len(fusion.weigh(read("我来查。"))) == 1
