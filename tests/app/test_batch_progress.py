"""What a long batch tells on stderr while it runs."""

import time

from app.batch import Progress


def test_progress_tells_now_and_then_and_how_long_it_may_take(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    progress = Progress(50, 1050)
    for _ in range(100):
        now[0] += 0.06
        progress.step()
    # told once, after 5 s: 84 rows in 5.04 s are too few to say more; then silence until 10 s
    assert capsys.readouterr().err == "已评 134 行\n"
    for _ in range(100):
        now[0] += 0.06
        progress.step()
    # 168 rows in 10.08 s; 1050 - 218 = 832 left, 832 / 16.67 = 50 s
    assert capsys.readouterr().err == "已评 218 行，共 1050 行，约还要 0 分 50 秒\n"


def test_progress_without_a_known_end_tells_only_how_far_it_is(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    progress = Progress(0, None)
    now[0] = 6.0
    progress.step()
    assert capsys.readouterr().err == "已评 1 行\n"
