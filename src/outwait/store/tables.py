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
    sa.Column("owner", sa.String(64), nullable=False, server_default=""),  # process; "": nobody's
    sa.Column("api_key", sa.String(64), nullable=False, server_default=""),  # id; "": the configured one, or none
    sa.Column("callee", sa.String(32), nullable=False, server_default=""),  # E.164
    sa.Column("spent", sa.Double, nullable=False, server_default="0"),  # USD; while the call lives, what it may spend
    sa.Column("words", sa.Boolean, nullable=False, server_default=sa.true()),  # not pruned yet
    sa.Index("calls_by_age", "created", "id"),
    sa.Index("calls_by_key", "api_key", "created"),
    sa.Index("calls_by_callee", "callee", "created"),
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
    sa.Column("key", sa.String(400), primary_key=True),
    sa.Column("call_id", sa.String(64), sa.ForeignKey("calls.id", ondelete="CASCADE"), nullable=False),
    sa.Column("created", sa.Double, nullable=False),  # s since 1970, of the request
)

memories = sa.Table(
    "memories",
    metadata,
    sa.Column("call_id", sa.String(64), sa.ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),  # the ear's own form; fingerprints, never sound
)

numbers = sa.Table(
    "numbers",
    metadata,
    sa.Column("number", sa.String(32), primary_key=True),  # E.164
    sa.Column("data", sa.Text, nullable=False),  # JSON: what is known of it, see call/known.py
    sa.Column("updated", sa.Double, nullable=False),  # s since 1970
)

letters = sa.Table(
    "letters",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("call_id", sa.String(64), sa.ForeignKey("calls.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("event", sa.Text, nullable=False),  # JSON
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("call_id", sa.String(64), sa.ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),  # waiting (for the call's end), due, delivered, given_up
    sa.Column("ended", sa.Double, nullable=False, server_default="0"),  # s since 1970: end of the call
    sa.Column("due", sa.Double, nullable=False, server_default="0"),  # s since 1970: next try
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Index("deliveries_due", "state", "due"),
)

legs = sa.Table(
    "legs",
    metadata,
    sa.Column("carrier_call_id", sa.String(64), primary_key=True),  # of a further leg; the first one's is the call's
    sa.Column("call_id", sa.String(64), sa.ForeignKey("calls.id", ondelete="CASCADE"), nullable=False, index=True),
)

processes = sa.Table(
    "processes",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("place", sa.String(255), nullable=False),  # what tells on the same machine that it has died
    sa.Column("expires", sa.Double, nullable=False),  # s since 1970: its calls are anybody's then
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
    sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),  # SHA-256: the key itself is never kept
    sa.Column("created", sa.Double, nullable=False),  # s since 1970
    sa.Column("revoked", sa.Double, nullable=True),  # s since 1970
    sa.Column("limits", sa.Text, nullable=False),  # JSON
)

do_not_call = sa.Table(
    "do_not_call",
    metadata,
    sa.Column("number", sa.String(32), primary_key=True),  # E.164
    sa.Column("added", sa.Double, nullable=False),  # s since 1970
    sa.Column("note", sa.Text, nullable=False),
)
