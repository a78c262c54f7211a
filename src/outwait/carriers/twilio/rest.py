"""Twilio's REST API, as far as one call needs it: dial, hang up, ask, find."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx2
import msgspec

from outwait.call.events import Trouble
from outwait.carriers.base import Capabilities, CarrierError, LegReport
from outwait.carriers.twilio import twiml
from outwait.carriers.twilio.urls import Urls

BASE_URL = "https://api.twilio.com"
CONNECT_SECONDS = 5.0  # wall s to reach Twilio
ANSWER_SECONDS = 10.0  # wall s for each part of an exchange

CAPABILITIES = Capabilities(
    name="twilio", marks=True, keys_keep_stream=False, reattach=True, steady_frames=True, judges=True
)

_NO_SUCH_CALL = 20404
_NOT_IN_PROGRESS = 21220
_STATUS_EVENTS = ("initiated", "ringing", "answered", "completed")
_T = TypeVar("_T")
_LIVE = {"queued", "initiated", "ringing", "in-progress"}


class _Leg(msgspec.Struct, frozen=True):
    """A Call resource."""

    sid: str
    status: str
    duration: str | int | None = None  # s
    direction: str | None = None


class _Page(msgspec.Struct, frozen=True):
    calls: list[_Leg]


class _Error(msgspec.Struct, frozen=True):
    code: int | None = None
    message: str | None = None


class _WrongMoment(CarrierError):
    """The leg is there, or was, but not in the state that the request is for."""


class TwilioCarrier:
    """A `Carrier`. Use it as an async context manager, or call `aclose`.

    account_sid, auth_token
        the account's, or an API key's pair with `account_sid` given for the path
    urls
        where Twilio reaches us
    base_url
        Twilio's own by default; a test points it at loopback
    fallback_url
        where Twilio turns when our own address fails
    """

    capabilities = CAPABILITIES

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        urls: Urls,
        *,
        base_url: str = BASE_URL,
        fallback_url: str | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._urls = urls
        self._fallback_url = fallback_url
        self._calls = f"/2010-04-01/Accounts/{account_sid}/Calls"
        self._client = httpx2.AsyncClient(
            base_url=base_url.rstrip("/"),
            auth=httpx2.BasicAuth(account_sid, auth_token),
            timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            # A proxy from the environment is for the way out, and a carrier on loopback is not out there.
            trust_env=urlsplit(base_url).hostname not in {"127.0.0.1", "::1", "localhost"},
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections to Twilio."""
        await self._client.aclose()

    async def dial(
        self, call_id: str, to: str, from_: str, *, ring_seconds: int, time_limit: int, judge: bool = False
    ) -> str:
        """Never repeated here: a request that got no answer may have dialled (see `find`)."""
        form: dict[str, Any] = {
            "To": to,
            "From": from_,
            "Url": self._urls.voice(call_id),
            "Method": "POST",
            "StatusCallback": self._urls.status(call_id),
            "StatusCallbackMethod": "POST",
            "StatusCallbackEvent": list(_STATUS_EVENTS),
            "Timeout": str(ring_seconds),
            "TimeLimit": str(time_limit),
        }
        if judge:  # not waited for: the TwiML starts at once
            form |= {
                "MachineDetection": "Enable",
                "AsyncAmd": "true",
                "AsyncAmdStatusCallback": self._urls.judged(call_id),
                "AsyncAmdStatusCallbackMethod": "POST",
            }
        if self._fallback_url:
            form |= {"FallbackUrl": self._fallback_url, "FallbackMethod": "POST"}
        return (await self._ask("POST", f"{self._calls}.json", _Leg, form)).sid

    async def hang_up(self, carrier_call_id: str, *, cancel: bool) -> None:
        # A leg may be answered while it is being cancelled, and cancelling does nothing to an answered leg.
        if cancel and await self._ended_by("canceled", carrier_call_id):
            return
        await self._ended_by("completed", carrier_call_id)

    async def transfer(self, carrier_call_id: str, to: str, from_: str, *, time_limit: int) -> None:
        document = twiml.dial(to, from_, time_limit).decode()
        await self._ask("POST", f"{self._calls}/{carrier_call_id}.json", _Leg, {"Twiml": document})

    async def fetch(self, carrier_call_id: str) -> LegReport:
        leg = await self._ask("GET", f"{self._calls}/{carrier_call_id}.json", _Leg)
        return LegReport(status=leg.status, duration=_whole(leg.duration))

    async def reclaim(self, call_id: str, carrier_call_id: str) -> None:
        form = {"Url": self._urls.after_stream(call_id), "Method": "POST"}
        try:
            await self._ask("POST", f"{self._calls}/{carrier_call_id}.json", _Leg, form)
        except _WrongMoment as error:  # it rings, or is over: it has to be looked at again
            raise CarrierError(error.trouble, str(error)) from error

    async def find(self, call_id: str, to: str) -> str | None:
        """The only live leg that we dialled to this number.

        Twilio keeps nothing of ours with a call, so with two at once there is no telling which: None then.
        """
        page = await self._ask("GET", f"{self._calls}.json", _Page, query={"To": to, "PageSize": "50"})
        legs = [leg for leg in page.calls if leg.status in _LIVE and (leg.direction or "").startswith("outbound")]
        return legs[0].sid if len(legs) == 1 else None

    async def press(self, call_id: str, carrier_call_id: str, keys: str) -> None:
        document = twiml.press(self._urls, call_id, keys).decode()
        await self._ask("POST", f"{self._calls}/{carrier_call_id}.json", _Leg, {"Twiml": document})

    async def up(self, from_: str) -> list[str]:
        """Each status has to be asked for by itself; of more than a thousand legs in one, the newest."""
        found: list[str] = []
        for status in ("queued", "ringing", "in-progress"):
            query = {"From": from_, "Status": status, "PageSize": "1000"}
            page = await self._ask("GET", f"{self._calls}.json", _Page, query=query)
            # The list may lag behind, so each leg's own status counts.
            ours = (leg for leg in page.calls if (leg.direction or "").startswith("outbound"))
            found += [leg.sid for leg in ours if leg.status in _LIVE and leg.sid not in found]
        return found

    async def _ended_by(self, status: str, carrier_call_id: str) -> bool:
        """Whether asking for this status has ended the leg, or found it over."""
        try:
            leg = await self._ask("POST", f"{self._calls}/{carrier_call_id}.json", _Leg, {"Status": status})
        except _WrongMoment:
            return False
        except CarrierError as error:
            if not error.gone:
                raise
            return True
        return leg.status != "in-progress"

    async def _ask(
        self,
        method: str,
        path: str,
        kind: type[_T],
        form: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
    ) -> _T:
        try:
            response = await self._client.request(method, path, data=form, params=query)
        except httpx2.TransportError as error:
            raise CarrierError(Trouble.LOST, f"{type(error).__name__} {error}".strip()) from error
        if not response.is_success:
            raise _classified(response)
        try:
            return msgspec.json.decode(response.content, type=kind)
        except msgspec.DecodeError as error:
            raise CarrierError(Trouble.LOST, f"answer not understood: {error}") from error


def _classified(response: httpx2.Response) -> CarrierError:
    status = response.status_code
    try:
        body = msgspec.json.decode(response.content, type=_Error)
    except msgspec.DecodeError:
        body = _Error()
    detail = f"HTTP {status}"
    if body.code is not None:
        detail += f", Twilio {body.code}"
    if body.message:
        detail += f": {body.message[:200]}"
    if body.code == _NO_SUCH_CALL or status == 404:
        return CarrierError(Trouble.REFUSED, detail, gone=True)
    if body.code == _NOT_IN_PROGRESS:
        return _WrongMoment(Trouble.REFUSED, detail, gone=True)
    busy = status in {408, 425, 429} or status >= 500 or body.code == 20429
    return CarrierError(Trouble.BUSY if busy else Trouble.REFUSED, detail)


def _whole(value: str | int | None) -> int | None:
    try:
        return None if value is None else int(value)
    except ValueError:
        return None
