"""The tables of the call log, as the newest migration leaves them."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

calls = sa.Table(
    "calls",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("created", sa.Double, nullable=False),  # s since 1970
    sa.Column("setup", sa.Text, nullable=False),  # JSON
    sa.Column("record", sa.Text, nullable=False),  # JSON
    sa.Column("carrier_call_id", sa.String(64), nullable=True),
    sa.Column("live", sa.Boolean, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Index("calls_by_age", "created", "id"),
    sa.Index("calls_by_carrier_id", "carrier_call_id"),
    sa.Index("calls_live", "live"),
)

entries = sa.Table(
    "entries",
    metadata,
    sa.Column("call_id", sa.String(64), sa.ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("now", sa.Double, nullable=False),  # monotonic s
    sa.Column("wall", sa.Double, nullable=False),  # s since 1970
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("event", sa.Text, nullable=False),  # JSON
    sa.Column("commands", sa.Text, nullable=False),  # JSON
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("digest", sa.LargeBinary(32), primary_key=True),  # SHA-256: the token itself is never kept
    sa.Column("call_id", sa.String(64), nullable=False),
    sa.Column("expires", sa.Double, nullable=False),  # s since 1970
    sa.Index("tokens_by_expiry", "expires"),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("call_id", sa.String(64), sa.ForeignKey("calls.id", ondelete="CASCADE"), nullable=False),
    sa.Column("created", sa.Double, nullable=False),  # s since 1970, of the request
)

memories = sa.Table(
    "memories",
    metadata,
    sa.Column("call_id", sa.String(64), sa.ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),  # the ear's own form; fingerprints, never sound
)
