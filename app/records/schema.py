"""The tables. A turn row is written before its line is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


def _now() -> datetime:
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """Base of all tables."""


class TalkRow(Base):
    """One practice talk; ``token`` is 128 random bits in hex, known only to its browser."""

    __tablename__ = "talks"

    token: Mapped[str] = mapped_column(String(32), primary_key=True)
    scenario: Mapped[str] = mapped_column(String(80))
    scenario_version: Mapped[str] = mapped_column(String(120))
    seed: Mapped[int] = mapped_column(Integer)
    engine: Mapped[str] = mapped_column(String(40))
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)
    ended: Mapped[str | None] = mapped_column(String(20))
    turns: Mapped[list[TurnRow]] = relationship(
        back_populates="talk", order_by="TurnRow.turn", cascade="all, delete-orphan"
    )


class TurnRow(Base):
    """One turn of a talk; ``body`` is the whole turn as ``kefu play`` prints it."""

    __tablename__ = "turns"
    __table_args__ = (UniqueConstraint("token", "turn"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    token: Mapped[str] = mapped_column(ForeignKey("talks.token", ondelete="CASCADE"), index=True)
    turn: Mapped[int] = mapped_column(Integer)
    reply: Mapped[str | None] = mapped_column(Text)
    customer: Mapped[str] = mapped_column(Text)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    stored_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)
    talk: Mapped[TalkRow] = relationship(back_populates="turns")


class OrderRow(Base):
    """One version of the order written after a talk; ``body`` is the marked order."""

    __tablename__ = "orders"
    __table_args__ = (UniqueConstraint("token", "number"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    token: Mapped[str] = mapped_column(ForeignKey("talks.token", ondelete="CASCADE"), index=True)
    number: Mapped[int] = mapped_column(Integer)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    stored_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)


class PointerRow(Base):
    """Which talk a browser is in: the visitor's secret, hashed, to the talk's token."""

    __tablename__ = "pointers"

    visitor: Mapped[str] = mapped_column(String(64), primary_key=True)
    token: Mapped[str] = mapped_column(ForeignKey("talks.token", ondelete="CASCADE"))
    moved_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)
