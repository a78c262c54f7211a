"""Real engines, for real money: one short session on each whose key is set. Never run by default.

    python3 run test -m live tests/live

Each writes what it was told to `live-transcripts/NAME.jsonl`, sound by its length: what a wire really says, beside what
our simulators say.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from outwait import call_log, catalogue
from outwait.call.events import AgentSpoke, AgentWrote, AnyEvent, ResponseEnded, SessionOpened
from outwait.config import Settings
from outwait.testing.engine import Listener

pytestmark = pytest.mark.live

FOLDER = Path("live-transcripts")
ASK = "Say to the person: my dog has no nose. Say nothing else."


@pytest.mark.parametrize("name", sorted(set(catalogue.ENGINES) - {"local"}))  # which goes by rules, and costs nothing
async def test_a_session_is_seeded_answers_and_is_billed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTWAIT_ENGINE", name)
    engine = catalogue.engines(Settings.load()).get(name)
    if engine is None:
        pytest.skip(catalogue.missing(name))
    listener = Listener(engine)
    listener.start()
    try:
        await listener.until(SessionOpened)
        listener.session.ask_response(ASK, tools=False)
        ended = await listener.until(ResponseEnded)
    finally:
        listener.session.close()
        closed = await listener.over()
        keep(name, listener.events)
    assert isinstance(ended, ResponseEnded)
    assert ended.status == "completed", ended.detail
    assert closed.trouble is None, closed.detail
    said = " ".join(event.text for event in listener.events if isinstance(event, AgentWrote)).lower()
    assert "nose" in said
    sound = b"".join(event.ulaw for event in listener.events if isinstance(event, AgentSpoke))
    assert 0.5 < len(sound) / 8000 < 20
    if engine.capabilities.billing == "tokens":
        assert ended.usage is not None


def keep(name: str, events: list[AnyEvent]) -> None:
    FOLDER.mkdir(exist_ok=True)
    lines = [msgspec.json.encode(msgspec.json.decode(call_log.pack_event(event))) for event in events]
    (FOLDER / f"{name}.jsonl").write_bytes(b"\n".join(lines) + b"\n")
