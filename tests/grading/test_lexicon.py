import re
import shutil

import pytest

from grading import lexicon, moment, rubric
from grading.rewrite import instead_of
from knowledge.datafile import DataError

NAMED = set(
    "greeting self_intro apology thanks please empathy verify_identity question restate solution "
    "timeframe confirm_satisfaction closing hold transfer".split()
)
BREACHES = set(
    "shirk interrogate cold command sarcasm refuse overpromise internal privacy belittle mislead "
    "slang abuse threat hang_up".split()
)
STAFF_BREACHES = {"public_blame", "comparison", "empty_consolation"}


@pytest.fixture
def folder(tmp_path):
    """A copy of the shipped lexicon that a test may spoil."""
    for path in lexicon.FOLDER.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    return tmp_path


def add(folder, name, entry):
    path = folder / name
    path.write_text(path.read_text(encoding="utf-8") + f"\n- {entry}\n", encoding="utf-8")


def test_every_signal_of_the_design_has_words_and_every_word_list_a_strength():
    signals = lexicon.load().signals
    assert {rule.kind for rule in signals} >= NAMED
    assert all(0 < rule.strength <= 1 and rule.severity is None for rule in signals)


def test_the_breaches_are_those_of_the_design_and_each_has_a_better_wording():
    found = {rule.kind for rule in lexicon.load().violations}
    assert found == BREACHES | STAFF_BREACHES
    assert all(instead_of(kind) for kind in found)


def test_a_rule_asks_only_for_flags_that_some_moment_can_raise():
    computed = {
        "opening", "has_customer", "cold_open", "unclear", "longtalk", "staff", "comforted",
        "unverified", "phone", "heat1", "heat2", "heat3", "inbound", "outbound", "chat",
        "in_person", "warned3",
    }  # fmt: skip
    known = {flag.id for flag in moment.flags_of(lexicon.FOLDER)} | computed
    for rule in lexicon.load().violations:
        assert rule.needs | rule.forbids <= known, rule.id


def test_braces_are_whole_in_every_pattern_of_the_data():
    # an unquoted {1,6} in a YAML list falls apart at its comma and never matches
    lists = [(rule.id, rule.pattern) for rule in lexicon.load().signals + lexicon.load().violations]
    lists += [(r.id, r.unless) for r in lexicon.load().violations if r.unless]
    lists += list(rubric.wording().items())
    whole = re.compile(r"\\.|\[[^\]]*\]|\{\d*,?\d*\}")
    broken = [
        (name, word)
        for name, pattern in lists
        for word in pattern.source
        if re.search(r"[{}]", whole.sub("", word))
    ]
    assert broken == []


def test_an_unknown_guard_is_refused_by_file_and_entry(folder):
    add(folder, "signals.yaml", "{id: t.x, kind: thanks, strength: 1, guards: [foo], any: [谢]}")
    with pytest.raises(DataError, match=r"signals\.yaml：t\.x 的 guards 里没有这些名字：foo"):
        lexicon.load(folder)


@pytest.mark.parametrize(
    "name, entry, message",
    [
        pytest.param(
            "signals.yaml", "{id: t.x, kind: thanks, strength: 2, any: [谢]}",
            "signals.yaml：t.x：strength：太大，最大为 1", id="strength above one",
        ),
        pytest.param(
            "violations.yaml", "{id: t.x, kind: cold, severity: awful, any: [哼]}",
            "只能是 minor、major、fatal 之一", id="severity off the menu",
        ),
        pytest.param(
            "violations.yaml", "{id: t.x, kind: cold, severity: minor, any: [哼], mood: 1}",
            "violations.yaml：t.x：mood：没有这个字段", id="unknown key",
        ),
        pytest.param(
            "guards.yaml", "{id: negated, before: [不]}", "编号 negated 重复", id="repeated id"
        ),
        pytest.param(
            "staff_signals.yaml", "{id: t.x, kind: fact, strength: 1, any: [录音.*]}",
            "staff_signals.yaml：t.x：“录音.*”", id="unbounded pattern",
        ),
    ],
)  # fmt: skip
def test_a_faulty_entry_is_refused_by_file_and_entry(folder, name, entry, message):
    add(folder, name, entry)
    with pytest.raises(DataError) as error:
        lexicon.load(folder)
    assert message in str(error.value)


def test_the_version_follows_the_words(folder):
    before = lexicon.load(folder).version
    assert before == lexicon.load().version
    add(folder, "signals.yaml", "{id: t.x, kind: thanks, strength: 1, any: [多谢了]}")
    lexicon.load.cache_clear()
    assert lexicon.load(folder).version != before
