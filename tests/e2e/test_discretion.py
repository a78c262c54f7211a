"""What must not get out: a whole call with marked words, numbers and keys, and then a look at all that the server said
about it."""

from __future__ import annotations

import asyncio
import re
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx2

from outwait.sim.stage import Stage
from outwait.testing.company import at_pace
from tests.e2e.house import LIMIT, TALK_PACE
from tests.e2e.server import Server

KEY = "sentinel-key-9f2c"
TO = "+12025550117"
TASK = "Sentinel task: ask Ursuline Quillfeather about her parcel 4712."


async def test_what_is_said_stays_in_the_call(tmp_path: Path) -> None:
    async with Stage(at_pace("silence_hold", TALK_PACE)) as stage:
        given = {"OUTWAIT_API_KEY": KEY, "OUTWAIT_LOG_LEVEL": "debug"}
        async with Server(tmp_path, stage.environment(), **given) as server:
            bearer = {"Authorization": f"Bearer {KEY}"}
            async with httpx2.AsyncClient(base_url=server.url, trust_env=False, headers=bearer) as http:
                told, call = await a_call(http, TO)
            assert await server.end(signal.SIGTERM) == 0
    log = server.log
    assert call["id"] in log, "the log was looked at"
    assert call["end_reason"]["result"] == "success"
    transcript = [words["text"] for words in call["transcript"]]
    assert len(transcript) > 4
    secrets = [KEY, stage.model.key, stage.carrier.auth_token, TO, TO.removeprefix("+1"), "Quillfeather"]
    for secret in [*secrets, call["outcome"], *(text for text in transcript if len(text) > 10)]:
        assert secret not in log
        assert secret not in told
    assert no_sound(tmp_path / "calls.db")


async def a_call(http: httpx2.AsyncClient, to: str) -> tuple[str, dict[str, object]]:
    """All that the server tells of a call to those who are not to know what was said, and the call object."""
    answer = await http.post("/v1/calls", json={"to": to, "task": TASK})
    assert answer.status_code == 201, answer.text
    call_id = answer.json()["id"]
    async with asyncio.timeout(LIMIT), http.stream("GET", f"/v1/calls/{call_id}/events", timeout=LIMIT) as news:
        async for _ in news.aiter_lines():
            pass
    call: dict[str, object] = (await http.get(f"/v1/calls/{call_id}")).json()
    told = [answer.text, (await http.get("/metrics")).text]
    for wrong in (
        {"to": to, "task": TASK, "wrong": TASK},
        {"to": "1" + to, "task": TASK},
        {"to": [to], "task": [TASK]},
    ):
        refused = await http.post("/v1/calls", json=wrong)
        assert refused.status_code == 422
        told.append(refused.text)
    told.append((await http.get("/v1/calls", headers={"Authorization": f"Bearer {KEY}x"})).text)
    return "\n".join(told), call


def no_sound(path: Path) -> bool:
    """No event in the call log is longer than its words: sound is kept by its length alone."""
    with sqlite3.connect(path) as connection:
        rows: Iterator[tuple[str]] = connection.execute("SELECT event FROM entries")
        sounds = [size for (event,) in rows for size in re.findall(r'"ulaw":([^,}]+)', event)]
    connection.close()
    return bool(sounds) and all(size.isdecimal() for size in sounds)
