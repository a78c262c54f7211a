"""Calls, their log, stream tokens and idempotency keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("setup", sa.Text, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("carrier_call_id", sa.String(64), nullable=True),
        sa.Column("live", sa.Boolean, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
    )
    op.create_index("calls_by_age", "calls", ["created", "id"])
    op.create_index("calls_by_carrier_id", "calls", ["carrier_call_id"])
    op.create_index("calls_live", "calls", ["live"])
    op.create_table(
        "entries",
        sa.Column("call_id", sa.String(64), sa.ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("now", sa.Double, nullable=False),
        sa.Column("wall", sa.Double, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("commands", sa.Text, nullable=False),
    )
    op.create_table(
        "tokens",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("call_id", sa.String(64), nullable=False),
        sa.Column("expires", sa.Double, nullable=False),
    )
    op.create_index("tokens_by_expiry", "tokens", ["expires"])
    op.create_table(
        "idempotency",
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("call_id", sa.String(64), sa.ForeignKey("calls.id", ondelete="CASCADE"), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
    )


def downgrade() -> None:
    for table in ("idempotency", "tokens", "entries", "calls"):
        op.drop_table(table)
