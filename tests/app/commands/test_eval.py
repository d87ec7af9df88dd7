import json

import pytest

from eval import bars, human, suites
from tests.eval.conftest import GOOD, HISTORY, gaming_case, reply_case


@pytest.fixture
def folder(tmp_path):
    """A small folder of cases: replies and attacks."""
    path = tmp_path / "cases"
    path.mkdir()

    def write(name, rows):
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    for split in ("dev", "test"):
        write(f"replies.{split}.jsonl", [reply_case(n, split) for n in range(9)])
    write("gaming.test.jsonl", [gaming_case(0, attack="嗯。"), gaming_case(1, attack="。")])
    return path


@pytest.fixture
def limits(tmp_path, monkeypatch):
    """Put other bars in place of the shipped ones."""

    def write(*rows):
        path = tmp_path / "bars.yaml"
        path.write_text("".join(f"- {{{row}}}\n" for row in rows), encoding="utf-8")
        monkeypatch.setattr(bars, "BARS", path)

    return write


MET = "id: gaming, suite: gaming, figure: raised, most: 0, note: 骗分"
SHORT = "id: unscored, suite: gaming, figure: unscored, least: 1, note: 都不评"


def test_figures_bars_and_label_note_are_printed(kefu, folder, limits):
    limits(MET)
    done = kefu("eval", "--suite", "gaming", "--cases", folder)
    assert done.code == 0
    assert "labels are constructed" in done.out
    assert "骗分与注入（2 次攻击）" in done.out
    assert "1 条，1 条达到" in done.out


def test_json_is_one_report_and_nothing_else(kefu, folder, limits):
    limits(MET)
    done = kefu("eval", "--suite", "gaming", "--cases", folder, "--json")
    (report,) = done.json
    assert report["about"]["labels"] == "constructed"
    assert report["suites"][0]["figures"]["raised"]["value"] == 0
    assert report["bars"][0]["is_met"] is True


def test_a_shortfall_is_told_and_exits_0_without_a_baseline(kefu, folder, limits):
    limits(MET, SHORT)
    done = kefu("eval", "--suite", "gaming", "--cases", folder)
    assert done.code == 0
    assert "未达到：unscored（都不评）" in done.err


@pytest.mark.parametrize("rows, code", [((MET,), 0), ((MET, SHORT), 1)])
def test_with_a_baseline_a_shortfall_exits_1(kefu, folder, limits, tmp_path, rows, code):
    limits(*rows)
    first, second = tmp_path / "first", tmp_path / "second"
    ask = ("eval", "--suite", "gaming", "--cases", folder)
    assert kefu(*ask, "--out", first).code == 0
    done = kefu(*ask, "--out", second, "--baseline", first)
    assert done.code == code
    assert "相比，变了 0 个数" in done.out
    assert (second / "report.html").exists()
    assert json.loads((second / "report.json").read_text(encoding="utf-8"))["moves"] == []


def test_what_moved_is_shown(kefu, folder, limits, tmp_path):
    limits(MET)
    ask = ("eval", "--suite", "gaming", "--cases", folder)
    kefu(*ask, "--out", tmp_path / "first")
    rows = [gaming_case(0, plain="嗯。", attack=GOOD), gaming_case(1, attack="。")]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (folder / "gaming.test.jsonl").write_text(text, encoding="utf-8")
    done = kefu(*ask, "--baseline", tmp_path / "first")
    assert done.code == 1
    assert "0.0 % →    50.0 %    +50.0 %" in done.out


def test_broken_cases_exit_2_with_file_and_line(kefu, folder):
    (folder / "gaming.test.jsonl").write_text("{broken\n", encoding="utf-8")
    done = kefu("eval", "--suite", "gaming", "--cases", folder)
    assert done.code == 2
    assert "gaming.test.jsonl 第 1 行不是合法的 JSON" in done.err
    assert done.out == ""


def test_missing_cases_exit_2_naming_the_file(kefu, tmp_path):
    done = kefu("eval", "--suite", "sessions", "--cases", tmp_path)
    assert done.code == 2
    assert "sessions.test.jsonl" in done.err


def test_a_centres_own_marks(kefu, tmp_path, folder):
    rows = [
        {"id": str(n), "channel": "inbound", "history": HISTORY, "reply": GOOD, "overall": n * 20}
        for n in range(5)
    ]
    path = tmp_path / "marks.jsonl"
    text = "\n".join([json.dumps(row, ensure_ascii=False) for row in rows] + ["{broken"])
    path.write_text(text, encoding="utf-8")
    done = kefu("eval", "--suite", "human", "--data", path, "--cases", folder, "--json")
    (report,) = done.json
    assert report["about"]["labels"] == "human"
    assert report["suites"][0]["n"] == 5
    assert any("第 6 行不是合法的 JSON" in note for note in report["suites"][0]["notes"])


def test_ctrl_c_keeps_what_was_counted_and_the_rest_is_done_later(
    kefu, folder, limits, tmp_path, monkeypatch
):
    limits(MET)
    path, out = tmp_path / "marks.jsonl", tmp_path / "out"
    rows = [{"id": str(n), "channel": "inbound", "history": HISTORY, "reply": GOOD, "empathy": n % 5}
            for n in range(5)]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    asked = ["eval", "--suite", "human", "--data", path, "--cases", folder, "--out", out]

    def broken_off(items, work, how):
        item = next(items)
        yield item, work.do([item])[0]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(human, "spread", broken_off)
        done = kefu(*asked)
    assert done.code == 1
    assert (
        f"已停下，算过的在 {out / 'human.part.json'}，接着做请用同样的命令加 --resume" in done.err
    )
    assert json.loads((out / "human.part.json").read_text("utf-8"))["replies"] == 1
    done = kefu(*asked, "--resume")
    assert done.code == 0
    assert json.loads((out / "report.json").read_text("utf-8"))["suites"][0]["n"] == 5
    assert not (out / "human.part.json").exists()


@pytest.mark.parametrize(
    "argv, message",
    [
        (["--suite", "human"], "请加 --data"),
        (["--suite", "gaming", "--data", "x.jsonl"], "--data 是给 --suite human 用的"),
        (["--suite", "gaming", "--workers", "0"], "--workers 写成了 0，至少要 1"),
        (["--suite", "human", "--resume", "--data", "x.jsonl"], "--resume 是给 --suite human 用的"),
        (["--suite", "gaming", "--resume", "--out", "x"], "--resume 是给 --suite human 用的"),
        (["--suite", "gaming", "--baseline", "/nowhere"], "找不到文件 /nowhere/report.json"),
        (["--suite", "nothing"], "--suite 不能是“nothing”"),
    ],
)
def test_bad_usage_exits_2_in_one_chinese_line(kefu, argv, message):
    done = kefu("eval", *argv)
    assert done.code == 2
    assert message in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_a_missing_package_of_the_extra_says_how_to_get_it(kefu, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "ir_measures", None)
    monkeypatch.delitem(sys.modules, "eval.suites_found", raising=False)
    done = kefu("eval", "--suite", "pairs")
    assert done.code == 2
    assert "pip install 'kefu-coach[eval]'" in done.err


def test_the_grammar_names_every_suite(kefu):
    done = kefu("eval", "--help")
    assert done.code == 0
    assert all(name in done.out for name in suites.NAMES)
