"""A visitor's talk: found by the cookie's secret, stored turn by turn, ended when asked.

Knows the database and the session; nothing of Gradio.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from app.records.store import Store
from coach import scenario
from coach.scenario import Scenario
from coach.session import PlayTurn, Session
from grading.grade import check_length
from knowledge.datafile import DataError

SEEDS = 1_000_000
STOPPED = "stopped"


@dataclass
class Talk:
    """One talk as a page holds it; ``stopped`` is true when the trainee ended it early."""

    visitor: str
    token: str
    session: Session
    stopped: bool = False
    hints: int = 0

    @property
    def over(self) -> bool:
        """Whether the report may be shown."""
        return self.stopped or self.session.state.ended is not None

    @property
    def case(self) -> Scenario:
        """The scenario of the talk."""
        return self.session.scenario


class Desk:
    """Opens, moves and ends the talks of all visitors; keeps none in memory."""

    def __init__(self, records: Store) -> None:
        """Work on one database."""
        self.records = records

    def open(self, visitor: str) -> Talk | None:
        """Give the talk a visitor is in, None if there is none.

        Raises:
            DataError: the stored talk cannot go on, or the database is in trouble.
        """
        token = self.records.pointed(visitor) if visitor else None
        session = self.records.resume(token) if token else None
        if token is None or session is None:
            return None
        return Talk(visitor, token, session, self.records.ended(token) == STOPPED)

    def start(self, visitor: str, scenario_id: str, seed: int | None = None) -> Talk:
        """Begin a talk and point the visitor to it; a seed is drawn when none is given."""
        if not visitor:
            raise DataError("浏览器没有带上 Cookie，请允许本站 Cookie 后刷新页面")
        chosen = secrets.randbelow(SEEDS) if seed is None else seed
        session = Session(scenario.get(scenario_id), chosen)
        token = self.records.begin(session)
        self.records.point(visitor, token)
        return Talk(visitor, token, session)

    def say(self, talk: Talk, reply: str) -> PlayTurn:
        """Take one reply: graded, stored, then given back.

        Raises:
            DataError: too long, over, moved on in another window, or the database is in trouble.
        """
        check_length(reply)
        if talk.stopped or self.records.ended(talk.token) == STOPPED:
            raise DataError("这次练习已经结束，请刷新页面")
        if self.records.count(talk.token) != len(talk.session.turns):
            raise DataError("这次对话在另一个窗口里已经往前走了，请刷新页面再继续")
        before = len(talk.session.turns)
        turn = talk.session.say(reply)
        try:
            self.records.add(talk.token, turn)
        except DataError:
            fresh = self.records.resume(talk.token) if before else None
            if fresh is not None:
                talk.session = fresh
            raise
        return turn

    def stop(self, talk: Talk) -> None:
        """End a talk before its end, at no cost of marks."""
        if not talk.over:
            self.records.stop(talk.token, STOPPED)
            talk.stopped = True

    def leave(self, visitor: str) -> None:
        """Forget which talk a visitor is in; the talk itself is kept."""
        self.records.unpoint(visitor)
