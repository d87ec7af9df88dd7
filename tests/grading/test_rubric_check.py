import pytest

from grading import lexicon, rubric
from grading.lexicon import FOLDER
from grading.rubric_check import check, gather
from knowledge.datafile import DataError


def text_of(name):
    return (FOLDER / name).read_text(encoding="utf-8")


@pytest.fixture
def edited(tmp_path):
    """Put edited files in a folder and gather them with the shipped ones."""

    def make(**changes):
        given = tmp_path / "given"
        given.mkdir()
        for name, (old, new) in changes.items():
            text = text_of(f"{name}.yaml")
            assert old in text
            (given / f"{name}.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
        return gather(given, tmp_path / "data")

    return make


def line_of(name, text):
    return 1 + text_of(name)[: text_of(name).index(text)].count("\n")


def test_an_edited_file_stands_among_the_shipped_ones_and_nothing_loaded_changes(edited):
    before = rubric.load(), lexicon.load()
    found = edited(rubric=('version: "', 'version: "9'))
    assert check(found) == [] and found.names == ("rubric.yaml",)
    assert rubric.load(found.folder).version == "9" + before[0].version
    assert (rubric.load(), lexicon.load()) == before
    assert (found.folder / "models" / "signals.npz").exists()


def test_a_file_of_any_name_is_the_rubric_and_one_of_ours_is_itself(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(text_of("rubric.yaml"), encoding="utf-8")
    assert gather(mine, tmp_path / "a").names == ("rubric.yaml",)
    signals = tmp_path / "signals.yaml"
    signals.write_text(text_of("signals.yaml"), encoding="utf-8")
    assert gather(signals, tmp_path / "b").names == ("signals.yaml",)


def test_what_is_not_there_or_none_of_ours_is_refused(tmp_path):
    with pytest.raises(DataError, match="找不到 .*nothing"):
        gather(tmp_path / "nothing", tmp_path / "data")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match="没有一个评分数据文件，例如 rubric.yaml"):
        gather(empty, tmp_path / "data")
    (empty / "sginals.yaml").touch()
    with pytest.raises(DataError, match="sginals.yaml 不是评分数据的文件名"):
        gather(empty, tmp_path / "data")


@pytest.mark.parametrize(
    "name, old, new, at, reason",
    [
        pytest.param(
            "rubric", "weight: 26", "weight: x", "weight: 26", r"expectations.\d+.weight：应为数字",
            id="a field of a list",
        ),
        pytest.param(
            "rubric", "  formula: 16", "  formulas: 16", "empathy:\n", "empathy.formula：缺少这一项",
            id="a field that is missing: the thing it is missing in",
        ),
        pytest.param(
            "rubric", "cites: [L1.5.S1]", "cites: [L9.9.S9]", "id: pr.forward",
            "pr.forward 引用的 L9.9.S9 不在标准里", id="a reference",
        ),
        pytest.param(
            "rubric", "id: po.care", "id: po.greet", "id: po.care", "编号 po.greet 重复",
            id="an id that stands twice: the second",
        ),
        pytest.param(
            "rubric", "  fatal: 20", "  fatale: 20", "caps:", "caps 缺少 fatal", id="a cap",
        ),
        pytest.param(
            "rubric", "  fatal: 20", "  other: 20", "  other: 70", "other 写了两遍", id="a key twice",
        ),
        pytest.param(
            "signals", "strength: 1.0", "strength: 7", "strength: 1.0", "strength：太大，最大为 1",
            id="an entry of a lexicon",
        ),
        pytest.param(
            "guards", "before:", "bevor:", "before:", "bevor：没有这个字段，请检查拼写",
            id="an unknown field",
        ),
        pytest.param(
            "moments", "heat: 1", "heat: 9", "heat: 1", "heat：太大，最大为 3", id="a moment",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_file_line_and_field(edited, name, old, new, at, reason):
    line = line_of(f"{name}.yaml", at)
    with pytest.raises(DataError, match=rf"^{name}.yaml 第 {line} 行：.*{reason}"):
        check(edited(**{name: (old, new)}))


def test_a_pattern_that_is_none_is_told_by_its_own_line(edited):
    line = line_of("signals.yaml", "any: [您好,")
    with pytest.raises(DataError, match=rf"^signals.yaml 第 {line} 行：.*“\(您好”不是合法的句式"):
        check(edited(signals=("any: [您好,", 'any: ["(您好",')))


def test_what_is_no_yaml_is_told_by_line(edited):
    with pytest.raises(DataError, match=r"rubric.yaml 第 \d+ 行：YAML 写法有误"):
        check(edited(rubric=("  formula: 16", "  formula: [16")))


def test_a_word_list_may_neither_go_nor_come(edited, tmp_path):
    with pytest.raises(DataError, match="wording.yaml：缺少 pushy"):
        check(edited(wording=("pushy:", "pushed:")))
    found = gather(FOLDER / "wording.yaml", tmp_path / "more")
    path = found.folder / "wording.yaml"
    lines = text_of("wording.yaml").rstrip().count("\n") + 2
    path.write_text(text_of("wording.yaml").rstrip() + "\nmore: [好]\n", encoding="utf-8")
    with pytest.raises(DataError, match=f"wording.yaml 第 {lines} 行：more：没有这个字段"):
        check(found)


def test_names_nothing_else_knows_and_a_version_that_stayed_are_doubts(edited):
    doubts = check(edited(rubric=("met: {greeting: 1.0, self", "met: {greting: 1.0, self")))
    line = line_of("rubric.yaml", "met: {greeting: 1.0, self")
    assert doubts[0].startswith(f"rubric.yaml 第 {line} 行：po.greet 里的 greting 没有别处用过")
    assert "version 还是" in doubts[1] and len(doubts) == 2


def test_a_penalty_for_nothing_is_a_doubt(edited):
    (doubt, _) = check(edited(rubric=("  shirk: {emp", "  shrik: {empathy: 1, politeness: 1, "
                                      "procedure: 1}\n  shirk: {emp")))  # fmt: skip
    assert f"第 {line_of('rubric.yaml', '  shirk: {emp')} 行：penalties 里的 shrik" in doubt


def test_the_shipped_data_leave_no_doubt(tmp_path):
    assert check(gather(FOLDER / "rubric.yaml", tmp_path / "data")) == []
