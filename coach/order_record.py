"""What a finished talk shows for its work order: who said what, facts told, promises with a time.

Read from the session alone; marks nothing.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import date

from coach import order_figures, order_words
from coach.order_figures import Figure
from coach.order_words import Words
from coach.review_checks import overlap
from coach.scenario import Fact, Scenario
from coach.session import PlayTurn, Session
from coach.voice import ENGINE as SCRIPTED
from knowledge.text import Text, clauses, normalise, plain

_TOLD_SHARE = 0.45


@dataclass(frozen=True)
class Line:
    """What one side said in a turn; ``norm`` is its normal form with ``figures`` into it."""

    turn: int
    mine: bool
    text: str
    norm: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Told:
    """A fact that was told, and the turn and words that show it."""

    fact: Fact
    turn: int
    text: str


@dataclass(frozen=True)
class Promise:
    """A sentence of the trainee's that names a time; ``text`` as typed."""

    turn: int
    text: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Record:
    """All an order may rest on; ``known`` are normal texts of the card and of the told facts."""

    case: Scenario
    lines: tuple[Line, ...]
    told: tuple[Told, ...]
    untold: tuple[Fact, ...]
    promises: tuple[Promise, ...]
    known: tuple[str, ...]
    today: date | None

    @functools.cached_property
    def said(self) -> tuple[tuple[Figure, ...], ...]:
        """The figures of each line, of each line of the card and of each told fact."""
        known = (tuple(order_figures.figures(norm)) for norm in self.known)
        return (*(line.figures for line in self.lines), *known)

    @functools.cached_property
    def topical(self) -> str:
        """The source and whatever else the case is about: words that are no sign of invention."""
        case = self.case
        whole = [case.background, case.wants, case.person.about]
        whole += [fact.what for fact in case.facts] + [goal.what for goal in case.goals]
        return "\n".join((self.source, *map(plain, whole)))

    @functools.cached_property
    def source(self) -> str:
        """Everything said or known, as one normal text."""
        return "\n".join((*(line.norm for line in self.lines), *self.known))

    def spoken(self, *, mine: bool) -> str:
        """Give one side's words as one normal text."""
        return "\n".join(line.norm for line in self.lines if line.mine == mine)


def _line(turn: int, mine: bool, text: str) -> Line:
    norm = plain(text)
    return Line(turn, mine, text, norm, tuple(order_figures.figures(norm)))


def _told(fact: Fact, turn: PlayTurn) -> bool:
    """Say whether a line really tells the fact: somebody who hangs up may have swallowed it."""
    heard = plain(turn.customer)
    lines = [plain(line) for line in fact.say]
    if turn.engine == SCRIPTED:
        return any(line in heard or overlap(line, heard) >= _TOLD_SHARE for line in lines)
    return bool(heard)


def _promises(turn: PlayTurn, words: Words) -> list[Promise]:
    """Find the trainee's sentences that give a solution or a time and name one."""
    if turn.reply is None or turn.grade is None:
        return []
    text = normalise(turn.reply)
    spans = [s for s in turn.grade.signals if s.kind in ("timeframe", "solution")]
    marked = [(s.start, s.end) for s in spans if s.start is not None and s.end is not None]
    found: list[Promise] = []
    for low, high in _sentences(text.norm):
        raw = text.span(low, high)
        if not any(start < raw[1] and raw[0] < end for start, end in marked):
            continue
        if times := _times(text, low, high, words):
            found.append(Promise(turn.turn, turn.reply[raw[0] : raw[1]].strip(), times))
    return found


def _sentences(norm: str) -> list[tuple[int, int]]:
    spans: dict[int, tuple[int, int]] = {}
    for clause in clauses(norm):
        start = spans.get(clause.sentence, (clause.start, 0))[0]
        spans[clause.sentence] = (start, clause.end)
    return list(spans.values())


def _times(text: Text, low: int, high: int, words: Words) -> tuple[Figure, ...]:
    """Give the times a sentence promises: not asked for, and in a clause that does something."""
    found: list[Figure] = []
    for clause in clauses(text.norm):
        if not low <= clause.start < high:
            continue
        if clause.tail.startswith("？") or words.asking.search(clause.text):
            continue
        if not words.promise_cues.search(clause.text):
            continue
        found += [
            f for f in order_figures.figures(text.norm)
            if f.is_time and f.kind != "months" and clause.start <= f.start < clause.end
            and not (f.kind == "day" and f.value == 0)
        ]  # fmt: skip
    return tuple(found)


def read(session: Session) -> Record:
    """Read a talk for its order."""
    case, words = session.scenario, order_words.load()
    lines: list[Line] = []
    told: dict[str, Told] = {}
    promises: list[Promise] = []
    for turn in session.turns:
        if turn.reply is not None:
            lines.append(_line(turn.turn, True, turn.reply))
        if turn.customer:
            lines.append(_line(turn.turn, False, turn.customer))
        for fact_id in turn.revealed:
            fact = case.fact(fact_id)
            if fact_id not in told and _told(fact, turn):
                told[fact_id] = Told(fact, turn.turn, turn.customer)
        promises += _promises(turn, words)
    card = tuple(plain(line) for line in case.card)
    facts = tuple(plain(one.fact.what) for one in told.values())
    public = tuple(map(plain, (case.title, case.slots.thing, case.slots.demand, case.slots.harm,
                               case.person.name, case.person.call)))  # fmt: skip
    return Record(
        case=case, lines=tuple(lines), told=tuple(told.values()),
        untold=tuple(fact for fact in case.facts if fact.id not in told),
        promises=tuple(promises), known=(*card, *facts, *public),
        today=order_figures.today_of(card),
    )  # fmt: skip
