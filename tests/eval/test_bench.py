import json
import subprocess

import pytest

from eval import bench, bench_batch, bench_wait
from eval.figure import Figure, milliseconds, percentile, row
from grading.result import GradeRow


@pytest.mark.parametrize("figure, ok, bar", [
    pytest.param(Figure("x", 1.5, at_most=1.5), True, "≤ 1.5", id="at the upper bar"),
    pytest.param(Figure("x", 1.51, at_most=1.5), False, "≤ 1.5", id="past it"),
    pytest.param(Figure("x", 3, at_least=3), True, "≥ 3", id="at the lower bar"),
    pytest.param(Figure("x", 2.9, at_least=3), False, "≥ 3", id="under it"),
    pytest.param(Figure("x", 7), None, "", id="no bar"),
])  # fmt: skip
def test_a_bar_is_met_up_to_and_with_its_value(figure, ok, bar):
    assert figure.ok is ok and figure.bar == bar
    assert ("未达到" in row(figure)) is (ok is False) and ("✓" in row(figure)) is (ok is True)


def test_names_of_chinese_and_of_latin_letters_line_up():
    one, other = row(Figure("四个汉字", 1, "s")), row(Figure("abcdefgh", 1, "s"))
    assert len(one) + 4 == len(other), "each Chinese character counts two"


def test_a_percentile_is_one_of_the_values():
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0 and percentile([1.0], 0.95) == 1.0
    assert milliseconds(lambda: None) >= 0


@pytest.mark.slow
def test_quick_parts_give_json_alone_on_stdout_and_the_table_on_stderr(capsys):
    parts = ("grading", "batch", "growth", "endpoint", "talks")
    asked = [word for part in parts for word in ("--part", part)]
    assert bench.main(["--quick", "--json", *asked]) == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert {one["part"] for one in told["figures"]} == set(parts)
    assert all(one["value"] >= 0 for one in told["figures"])
    assert {"date", "processor", "cores", "python", "torch", "transformers"} <= set(told["machine"])
    assert "接口引擎每轮的开销" in said.err and "项有标准" in said.err


def test_a_bar_that_is_not_met_is_counted_and_gives_1(capsys, monkeypatch):
    missed = ("坏的", lambda quick: iter([Figure("慢", 2, "s", at_most=1), Figure("随便", 1)]))
    monkeypatch.setitem(bench.PARTS, "talks", missed)
    assert bench.main(["--part", "talks"]) == 1
    assert "1 项有标准，0 项达到" in capsys.readouterr().out


def test_the_rows_of_the_batch_are_unlike_each_other_and_can_be_graded():
    rows = list(bench_batch.replies(3000))
    assert len({row["reply"] for row in rows}) == len(rows) == 3000
    assert {GradeRow.model_validate(row).channel for row in rows} >= {"inbound", "chat"}


@pytest.mark.slow
def test_a_command_that_fails_is_no_measurement(tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        bench_batch._run(tmp_path, "grade", "--file", str(tmp_path / "nothing"))


def test_an_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit):
        bench.main(["--part", "nothing"])
    assert "nothing" in capsys.readouterr().err


@pytest.mark.slow
def test_a_clock_that_fails_says_why(tmp_path):
    with pytest.raises(RuntimeError, match=r"turn_clock .*failed: .*KEFU_ENDPOINT_URL"):
        bench_wait._clock(
            str(tmp_path), "--engine", "endpoint", KEFU_ENDPOINT_URL="", KEFU_ENDPOINT_MODEL=""
        )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_engine_and_trainees_wait_stand_side_by_side(capsys):
    asked = ["--part", "engine", "--part", "wait", "--part", "search", "--part", "process"]
    bench.main(["--quick", *asked])
    said = capsys.readouterr().out
    for word in (
        "首词元，第 2 轮",
        "首词元，第 12 轮",
        "不续用 / 续用",
        "本引擎 / generate",
        "实际分到的核",
    ):
        assert word in said
    for who in ("脚本", "接口（应答即到）", "本机模型（很小的）"):
        assert f"{who}，第 2 轮" in said and "看到第一个字" in said
