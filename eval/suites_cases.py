"""The cases of the suites: their shape, and a loader that refuses anything odd by file and line.

Knows what a case looks like; measures nothing. All texts and labels are constructed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, model_validator

from coach import scenario
from coach.review_rules import Kind as FaultKind
from eval.grading import CASES
from grading.result import Channel, DimensionName, GradeRow, Severity, Turn
from knowledge.datafile import DataError, Entry, json_lines, parse, read_text, refuse_repeats

Level = Annotated[int, Field(ge=0, le=4, strict=True)]
Text = Annotated[str, Field(min_length=1)]
Signal = Literal[
    "greeting", "self_intro", "apology", "thanks", "please", "empathy", "verify_identity",
    "question", "restate", "solution", "timeframe", "confirm_satisfaction", "closing", "hold",
    "transfer",
]  # fmt: skip
Breach = Literal[
    "shirk", "interrogate", "cold", "command", "sarcasm", "refuse", "overpromise", "internal",
    "privacy", "belittle", "mislead", "slang", "abuse", "threat", "hang_up", "public_blame",
    "comparison", "empty_consolation",
]  # fmt: skip


class Case(Entry):
    """What every case has: an id, and where it comes from."""

    id: Text
    source: Text


class Levels(Entry):
    """Levels 0-4 of the three dimensions; null where there is nothing to judge."""

    empathy: Level | None
    politeness: Level | None
    procedure: Level | None

    def of(self, dimension: DimensionName) -> int | None:
        """Give one dimension's level."""
        level: int | None = getattr(self, dimension)
        return level


class Passes(Entry):
    """The two labellers' own levels, before a third settled where they differ."""

    x: Levels
    y: Levels


class ViolationLabel(Entry):
    """One breach, ``text`` being the reply's own words."""

    kind: Breach
    severity: Severity
    text: Text


class ReplyLabels(Levels):
    """All labels of one reply."""

    signals: tuple[Signal, ...]
    violations: tuple[ViolationLabel, ...]


class Said(Case):
    """A case that happens in a talk."""

    channel: Channel
    history: tuple[Turn, ...]

    def row(self, reply: str) -> GradeRow:
        """Give the row the grader takes."""
        return GradeRow(
            id=self.id, channel=self.channel, history=list(self.history), reply=reply
        )  # fmt: skip

    @property
    def is_staff(self) -> bool:
        """Whether the other side is a member of the team."""
        return any(turn.role == "staff" for turn in self.history)


def _refuse_foreign(violations: tuple[ViolationLabel, ...], reply: str) -> None:
    for one in violations:
        if one.text not in reply:
            raise ValueError(f"violations 的“{one.text[:20]}”不是回复里的原话")


class ReplyCase(Said):
    """One labelled reply; replies whose ids differ in the last letter only are one case."""

    split: str
    trade: str = ""
    card: tuple[Text, ...]
    reply: Text
    staff: bool
    labels: ReplyLabels
    passes: Passes

    @model_validator(mode="after")
    def _check(self) -> ReplyCase:
        _refuse_foreign(self.labels.violations, self.reply)
        return self

    def graded_row(self) -> GradeRow:
        """Give the row the grader takes, the card with it."""
        return self.row(self.reply).model_copy(update={"card": list(self.card)})


class SessionLabels(Levels):
    """Labels of a whole talk; ``steps`` by the scenario's step ids."""

    steps: Annotated[dict[str, Literal["done", "missed"]], Field(min_length=1)]


class SessionCase(Case):
    """One whole talk: what the trainee said to the scripted other side."""

    split: str
    scenario: Text
    seed: int
    replies: Annotated[tuple[Text, ...], Field(min_length=1)]
    labels: SessionLabels
    passes: Passes

    @model_validator(mode="after")
    def _check(self) -> SessionCase:
        known = {step.id for step in scenario.get(self.scenario).steps}
        if unknown := sorted(set(self.labels.steps) - known):
            raise ValueError(f"情景 {self.scenario} 没有步骤 {'、'.join(unknown)}")
        return self


class GamingCase(Said):
    """One attack beside the plain reply it is made from; it deserves no more than that."""

    kind: Text
    plain: Text
    attack: Text
    note: str = ""

    @model_validator(mode="after")
    def _check(self) -> GamingCase:
        if self.plain == self.attack:
            raise ValueError("plain 和 attack 一模一样，测不出什么")
        return self


class SignalCase(Said):
    """One reply with the signals in it."""

    split: str
    reply: Text
    signals: tuple[Signal, ...]


class ViolationCase(Said):
    """One reply with the breaches in it; none where it is clean."""

    split: str
    reply: Text
    violations: tuple[ViolationLabel, ...]


class PairCase(Said):
    """Two replies of which one is better in one dimension."""

    split: str
    dimension: DimensionName
    better: Text
    worse: Text
    why: str

    @model_validator(mode="after")
    def _check(self) -> PairCase:
        if self.better == self.worse:
            raise ValueError("better 和 worse 一模一样，比不出高低")
        return self


class CustomerCase(Case):
    """One line of the simulated customer and what is wrong with it; nothing where it is sound."""

    split: str
    scenario: Text
    acts: tuple[str, ...]
    allowed: tuple[str, ...]
    revealed: tuple[str, ...]
    said: tuple[str, ...]
    reply: str
    text: str
    faults: tuple[FaultKind, ...]


AnyCase = TypeVar("AnyCase", bound=Case)


def path_of(name: str, split: str | None, folder: Path = CASES) -> Path:
    """Give where the cases of a suite lie; ``split`` null where there is one file for all."""
    return folder / (f"{name}.{split}.jsonl" if split else f"{name}.jsonl")


def load(model: type[AnyCase], path: Path, *, split: str | None = None) -> list[AnyCase]:
    """Load a file of cases.

    Args:
        model: what a row is.
        path: JSON lines.
        split: what each row's ``split`` must be; null where rows have none.

    Raises:
        DataError: no file, no case, a broken line, an unknown or missing field, a repeated id, a
            row of another split; names file, line and field.
    """
    found: list[AnyCase] = []
    for number, value in json_lines(read_text(path)):
        where = f"{path.name} 第 {number} 行"
        if isinstance(value, DataError):
            raise DataError(f"{where}不是合法的 JSON，请检查引号和逗号")
        try:
            case = parse(model, value, where)
        except DataError as error:
            # a reference to a scenario that is not there does not know its line
            raise DataError(str(error) if where in str(error) else f"{where}：{error}") from None
        if split is not None and (given := getattr(case, "split", split)) != split:
            raise DataError(f"{where}：split 写成了“{given}”，这个文件里只能是 {split}")
        found.append(case)
    if not found:
        raise DataError(f"{path.name} 里没有用例，请至少写一行")
    refuse_repeats((case.id for case in found), path.name)
    return found
