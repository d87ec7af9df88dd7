"""Talks, turns and the browsers' pointers to them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "talks",
        sa.Column("token", sa.String(32), primary_key=True),
        sa.Column("scenario", sa.String(80), nullable=False),
        sa.Column("scenario_version", sa.String(120), nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("engine", sa.String(40), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.String(20)),
    )
    op.create_table(
        "turns",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "token",
            sa.String(32),
            sa.ForeignKey("talks.token", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("reply", sa.Text),
        sa.Column("customer", sa.Text, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("token", "turn"),
    )
    op.create_table(
        "pointers",
        sa.Column("visitor", sa.String(64), primary_key=True),
        sa.Column(
            "token",
            sa.String(32),
            sa.ForeignKey("talks.token", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("pointers")
    op.drop_table("turns")
    op.drop_table("talks")
