"""A batch in a file: order, going on after a stop, refusals, Ctrl-C, many processes."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from app import batch, batch_source
from app.batch import Job
from app.commands.grade import run
from app.parser import parse
from eval import spread
from eval.spread import How, ProcessesDied
from knowledge.datafile import DataError

REPLY = "四天没网，换谁都着急，向您道歉。我现在派师傅，今天 16:00 前到，您看可以吗？"
HISTORY = [{"role": "customer", "text": "宽带断了四天，打了三次电话没人管！"}]


def row(at):
    return {"id": f"r{at}", "channel": "chat", "history": HISTORY, "reply": f"{REPLY}{at}"}


@pytest.fixture
def rows(tmp_path):
    """A file of rows, every tenth of them broken."""

    def write(count=30, name="rows.jsonl"):
        path = tmp_path / name
        lines = [
            "{" if n % 10 == 9 else json.dumps(row(n), ensure_ascii=False) for n in range(count)
        ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


def grade(path, target, *more):
    return run(parse(["grade", "--file", str(path), "--out", str(target), *more], "1"))


def head_of(target):
    return target.with_name(target.name + ".head.json")


@pytest.fixture
def stopped(rows, tmp_path, monkeypatch, capsys):
    """A batch broken off after 12 rows, its last line torn; the rows, the file, the whole answer."""
    path, target, whole = rows(), tmp_path / "out.jsonl", tmp_path / "whole.jsonl"
    assert grade(path, whole) == 0
    wholly = batch.spread

    def broken_off(items, work, how):
        for at, pair in enumerate(wholly(items, work, how)):
            if at == 12:
                raise KeyboardInterrupt
            yield pair

    with monkeypatch.context() as patch:
        patch.setattr(batch, "spread", broken_off)
        assert grade(path, target) == 1
    said = capsys.readouterr().err
    assert f"已停下：{target} 里有 12 行，接着做请用同样的命令加 --resume" in said
    with target.open("a", encoding="utf-8") as file:
        file.write('{"id": "r12", "sta')
    return path, target, whole


def test_answers_in_a_file_are_those_of_the_screen(rows, tmp_path, capsys):
    path, target = rows(), tmp_path / "out.jsonl"
    assert run(parse(["grade", "--file", str(path), "--json"], "1")) == 0
    screen = capsys.readouterr().out
    assert grade(path, target, "--json") == 0
    assert target.read_text(encoding="utf-8") == screen
    said = capsys.readouterr()
    assert json.loads(said.out) == {"out": str(target), "rows": 30, "failed": 3}
    assert "共 30 行，失败 3 行" in said.err and f"结果写在 {target}" in said.err


def test_a_stopped_batch_goes_on_where_it_stopped_and_gives_the_same(stopped, capsys, monkeypatch):
    path, target, whole = stopped
    done = []
    wholly = batch.spread
    monkeypatch.setattr(
        batch, "spread", lambda items, *a: wholly((done.append(i.line) or i for i in items), *a)
    )
    assert grade(path, target, "--resume") == 0
    assert target.read_bytes() == whole.read_bytes()
    assert done == list(range(13, 31)), "rows that are answered are not graded again"
    said = capsys.readouterr().err
    assert "已有 12 行，从下一行接着做" in said and "共 30 行，失败 3 行" in said


def test_a_finished_batch_has_nothing_left_to_do(rows, tmp_path):
    path, target = rows(), tmp_path / "out.jsonl"
    grade(path, target)
    before = target.read_bytes()
    assert grade(path, target, "--resume") == 0
    assert target.read_bytes() == before


def test_resume_without_a_file_begins(rows, tmp_path):
    path, target = rows(), tmp_path / "out.jsonl"
    assert grade(path, target, "--resume") == 0
    assert len(target.read_text(encoding="utf-8").splitlines()) == 30


def change_head(target, key, value):
    head = json.loads(head_of(target).read_text(encoding="utf-8"))
    head_of(target).write_text(json.dumps(head | {key: value}), encoding="utf-8")


@pytest.mark.parametrize(
    "spoil, reason",
    [
        pytest.param(lambda p, t: p.write_text(json.dumps(row(1))), "输入文件变了", id="input"),
        pytest.param(lambda p, t: change_head(t, "versions", {}), "版本变了", id="versions"),
        pytest.param(lambda p, t: change_head(t, "judge", {"x": 1}), "模型评判变了", id="judge"),
        pytest.param(
            lambda p, t: head_of(t).unlink(), "旁边没有 out.jsonl.head.json", id="no head"
        ),
        pytest.param(lambda p, t: head_of(t).write_text("{"), "head.json 坏了", id="broken head"),
        pytest.param(lambda p, t: head_of(t).write_text("[]"), "head.json 坏了", id="odd head"),
        pytest.param(
            lambda p, t: t.write_text("{}\n{torn\n{}\n"),
            "第 2 行坏了，不能接着做",
            id="torn inside",
        ),
        pytest.param(
            lambda p, t: t.write_text('{"id":"other"}\n'), "和输入对不上，被改动过", id="edited"
        ),
    ],
)
def test_a_file_that_does_not_belong_is_not_gone_on_with(stopped, spoil, reason):
    path, target, _ = stopped
    spoil(path, target)
    with pytest.raises(DataError, match=reason):
        grade(path, target, "--resume")


def test_a_file_with_more_rows_than_the_input_is_refused(rows, tmp_path):
    path, target = rows(3), tmp_path / "out.jsonl"
    grade(path, target)
    with target.open("a", encoding="utf-8") as file:
        file.write('{"id": null}\n')
    with pytest.raises(DataError, match="和输入对不上"):
        grade(path, target, "--resume")


def test_a_file_that_is_there_is_not_written_over(rows, tmp_path):
    path, target = rows(), tmp_path / "out.jsonl"
    target.write_text("my own notes", encoding="utf-8")
    with pytest.raises(DataError, match="out.jsonl 已经有了：接着做请加 --resume"):
        grade(path, target)
    with pytest.raises(DataError, match="rows.jsonl 已经有了"):
        grade(path, path)


@pytest.mark.parametrize(
    "more, reason",
    [
        (["--out", "x.txt"], "--out 写成了 x.txt，只能是 .jsonl、.csv 或 .xlsx"),
        (["--out", "/nowhere/x.jsonl"], "不能写 /nowhere/x.jsonl"),
        (["--resume"], "--resume 要和 --out 一起用"),
        (["--workers", "0"], "--workers 写成了 0，至少要 1"),
        (["--judge", "endpoint", "--workers", "2"], "--judge 要在一个进程里做"),
        (["--judge", "endpoint", "--ray"], "--judge 要在一个进程里做"),
    ],
)
def test_options_that_do_not_fit_are_refused(rows, more, reason):
    with pytest.raises(DataError, match=reason):
        run(parse(["grade", "--file", str(rows(1)), *more], "1"))


@pytest.mark.parametrize("more", [["--resume", "--out", "x.jsonl"], ["--out", "x.csv"]])
def test_standard_input_can_be_read_only_once(more):
    with pytest.raises(DataError, match="标准输入只能读一遍"):
        run(parse(["grade", "--file", "-", *more], "1"))


def test_processes_that_keep_dying_are_told_and_the_file_stays(rows, tmp_path, monkeypatch, capsys):
    def dying(items, work, how):
        item = next(items)
        yield item, work.do([item])[0]
        raise ProcessesDied("一再意外退出")

    monkeypatch.setattr(batch, "spread", dying)
    path, target = rows(), tmp_path / "out.jsonl"
    assert grade(path, target) == 1
    assert "kefu grade：一再意外退出" in capsys.readouterr().err
    assert len(target.read_text(encoding="utf-8").splitlines()) == 1


def test_rows_whose_process_died_are_answered_as_errors(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "spread", lambda items, work, how: lost_all(items, work))
    target = tmp_path / "out.jsonl"
    grade(rows(2), target)
    first = json.loads(target.read_text(encoding="utf-8").splitlines()[0])
    assert first == {
        "id": "r0", "line": 1, "status": "error",
        "reason": "第 1 行所在的一批让评分进程两次意外退出，没有评",
    }  # fmt: skip


def lost_all(items, work):
    yield from ((item, work.lost(item)) for item in items)


@pytest.mark.parametrize("kind", [".csv", ".xlsx"])
def test_a_table_is_written_when_all_rows_are_answered(rows, tmp_path, kind, capsys):
    path, target = rows(), tmp_path / f"out{kind}"
    assert grade(path, target) == 0
    assert target.exists() and not target.with_name(target.name + ".part.jsonl").exists()
    assert grade(path, target, "--resume") == 0
    assert "以前就做完了" in capsys.readouterr().err
    other = rows(5, "other.jsonl")
    with pytest.raises(DataError, match="输入文件变了"):
        grade(other, target, "--resume")


def test_a_table_that_was_broken_off_goes_on_too(stopped, tmp_path):
    path, lines, _ = stopped
    table = tmp_path / "out.csv"
    lines.rename(tmp_path / "out.csv.part.jsonl")
    head_of(lines).rename(head_of(table))
    assert grade(path, table, "--resume") == 0
    with table.open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.reader(file))) == 31


def test_two_processes_give_what_one_gives(rows, tmp_path, monkeypatch):
    path = rows(60)
    monkeypatch.setattr(spread, "FEW", 20)
    monkeypatch.setattr(batch, "spread", lambda i, w, how: spread.spread(i, w, How(how.workers, 7)))
    assert grade(path, tmp_path / "one.jsonl", "--workers", "1") == 0
    assert grade(path, tmp_path / "two.jsonl", "--workers", "2") == 0
    assert (tmp_path / "two.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()


@pytest.mark.slow
def test_a_real_ctrl_c_stops_all_processes_and_the_rest_is_done_later(rows, tmp_path):
    import psutil

    path, target = rows(20_000), tmp_path / "out.jsonl"
    command = [sys.executable, "-m", "app.cli", "grade", "--file", str(path), "--out", str(target)]
    with subprocess.Popen(
        [*command, "--workers", "2"], stderr=subprocess.PIPE, start_new_session=True,
        env=os.environ | {"KEFU_HOME": str(tmp_path)},
    ) as parent:  # fmt: skip
        while not target.exists() or target.stat().st_size < 200_000:
            assert parent.poll() is None
            time.sleep(0.1)
        children = psutil.Process(parent.pid).children(recursive=True)
        os.killpg(parent.pid, signal.SIGINT)
        said = parent.stderr.read().decode()
    assert parent.returncode == 1
    assert "Traceback" not in said and "接着做请用同样的命令加 --resume" in said
    assert len(children) >= 2 and not psutil.wait_procs(children, timeout=10)[1]
    kept = target.read_bytes()
    assert kept.endswith(b"\n")
    job = Job(batch_source.opened(str(path)), How())
    journal = batch._journal(job, target, target, resume=True)
    assert journal.answered == kept.count(b"\n")


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.filterwarnings("ignore")
def test_ray_gives_what_one_process_gives(rows, tmp_path):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    path = rows(300)
    assert grade(path, tmp_path / "one.jsonl", "--workers", "1") == 0
    assert grade(path, tmp_path / "ray.jsonl", "--workers", "2", "--ray") == 0
    assert (tmp_path / "ray.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()
