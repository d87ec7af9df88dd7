import json

import pytest

from app.cli import main

PLAN = "plan-call-old-overcharge"


@pytest.fixture
def replies(tmp_path):
    path = tmp_path / "r.txt"
    path.write_text("您好，请问是苗先生本人吗？\n", encoding="utf-8")
    return str(path)


def play(tmp_path, replies, order, *more):
    path = tmp_path / "o.json"
    path.write_text(order, encoding="utf-8")
    return main(["play", PLAN, "--replies", replies, "--order", str(path), *more])


def test_the_order_is_one_line_after_the_turns(tmp_path, replies, capsys):
    order = json.dumps({"type": "投诉", "facts": "客户态度恶劣"}, ensure_ascii=False)
    assert play(tmp_path, replies, order, "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [list(line)[0] for line in lines] == ["turn", "turn", "order"]
    assert lines[-1]["order"]["status"] == "scored" and 0 <= lines[-1]["order"]["score"] < 60


def test_people_read_the_faults_with_their_source(tmp_path, replies, capsys):
    assert play(tmp_path, replies, '{"facts": "客户态度恶劣"}') == 0
    told = capsys.readouterr().out
    assert "工单 " in told and "评价客户" in told and "技能要求5" in told


def test_an_empty_order_is_unscored(tmp_path, replies, capsys):
    assert play(tmp_path, replies, "{}") == 0
    assert "未评分：工单是空的" in capsys.readouterr().out


@pytest.mark.parametrize("order, message", [
    ("[1]", "应为一组字段"), ("{", "不是合法的 JSON"), ('{"x": "y"}', "没有字段“x”"),
])  # fmt: skip
def test_a_bad_file_is_one_line_and_nothing_is_played(tmp_path, replies, capsys, order, message):
    assert play(tmp_path, replies, order) == 2
    shown = capsys.readouterr()
    assert message in shown.err and shown.out == "" and len(shown.err.splitlines()) == 1


def test_an_order_needs_replies(tmp_path, capsys):
    assert main(["play", PLAN, "--order", str(tmp_path / "o.json")]) == 2
    assert "--replies" in capsys.readouterr().err


def test_saved_talks_keep_their_order(tmp_path, replies, monkeypatch):
    from app.records.store import opened

    monkeypatch.setenv("KEFU_HOME", str(tmp_path))
    monkeypatch.delenv("KEFU_DATABASE_URL", raising=False)
    assert play(tmp_path, replies, '{"facts": "客户要退钱"}', "--save") == 0
    with opened() as store, store.engine.connect() as work:
        assert work.exec_driver_sql("select count(*) from orders").scalar() == 1
