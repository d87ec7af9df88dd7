"""Scenarios of one's own: kept whole, private to the author, safe against ids and damaged files."""

import pytest

from app import private_scenarios
from app.records.store import author_of
from coach import scenario, voices
from knowledge.datafile import DataError
from tests.coach.drafts import text

ANN, BOB = author_of("a" * 32), author_of("b" * 32)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KEFU_HOME", str(tmp_path))
    return tmp_path


def test_a_kept_draft_is_its_authors_alone(home):
    case = private_scenarios.keep(ANN, text())
    assert private_scenarios.get(ANN, case.id) == case
    assert [one.id for one in private_scenarios.mine(ANN).cases] == [case.id]
    assert private_scenarios.mine(BOB).cases == ()
    for author in (BOB, private_scenarios.LOCAL):
        with pytest.raises(DataError, match="没有你自拟的情景"):
            private_scenarios.get(author, case.id)
    assert case.id not in scenario.load_all()
    assert [path.name for path in (home / "scenarios" / ANN).iterdir()] == [f"{case.id}.yaml"]


@pytest.mark.parametrize(
    "scenario_id",
    ["../../kefu", "draft-../x", "draft-", "draft-a/b", "draft-A", "draft-" + "x" * 90, "", "\0"],
)
def test_an_id_that_is_none_reaches_no_file(home, scenario_id):
    for read in (private_scenarios.get, private_scenarios.text_of):
        with pytest.raises(DataError, match="没有你自拟的情景"):
            read(ANN, scenario_id)


@pytest.mark.parametrize("author", ["..", "", "Local", "a" * 63, "../" + "a" * 61])
def test_an_author_that_is_none_is_refused(home, author):
    with pytest.raises(DataError, match="认不出作者"):
        private_scenarios.mine(author)


def test_a_damaged_file_is_named_and_hides_no_other(home):
    case = private_scenarios.keep(ANN, text())
    folder = home / "scenarios" / ANN
    (folder / "draft-torn.yaml").write_text("id: [", encoding="utf-8")
    (folder / "draft-moved.yaml").write_text(text(), encoding="utf-8")
    (folder / "draft-bytes.yaml").write_bytes(b"\xff\xfe\x00")
    shelf = private_scenarios.mine(ANN)
    assert [one.id for one in shelf.cases] == [case.id]
    told = "\n".join(shelf.faults)
    assert "draft-torn.yaml 第 2 行：YAML 写法有误" in told  # the bracket never closes
    assert "draft-moved.yaml：id 写成了" in told and "不是 UTF-8 编码" in told


def test_a_faulty_text_leaves_the_kept_one_as_it_was(home):
    case = private_scenarios.keep(ANN, text())
    with pytest.raises(DataError, match="我的情景 第 6 行：channel"):
        private_scenarios.keep(ANN, text().replace("inbound", "fax"), "我的情景")
    assert private_scenarios.get(ANN, case.id) == case


def test_a_shelf_has_an_end(home, monkeypatch):
    monkeypatch.setattr(private_scenarios, "MOST", 0)
    with pytest.raises(DataError, match="自拟情景已有 0 个"):
        private_scenarios.keep(ANN, text())


def test_a_folder_that_cannot_be_written_is_named(home):
    (home / "scenarios").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="存不了"):
        private_scenarios.keep(ANN, text())


def test_the_names_in_a_draft_are_known_to_the_masking_of_its_talk(home):
    case = private_scenarios.keep(ANN, text())
    name = voices.session_name(case)
    assert voices._names(name) == (case.person.name, case.person.call)
