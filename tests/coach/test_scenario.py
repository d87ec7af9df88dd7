import shutil

import pytest
import yaml

from coach import scenario
from grading.lexicon import load as lexicon
from knowledge import standard
from knowledge.datafile import DataError
from knowledge.text import plain

NAME = "broadband-third-call"
ALL = scenario.load_all()
each = pytest.mark.parametrize("case", ALL.values(), ids=ALL.keys())


@pytest.fixture
def spoil(tmp_path):
    """Load a copy of one scenario after a change."""
    path = tmp_path / f"{NAME}.yaml"
    shutil.copy(scenario.FOLDER / path.name, path)

    def load(change):
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(table)
        path.write_text(yaml.safe_dump(table, allow_unicode=True), encoding="utf-8")
        return scenario.load_file(path)

    return load


def test_there_are_as_many_and_as_different_scenarios_as_promised():
    cases = list(ALL.values())
    assert len(cases) >= 24
    assert {case.level for case in cases} == {"初级", "中级", "高级"}
    assert {case.channel for case in cases} >= {"inbound", "outbound", "chat"}
    assert len({case.customer_type for case in cases if case.kind == "customer"}) >= 10
    assert len({case.trade for case in cases}) >= 8
    staff = [case for case in cases if case.kind == "staff"]
    assert len(staff) >= 6 and {case.level for case in staff} <= {"中级", "高级"}


@each
def test_a_scenario_is_answerable_from_its_own_words(case):
    known = standard.load().requirements
    assert set(case.requirements) <= set(known)
    assert all(step.requirement in known for step in case.steps)
    for line in case.opening:
        assert all(message.strip() for message in line)


@each
def test_nothing_hidden_stands_in_an_opening(case):
    # the fact's own sentences come only when asked
    opening = plain("".join(message for line in case.opening for message in line))
    for fact in case.facts:
        assert all(plain(say) not in opening for say in fact.say), fact.id


@each
def test_a_limits_kind_is_a_known_breach_and_the_model_reply_keeps_the_card(case):
    kinds = {rule.kind for rule in lexicon().violations}
    assert all(limit.kind in kinds for limit in case.limits)
    from coach.findings import limit_hits

    for reply in (case.model_reply, *case.paths.right):
        assert limit_hits(reply, case) == [], reply


def test_scenarios_come_sorted_by_level_content_and_difficulty():
    order = {level: at for at, level in enumerate(standard.LEVELS)}
    keys = [(order[c.level], c.work_content, c.difficulty, c.id) for c in ALL.values()]
    assert keys == sorted(keys)


def test_a_scenario_is_found_by_id_and_its_version_follows_its_file(tmp_path):
    case = scenario.get(NAME)
    assert (case.id, case.fact("light").id, case.goal("visit").id) == (NAME, "light", "visit")
    assert scenario.version(case).startswith(f"{NAME}@")
    path = tmp_path / f"{NAME}.yaml"
    text = (scenario.FOLDER / path.name).read_text(encoding="utf-8")
    path.write_text(text + "\n# 改了一处\n", encoding="utf-8")
    assert scenario.version(case, tmp_path) != scenario.version(case)
    with pytest.raises(KeyError):
        case.fact("nothing")
    with pytest.raises(KeyError):
        case.goal("nothing")


@pytest.mark.parametrize(
    "asked, message",
    [
        pytest.param("broadband-third-cal", "是不是 broadband-third-call", id="a slip of the pen"),
        pytest.param("qqqqqq", "可用 kefu scenarios 查看全部", id="nothing near"),
        pytest.param("../../../etc/passwd", "没有情景“../../../etc/passwd”", id="a path"),
        pytest.param("x" * 500, "没有情景“" + "x" * 60 + "”", id="very long"),
        pytest.param("", "没有情景“”", id="empty"),
    ],
)
def test_an_unknown_scenario_is_named(asked, message):
    with pytest.raises(DataError) as error:
        scenario.get(asked)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "change, message",
    [
        pytest.param(lambda t: t.update(mood={"anger": 5}), "mood.trust：缺少这一项", id="a gap"),
        pytest.param(lambda t: t["mood"].update(anger=95), "mood.anger：太大，最大为 90", id="range"),
        pytest.param(lambda t: t.update(colour=1), "colour：没有这个字段", id="unknown key"),
        pytest.param(lambda t: t.update(level="特级"), "只能是 初级、中级、高级 之一", id="level"),
        pytest.param(lambda t: t.update(channel="fax"), "channel 写成了“fax”", id="channel"),
        pytest.param(lambda t: t.update(work_content="L9.1"), "work_content L9.1 不在标准里", id="work"),
        pytest.param(lambda t: t.update(work_content="L2.1"), "work_content L2.1 不属于初级", id="other"),
        pytest.param(
            lambda t: t["requirements"].append("L1.5.S99"), "标准里没有编号 L1.5.S99", id="requirement"
        ),
        pytest.param(
            lambda t: t["steps"][0].update(requirement="Q"), "标准里没有编号 Q", id="step's one"
        ),
        pytest.param(
            lambda t: t["goals"][0].update(after=["ghost"]),
            "goals visit 的 after 里没有这些编号：ghost", id="a dangling after",
        ),
        pytest.param(
            lambda t: t["steps"][1].update(fact="ghost"),
            "steps probe 指向的 fact 或 goal 不存在", id="a dangling fact",
        ),
        pytest.param(
            lambda t: t["steps"][1].pop("fact"), "steps probe 没有写怎样算做到", id="no way to do it"
        ),
        pytest.param(
            lambda t: t["facts"].append(t["facts"][0]), "编号 light 重复", id="a fact twice"
        ),
        pytest.param(
            lambda t: t["goals"][0].update(id="light"), "编号 light 重复", id="a goal like a fact"
        ),
        pytest.param(lambda t: t["steps"].append(t["steps"][0]), "编号 feel 重复", id="a step twice"),
        pytest.param(
            lambda t: t["facts"][0].update(asked=["灯.*"]), "“灯.*”不能为空", id="unbounded"
        ),
        pytest.param(lambda t: t["paths"].update(right=["好"]), "paths.right：至少要有 4 项", id="path"),
        pytest.param(lambda t: t.update(id="Not An Id"), "id：格式不对", id="id"),
        pytest.param(lambda t: t.update(id="other-name"), "id 写成了“other-name”，应与文件名一致",
                     id="id and file"),
    ],
)  # fmt: skip
def test_a_faulty_scenario_is_refused_by_file_and_field(spoil, change, message):
    with pytest.raises(DataError) as error:
        spoil(change)
    assert str(error.value).startswith(f"{NAME}.yaml：")
    assert message in str(error.value)


def test_broken_yaml_names_file_and_line(tmp_path):
    (tmp_path / "torn.yaml").write_text("id: torn\ntitle: [一\nlevel: 初级\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"torn\.yaml 第 \d+ 行：YAML 写法有误"):
        scenario.get("torn", tmp_path)


def test_a_copy_without_change_loads(spoil):
    assert spoil(lambda table: None).id == NAME
