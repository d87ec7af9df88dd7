"""Keeping talks: one commit a turn, resuming by replay, Chinese errors for a bad database.

Knows the database; nothing of pages.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine, create_engine, event, func, select
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session as Work

from app import home, private_scenarios
from app.records.schema import OrderRow, PointerRow, TalkRow, TurnRow
from coach import scenario
from coach.scenario import Scenario
from coach.session import PlayTurn, Session
from coach.voice import ENGINE as SCRIPTED
from coach.voice import RecordedVoice, Said, ScriptedVoice, Voice
from coach.work_order import OrderMark
from knowledge.datafile import DataError

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_MS = 5000


def new_token() -> str:
    """Give 128 random bits in hex."""
    return secrets.token_hex(16)


def author_of(visitor: str) -> str:
    """Give the name a visitor's own scenarios are kept under: the hash the records use."""
    return _hash(visitor)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turn database failures into one Chinese sentence."""
    where = url.removeprefix("sqlite:///") if url.startswith("sqlite") else url.split("@")[-1]
    try:
        yield
    except OperationalError as error:
        text = str(error.orig)
        if "locked" in text:
            raise DataError(f"数据库 {where} 正被别的程序占用，请关掉它或稍后再试") from error
        if "unable to open" in text or "readonly" in text:
            raise DataError(f"打不开数据库 {where}，请检查目录和权限，或设置 KEFU_HOME") from error
        raise DataError(f"数据库 {where} 出错：{text.splitlines()[0]}") from error
    except IntegrityError as error:
        raise DataError("这次对话在另一个窗口里已经往前走了，请刷新页面再继续") from error
    except DatabaseError as error:
        raise DataError(
            f"数据库 {where} 已损坏或不是本程序的数据库；请把它改名保留，再启动会新建一个"
        ) from error
    except SQLAlchemyError as error:
        raise DataError(f"数据库 {where} 用不了：{str(error).splitlines()[0]}") from error
    except CommandError as error:
        raise DataError(f"数据库 {where} 是更新版本的程序建的，请升级本程序（{error}）") from error


class Store:
    """The records of one database."""

    def __init__(self, url: str) -> None:
        """Open the database and bring its tables up to date.

        Raises:
            DataError: locked, damaged, unreachable, or made by a newer program.
        """
        self.url = url
        with _explained(url):
            self.engine = _engine(url)
            self._migrate()

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        with self.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _work(self) -> Iterator[Work]:
        with _explained(self.url), Work(self.engine) as work, work.begin():
            yield work

    def begin(self, session: Session) -> str:
        """Store a new talk with its opening and give its token."""
        token = new_token()
        with self._work() as work:
            work.add(
                TalkRow(
                    token=token, scenario=session.scenario.id, seed=session.seed,
                    scenario_version=scenario.version(session.scenario),
                    engine=session.voice.engine,
                )
            )  # fmt: skip
            work.add(_turn_row(token, session.turns[0]))
        return token

    def add(self, token: str, turn: PlayTurn) -> None:
        """Store one turn; call it before the turn is shown."""
        with self._work() as work:
            work.add(_turn_row(token, turn))
            if turn.ended:
                talk = work.get(TalkRow, token)
                if talk is not None:
                    talk.ended = turn.ended

    def stop(self, token: str, how: str) -> None:
        """Mark a talk as ended from outside, at most 20 characters of ``how``."""
        with self._work() as work:
            talk = work.get(TalkRow, token)
            if talk is not None and talk.ended is None:
                talk.ended = how

    def ended(self, token: str) -> str | None:
        """Give how a talk ended, None while it goes on."""
        with self._work() as work:
            return work.scalar(select(TalkRow.ended).where(TalkRow.token == token))

    def count(self, token: str) -> int:
        """Count the stored turns of a talk, the opening included."""
        with self._work() as work:
            query = select(func.count()).select_from(TurnRow).where(TurnRow.token == token)
            return work.scalar(query) or 0

    def total(self) -> int:
        """Count the stored talks."""
        with self._work() as work:
            return work.scalar(select(func.count()).select_from(TalkRow)) or 0

    def keep(self, session: Session) -> str:
        """Store a whole talk at once and give its token."""
        token = self.begin(session)
        for turn in session.turns[1:]:
            self.add(token, turn)
        return token

    def turns(self, token: str) -> list[dict[str, Any]]:
        """Give the stored turns of a talk, in order; empty if there is no such talk."""
        with self._work() as work:
            query = select(TurnRow.body).where(TurnRow.token == token).order_by(TurnRow.turn)
            return list(work.scalars(query))

    def add_order(self, token: str, order: OrderMark) -> None:
        """Store one more version of a talk's order; call it before it is shown."""
        with self._work() as work:
            query = select(func.count()).select_from(OrderRow).where(OrderRow.token == token)
            number = (work.scalar(query) or 0) + 1
            work.add(OrderRow(token=token, number=number, body=order.model_dump(mode="json")))

    def orders(self, token: str) -> list[OrderMark]:
        """Give all versions of a talk's order, oldest first."""
        with self._work() as work:
            query = select(OrderRow.body).where(OrderRow.token == token).order_by(OrderRow.number)
            return [OrderMark.model_validate(body) for body in work.scalars(query)]

    def resume(
        self, token: str, model: Callable[[Scenario], Voice] | None = None, *,
        author: str = private_scenarios.LOCAL,
    ) -> Session | None:  # fmt: skip
        """Rebuild a talk by replaying its replies; None if there is no such talk.

        What a language model said is taken from the record: it cannot be said again. ``model``
        gives the voice that goes on with such a talk; the script, where there is none or it is
        another model's. ``author`` is whose drafts may be read.

        Raises:
            DataError: the scenario has changed, so that the replay says other lines.
        """
        with self._work() as work:
            talk = work.get(TalkRow, token)
            if talk is None:
                return None
            lines = [row.customer for row in talk.turns]
            turns = [PlayTurn.model_validate(row.body) for row in talk.turns]
            case = _case(talk, author)
            session = Session(case, talk.seed, _voice(talk.engine, turns, case, model))
        for turn, line in zip(turns[1:], lines[1:], strict=True):
            if turn.reply is None:
                continue
            again = session.say(turn.reply)
            if (again.customer, again.act) != (line, turn.act):
                raise DataError("情景或评分规则已经更新，这次对话不能接着练了，请重新开始")
            if turn.grade and turn.grade.judge and again.grade:  # nor can a model judge it again
                again.grade.judge, again.grade.review = turn.grade.judge, turn.grade.review
        return session

    def point(self, visitor: str, token: str) -> None:
        """Remember which talk a visitor is in; only a hash of the visitor's secret is stored."""
        with self._work() as work:
            work.merge(PointerRow(visitor=_hash(visitor), token=token))

    def pointed(self, visitor: str) -> str | None:
        """Give the token of the talk a visitor is in."""
        with self._work() as work:
            row = work.get(PointerRow, _hash(visitor))
            return row.token if row else None

    def unpoint(self, visitor: str) -> None:
        """Forget which talk a visitor is in."""
        with self._work() as work:
            row = work.get(PointerRow, _hash(visitor))
            if row is not None:
                work.delete(row)


def _case(talk: TalkRow, author: str) -> Scenario:
    """Give a talk's scenario; a draft only its author's, and as it was then."""
    if not private_scenarios.is_private(talk.scenario):
        return scenario.get(talk.scenario)
    case = private_scenarios.get(author, talk.scenario)
    if scenario.version(case) != talk.scenario_version:
        raise DataError("这个自拟情景后来改过了，这次对话不能接着练，请重新开始")
    return case


def _voice(
    engine: str,
    turns: Sequence[PlayTurn],
    case: Scenario,
    model: Callable[[Scenario], Voice] | None,
) -> Voice:
    """Give the voice that says a stored talk again."""
    if engine == SCRIPTED:
        return ScriptedVoice()
    told = [Said(turn.customer, turn.engine, tuple(turn.slips)) for turn in turns]
    made = turns[0].versions
    then = model(case) if model else ScriptedVoice()
    if (then.engine, then.model) != (engine, made.model):
        then = ScriptedVoice()  # another model may not speak under this one's name
    return RecordedVoice(engine, told, then, model=made.model, prompts=made.prompts)


def _turn_row(token: str, turn: PlayTurn) -> TurnRow:
    return TurnRow(
        token=token, turn=turn.turn, reply=turn.reply, customer=turn.customer,
        body=turn.model_dump(mode="json"),
    )  # fmt: skip


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": _BUSY_MS / 1000})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _: object) -> None:  # noqa: ANN401
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    return engine


@contextmanager
def opened(url: str | None = None) -> Iterator[Store]:
    """Open the program's database for a while."""
    store = Store(url or home.database_url())
    try:
        yield store
    finally:
        store.close()
