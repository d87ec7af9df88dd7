import pytest

from coach import scenario

FIELDS = {
    "id": str, "title": str, "level": str, "work_content": str, "kind": str, "channel": str,
    "customer_type": str, "difficulty": int, "requirements": list,
}  # fmt: skip


@pytest.fixture(scope="module")
def known():
    return scenario.load_all()


def test_the_list_is_one_array_with_every_field_and_type(kefu, known):
    run = kefu("scenarios", "--json")
    assert run.code == 0 and len(run.json) == 1
    (listed,) = run.json
    assert [case["id"] for case in listed] == list(known)
    for case in listed:
        for name, kind in FIELDS.items():
            assert isinstance(case[name], kind), name
        assert case["level"] in ("初级", "中级", "高级")
        assert case["kind"] in ("customer", "staff")
        assert case["channel"] in ("inbound", "outbound", "chat", "in_person")
        assert 1 <= case["difficulty"] <= 5
        assert all(isinstance(rid, str) for rid in case["requirements"])


def test_the_list_spoils_nothing(kefu, known):
    shown = kefu("scenarios", "--json").out + kefu("scenarios").out
    for case in known.values():
        assert case.model_reply not in shown
        for fact in case.facts:
            assert not any(say in shown for say in fact.say)
        assert not any(reply in shown for reply in case.paths.right)


def test_people_read_one_line_a_scenario_and_the_count(kefu, known):
    lines = kefu("scenarios").out.splitlines()
    assert len(lines) == len(known) + 1
    assert lines[-1].startswith(f"共 {len(known)} 个情景")


def test_a_broken_scenario_is_named_with_its_line(kefu, tmp_path, monkeypatch):
    (tmp_path / "torn.yaml").write_text("id: torn\ntitle: [一\nlevel: 初级\n", encoding="utf-8")
    found = scenario.load_all
    monkeypatch.setattr(scenario, "load_all", lambda: found(tmp_path))
    run = kefu("scenarios", "--json")
    assert (run.code, run.out) == (2, "")
    assert "torn.yaml 第" in run.err and "YAML 写法有误" in run.err
