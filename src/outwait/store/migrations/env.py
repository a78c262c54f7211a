"""Run by Alembic: brings the database that the store has opened to its newest shape.

From a checkout, `alembic -c src/outwait/store/migrations/alembic.ini revision` makes the next step.
"""

from __future__ import annotations

from alembic import context

from outwait.store.tables import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("the store runs its migrations itself when it opens a database")
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
