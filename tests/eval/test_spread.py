import functools
import os
import subprocess
import sys

import pytest

from eval import spread
from eval.spread import How, ProcessesDied, Work

TWO = How(workers=2, chunk=10)


def double(chunk):
    return [2 * item for item in chunk]


def with_process(chunk):
    return [os.getpid() for _ in chunk]


def refuse(chunk):
    raise KeyError("a fault of the work itself")


def die_with(fatal, chunk):
    """Die on some items, of each file given only while it is not there."""
    for item, once in fatal.items():
        if item in chunk and (once is None or not os.path.exists(once)):
            if once is not None:
                open(once, "w").close()
            os._exit(7)
    return double(chunk)


def lost(item):
    return "lost"


def done(items, work=double, how=TWO):
    return list(spread.spread(items, Work(work, lost), how))


@pytest.fixture
def few(monkeypatch):
    """Let processes begin at 20 items."""
    monkeypatch.setattr(spread, "FEW", 20)


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 35])
def test_each_item_comes_with_its_answer_in_order(count):
    assert done(range(count), how=How(chunk=10)) == [(n, 2 * n) for n in range(count)]


def test_few_items_start_no_process(few):
    assert {pid for _, pid in done(range(19), with_process)} == {os.getpid()}
    alone = done(range(500), with_process, How(workers=1))
    assert {pid for _, pid in alone} == {os.getpid()}


def test_items_are_read_only_as_they_are_answered():
    read = []
    found = spread.spread((read.append(n) or n for n in range(1000)), Work(double, lost), How())
    next(found)
    assert len(read) == spread.CHUNK
    found.close()


def test_this_process_has_at_least_one_core():
    assert spread.cores() >= 1


def test_many_items_are_spread_in_order_and_read_a_few_chunks_ahead(few):
    read = []
    found = spread.spread((read.append(n) or n for n in range(400)), Work(with_process, lost), TWO)
    answers = [next(found)]
    assert len(read) <= 10 * spread._AHEAD * 2
    answers += found
    assert [item for item, _ in answers] == list(range(400))
    pids = {pid for _, pid in answers}
    assert len(pids) == 2 and os.getpid() not in pids


def test_a_process_that_dies_once_loses_nothing(few, tmp_path):
    work = functools.partial(die_with, {33: str(tmp_path / "died")})
    assert done(range(200), work) == [(n, 2 * n) for n in range(200)]
    assert (tmp_path / "died").exists()


def test_a_chunk_that_kills_twice_is_lost_alone(few):
    found = done(range(200), functools.partial(die_with, {33: None, 150: None}))
    assert [item for item, _ in found] == list(range(200))
    # 33 stands in the chunk 30-39, 150 in 150-159
    missing = [item for item, answer in found if answer == "lost"]
    assert missing == [*range(30, 40), *range(150, 160)]
    assert all(answer == 2 * item for item, answer in found if item not in missing)


def test_processes_that_die_whatever_they_are_given_end_it(few):
    work = functools.partial(die_with, {n: None for n in range(0, 200, 10)})
    with pytest.raises(ProcessesDied, match="一再意外退出，可能是内存不够，请加 --workers 1"):
        done(range(200), work)


def test_a_fault_of_the_work_itself_is_not_hidden(few):
    with pytest.raises(KeyError, match="a fault of the work itself"):
        done(range(200), refuse)


ORPHANS = """
import sys, time
from eval import spread
from tests.eval.test_spread import double, lost
if __name__ == "__main__":
    spread.FEW = 1
    found = spread.spread(range(10**9), spread.Work(double, lost), spread.How(workers=2, chunk=1))
    next(found)
    sys.stdout.write("ready\\n"); sys.stdout.flush()
    time.sleep(60)
"""


def test_processes_go_when_their_parent_is_killed(tmp_path):
    import psutil

    script = tmp_path / "orphans.py"
    script.write_text(ORPHANS, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.getcwd()},
    ) as parent:  # fmt: skip
        parent.stdout.readline()
        children = psutil.Process(parent.pid).children(recursive=True)
        assert len(children) >= 2
        parent.kill()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive


def test_answers_that_are_missing_are_a_fault():
    with pytest.raises(ValueError, match="shorter"):
        done(range(5), lambda chunk: chunk[:-1], How())
