import pytest

from app.commands import show
from coach import scenario
from knowledge import standard
from knowledge.datafile import DataError


@pytest.mark.parametrize("entry", ["L1.5.S6", "L2.3.S1", "B2.2.5.7", "L1.5"])
def test_an_entry_of_the_standard_is_shown_verbatim(kefu, entry):
    run = kefu("show", entry, "--json")
    assert run.code == 0
    (found,) = run.json
    known = standard.load()
    if entry in known.requirements:
        assert found["text"] == known.requirements[entry].text
        assert found["id"] == entry
    assert found and kefu("show", entry).out.count("\n") >= 2


def test_notes_stand_beside_the_text(kefu):
    noted = next(rid for rid in standard.load().requirements if standard.notes_of(rid))
    (found,) = kefu("show", noted, "--json").json
    assert found["notes"] and all(note not in found["text"] for note in found["notes"])


def test_every_note_can_be_shown_by_its_own_id(kefu):
    for note in standard.notes():
        assert show.find(note.id)["text"] == note.text


def test_a_scenario_is_shown_without_what_it_hides(kefu):
    case = scenario.get("broadband-third-call")
    run = kefu("show", case.id, "--json")
    assert run.json[0]["id"] == case.id
    assert case.model_reply not in run.out and case.background not in run.out


@pytest.mark.parametrize("entry", ["L9.9.S9", "x" * 200, "", "l1.5.s6?"])
def test_an_unknown_id_is_named_with_examples(kefu, entry):
    run = kefu("show", entry, "--json")
    assert (run.code, run.out) == (2, "")
    assert f"没有编号“{entry[:60]}”" in run.err and "L1.5.S6" in run.err
    with pytest.raises(DataError, match="没有编号"):
        show.find(entry)
