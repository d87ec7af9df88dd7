"""The judge: asks a language model what it thinks of a reply, beside the rules and never over them.

Receives a ``generate(messages) -> str``; knows no engine. The host computes every number.
"""

from __future__ import annotations

import hashlib
import random
import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import prompts
from grading import judge_rules, verdict
from grading.judge_rules import Asking
from grading.result import Fault, Grade, GradeRow, Question, Review, Sample, Verdict
from grading.verdict import Asked, Opinion, Refused
from knowledge.datafile import DataError

Generate = Callable[[list[dict[str, str]]], str]


class JudgeError(RuntimeError):
    """The model could not be asked; the message is one Chinese sentence for people."""


def check_samples(samples: int) -> None:
    """Refuse a number of samples out of range.

    Raises:
        DataError: not from 1 to judge.yaml:samples_most.
    """
    most = judge_rules.load().samples_most
    if not 1 <= samples <= most:
        raise DataError(f"评判次数写成了 {samples}，只能是 1 到 {most}")


@dataclass(frozen=True)
class _Heard:
    """One sample: an opinion, or why there is none; ``cause`` is the engine's own sentence."""

    id: str
    opinion: Opinion | None
    fault: Fault | None = None
    cause: str | None = None


class Judge:
    """Asks one model; the same seed, row and model give the same questions."""

    def __init__(
        self, generate: Generate, *, name: str, samples: int = 1, seed: int = 0,
        same_model_plays: bool = False,
    ) -> None:  # fmt: skip
        """Keep whom to ask and how often.

        Args:
            generate: takes messages ({"role", "content"}), gives the model's text; raises
                JudgeError where it cannot.
            name: the model's name, for the record.
            samples: how often each question is asked, 1 to judge.yaml:samples_most.
            seed: for the questions' ids.
            same_model_plays: whether the model also speaks the other side's lines.

        Raises:
            DataError: samples out of range.
        """
        check_samples(samples)
        self._rules = judge_rules.load()
        self.name, self.samples = name, samples
        self._generate, self._seed, self._same = generate, seed, same_model_plays

    def empathy(self, row: GradeRow) -> Verdict:
        """Ask whether the reply took up what the other side feels."""
        return self._ask("empathy", row, {})

    def deals(self, row: GradeRow, *, point: str | None = None) -> Verdict:
        """Ask whether the reply dealt with what the other side wants.

        Args:
            row: the reply in its history.
            point: what they want; None for what they said last.
        """
        wanted = verdict.cleaned(point or "")[: self._rules.point_chars]
        return self._ask("deals", row, {"point": wanted or _heard(row)})

    def add(self, graded: Grade, row: GradeRow, *, point: str | None = None) -> Grade:
        """Give the grade with the verdicts beside it; scores stay as they are.

        Empathy is asked only where the rules found that it was due. An unscored grade is given
        back with unscored verdicts, and nobody is asked.
        """
        if graded.status != "scored":
            found = [self._not_due("empathy"), self._not_due("deals")]
        else:
            due = graded.dimensions.empathy.score is not None
            found = [self.empathy(row)] if due else []
            found.append(self.deals(row, point=point))
        why = [*graded.review.why, *self._doubts(graded, found)]
        review = Review(needed=graded.review.needed or bool(why), why=why)
        return graded.model_copy(update={"judge": found, "review": review})

    def _doubts(self, graded: Grade, found: list[Verdict]) -> list[str]:
        doubts: list[str] = []
        rule = graded.dimensions.empathy.level
        for one in found:
            shown = self._rules.asking(one.question).shown
            if one.spread is not None and one.spread >= self._rules.spread:
                given = "、".join(str(s.level) for s in one.samples if s.level is not None)
                doubts.append(f"模型几次评“{shown}”相差很大（{given} 级）")
            compared = one.question == "empathy" and None not in (rule, one.level)
            if compared and abs((rule or 0) - (one.level or 0)) >= self._rules.apart:
                doubts.append(f"“{shown}”规则评 {rule} 级，模型评 {one.level} 级，相差很大")
        return doubts

    def _ask(self, question: Question, row: GradeRow, values: dict[str, str]) -> Verdict:
        asking, heard = self._rules.asking(question), _heard(row)
        shown = verdict.cleaned(row.reply)
        if not heard or not shown:
            return self._not_due(question)
        samples: list[_Heard] = []
        for number in range(self.samples):
            asked = Asked(self._id(asking, row, number), asking, row.reply, shown, heard)
            samples.append(self._sample(asked, row, values))
            if samples[-1].fault == "engine":
                break  # the engine has tried again itself where that makes sense
        return self._verdict(asking, samples)

    def _id(self, asking: Asking, row: GradeRow, number: int) -> str:
        """Draw an id that stands nowhere in what the two sides said, so that none can copy it."""
        body = hashlib.sha256(row.model_dump_json().encode("utf-8", "replace")).hexdigest()
        dice = random.Random(f"{self._seed}:{asking.id}:{number}:{body}")
        said = [text for turn in row.history for text in (turn.text, verdict.cleaned(turn.text))]
        said += [row.reply, verdict.cleaned(row.reply)]
        while True:
            drawn = f"q{dice.getrandbits(40):010x}"
            if not any(drawn in text for text in said):
                return drawn

    def _sample(self, asked: Asked, row: GradeRow, values: dict[str, str]) -> _Heard:
        staff = any(turn.role == "staff" for turn in row.history)
        filled = prompts.fill(
            asked.asking.template, id=asked.id, heard=asked.heard, reply=asked.shown,
            levels=asked.asking.menu, other="组员" if staff else "客户",
            agent="班组长" if staff else "座席", **values,
        )  # fmt: skip
        try:
            answer = self._generate([{"role": "user", "content": filled}])
            return _Heard(asked.id, verdict.read(answer, asked))
        except Refused as refused:
            return _Heard(asked.id, None, refused.fault)
        except JudgeError as error:
            return _Heard(asked.id, None, "engine", str(error))

    def _verdict(self, asking: Asking, samples: list[_Heard]) -> Verdict:
        counted = [(s, s.opinion) for s in samples if s.opinion is not None]
        answers = [Sample(id=s.id, level=s.opinion.level if s.opinion else None, fault=s.fault)
                   for s in samples]  # fmt: skip
        levels = [opinion.level for _, opinion in counted]
        spread = max(levels) - min(levels) if len(levels) > 1 else None
        if not counted or len(counted) / self.samples < self._rules.counted_share:
            bad = Counter(s.fault for s in samples if s.fault).most_common(1)[0][0]
            cause = next((s.cause for s in samples if s.cause), None)
            return self._unscored(asking.id, bad, cause, answers, spread)
        median = statistics.median_low(levels)
        first, told = next(pair for pair in counted if pair[1].level == median)
        return self._blank(asking.id).model_copy(
            update={
                "id": first.id, "status": "scored", "fault": None, "cause": None,
                "level": median, "name": asking.levels[median].name, "reason": told.reason,
                "quote": told.quote, "start": told.start, "end": told.end,
                "samples": answers, "spread": spread,
            }
        )  # fmt: skip

    def _unscored(
        self, question: Question, fault: Fault, cause: str | None, answers: list[Sample],
        spread: int | None,
    ) -> Verdict:  # fmt: skip
        return self._blank(question).model_copy(
            update={
                "id": answers[0].id,
                "fault": fault,
                "samples": answers,
                "spread": spread,
                "cause": cause or self._rules.causes[fault],
            }
        )

    def _not_due(self, question: Question) -> Verdict:
        return self._blank(question)

    def _blank(self, question: Question) -> Verdict:
        return Verdict(
            id="", question=question, status="unscored", fault="not_due",
            cause=self._rules.causes["not_due"], level=None, name=None,
            most=len(self._rules.asking(question).levels) - 1, reason=None, quote="", start=None,
            end=None, samples=[], spread=None, model=self.name, same_model_plays=self._same,
            prompts=prompts.version(), rules=self._rules.version,
        )  # fmt: skip


def _heard(row: GradeRow) -> str:
    """Give what the other side said since the agent last spoke, as a model may read it."""
    last: list[str] = []
    for turn in reversed(row.history):
        if turn.role == "agent":
            break
        last.insert(0, turn.text)
    return verdict.cleaned("\n".join(last))[-judge_rules.load().heard_chars :]
