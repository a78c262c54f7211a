"""Tells our users' own servers that a call has ended: signed, again until it is taken, over restarts.

What is to be delivered lies in the database. Any process of the house may deliver it; each delivery is lent to one at a
time. Whoever gets it may get it twice, and knows that by its id.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

import httpx2
import msgspec
import structlog

from outwait import __version__
from outwait.house.desk import Refused
from outwait.rules.addresses import Addresses, AddressRefused
from outwait.store.base import StoreError
from outwait.store.post import Delivery
from outwait.webhook import sign

ANSWER_SECONDS = 15.0  # wall s that the other server has for its answer
LEASE_SECONDS = 60.0  # wall s that a delivery is lent to a process
LOOK_SECONDS = 5.0  # wall s between looks at what is due
DELAYS = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0)  # wall s before each further try; the last one repeats
DEADLINE = 86_400.0  # wall s after the call's end; then it is given up
AT_ONCE = 8  # deliveries on their way
GONE = 410  # the one status by which a server says that it does not want to hear of it any more

log = structlog.get_logger(__name__)


class Box(Protocol):
    """Where what is to be delivered lies: `store.post.Post`."""

    async def take(self, wall: float, lease: float, most: int) -> list[Delivery]: ...

    async def again(self, call_id: str, due: float) -> None: ...

    async def delivered(self, call_id: str) -> None: ...

    async def given_up(self, call_id: str) -> None: ...


class Courier:
    """Delivers what is due, as long as its context lasts."""

    def __init__(
        self,
        box: Box,
        addresses: Addresses,
        secret: str,
        wall: Callable[[], float],
        on_delivery: Callable[[str], None] = lambda how: None,
    ) -> None:
        """`on_delivery` counts: `delivered`, `failed` for a try that comes again, `given_up`."""
        self._box = box
        self._addresses = addresses
        self._secret = secret
        self._wall = wall
        self._on_delivery = on_delivery
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Something may be due."""
        self._news.set()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """As long as the context lasts. What is on its way when it ends is due again when its lease is over."""
        async with httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=ANSWER_SECONDS) as http:
            task = asyncio.create_task(self._run(http), name="courier")
            try:
                yield
            finally:
                task.cancel()
                await asyncio.wait([task])

    async def _run(self, http: httpx2.AsyncClient) -> None:
        while True:
            self._news.clear()
            try:
                while await self.round(http) == AT_ONCE:
                    pass
            except StoreError as error:
                log.warning("webhooks can't be read or written just now", error=str(error))
            except Exception:  # a fault of ours: it is lent out, and comes again when its lease is over
                log.exception("a webhook could not be delivered; the others go on")
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                pass

    async def round(self, http: httpx2.AsyncClient) -> int:
        """Deliver what is due; how many were tried."""
        due = await self._box.take(self._wall(), LEASE_SECONDS, AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            for delivery in due:
                tasks.create_task(self._deliver(http, delivery))
        return len(due)

    async def _deliver(self, http: httpx2.AsyncClient, delivery: Delivery) -> None:
        trouble, final = await self._send(http, delivery)
        call = delivery.call_id
        try:
            if not trouble:
                await self._box.delivered(call)
                self._on_delivery("delivered")
                return
            due = self._wall() + delay(call, delivery.tries)
            if final or due > delivery.ended + DEADLINE:
                log.error("a webhook is given up", call=call, tries=delivery.tries, trouble=trouble)
                await self._box.given_up(call)
                self._on_delivery("given_up")
            else:
                log.warning("a webhook was not taken; it is tried again", call=call, trouble=trouble)
                await self._box.again(call, due)
                self._on_delivery("failed")
        except StoreError as error:  # it is due again when its lease is over
            log.warning("how a webhook went can't be written down", call=call, error=str(error))

    async def _send(self, http: httpx2.AsyncClient, delivery: Delivery) -> tuple[str, bool]:
        """What went wrong, "" for nothing; whether it will go wrong again."""
        now = self._wall()
        body = msgspec.json.encode(_event(delivery))
        headers = sign(self._secret, f"{delivery.call_id}.ended", int(now), body)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                target = await self._addresses.target(delivery.url)
                headers |= {"Host": target.host, "Content-Type": "application/json", "User-Agent": _AGENT}
                options: dict[str, Any] = {"extensions": {"sni_hostname": target.name}}
                async with http.stream("POST", target.url, content=body, headers=headers, **options) as answer:
                    status = answer.status_code
        except AddressRefused as error:
            return f"refused: {error}", True
        except (OSError, ValueError, httpx2.HTTPError, httpx2.InvalidURL) as error:  # ValueError: a name that is none
            return type(error).__name__, False  # its words may repeat the address, which may hold a secret
        return ("", False) if 200 <= status < 300 else (f"status {status}", status == GONE)


def destination(addresses: Addresses, *, default: str | None, signed: bool) -> Callable[[str | None], str]:
    """Whom to tell of a call's end: who is asked for, else the default; "" for nobody.

    What it gives raises Refused. `signed`: there is a secret to sign with.
    """

    def whom(wanted: str | None) -> str:
        url = wanted or default or ""
        if url and not signed:
            raise Refused("no_webhook_secret", "this server has no OUTWAIT_WEBHOOK_SECRET", field="webhook_url")
        try:
            if url:
                addresses.check(url)
        except AddressRefused as error:
            raise Refused("webhook_refused", f"webhook_url {error}", field="webhook_url") from error
        return url

    return whom


def delay(call_id: str, tries: int) -> float:
    """Wall seconds until the next try: up to a tenth more or less, so that what failed together does not come together
    again."""
    spread = zlib.crc32(f"{call_id} {tries}".encode()) / 0xFFFFFFFF
    return DELAYS[min(tries, len(DELAYS)) - 1] * (0.9 + 0.2 * spread)


_AGENT = f"outwait/{__version__}"


def _event(delivery: Delivery) -> dict[str, Any]:
    ended = datetime.fromtimestamp(int(delivery.ended), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "call.ended", "timestamp": ended, "data": delivery.record}
