"""The typed result over real sockets: refused at the door, corrected by the model, kept with its evidence."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from outwait.call_log import unpack_setup
from outwait.replay import differences
from outwait.store.sql import SqlStore
from outwait.webhook import verify_webhook
from tests.e2e.house import house
from tests.hook import hook

SECRET = "a secret"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"day": {"enum": ["today", "tomorrow"]}, "between": {"type": "string"}},
    "required": ["day"],
    "additionalProperties": False,
}


async def test_a_result_is_corrected_kept_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTWAIT_WEBHOOK_SECRET", SECRET)
    async with hook() as told, house("short_hello", tmp_path, monkeypatch) as here:
        body = {"to": "+12025550143", "task": "ask", "outcome_schema": {"type": "objekt"}}
        answer = await here.http.post("/v1/calls", json=body)
        assert answer.status_code == 422
        assert answer.json()["error"]["field"] == "outcome_schema"
        assert not here.stage.carrier.calls, "nothing was dialled"
        results = ({"day": "Tuesday"}, {"day": "tomorrow", "between": "ten and twelve"})
        here.stage.model.mind = replace(here.stage.model.mind, results=results)
        answer = await here.http.post(
            "/v1/calls", json=body | {"outcome_schema": {}, "webhook_url": "http://10.0.0.1/"}
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "webhook_refused")
        record = await here.whole_call(outcome_schema=SCHEMA, webhook_url=told.url)
        assert record["end_reason"] == {"result": "success", "cause": "hangup_call"}
        assert record["result"] == results[1]
        assert record["result_valid"] is True
        assert record["result_faults"] == []
        whole, *_ = record["evidence"]
        line = record["transcript"][whole["line"]]
        assert (line["role"], line["at"]) == ("human", whole["at"])
        assert "tomorrow between ten and twelve" in line["text"]
        assert record["cost"]["model_usd"] == pytest.approx(here.stage.model.bill.usd, rel=0.02)
        async with asyncio.timeout(30):
            await told.news.wait()
        (request,) = told.told
        verify_webhook(request.body, request.headers, SECRET)
        assert json.loads(request.body)["data"] == await here.call(record["id"])
        assert 'outwait_webhooks_total{result="delivered"} 1.0' in (await here.http.get("/metrics")).text
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'calls.db'}")
    row = await store.get(record["id"])
    entries = await store.log(record["id"])
    await store.close()
    assert row is not None
    assert not list(differences(unpack_setup(row.setup), entries)), "replay judges the result alike"
