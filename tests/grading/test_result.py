import pytest
from pydantic import ValidationError

from grading.result import GradeRow, Turn, Versions, level_of, unscored


@pytest.mark.parametrize(
    "score, level",
    [(0, 0), (19.9, 0), (20, 1), (39.9, 1), (40, 2), (59.9, 2), (60, 3), (79.9, 3), (80, 4), (100, 4)],
)  # fmt: skip
def test_a_level_is_the_anchor_of_its_score(score, level):
    assert level_of(score) == level


def test_unscored_has_every_field_and_no_number():
    answer = unscored("a", "没有内容", Versions(rubric="r"))
    assert (answer.id, answer.status, answer.reason) == ("a", "unscored", "没有内容")
    assert (answer.overall, answer.fatal, answer.rewrite) == (None, False, None)
    assert (answer.signals, answer.violations, answer.review.needed) == ([], [], False)
    for name in ("empathy", "politeness", "procedure"):
        part = getattr(answer.dimensions, name)
        assert (part.score, part.level, part.evidence, part.citations) == (None, None, [], [])
        assert part.why == "没有内容"
    assert answer.versions.rubric == "r"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"mood": 1}, id="unknown field"),
        pytest.param({"channel": "fax"}, id="unknown channel"),
        pytest.param({"level": "特级"}, id="unknown level"),
        pytest.param({"reply": None}, id="no reply"),
        pytest.param({"reply": 5}, id="a number for a reply"),
        pytest.param({"history": [{"role": "boss", "text": "喂"}]}, id="unknown role"),
        pytest.param({"history": [{"role": "agent", "text": "喂", "at": 1}]}, id="turn's field"),
        pytest.param({"history": [{"role": "agent", "text": "喂"}] * 201}, id="201 turns"),
        pytest.param({"history": [{"role": "agent", "text": "喂" * 20_001}]}, id="a long turn"),
    ],
)
def test_a_row_off_the_menu_is_refused(change):
    row = {"channel": "chat", "reply": "好"}
    assert GradeRow.model_validate(row).history == []
    with pytest.raises(ValidationError):
        GradeRow.model_validate(row | change)


def test_the_limits_themselves_are_allowed():
    row = GradeRow(
        channel="chat", reply="好", history=[Turn(role="agent", text="喂" * 20_000)] * 200
    )
    assert len(row.history) == 200
