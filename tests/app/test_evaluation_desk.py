"""One evaluation at a time in a process of its own: progress, the end, a stop, a crash."""

import json
import time

import pytest

from app.pages import evaluation_desk
from app.pages import evaluation_shelf as shelf
from app.pages.evaluation_desk import Desk, Step, Wish
from app.pages.evaluation_shelf import Record, Shelf
from knowledge.datafile import DataError
from tests.app import evaluations
from tests.eval.conftest import GOOD, HISTORY

WISH = Wish(("levels", "pairs"), "dev", 7)


@pytest.fixture
def desk(tmp_path):
    made = Desk(Shelf(tmp_path))
    yield made
    made.close()


@pytest.fixture
def doing(monkeypatch):
    """Put a stand-in in the place of what measures."""
    return lambda work: monkeypatch.setattr(evaluation_desk, "work", work)


def until(true, seconds=60):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def left(desk):
    return [path.name for path in desk.shelf.folder.iterdir()]


def test_a_second_asker_is_told_whose_place_it_is_and_a_stop_frees_it(desk, doing):
    doing(evaluations.waits)
    desk.start(WISH, "王老师")
    until(lambda: desk.running.step)
    assert desk.running.step == Step(1, 2, "levels", 3, 10)
    with pytest.raises(DataError, match="王老师的评测正在跑.*一次只能跑一个"):
        desk.start(WISH, "李老师")
    desk.stop("李老师", "of another run")
    assert desk.running
    desk.stop("李老师", desk.running.record.id)
    assert desk.running is None and left(desk) == []
    assert (desk.last.how, desk.last.said, desk.last.record.by) == ("stopped", "李老师", "王老师")
    desk.stop("李老师", desk.last.record.id)  # a second click


def test_a_process_that_dies_is_told_and_leaves_nothing(desk, doing):
    doing(evaluations.dies)
    desk.start(WISH, "王老师")
    until(lambda: desk.running is None)
    assert desk.last.how == "failed" and "意外退出" in desk.last.said
    assert left(desk) == []


def test_what_is_wrong_with_the_data_is_told_as_it_was_said(desk, doing):
    doing(evaluations.refuses)
    desk.start(WISH, "王老师")
    until(lambda: desk.running is None)
    assert (desk.last.how, desk.last.said[:10]) == ("failed", "第 3 行 E 列：")


def test_a_finished_run_is_on_the_shelf(desk, doing):
    doing(evaluations.ends)
    desk.start(WISH, "王老师")
    until(lambda: desk.running is None)
    assert desk.last.how == "done" and left(desk) == [desk.last.record.id]
    assert [one.by for one in desk.shelf.listed().records] == ["王老师"]


def test_after_a_restart_an_unfinished_run_is_told(tmp_path, desk):
    name, part = desk.shelf.begin()
    shelf.put(
        Record(id=name, by="安", started="s", suites=("levels",), split="dev", seed=7, pid=2**22 + 5),
        part,
    )  # fmt: skip
    assert Desk(Shelf(tmp_path)).last.how == "lost"


# What really measures, called here and in its own process ---------------------------------------


class Line(list):
    send = list.append


def test_measuring_tells_its_steps_then_the_end(desk, monkeypatch):
    monkeypatch.setattr(evaluation_desk.signal, "signal", lambda *_: None)
    monkeypatch.setattr(evaluation_desk.os, "nice", lambda _: None)
    monkeypatch.setattr(evaluation_desk, "_EVERY_SECONDS", 0.0)
    name, part = desk.shelf.begin()
    wish = Wish(("pairs",), "dev", 7)
    shelf.put(Record(id=name, by="安", started="s", suites=("pairs",), split="dev", seed=7), part)
    line = Line()
    evaluation_desk.work(part, wish, line)
    record, made = desk.shelf.read(name)
    pairs = made.suites[0].n
    assert line[0] == Step(1, 1, "pairs") and line[-1] == ""
    assert line[-2] == Step(1, 1, "pairs", pairs, pairs)
    assert record.seconds == made.about.seconds
    assert (desk.shelf.at(name) / "report.html").stat().st_size > 100_000


@pytest.mark.parametrize(
    "error, said",
    [
        pytest.param(DataError("坏了"), ["坏了"], id="data"),
        pytest.param(
            ModuleNotFoundError(name="ir_measures"),
            ["评测要用的 ir_measures 没有装，请运行 pip install 'kefu-coach[eval]'"],
            id="a package of the extra",
        ),
        pytest.param(BrokenPipeError(), [], id="the server is gone"),
    ],
)
def test_what_goes_wrong_while_measuring_is_told(monkeypatch, tmp_path, error, said):
    def fails(*_):
        raise error

    monkeypatch.setattr(evaluation_desk.signal, "signal", lambda *_: None)
    monkeypatch.setattr(evaluation_desk.os, "nice", lambda _: None)
    monkeypatch.setattr(evaluation_desk, "_measure", fails)
    line = Line()
    evaluation_desk.work(tmp_path, WISH, line)
    assert line == said


def test_a_centres_file_is_measured_and_its_words_are_not_kept(desk):
    _, part = desk.shelf.begin()
    rows = [
        {"id": str(at), "channel": "inbound", "history": HISTORY, "reply": GOOD + "好" * at,
         "empathy": at % 5} for at in range(10)
    ] + [{"id": "x", "channel": "inbound", "history": [], "reply": "嗯", "empathy": "好"}]  # fmt: skip
    data = part / "上传的文件.jsonl"
    data.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")
    desk.start(Wish(("human",), "dev", 7, data, "三月.jsonl"), "王老师", part=part)
    until(lambda: desk.running is None, 120)
    assert desk.last.how == "done", desk.last.said
    record, made = desk.shelf.read(desk.last.record.id)
    assert (record.data, len(record.digest), made.suites[0].n) == ("三月.jsonl", 64, 10)
    assert any("第 11 行：同理心写成了“好”" in note for note in made.suites[0].notes)
    files = list(desk.shelf.at(record.id).iterdir())
    assert sorted(path.name for path in files) == ["report.html", "report.json", "run.json"]
    assert all(GOOD not in path.read_text("utf-8") for path in files)
