"""Shapes of a grade: what other programs read. Holds no rule of scoring."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

Channel = Literal["inbound", "outbound", "chat", "in_person"]
Severity = Literal["minor", "major", "fatal"]
Status = Literal["scored", "unscored", "error"]
DimensionName = Literal["empathy", "politeness", "procedure"]
Question = Literal["empathy", "deals"]
Fault = Literal[
    "empty", "too_long", "no_verdict", "wrong_id", "broken", "off_menu", "no_reason",
    "verdict_first", "no_quote", "quote_missing", "quote_of_other", "quote_void", "engine",
    "not_due",
]  # fmt: skip
DIMENSIONS: tuple[DimensionName, ...] = ("empathy", "politeness", "procedure")
MAX_REPLY_CHARS = 2000
MAX_HISTORY_TURNS = 200


class Shape(BaseModel):
    """Base of every shape on the command line: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Because(Shape):
    """What made a missing thing due: the other side's words, or the scenario's step."""

    turn: int
    text: str


class Span(Shape):
    """A piece of the reply as typed; start and end are null where something is missing."""

    kind: str
    text: str
    start: int | None
    end: int | None
    turn: int | None = None
    because: Because | None = None
    rule: str | None = None


class Violation(Span):
    """A span that breaks a rule of service language."""

    severity: Severity
    instead: str


class Dimension(Shape):
    """One dimension's judgement; score 0-100 or null, level 0-4 or null with it."""

    score: float | None
    level: int | None
    why: str
    evidence: list[Span] = Field(default_factory=list)
    citations: list[str] = Field(default_factory=list)
    advice: str = ""


class Dimensions(Shape):
    """The three training dimensions."""

    empathy: Dimension
    politeness: Dimension
    procedure: Dimension


class Review(Shape):
    """Whether a human should look, and why."""

    needed: bool
    why: list[str]


class Versions(Shape):
    """What made a result; null where unused. Never a time."""

    rubric: str | None = None
    scenario: str | None = None
    prompts: str | None = None
    index: str | None = None
    engine: str | None = None
    model: str | None = None
    seed: int | None = None


class Sample(Shape):
    """One answer of the judge's model: the level it chose, or why it does not count."""

    id: str
    level: int | None
    fault: Fault | None


class Verdict(Shape):
    """A model's opinion on one question, apart from the scores and never changing them.

    ``level``: the median of the samples that count, 0 to ``most``, null if unscored; ``reason``
    and ``quote`` (``reply[start:end]``) are of the first sample at it. ``spread``: highest minus
    lowest level, null with fewer than two that count. ``same_model_plays``: the model also speaks
    the other side's lines.
    """

    id: str
    question: Question
    status: Literal["scored", "unscored"]
    fault: Fault | None
    cause: str | None
    level: int | None
    name: str | None
    most: int
    reason: str | None
    quote: str
    start: int | None
    end: int | None
    samples: list[Sample]
    spread: int | None
    model: str
    same_model_plays: bool
    prompts: str
    rules: str


class Grade(Shape):
    """The grade of one reply; ``judge`` is left out of the JSON where no model was asked."""

    id: str | None
    status: Status
    reason: str | None
    overall: float | None
    fatal: bool
    dimensions: Dimensions
    signals: list[Span]
    violations: list[Violation]
    flags: list[str] = Field(default_factory=list)
    review: Review
    rewrite: str | None
    versions: Versions
    judge: list[Verdict] = Field(default_factory=list)

    @model_serializer(mode="wrap")
    def _without_judge(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        plain: dict[str, Any] = whole(self)
        if not self.judge:
            plain.pop("judge", None)
        return plain


class Turn(Shape):
    """One turn of the history; ``staff`` is the team member in a staff talk."""

    role: Literal["customer", "staff", "agent"]
    text: str = Field(max_length=20000)


class GradeRow(Shape):
    """One row of ``kefu grade``."""

    id: str | None = None
    channel: Channel
    history: list[Turn] = Field(default_factory=list, max_length=MAX_HISTORY_TURNS)
    reply: str
    card: list[str] = Field(default_factory=list, max_length=40)
    scenario: str | None = None
    level: Literal["初级", "中级", "高级"] | None = None


def level_of(score: float) -> int:
    """Give the anchor of a score: 0 for 0-19, 1 for 20-39 … 4 for 80-100."""
    return min(4, int(score // 20))


def blank(why: str) -> Dimension:
    """Give a dimension with nothing to judge."""
    return Dimension(score=None, level=None, why=why)


def unscored(row_id: str | None, reason: str, versions: Versions) -> Grade:
    """Give the grade of a reply that cannot be judged: every field there, nothing scored."""
    empty = Dimensions(empathy=blank(reason), politeness=blank(reason), procedure=blank(reason))
    return Grade(
        id=row_id, status="unscored", reason=reason, overall=None, fatal=False, dimensions=empty,
        signals=[], violations=[], review=Review(needed=False, why=[]), rewrite=None,
        versions=versions,
    )  # fmt: skip
