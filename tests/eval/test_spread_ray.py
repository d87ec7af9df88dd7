import functools
import sys

import pytest

from eval import spread
from eval.spread import How, Work
from knowledge.datafile import DataError
from tests.eval.test_spread import die_with, double, lost

LOCAL = How(workers=2, chunk=10, ray="")


def done(items, work, how=LOCAL):
    return list(spread.spread(items, Work(work, lost), how))


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DataError, match=r"--ray 要用的 ray 没有装，请运行 pip install 'kefu-coach"):
        done([1], double)


@pytest.fixture
def ray(monkeypatch):
    return pytest.importorskip("ray", reason="the extra ray is not installed")


def test_a_cluster_that_does_not_answer_is_told_at_once(ray):
    with pytest.raises(DataError, match="连不上 Ray 集群 127.0.0.1:9，请检查地址"):
        done([1], double, How(ray="127.0.0.1:9"))


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.filterwarnings("ignore")
def test_two_workers_give_what_one_process_gives_in_order(ray, monkeypatch):
    from eval import spread_ray

    monkeypatch.setattr(spread_ray, "_WINDOW", 12)
    assert done(range(400), double) == [(n, 2 * n) for n in range(400)]


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.filterwarnings("ignore")
def test_a_chunk_that_kills_its_worker_is_lost_alone(ray):
    found = done(range(60), functools.partial(die_with, {33: None}))
    assert [item for item, _ in found] == list(range(60))
    assert [item for item, answer in found if answer == "lost"] == list(range(30, 40))
