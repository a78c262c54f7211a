"""What is to be delivered to our users' own servers. It is kept with the calls, so that a restart forgets nothing."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from outwait.store.sql import SqlStore
from outwait.store.tables import calls, deliveries


class Delivery(NamedTuple):
    """A call that has ended and of which somebody wants to know."""

    call_id: str
    url: str
    ended: float  # s since 1970
    tries: int  # this one included
    record: dict[str, Any]  # the call object


class Post:
    """Beside a store, in the same database."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def take(self, wall: float, lease: float, most: int) -> list[Delivery]:
        """What is due, oldest first. Each is lent for `lease` seconds: not delivered by then, it is due again, and
        another process may have it."""
        due = sa.and_(deliveries.c.state == "due", deliveries.c.due <= wall)
        oldest = sa.select(deliveries.c.call_id).where(due).order_by(deliveries.c.due).limit(most)
        lent = (
            deliveries.update()
            .where(deliveries.c.call_id.in_(oldest.scalar_subquery()), due)
            .values(due=wall + lease, tries=deliveries.c.tries + 1)
            .returning(deliveries)
        )
        if not await self._any(due):  # most of the time: then there is nothing to be locked
            return []
        async with self._store.write() as connection:
            taken = (await connection.execute(lent)).all()
            ids = [line.call_id for line in taken]
            found = await connection.execute(sa.select(calls.c.id, calls.c.record).where(calls.c.id.in_(ids)))
            records = {line.id: msgspec.json.decode(line.record) for line in found}
        return [Delivery(d.call_id, d.url, d.ended, d.tries, records[d.call_id]) for d in taken]

    async def again(self, call_id: str, due: float) -> None:
        """Once more at that time, s since 1970."""
        await self._set(call_id, state="due", due=due)

    async def delivered(self, call_id: str) -> None:
        await self._set(call_id, state="delivered")

    async def given_up(self, call_id: str) -> None:
        await self._set(call_id, state="given_up")

    async def _any(self, which: sa.ColumnElement[bool]) -> bool:
        async with self._store.read() as connection:
            found = await connection.execute(sa.select(deliveries.c.call_id).where(which).limit(1))
            return found.first() is not None

    async def _set(self, call_id: str, **values: Any) -> None:
        async with self._store.write() as connection:
            await connection.execute(deliveries.update().where(deliveries.c.call_id == call_id).values(**values))
