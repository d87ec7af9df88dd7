"""The talks in progress: finds a visitor's talk, says the next line, stores it before it is shown.

The database holds the truth; this keeps live talks at hand under their random token so that a turn
need not replay the whole talk. Knows nothing of HTML.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from app import private_scenarios
from app.records.store import Store, author_of
from coach import scenario
from coach.draft_model import Generate
from coach.judging import Judging
from coach.model_voice import speaking
from coach.scenario import Scenario
from coach.session import PlayTurn, Session
from coach.voice import Voice
from knowledge.datafile import DataError

_MOST = 400
_SEEDS = 100_000
STOPPED = "stopped"


@dataclass(frozen=True)
class Offer:
    """A language model the operator lets visitors talk with.

    ``label``: its name for people. ``away``: where the text goes when that is another machine.
    ``generate``: the same model for drafting scenarios, where it may.
    """

    label: str
    make: Callable[[Scenario], Voice]
    away: str | None = None
    generate: Generate | None = None


@dataclass
class Talk:
    """One live talk; ``hints`` counts those asked for, ``stopped``: ended early by the trainee.

    ``judged``: a model also judges its replies; ``hurry`` tells it to leave off.
    """

    token: str
    session: Session
    stopped: bool = False
    hints: int = 0
    judged: bool = False
    hurry: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be said."""
        return self.stopped or self.session.state.ended is not None


class Talks:
    """The talks of one database."""

    def __init__(
        self, store: Store, most: int = _MOST, *,
        offer: Offer | None = None, judging: Judging | None = None,
    ) -> None:  # fmt: skip
        """Keep at most ``most`` live talks; older ones are replayed from the database on demand.

        Args:
            store: where they are kept.
            most: at most so many at hand.
            offer: the model the operator lets visitors talk with.
            judging: the model the operator lets judge their replies.
        """
        self.store, self.offer, self.judging = store, offer, judging
        self._most = most
        self._live: OrderedDict[str, Talk] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, visitor: str) -> Talk | None:
        """Find the talk a visitor is in; None if there is none.

        Raises:
            DataError: the database fails, or the stored talk can no longer be replayed.
        """
        token = self.store.pointed(visitor)
        if token is None:
            return None
        with self._lock:
            live = self._live.get(token)
            if live is not None:
                self._live.move_to_end(token)
                return live
        make = self.offer.make if self.offer else None
        session = self.store.resume(token, make, author=author_of(visitor))
        if session is None:
            return None
        stopped = self.store.ended(token) == STOPPED
        judged = self.judging is not None and any(t.grade and t.grade.judge for t in session.turns)
        return self._keep(Talk(token, session, stopped=stopped, judged=judged))

    def _keep(self, talk: Talk) -> Talk:
        with self._lock:
            kept = self._live.setdefault(talk.token, talk)
            while len(self._live) > self._most:
                self._live.popitem(last=False)
            return kept

    def start(
        self, visitor: str, scenario_id: str, *,
        adult: bool = False, seed: int | None = None, with_model: bool = False,
    ) -> Talk:  # fmt: skip
        """Start a talk and store its opening.

        Raises:
            DataError: no such scenario, one with insults or a model for somebody not yet 18, or
                a model where the operator offers none.
        """
        case = self.case_of(visitor, scenario_id)
        if case.abuse and not adult:
            raise DataError("这个情景含辱骂，请先勾选“我已满 18 岁”")
        if with_model and not adult:
            raise DataError(
                "语言模型的话偶尔会有不合适的漏过检查，请先勾选“我已满 18 岁”，或用脚本客户"
            )
        if with_model and self.offer is None:
            raise DataError("这里没有开放语言模型，请选脚本客户")
        voice = self.offer.make(case) if with_model and self.offer else None
        session = Session(case, secrets.randbelow(_SEEDS) if seed is None else seed, voice)
        token = self.store.begin(session)
        self.store.point(visitor, token)
        # A model's words may slip through the checks: never before somebody not yet 18.
        return self._keep(Talk(token, session, judged=adult and self.judging is not None))

    def case_of(self, visitor: str, scenario_id: str) -> Scenario:
        """Give a scenario a visitor may play: a shipped one, or a draft of their own.

        Raises:
            DataError: there is none.
        """
        if scenario_id.startswith(scenario.DRAFT):
            return private_scenarios.get(author_of(visitor), scenario_id)
        return scenario.get(scenario_id)

    def say(self, talk: Talk, reply: str) -> PlayTurn:
        """Take a reply, store the turn and give it.

        Raises:
            DataError: the talk is over, the reply too long, or the turn could not be stored; then
                nothing of it counts.
        """
        with talk.lock:
            if talk.is_over:
                raise DataError("这次练习已经结束，请看报告，或换一个情景")
            talk.hurry = hurry = threading.Event()
            before, heard = len(talk.session.turns), talk.session.history
            turn = talk.session.say(reply)
            if self.judging is not None and talk.judged:
                self.judging.turn(talk.session, turn, heard, hurry)
            try:
                self.store.add(talk.token, turn)
            except DataError:
                self._forget(talk.token)
                talk.session.turns = talk.session.turns[:before]
                raise
            return turn

    def stop(self, talk: Talk) -> None:
        """End a practice early; no marks are lost by it, and a model at work is cut off."""
        talk.hurry.set()
        if model := speaking(talk.session.voice):
            model.cancel.set()
        with talk.lock:
            self.store.stop(talk.token, STOPPED)
            talk.stopped = talk.session.state.ended is None

    def leave(self, visitor: str) -> None:
        """Let a visitor go back to choosing; the talk stays in the database."""
        self.store.unpoint(visitor)

    def _forget(self, token: str) -> None:
        with self._lock:
            self._live.pop(token, None)
