"""Which process owns a call, whose call it is and whom it rang; API keys; numbers that are not called."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("calls", sa.Column("owner", sa.String(64), nullable=False, server_default=""))
    op.add_column("calls", sa.Column("api_key", sa.String(64), nullable=False, server_default=""))
    op.add_column("calls", sa.Column("callee", sa.String(32), nullable=False, server_default=""))
    op.add_column("calls", sa.Column("spent", sa.Double, nullable=False, server_default="0"))
    op.add_column("calls", sa.Column("words", sa.Boolean, nullable=False, server_default=sa.true()))
    op.create_index("calls_by_key", "calls", ["api_key", "created"])
    op.create_index("calls_by_callee", "calls", ["callee", "created"])
    op.create_table(
        "processes",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("place", sa.String(255), nullable=False),
        sa.Column("expires", sa.Double, nullable=False),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("revoked", sa.Double, nullable=True),
        sa.Column("limits", sa.Text, nullable=False),
    )
    op.create_table(
        "do_not_call",
        sa.Column("number", sa.String(32), primary_key=True),
        sa.Column("added", sa.Double, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    with op.batch_alter_table("idempotency") as table:
        table.alter_column("key", type_=sa.String(400), existing_type=sa.String(255), existing_nullable=False)
    _fill_callees()


def downgrade() -> None:
    for table in ("processes", "api_keys", "do_not_call"):
        op.drop_table(table)
    for index in ("calls_by_key", "calls_by_callee"):
        op.drop_index(index, "calls")
    for column in ("owner", "api_key", "callee", "spent", "words"):
        op.drop_column("calls", column)


def _fill_callees() -> None:
    """From the call objects, in which the number was kept so far."""
    calls = sa.table("calls", sa.column("id"), sa.column("record"), sa.column("callee"))
    connection = op.get_bind()
    for line in connection.execute(sa.select(calls.c.id, calls.c.record)).fetchall():
        to = json.loads(line.record).get("to")
        if isinstance(to, str):
            connection.execute(calls.update().where(calls.c.id == line.id).values(callee=to[:32]))
