"""Pipecat as its documentation puts it together for a phone call: Twilio's serializer, OpenAI's realtime service.

Run by the benchmark with an interpreter that has `pipecat-ai[websocket,openai]`; nothing of ours is imported. No voice
activity detection of its own, no context, no metrics: the least that relays.
"""

import asyncio
import json
import os
import socket
import warnings

import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.frames.frames import LLMContextFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineParams, PipelineTask
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport

logger.remove()
warnings.simplefilter("ignore")
app = FastAPI()


@app.websocket("/media")
async def media(websocket: WebSocket) -> None:
    """One call."""
    await websocket.accept()
    start: dict[str, str] = {}
    while not start:
        message = json.loads(await websocket.receive_text())
        start = message.get("start") or {}
    serializer = TwilioFrameSerializer(start["streamSid"], params=TwilioFrameSerializer.InputParams(auto_hang_up=False))
    transport = FastAPIWebsocketTransport(
        websocket, FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True, serializer=serializer)
    )
    model = OpenAIRealtimeLLMService(api_key="sk-bench", base_url=os.environ["OPENAI_BASE_URL"])
    params = PipelineParams(audio_in_sample_rate=8000, audio_out_sample_rate=8000)
    task = PipelineTask(Pipeline([transport.input(), model, transport.output()]), params=params)
    await task.queue_frame(LLMContextFrame(LLMContext([{"role": "user", "content": "Hello."}])))
    await PipelineRunner(handle_sigint=False).run(task)


async def main() -> None:
    """Until it is killed."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        print(f"listening on ws://127.0.0.1:{port}/media", flush=True)  # noqa: T201  the benchmark waits for it
        await server.serve([listener])


asyncio.run(main())
