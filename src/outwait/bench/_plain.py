"""A plain asyncio relay, to compare with: `websockets` and `json`, sound passed on as it comes, and nothing else.

It keeps no state, no log and no bill, hears nothing, and knows neither holds nor interruptions.
"""

from __future__ import annotations

import asyncio
import json
import os

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from outwait.web.server import run

SESSION = {
    "type": "realtime",
    "audio": {"input": {"format": {"type": "audio/pcmu"}}, "output": {"format": {"type": "audio/pcmu"}}},
}


async def relay(carrier: ServerConnection) -> None:
    """One call."""
    stream_sid = ""
    while not stream_sid:
        message = json.loads(await carrier.recv())
        if message["event"] == "start":
            stream_sid = message["streamSid"]
    async with connect(os.environ["OPENAI_BASE_URL"], compression=None, proxy=None) as model:
        await model.send(json.dumps({"type": "session.update", "session": SESSION}))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(to_model(carrier, model))
            tasks.create_task(to_carrier(model, carrier, stream_sid))


async def to_model(carrier: ServerConnection, model: ClientConnection) -> None:
    """What the person says."""
    async for text in carrier:
        message = json.loads(text)
        if message["event"] == "media":
            payload = message["media"]["payload"]
            await model.send(json.dumps({"type": "input_audio_buffer.append", "audio": payload}))


async def to_carrier(model: ClientConnection, carrier: ServerConnection, stream_sid: str) -> None:
    """What the model says."""
    async for text in model:
        message = json.loads(text)
        if message["type"] == "response.output_audio.delta":
            media = {"event": "media", "streamSid": stream_sid, "media": {"payload": message["delta"]}}
            await carrier.send(json.dumps(media))


async def main() -> None:
    """Until it is killed."""
    async with serve(relay, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        print(f"listening on ws://127.0.0.1:{port}/", flush=True)  # noqa: T201  the benchmark waits for it
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    run(main())
