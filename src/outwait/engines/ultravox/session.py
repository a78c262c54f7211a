"""A session of Ultravox: a call is made over REST, and its socket joined."""

from __future__ import annotations

import asyncio
import math

import httpx2
from websockets.asyncio.client import ClientConnection

from outwait import __version__
from outwait.call.events import SessionOpened, SessionUsed, Trouble
from outwait.engines.ends import End, Malformed, refusal
from outwait.engines.opening import Opening
from outwait.engines.place import Place, is_loopback
from outwait.engines.ultravox import frames
from outwait.engines.ultravox.dialogue import Dialogue
from outwait.engines.ultravox.messages import parse, parse_made, parse_refusal
from outwait.engines.websocket import SocketSession

MAX_SECONDS = 3600.0  # s of one call; the longest that may be asked for
BILLED_STEP = 6.0  # s, begun ones count whole; unverified
_MARGIN = 10.0  # s before its end, from which on a close is the end of its time


class UltravoxSession(SocketSession):
    """One call at Ultravox. See `EngineSession` for what its methods promise."""

    decode = None

    def __init__(self, door: Place, model: str, voice: str, opening: Opening) -> None:
        """`door`: where calls are made; http or https."""
        super().__init__(opening, door)
        self._wanted = frames.make_call(model, voice, opening.instructions, opening.seed, opening.tools, MAX_SECONDS)
        self._dialogue = Dialogue(
            opening.number,
            opening.instructions,
            opening.post,
            self._send,
            lambda seconds, wake: asyncio.get_running_loop().call_later(seconds, wake),
        )

    # --- what may be asked of it: these only queue

    def send_audio(self, ulaw: bytes) -> None:
        if not self._over:
            self._dialogue.send_audio(ulaw)

    def commit_turn(self) -> None:
        """The wire has no such wish: what is asked for right after it is answered from what was heard."""

    def ask_response(self, instructions: str, *, tools: bool) -> None:
        """The wire has no answers without tools: one that is called in a goodbye is not run."""
        if not self._over:
            self._dialogue.ask_response(instructions)

    def cancel_response(self) -> None:
        if not self._over:
            self._dialogue.cancel_response()

    def truncate_item(self, item: str, heard_ms: int) -> None:
        """The server cuts by itself, at what it thinks was played."""

    def answer_tool(self, call_id: str, output: str) -> None:
        if not self._over:
            self._dialogue.answer_tool(call_id, output)

    def make_phrase(self, phrase: str, text: str) -> None:
        if not self._over:
            self._dialogue.make_phrase(phrase)

    # --- the wire

    async def _reach(self) -> Place | None:
        """Make the call; where it is to be joined. The waits are those of the whole opening."""
        door = self._place
        client = httpx2.AsyncClient(
            timeout=None, trust_env=not door.loopback, verify=self._tls if self._tls is not None else False
        )
        headers = door.headers | {"Content-Type": "application/json", "User-Agent": f"outwait/{__version__}"}
        try:
            async with client:
                answer = await client.post(door.url, content=self._wanted, headers=headers)
        except httpx2.HTTPError as lost:
            self._finish(End(Trouble.LOST, f"no call could be made: {type(lost).__name__} {lost}"))
            return None
        if answer.status_code != 201:
            self._finish(refusal(answer.status_code, parse_refusal(answer.content)))
            return None
        try:
            url = parse_made(answer.content).url
        except Malformed as malformed:
            self._finish(End(Trouble.LOST, f"a call was made, but not where: {malformed}"))
            return None
        if not url.startswith(("wss://", "ws://")) or (url.startswith("ws://") and not is_loopback(url)):
            self._finish(End(Trouble.REFUSED, "the call is to be joined over a line that is not encrypted"))
            return None
        return Place(url=url, headers={}, secret=door.secret)

    async def _configure(self, socket: ClientConnection) -> None:
        """It is configured already, and says nothing before there is something to say."""
        self._post(SessionOpened(self._number, MAX_SECONDS))

    def _hear(self, data: bytes | str) -> None:
        if isinstance(data, bytes):
            self._dialogue.hear(data)
        elif (message := parse(data)) is not None:
            self._dialogue.receive(message)

    def _loss(self, code: int, reason: str) -> End:
        if self._lasted >= MAX_SECONDS - _MARGIN:
            return End(Trouble.EXPIRED, f"the call has lasted as long as it may ({code})", code)
        return super()._loss(code, reason)

    def _refusal(self, status: int, body: bytes) -> End:
        return refusal(status, parse_refusal(body))

    def _last(self, *, asked: bool) -> None:
        self._dialogue.end(asked=asked)
        if self._lasted:
            billed = math.ceil(self._lasted / BILLED_STEP) * BILLED_STEP
            self._post(SessionUsed(self._number, billed, estimated=True))  # it never tells
