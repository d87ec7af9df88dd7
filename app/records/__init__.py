"""Stored sessions: one SQLAlchemy schema, Alembic migrations; the only place that imports them."""
