"""Grading one reply: reads the moment and the reply, judges three dimensions, combines them.

The only entry of the package for a single reply. The host computes every number here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from grading import (
    blend,
    card,
    empathy,
    expectation,
    level_features,
    level_store,
    lexicon,
    moment,
    rubric,
)
from grading.card import CardHit
from grading.detect import Hit
from grading.empathy import Finding
from grading.level_features import Seen
from grading.levels import DOUBT, Estimate
from grading.moment import Moment
from grading.reply import Reply, chinese_chars, understand
from grading.result import (
    DIMENSIONS,
    MAX_REPLY_CHARS,
    Because,
    Dimension,
    DimensionName,
    Dimensions,
    Grade,
    GradeRow,
    Review,
    Span,
    Versions,
    Violation,
    level_of,
    unscored,
)
from grading.rewrite import better_wording, instead_of
from knowledge.datafile import DataError


def versions(scenario: str | None = None) -> Versions:
    """Give the version fields of a grade."""
    book = rubric.load()
    return Versions(rubric=f"{book.version}+{lexicon.load().version}", scenario=scenario)


def check_length(reply: str) -> None:
    """Refuse a reply past the limit.

    Raises:
        DataError: longer than MAX_REPLY_CHARS.
    """
    if len(reply) > MAX_REPLY_CHARS:
        raise DataError(
            f"reply 有 {len(reply)} 个字符，超过上限 {MAX_REPLY_CHARS}，请删减或分几次发送"
        )


def grade(
    row: GradeRow,
    *,
    scenario_version: str | None = None,
    extra: Sequence[Hit] = (),
    staff: bool = False,
) -> Grade:
    """Grade one reply in its history.

    Args:
        row: channel, history and reply.
        scenario_version: for the version fields.
        extra: breaches of the scenario's card, found by the session.
        staff: whether this is a staff talk (else told from the history's roles).

    Raises:
        DataError: the reply is past the length limit.
    """
    check_length(row.reply)
    stamp = versions(scenario_version)
    visible = "".join(c for c in row.reply if unicodedata.category(c)[0] in "LN")
    if not visible:
        return unscored(row.id, "回复是空的，或只有标点和符号，没有可评的内容", stamp)
    looked = look(row, staff=staff, extra=extra)
    if looked is None:
        return unscored(row.id, "回复里没有中文，无法评分", stamp)
    return _assemble(row, looked, stamp)


@dataclass(frozen=True)
class Look:
    """A reply with everything that is known before it is scored."""

    now: Moment
    reply: Reply
    findings: dict[DimensionName, Finding]
    card: tuple[CardHit, ...]
    facts: tuple[str, ...]

    def seen(self) -> Seen:
        """Gather what the level model looks at."""
        return level_features.see(
            self.reply, self.now, self.findings, card=self.facts, hits=self.card
        )


def look(
    row: GradeRow, *, staff: bool = False, extra: Sequence[Hit] = (), guarded: bool = True
) -> Look | None:
    """Read a reply in its moment; None where there is nothing Chinese in it.

    ``guarded``: tricks are looked for; training turns it off to learn what they look like.
    """
    now = moment.read(row.channel, row.history, staff=staff)
    reply = understand(row.reply, now, row.history, lexicon.load(), guarded=guarded)
    if not chinese_chars(reply.reading.norm) and not reply.signals:
        return None
    if extra:
        merged = tuple(sorted((*reply.violations, *extra), key=lambda h: h.start))
        reply = replace(reply, violations=merged)
    findings: dict[DimensionName, Finding] = {
        "empathy": empathy.judge(reply, now),
        "politeness": expectation.judge("politeness", reply, now),
        "procedure": expectation.judge("procedure", reply, now),
    }
    hits = tuple(card.check(reply.reading, row.card, [turn.text for turn in row.history]))
    return Look(now, reply, findings, hits, tuple(row.card))


def _assemble(row: GradeRow, looked: Look, stamp: Versions) -> Grade:
    now, reply, findings = looked.now, looked.reply, looked.findings
    read = level_store.load().estimate(looked.seen()) if rubric.load().levels.share else {}
    weighed = findings
    if read:
        reply = blend.tempered(reply, read)
        looked, weighed = replace(looked, reply=reply), blend.blend(findings, read, reply, now)
    dimensions = {name: _dimension(name, weighed[name], reply, now) for name in DIMENSIONS}
    violations = [_violation(hit, reply) for hit in reply.violations]
    overall = _overall(dimensions, violations, now.staff)
    fatal = any(v.severity == "fatal" for v in violations)
    return Grade(
        id=row.id,
        status="scored",
        reason=None,
        overall=overall,
        fatal=fatal,
        dimensions=Dimensions(**dimensions),
        signals=[_span(hit, reply) for hit in reply.signals],
        violations=violations,
        flags=sorted(f for f in reply.flags if not f.startswith("r.")),
        review=_review(dimensions, overall, looked, read),
        rewrite=better_wording(reply, now, weighed, row=row, hits=looked.card),
        versions=stamp,
    )


def _span(hit: Hit, reply: Reply, kind: str | None = None) -> Span:
    start, end = reply.reading.text.span(hit.start, hit.end)
    return Span(
        kind=kind or hit.kind, text=reply.reading.text.raw[start:end], start=start, end=end,
        rule=hit.rule,
    )  # fmt: skip


def _violation(hit: Hit, reply: Reply) -> Violation:
    span = _span(hit, reply)
    return Violation(
        kind=hit.kind, text=span.text, start=span.start, end=span.end,
        severity=hit.severity or "minor", instead=instead_of(hit.kind), rule=hit.rule,
    )  # fmt: skip


def _dimension(name: DimensionName, finding: Finding, reply: Reply, now: Moment) -> Dimension:
    if finding.score is None:
        return Dimension(score=None, level=None, why=finding.why[0])
    penalties = rubric.load().penalties
    part = rubric.load().levels.breaches if rubric.load().levels.share else 1.0
    taken = [(hit, part * getattr(penalties.get(hit.kind), name, 0.0)) for hit in reply.violations]
    score = finding.score - sum(points for _, points in taken)
    if reply.tricks:
        most = 100.0 if chinese_chars(reply.reading.kept) else rubric.load().tricks.nothing_left
        score = min(most, score - rubric.load().tricks.points)
    score = round(min(100.0, max(0.0, score)), 1)
    evidence = [_span(hit, reply) for hit in finding.hits]
    evidence += [_span(hit, reply) for hit, points in taken if points]
    evidence += [_span(hit, reply) for hit in reply.tricks]
    evidence += [
        Span(
            kind=f"missing_{kind}", text="", start=None, end=None,
            because=Because(turn=now.last_turn, text=text),
        )
        for kind, text in finding.missing
    ]  # fmt: skip
    why = list(finding.why)
    if any(points for _, points in taken):
        why.insert(0, "有违反服务用语的话")
    if reply.tricks:
        why.insert(0, "有不是说给对方听的话，不计分")
    advice = finding.advice
    if not advice and taken:
        advice = next((instead_of(hit.kind) for hit, points in taken if points), "")
    return Dimension(
        score=score, level=level_of(score), why="；".join(why[:3]), evidence=evidence,
        citations=list(finding.cites), advice=advice,
    )  # fmt: skip


def _overall(
    dimensions: dict[DimensionName, Dimension], violations: list[Violation], staff: bool
) -> float | None:
    book = rubric.load()
    weights = book.staff_weights if staff else book.weights
    scored = [
        (getattr(weights, name), d.score) for name, d in dimensions.items() if d.score is not None
    ]
    if not scored:
        return None
    mean: float = sum(w * score for w, score in scored) / sum(w for w, _ in scored)
    caps = [100.0]
    for violation in violations:
        if violation.severity == "fatal":
            caps.append(book.caps["fatal"])
        elif violation.severity == "major":
            caps.append(book.caps.get(violation.kind, book.caps["other"]))
    return round(min(mean, *caps), 1)


def _review(
    dimensions: dict[DimensionName, Dimension], overall: float | None, looked: Look,
    read: dict[str, Estimate],
) -> Review:  # fmt: skip
    rule, reply = rubric.load().review, looked.reply
    why: list[str] = []
    if "instructs_grader" in reply.flags:
        why.append("回复里有对评分者说的话")
    if reply.tricks:
        why.append("有不是说给对方听的话（堆砌、背条文、照抄或乱码）")
    capped = any(hit.severity in ("major", "fatal") for hit in reply.violations)
    near = overall is not None and rule.near_pass[0] <= overall <= rule.near_pass[1]
    if near and not capped:  # a cap at the line says nothing of how sure the score is
        why.append("分数贴近 60 分线")
    if chinese_chars(reply.reading.kept) < rule.thin_chars:
        why.append("回复太短，依据单薄")
    if any(hit.severity == "fatal" for hit in reply.violations):
        why.append("判了致命错误，请人工确认")
    doubt = read[DOUBT].level if read else 0.0
    if any(hit.kind == "contradicts" for hit in looked.card):
        why.append("有数字和手上的资料不一样，请核对")
    if doubt >= rule.doubt:
        why.append("这样的回复机器常看走眼（规则、用词和整句的看法合不拢）")
    return Review(needed=bool(why), why=why)
