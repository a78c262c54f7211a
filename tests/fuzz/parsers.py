"""Everything of ours that reads what others wrote: for each, how it is fed, and good samples to be spoiled.

`feed` raises when the parser does what it should not: anything but the error that it promises.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import struct
import wave
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from outwait import call_log, config
from outwait.call import tools
from outwait.carriers.twilio import messages as twilio
from outwait.carriers.twilio import twiml
from outwait.carriers.twilio.urls import Urls
from outwait.commands import replay
from outwait.commands.listen import Unreadable, read_ulaw
from outwait.engines.gemini import messages as gemini
from outwait.engines.live import messages as live
from outwait.engines.openai import messages as openai
from outwait.engines.openai.frames import Dialect
from outwait.engines.ultravox import messages as ultravox
from outwait.errors import OutwaitError
from outwait.prices import NoPrice, PriceTable
from outwait.rules.numbers import NumberRefused, country, dialable, e164, masked
from outwait.sim import scenario, signing
from outwait.sim import twiml as read_twiml
from outwait.web import bodies
from outwait.web.app import App, build
from tests.engines.gemini.stage import Stage as GeminiStage
from tests.engines.live.server import called
from tests.engines.live.stage import Stage as LiveStage
from tests.engines.openai.stage import Stage
from tests.engines.ultravox.stage import TURN as ULTRAVOX_TURN
from tests.engines.ultravox.stage import Stage as UltravoxStage
from tests.web.desk import TOKEN, FakeDesk, call_object, settings

WIRE = Path(__file__).parents[1] / "engines" / "openai" / "wire"
PUBLIC = "http://127.0.0.1:8080"
TEXT = "utf-8"


@dataclass(frozen=True)
class Parser:
    """One of them."""

    name: str
    samples: tuple[bytes, ...]
    feed: Callable[[bytes, Path], None]  # what was written, and a folder for files
    dear: bool = False  # it costs milliseconds: fed less


def _twilio(data: bytes, _: Path) -> None:
    with contextlib.suppress(twilio.BadMessage):
        message = twilio.parse(data)
        if isinstance(message, twilio.Media):
            twilio.seconds(message)


def _openai(data: bytes, _: Path) -> None:
    openai.parse_refusal(data)
    for dialect in Dialect:
        stage = Stage(dialect)
        for line in data.split(b"\n"):
            with contextlib.suppress(openai.Malformed):
                message = openai.parse(line)
                if message is not None:
                    stage.dialogue.receive(message)
        stage.dialogue.end(asked=False)


def _gemini(data: bytes, _: Path) -> None:
    gemini.parse_refusal(data)
    stage = GeminiStage()
    for line in data.split(b"\n"):
        with contextlib.suppress(gemini.Malformed):
            stage.dialogue.receive(gemini.parse(line))
    stage.dialogue.end(asked=False)


def _ultravox(data: bytes, _: Path) -> None:
    ultravox.parse_refusal(data)
    with contextlib.suppress(ultravox.Malformed):
        ultravox.parse_made(data)
    stage = UltravoxStage()
    for line in data.split(b"\n"):
        with contextlib.suppress(ultravox.Malformed):
            message = ultravox.parse(line.decode(TEXT, "replace"))
            if message is not None:
                stage.dialogue.receive(message)
        stage.dialogue.hear(line)
    stage.dialogue.end(asked=False)


def _live(data: bytes, _: Path) -> None:
    stage = LiveStage()
    for line in data.split(b"\n"):
        with contextlib.suppress(live.Malformed):
            message = live.parse(line)
            if message is not None:
                stage.duplex.receive(message)
                stage.feed(0.1)
    stage.duplex.end(asked=False, now=stage.now)


def _tools(data: bytes, _: Path) -> None:
    text = data.decode(TEXT, "surrogateescape")
    for name in ("hangup_call", "wait_on_hold", "press_digits", "transfer_call", text[:20]):
        tools.read_call(name, text)


def _form(data: bytes, _: Path) -> None:
    bodies.parse_form(data)


def _twiml(data: bytes, _: Path) -> None:
    """What we emit is read back as it was meant, whatever the number of the call and its token are."""
    text = "".join(c for c in data.decode(TEXT, "ignore") if c.isprintable())[:200] or "x"
    urls = Urls.of("https://voice.example.com/calls")
    for document in (twiml.connect(urls, text, text), twiml.ask_again(urls, text), twiml.hang_up()):
        ET.fromstring(document)
        read_twiml.parse(document.decode())
    parameters = {
        p.get("name"): p.get("value") for p in ET.fromstring(twiml.connect(urls, "c1", text)).iter("Parameter")
    }
    assert parameters["token"] == text


def _numbers(data: bytes, _: Path) -> None:
    text = data.decode(TEXT, "surrogateescape")
    for caller in (None, "+12025550199", "+493012345678"):
        with contextlib.suppress(NumberRefused):
            country(dialable(text, caller))
    with contextlib.suppress(NumberRefused):
        e164(text)
    masked(text)


def _prices(data: bytes, folder: Path) -> None:
    path = folder / "prices.json"
    path.write_bytes(data)
    with contextlib.suppress(NoPrice):
        PriceTable.load(path).prices("openai", "gpt-realtime-2.1", "gpt-transcribe", "twilio")


def _config(data: bytes, folder: Path) -> None:
    """As a file, as `.env`, and as the values of variables."""
    before, environment = Path.cwd(), dict(os.environ)
    values = [line.replace("\0", "") for line in data.decode(TEXT, "ignore").split("\n")]
    names = ("OUTWAIT_PORT", "OUTWAIT_PUBLIC_URL", "OUTWAIT_COUNTRIES", "OUTWAIT_CALLING_HOURS", "OUTWAIT_KEEP_CALLS")
    os.chdir(folder)
    try:
        Path("outwait.toml").write_bytes(data)
        with contextlib.suppress(config.ConfigError):
            config.Settings.load()
        Path("outwait.toml").unlink()
        Path(".env").write_bytes(data)
        with contextlib.suppress(config.ConfigError):
            config.Settings.load()
        Path(".env").unlink()
        os.environ.update(zip(names, values, strict=False))
        with contextlib.suppress(config.ConfigError):
            config.Settings.load().check_server()
    finally:
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(before)


def _scenario(data: bytes, _: Path) -> None:
    with contextlib.suppress(scenario.ScenarioError):
        scenario.parse(data.decode(TEXT, "ignore"), "fuzz")


def _log(data: bytes, folder: Path) -> None:
    path = folder / "call.log.jsonl"
    path.write_bytes(data)
    (folder / "call.json").write_text('{"id": "call_1"}')
    with contextlib.suppress(OutwaitError), contextlib.redirect_stdout(io.StringIO()):
        replay.replay(folder / "call.json")
    for line in data.split(b"\n"):
        with contextlib.suppress(msgspec.MsgspecError):
            list(call_log.unpack_event(line))
        with contextlib.suppress(msgspec.MsgspecError):
            call_log.unpack_commands(line)


def _call_json(data: bytes, folder: Path) -> None:
    path = folder / "other.json"
    path.write_bytes(data)
    path.with_suffix(".log.jsonl").write_bytes(b"{}")
    with contextlib.suppress(OutwaitError):
        replay.replay(path)


def _sound(data: bytes, folder: Path) -> None:
    path = folder / "sound.wav"
    path.write_bytes(data)
    heard = 0
    with contextlib.suppress(Unreadable):
        for ulaw, _ in read_ulaw(path):
            heard += len(ulaw)
            if heard > 2_000_000:
                break


def _webhook(data: bytes, _: Path) -> None:
    """Signed by whoever knows the secret, and unsigned."""
    app, desk = _app()
    form = dict(line.partition("=")[::2] for line in data.decode(TEXT, "ignore").split("\n"))
    for path in ("/twilio/voice/c1", "/twilio/status/c1", "/twilio/after-stream/c1", "/twilio/stream-status/c1"):
        for body, signature in ((_encoded(form), signing.signature(TOKEN, PUBLIC + path, form)), (data, "x")):
            headers = [
                (b"content-type", b"application/x-www-form-urlencoded"),
                (b"x-twilio-signature", signature.encode()),
            ]
            status = asyncio.run(_post(app, path, body, headers))
            assert status in (200, 204, 400, 403, 404, 413, 422), status
    assert desk.calls


def _media(data: bytes, _: Path) -> None:
    """The media socket: a good start, and then these lines."""
    app, desk = _app()
    desk.tokens = {"good"}
    url = f"ws{PUBLIC.removeprefix('http')}/twilio/media"
    signature = signing.signature(TOKEN, url)
    asyncio.run(_socket(app, signature, [*GOOD_START, *(line.decode(TEXT, "ignore") for line in data.split(b"\n"))]))
    assert desk.attached


def _app() -> tuple[App, FakeDesk]:
    desk = FakeDesk(calls={"c1": call_object("c1")})
    return build(desk, settings(), PUBLIC), desk


def _encoded(form: Mapping[str, str]) -> bytes:
    from urllib.parse import urlencode

    return urlencode(form).encode()


def _scope(kind: str, path: str, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "ws" if kind == "websocket" else "http",
        "server": ("127.0.0.1", 8080),
        "client": ("127.0.0.1", 50000),
        "root_path": "",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8080"), *headers],
        "subprotocols": [],
        "extensions": {},
        "state": {},
    }


async def _post(app: App, path: str, body: bytes, headers: list[tuple[bytes, bytes]]) -> int:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(_scope("http", path, headers), receive, send)
    return int(sent[0]["status"])


async def _socket(app: App, signature: str, lines: list[str]) -> None:
    waiting: list[dict[str, Any]] = [
        {"type": "websocket.connect"},
        *({"type": "websocket.receive", "text": line} for line in lines),
        {"type": "websocket.disconnect", "code": 1006},
    ]

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    async def send(message: Any) -> None:
        pass

    await app(_scope("websocket", "/twilio/media", [(b"x-twilio-signature", signature.encode())]), receive, send)


# --- good samples ---------------------------------------------------------------------------------

MEDIA_LINES = (
    b'{"event":"connected","protocol":"Call","version":"1.0.0"}',
    b'{"event":"start","sequenceNumber":"1","streamSid":"MZ1","start":{"accountSid":"AC1","streamSid":"MZ1","callSid":'
    b'"CA1","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},'
    b'"customParameters":{"call_id":"c1","token":"good"}}}',
    b'{"event":"media","sequenceNumber":"3","streamSid":"MZ1","media":{"track":"inbound","chunk":"1","timestamp":"20",'
    b'"payload":"//////////8="}}',
    b'{"event":"mark","sequenceNumber":"4","streamSid":"MZ1","mark":{"name":"1:1600"}}',
    b'{"event":"dtmf","streamSid":"MZ1","sequenceNumber":"5","dtmf":{"track":"inbound_track","digit":"1"}}',
    b'{"event":"stop","sequenceNumber":"6","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA1"}}',
)
GOOD_START = [line.decode() for line in MEDIA_LINES[:2]]


def _model_lines() -> tuple[bytes, ...]:
    turns = [(WIRE / name).read_bytes() for name in ("ga_turn.jsonl", "beta_turn.jsonl")]
    lines = [line for turn in turns for line in turn.split(b"\n") if line.strip()]
    errors = (
        b'{"error":{"code":"invalid_api_key","message":"no"}}',
        b'{"type":"error","error":{"code":"session_expired"}}',
    )
    return (*turns, *lines, *errors)


def _log_file() -> bytes:
    from outwait.sim.chaos import world

    played = world.World(5, keep=True)
    played.run()
    assert played.trace is not None
    lines = [call_log.pack_setup(played.setup)]
    for number, (now, event, commands) in enumerate(played.trace[:60], 1):
        if not isinstance(event, str):
            head = f'{{"seq":{number},"now":{now},"wall":{now},"event":'.encode()
            lines.append(head + call_log.pack_event(event) + b',"commands":' + call_log.pack_commands(commands) + b"}")
    return b"\n".join(lines)


def _wav(rate: int = 8000, channels: int = 1) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(struct.pack("<h", 1000) * 800 * channels)
    return out.getvalue()


def _live_lines() -> tuple[bytes, ...]:
    turn = (WIRE.parents[1] / "live" / "wire" / "session.jsonl").read_bytes()
    return (turn, *turn.splitlines(), called("c1", "press_digits", "{}").encode())


def _gemini_lines() -> tuple[bytes, ...]:
    turn = (WIRE.parents[1] / "gemini" / "wire" / "turn.jsonl").read_bytes()
    return (turn, *(line for line in turn.split(b"\n") if line.strip()))


_TOML = b"""port = 8080
public_url = "https://voice.example.com"
countries = "US,CA"
calling_hours = "08:00-21:00"
keep_calls = "30d"
"""
_PRICES = (Path(call_log.__file__).parent / "prices.json").read_bytes()
_SCENARIOS = tuple(
    (Path(scenario.__file__).parent / "scenarios" / f"{name}.toml").read_bytes()
    for name in ("two_holds", "model_expires", "menu", "rest_fails")
)
_FORM = b"CallSid=CA1&CallStatus=completed&SequenceNumber=3&CallDuration=31&Text=%C3%BC+%26"
_CALL_JSON = json.dumps(call_object("call_1")).encode()

PARSERS = (
    Parser("twilio messages", MEDIA_LINES, _twilio),
    Parser("openai messages, both dialects", _model_lines(), _openai),
    Parser("gemini messages", _gemini_lines(), _gemini),
    Parser("ultravox messages", (ULTRAVOX_TURN, *ULTRAVOX_TURN.split(b"\n")), _ultravox),
    Parser("live messages", _live_lines(), _live),
    Parser(
        "tool calls",
        (b'{"reason": "done", "outcome": "Monday"}', b'{"digits": "1ww#"}', b'{"to": "+12025550143"}'),
        _tools,
    ),
    Parser("webhook forms", (_FORM,), _form),
    Parser("webhooks", (_FORM.replace(b"&", b"\n"),), _webhook, dear=True),
    Parser("media socket", (b"\n".join(MEDIA_LINES[2:]), *MEDIA_LINES), _media, dear=True),
    Parser("our TwiML", (b"token", b"<&\"'>", b"]]>"), _twiml),
    Parser("numbers", (b"+1 (202) 555-0143", b"911", b"+49 30 123456", b"tel:+1900555"), _numbers),
    Parser("price file", (_PRICES[:4000], _PRICES), _prices),
    Parser("configuration", (_TOML,), _config, dear=True),
    Parser("scenarios", _SCENARIOS, _scenario),
    Parser("call logs", (_log_file(),), _log, dear=True),
    Parser("call objects", (_CALL_JSON,), _call_json),
    Parser("sound files", (_wav(), _wav(44100, 2)), _sound, dear=True),
)
