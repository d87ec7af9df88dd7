import pytest

from grading import lexicon
from grading.detect import find_signals, find_violations, read

FILES = {
    "signals.yaml": """
- {id: sorry.word, kind: apology, strength: 0.6, guards: [negated, mocking, quoted], any: [对不起]}
- {id: sorry.admit, kind: apology, strength: 1.0, any: [是我们…对不起]}
- {id: done, kind: solution, strength: 1.0, unless: [还没], any: [已经办好]}
""",
    "staff_signals.yaml": "- {id: fact, kind: fact, strength: 1.0, any: [录音里]}",
    "violations.yaml": """
- {id: wait, kind: cold, severity: major, any: [等着吧], unless: [回电]}
- {id: sale, kind: mislead, severity: major, needs: [sales], forbids: [agreed], any: [给您开了]}
""",
    "staff_violations.yaml": (
        "- {id: blame, kind: public_blame, severity: major, guards: [quoted], any: [全组都]}"
    ),
    "guards.yaml": """
- {id: negated, before: [没必要]}
- {id: mocking, around: [行了吧]}
""",
}


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lexicon")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return lexicon.load(folder)


def signals(reply, words, void=()):
    return [hit.rule for hit in find_signals(read(reply, void), words).hits]


def breaches(reply, words, *flags):
    return [hit.rule for hit in find_violations(read(reply), words, frozenset(flags))]


@pytest.mark.parametrize(
    "reply, expected",
    [
        pytest.param("对不起，让您久等", ["sorry.word"], id="said plainly"),
        pytest.param("没必要说对不起", [], id="denied before it in its clause"),
        pytest.param("没必要等，对不起", ["sorry.word"], id="a denial in another clause"),
        pytest.param("对不起，这下行了吧", [], id="mocked in its sentence"),
        pytest.param("对不起。这下行了吧", ["sorry.word"], id="mocked in another sentence"),
        pytest.param("您说的“对不起”我记下了", [], id="quoted"),
        pytest.param("“您好”，对不起", ["sorry.word"], id="beside a quotation"),
        pytest.param("「对不起」", [], id="quoted in corner brackets"),
    ],
)
def test_a_guard_voids_only_what_it_stands_by(reply, expected, words):
    assert signals(reply, words) == expected


def test_a_voided_match_is_remembered_apart(words):
    found = find_signals(read("没必要说对不起"), words)
    assert (found.hits, [hit.rule for hit in found.voided]) == ([], ["sorry.word"])


def test_an_excuse_near_the_words_stops_a_signal(words):
    assert signals("退款已经办好", words) == ["done"]
    assert signals("还没到已经办好那一步", words) == []


def test_of_two_overlapping_signals_of_a_kind_the_stronger_stays(words):
    assert signals("是我们没做到，对不起", words) == ["sorry.word"]
    assert signals("是我们对不起您", words) == ["sorry.admit"]


def test_a_stretch_set_aside_earns_nothing(words):
    reply = "对不起。退款已经办好。"
    assert signals(reply, words) == ["sorry.word", "done"]
    assert signals(reply, words, [(0, 4)]) == ["done"]


def test_what_follows_can_excuse_a_breach(words):
    assert breaches("那您等着吧", words) == ["wait"]
    assert breaches("那您等着吧，两点前给您回电", words) == []
    assert breaches("那您等着吧。两点前给您回电。", words) == []
    assert breaches("那您等着吧。好。好。两点前给您回电。", words) == ["wait"]


def test_a_breach_holds_only_in_its_moment(words):
    reply = "这个月给您开了"
    assert breaches(reply, words) == []
    assert breaches(reply, words, "sales") == ["sale"]
    assert breaches(reply, words, "sales", "agreed") == []


def test_a_quoted_breach_is_not_the_agents(words):
    assert breaches("全组都不如你", words) == ["blame"]
    assert breaches("有人说“全组都不如你”", words) == []


def test_hits_come_in_text_order_with_their_severity(words):
    hits = find_violations(read("全组都知道，等着吧"), words, frozenset())
    assert [(h.rule, h.start, h.severity) for h in hits] == [
        ("blame", 0, "major"),
        ("wait", 6, "major"),
    ]


def test_a_sentence_runs_from_mark_to_mark():
    reading = read("您好，我在。请讲！")
    assert reading.sentence(4) == (0, 6)
    assert reading.sentence(7) == (6, 9)
    assert reading.sentences(0, 1) == (0, 9)
    assert reading.sentence(99) == (0, 9), "past the end: the whole text"
