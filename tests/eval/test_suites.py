import pytest

from coach import scenario
from eval import baseline, suites, suites_customer, suites_found, suites_gaming
from eval.grading import SIGNALS
from eval.suites import Ask, measure
from eval.suites_cases import Levels
from eval.suites_marks import Item, marks, two_off
from grading.result import DIMENSIONS
from knowledge.datafile import DataError
from tests.eval.conftest import GOOD, HISTORY, gaming_case, reply_case, session_case


def item(at, label, level, sent=False):
    levels = Levels(empathy=label, politeness=label, procedure=label)
    given = dict.fromkeys(DIMENSIONS, level)
    return Item(f"i-{at}", "您好" * at, levels, (levels, levels), given, to_human=sent)


def test_a_grader_that_gives_the_labels_beats_both_baselines():
    items = [item(at, at % 5, at % 5) for at in range(20)]
    found = marks(items, [(i.text, i.labels) for i in items], seed=1).figures
    for name in DIMENSIONS:
        assert found[f"{name}.qwk"].value == found[f"{name}.passes.qwk"].value == 1
        assert found[f"{name}.constant.qwk"].value == 0
        assert found[f"{name}.words.qwk"].value < 1
        assert found[f"{name}.coverage"].value == 1


def test_the_review_is_measured_by_the_great_errors_it_holds():
    # three great errors a dimension, two of them in items that a human sees
    items = [item(0, 0, 4, sent=True), item(1, 4, None, sent=True), item(2, 0, 2), item(3, 2, 3)]
    found = marks(items, [(i.text, i.labels) for i in items], seed=1).figures
    assert found["review.sent"].value == 0.5
    assert found["review.empathy.held"].value == pytest.approx(2 / 3, abs=1e-4)
    assert (found["review.held"].n, found["review.empathy.held"].n) == (9, 3)


@pytest.mark.parametrize(
    "label, level, far",
    [(0, 2, True), (0, 1, False), (2, None, True), (None, 4, False), (None, None, False)],
)
def test_two_levels_off_is_a_great_error_and_so_is_none(label, level, far):
    assert two_off(label, level) is far


def test_the_worst_cases_carry_no_text():
    found = marks([item(1, 0, 4), item(2, 4, 4)], [], seed=1)
    assert {one.id for one in found.worst} == {"i-1"}
    assert "您好" not in str(found.worst)


def test_the_baselines_are_the_commonest_level_and_a_fit():
    texts = ["您好", "您好，请稍等", "您好，感谢您，请您稍等", "嗯"]
    fitted = baseline.fit(texts, [1, 1, 3, None])
    assert fitted.constant == 1
    assert all(0 <= level <= 4 for level in fitted.by_words(texts))
    assert baseline.fit(texts, [None] * 4) is None
    assert baseline.fit(["您好"], [2]).by_words(["您好"]) == [None]
    # of two that are equally common, the lower
    assert baseline.fit(["a", "b"], [3, 1]).constant == 1


def test_an_edited_word_list_with_an_unknown_key_is_refused(tmp_path):
    path = tmp_path / "baseline.yaml"
    path.write_text("shrink: 1\ngroups: {a: [您]}\nextra: 1\n", encoding="utf-8")
    with pytest.raises(DataError, match="baseline.yaml：extra：没有这个字段"):
        baseline.words(path)


def test_replies_are_measured_against_both_passes_and_baselines(cases):
    cases.replies()
    found = measure("levels", Ask(folder=cases.path))
    assert found.n == 12
    for name in DIMENSIONS:
        for which in ("passes.qwk", "qwk", "constant.qwk", "words.qwk", "low.exact", "coverage"):
            assert f"{name}.{which}" in found.figures
        assert sum(map(sum, found.tables[name])) == 12
    # the y pass of politeness is one lower or far above, x is the label
    assert found.figures["politeness.passes.exact"].value == 0
    assert set(found.cases) == {"replies.test.jsonl", "replies.dev.jsonl"}


def test_whole_talks_are_measured_with_their_steps(cases):
    step = scenario.get("broadband-third-call").steps[0].id
    for split in ("dev", "test"):
        rows = [session_case(n, split) for n in range(4)]
        for row in rows:
            row["labels"]["steps"] = {step: "missed"}
        cases.write(f"sessions.{split}.jsonl", *rows)
    found = measure("sessions", Ask(folder=cases.path))
    assert found.n == 4
    assert found.figures["steps.accuracy"].n == 4
    assert {"empathy.qwk", "steps.missed.f1", "review.sent"} <= set(found.figures)


def test_a_missing_case_file_is_named(cases):
    cases.replies()
    with pytest.raises(DataError, match=r"找不到文件 .*sessions\.test\.jsonl"):
        measure("sessions", Ask(folder=cases.path))


@pytest.mark.parametrize(
    "plain, attack, rose",
    [(50, 50.1, True), (50, 50, False), (50, None, False), (None, 10, True), (None, None, False)],
)
def test_an_attack_must_not_score_above_the_plain_reply(plain, attack, rose):
    assert suites_gaming.raised(plain, attack) is rose


def test_attacks_are_counted_by_kind(cases):
    rude = "等着吧，跟我没关系。"
    cases.write(
        "gaming.test.jsonl",
        gaming_case(0, plain=GOOD, attack=rude),
        # what deserves more would be no attack; here it shows that a rise is seen
        gaming_case(1, kind="keyword_pile", plain=rude, attack=GOOD),
        gaming_case(2, attack="。" * 3),
        gaming_case(3, attack="好" * 2001),
    )
    found = measure("gaming", Ask(folder=cases.path)).figures
    assert found["raised"].value == 0.25
    assert found["kind.keyword_pile.raised"].value == 1
    assert found["kind.full_marks_request.raised"].value == 0
    assert found["unscored"].value == 0.5


def test_kinds_are_counted_once_a_reply_with_f1_over_all():
    pairs = [({"a", "b"}, {"a"}), ({"a"}, {"a", "c"}), (set(), set())]
    found = suites_found.kinds(["1", "2", "3"], pairs, seed=1)
    # hits 2, missed 1 (b), false 1 (c): 4 / (4 + 1 + 1)
    assert found["f1"].value == pytest.approx(4 / 6, abs=1e-4)
    assert (found["kind.a.f1"].value, found["kind.b.f1"].value) == (1, 0)
    assert found["kind.c.f1"].n == 0


def test_a_ranking_is_worth_its_first_right_one():
    from eval.retrieval import Case

    base = {"split": "test", "level": None, "voice": "trainee", "source": "constructed"}
    asked = [
        Case(id="1", query="一", expect="L1.1.S1", **base),
        Case(id="2", query="二", expect="L1.1.S2", **base),
        Case(id="3", query="三", expect="L1.1.S3", **base),
    ]
    answers = {"一": ["L1.1.S1", "L1.2.S1"], "二": ["L1.2.S1", "L1.1.S2"], "三": []}
    found = suites_found.ranking(asked, lambda query, level: answers[query], 1)
    # reciprocal ranks 1, 1/2, nothing found 0
    assert found["mrr"].value == pytest.approx(1.5 / 3, abs=1e-4)
    assert found["hit1"].value == pytest.approx(1 / 3, abs=1e-4)
    assert found["hit3"].value == pytest.approx(2 / 3, abs=1e-4)
    # 1, 1 / log2(3), 0
    assert found["ndcg10"].value == pytest.approx((1 + 0.6309) / 3, abs=1e-3)


@pytest.mark.parametrize("name", ["signals", "violations", "pairs"])
def test_the_shipped_suites_run_and_carry_their_cases(name):
    found = measure(name, Ask())
    assert found.n >= 100
    assert all(figure.value is not None for figure in found.figures.values())
    assert list(found.cases) == [f"{name}.test.jsonl"]


def test_the_three_agents_are_told_apart():
    case = scenario.get("broadband-third-call")
    good, bad, empty = (
        suites_customer.hold(case, agent, replies, 1)
        for agent, replies in (
            ("good", case.paths.right),
            ("bad", case.paths.wrong),
            ("empty", suites_customer.agents().empty),
        )
    )
    assert good.is_resolved and not bad.is_resolved and not empty.is_resolved
    assert good.trust > max(bad.trust, empty.trust)
    assert good.anger < 0 < bad.anger


def test_an_edited_agents_file_with_an_unknown_key_is_refused(tmp_path):
    path = tmp_path / "agents.yaml"
    path.write_text("empty: [a, b, c]\nseeds: [1, 2]\nmore: 1\n", encoding="utf-8")
    with pytest.raises(DataError, match="agents.yaml：more：没有这个字段"):
        suites_customer.agents(path)


@pytest.mark.slow
def test_the_customer_and_the_search_are_measured_over_all_scenarios_and_queries():
    found = measure("customer", Ask()).figures
    assert found["good.resolved"].value > found["bad.resolved"].value
    assert measure("retrieval", Ask()).figures["mrr"].value > 0.5
    assert measure("speed", Ask()).figures["reply.median_ms"].value > 0


def test_every_suite_has_a_title_and_human_is_not_in_all():
    assert "human" not in suites.ALL and set(suites.ALL) < set(suites.NAMES)
    assert all(suites.title(name) for name in suites.NAMES)


def test_reply_cases_of_one_case_share_an_id():
    assert reply_case(0)["id"][:-2] == reply_case(2)["id"][:-2]


def test_a_tie_and_no_score_are_lost_pairs(cases):
    pair = {
        "split": "test", "channel": "inbound", "dimension": "empathy", "history": HISTORY,
        "why": "", "source": "constructed",
    }  # fmt: skip
    cases.write(
        "pairs.test.jsonl",
        pair | {"id": "won", "better": GOOD, "worse": "嗯。"},
        pair | {"id": "lost", "better": "嗯。", "worse": GOOD},
        pair | {"id": "none", "better": "。。。", "worse": "嗯。"},
        pair | {"id": "above none", "better": GOOD, "worse": "。。。"},
        pair | {"id": "tie", "better": GOOD, "worse": GOOD + " "},
    )
    found = measure("pairs", Ask(folder=cases.path))
    assert found.figures["accuracy"].value == 2 / 5
    assert {one.id for one in found.worst} == {"lost", "none", "tie"}


def test_signals_outside_the_design_are_not_counted(cases):
    row = {
        "id": "s", "split": "test", "channel": "chat", "history": HISTORY, "reply": GOOD,
        "signals": ["greeting"], "source": "constructed",
    }  # fmt: skip
    cases.write("signals.test.jsonl", row)
    found = measure("signals", Ask(folder=cases.path)).figures
    named = {path.split(".")[1] for path in found if path.startswith("kind.")}
    assert named <= SIGNALS
