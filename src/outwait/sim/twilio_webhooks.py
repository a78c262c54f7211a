"""How the carrier asks and tells our server: HTTP, signed."""

from __future__ import annotations

from collections.abc import Callable

import httpx2

from outwait.sim.signing import signature
from outwait.sim.twilio_call import Sent, TwilioCall

WEBHOOK_LIMIT = 15.0  # wall seconds Twilio waits for TwiML


class Webhooks:
    """Of all calls. `now`: wall seconds."""

    def __init__(self, http: httpx2.AsyncClient, auth_token: str, now: Callable[[], float]) -> None:
        self._http = http
        self._auth_token = auth_token
        self._now = now

    async def post(
        self, call: TwilioCall, kind: str, url: str, form: dict[str, str], method: str = "POST"
    ) -> httpx2.Response | None:
        """Send one. None = no answer in time."""
        sent = Sent(kind, url, form, self._now())
        call.sent.append(sent)
        try:
            if method == "GET":
                full = str(httpx2.URL(url).copy_merge_params(form))
                headers = {"X-Twilio-Signature": signature(self._auth_token, full)}
                answer = await self._http.get(full, headers=headers, timeout=WEBHOOK_LIMIT)
            else:
                headers = {"X-Twilio-Signature": signature(self._auth_token, url, form)}
                answer = await self._http.post(url, data=form, headers=headers, timeout=WEBHOOK_LIMIT)
        except httpx2.HTTPError as error:
            call.warn(11205, f"HTTP connection failure: {url}: {error}")
            return None
        finally:
            sent.answered_at = self._now()
        sent.status = answer.status_code
        return answer
