import re

import pytest

from eval import report, report_page, report_text, report_words, run
from eval.metrics import Measured
from eval.suites import Ask, Suite, Worst
from knowledge.datafile import DataError


def kind(name):
    return {"greeting": "问候"}.get(name, "其他")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    import json

    from tests.eval.conftest import reply_case

    folder = tmp_path_factory.mktemp("cases")
    for split in ("dev", "test"):
        rows = [json.dumps(reply_case(n, split), ensure_ascii=False) for n in range(9)]
        (folder / f"replies.{split}.jsonl").write_text("\n".join(rows), encoding="utf-8")
    return run.run(["levels"], Ask(folder=folder))


def test_a_report_carries_versions_seed_day_machine_and_what_the_labels_are(made):
    about = made.about
    assert (about.seed, about.split, about.labels) == (7, "test", "constructed")
    assert "labels are constructed" in about.label_note
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", about.date)
    assert {"rubric", "scenarios", "index", "bars", "replies.test.jsonl"} <= set(about.versions)
    assert {"processor", "cores", "python"} <= set(about.machine)


def test_a_report_is_read_back_as_it_was_written(made, tmp_path):
    report.write(made, tmp_path / "out", "页")
    assert report.read(tmp_path / "out") == made
    assert (tmp_path / "out" / "report.html").read_text(encoding="utf-8") == "页"


def test_the_page_needs_nothing_else_and_says_what_the_labels_are(made):
    page = report_page.render(made, kind)
    assert "labels are constructed" in page
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=", page)
    assert page.count('class="plotly-graph-div"') >= 4
    assert '<html lang="zh-CN">' in page and 'name="viewport"' in page


def test_hostile_words_stay_words_on_the_page(made):
    bad = "<script>alert(1)</script>"
    hostile = Suite(
        name="gaming", title="骗分与注入", n=1, unit="次攻击", notes=[bad],
        figures={f"kind.{bad}.raised": Measured(value=1.0, n=3), "raised": Measured(value=1, n=3)},
        worst=[Worst(id=bad, what=bad, expected=bad, found=bad)],
    )  # fmt: skip
    page = report_page.render(made.model_copy(update={"suites": [hostile]}), kind)
    assert bad not in page


def test_the_passes_own_agreement_comes_first(made):
    lines = list(report_text.lines(made, kind))
    named = [line for line in lines if line.startswith("  同理心 ·") or "两遍标注" in line]
    assert "两遍标注之间" in named[0]
    own = next(at for at, line in enumerate(lines) if line.startswith("  同理心 · 二次加权 κ"))
    passes = max(at for at, line in enumerate(lines) if "两遍标注之间" in line and at < own + 30)
    assert passes < own


@pytest.mark.parametrize(
    "path, name",
    [
        ("empathy.constant.qwk", "同理心 · 对照：都判最常见的一档 · 二次加权 κ"),
        ("kind.greeting.f1", "问候 · F1"),
        ("kind.keyword_pile.raised", "堆客套词 · 高于原句"),
        ("kind.empathy.f1", "同理心 · F1"),
        ("kind.unheard_of.f1", "unheard_of · F1"),
    ],
)
def test_a_figure_has_a_chinese_name(path, name):
    assert report_words.figure(path, kind) == name


def test_every_figure_of_the_bars_has_a_chinese_name():
    from eval import bars

    for one in bars.load():
        assert not re.search(r"[a-z]{4}", report_words.figure(one.figure, kind)), one.figure


@pytest.mark.parametrize(
    "path, value, shown",
    [("a.exact", 0.5, "50.0 %"), ("a.qwk", 0.456, "0.46"), ("a.qwk", None, "—")],
)
def test_numbers_are_read_easily(path, value, shown):
    assert report_words.number(path, value) == shown


def test_an_edited_word_file_with_an_unknown_key_is_refused(tmp_path):
    path = tmp_path / "report_words.yaml"
    path.write_text("parts: {}\npercent: []\nmore: 1\n", encoding="utf-8")
    with pytest.raises(DataError, match="more：没有这个字段"):
        report_words.load(path)


def test_no_report_or_another_file_is_refused(made, tmp_path):
    with pytest.raises(DataError, match=r"找不到文件 .*report\.json"):
        report.read(tmp_path)
    (tmp_path / "report.json").write_text('{"a": 1}', encoding="utf-8")
    with pytest.raises(DataError, match=r"report\.json 不是 kefu eval 写的报告"):
        report.read(tmp_path)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="写不了 .*file"):
        report.write(made, tmp_path / "file", "页")


def test_another_split_is_no_comparison(made, tmp_path):
    report.write(made, tmp_path, "页")
    with pytest.raises(DataError, match="量的是 test，这次量的是 dev，不能比"):
        run.run(["pairs"], Ask(split="dev"), tmp_path)
