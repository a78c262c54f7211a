"""What we say to a Gemini Live server: JSON text, in the camel case of the wire."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from outwait.call.commands import SeedItem
from outwait.engines import seeds

IN_RATE = 16_000  # samples a second that the model hears
OUT_RATE = 24_000  # samples a second that it speaks

TRIGGER_TOKENS = 25_000  # of context, above which the server lets go of the oldest
TARGET_TOKENS = 12_000  # of context, that it then keeps

_SILENCE_MS = 500  # ms of silence that end a turn
_PREFIX_MS = 100  # ms of speech before a turn begins


def setup(
    model: str,
    voice: str,
    instructions: str,
    tools: Sequence[Mapping[str, object]],
    *,
    handle: str = "",
    history: bool = False,
) -> str:
    """The first message. `handle`: go on from there; `history`: what was said before follows as content.

    Compression is on: without it, a session of sound ends after fifteen minutes. Silence is no part of a turn, so it is
    not billed. Tools do not block: their results are only taken note of, and an answer is asked for when it is wanted.
    """
    wanted: dict[str, Any] = {
        "model": model if "/" in model else f"models/{model}",
        "generationConfig": {"responseModalities": ["AUDIO"]},
        "systemInstruction": {"parts": [{"text": instructions}]},
        "sessionResumption": {"handle": handle} if handle else {},
        "contextWindowCompression": {
            "triggerTokens": TRIGGER_TOKENS,
            "slidingWindow": {"targetTokens": TARGET_TOKENS},
        },
        "inputAudioTranscription": {},
        "outputAudioTranscription": {},
        "realtimeInputConfig": {
            "automaticActivityDetection": {
                "disabled": False,
                "silenceDurationMs": _SILENCE_MS,
                "prefixPaddingMs": _PREFIX_MS,
            },
            "activityHandling": "START_OF_ACTIVITY_INTERRUPTS",
            "turnCoverage": "TURN_INCLUDES_ONLY_ACTIVITY",
        },
    }
    if voice:
        speech = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}
        wanted["generationConfig"]["speechConfig"] = speech
    if tools:
        wanted["tools"] = [{"functionDeclarations": [_declaration(tool) for tool in tools]}]
    if history:
        wanted["historyConfig"] = {"initialHistoryInClientContent": True}
    return _json({"setup": wanted})


def audio(samples: bytes) -> str:
    """The person's sound, 16-bit little-endian samples at `IN_RATE`. Put together by hand: fifty a second."""
    data = b64encode(samples).decode("ascii")
    return f'{{"realtimeInput":{{"audio":{{"data":"{data}","mimeType":"audio/pcm;rate={IN_RATE}"}}}}}}'


def stream_end() -> str:
    """There is no more sound for now: what there was is a turn."""
    return '{"realtimeInput":{"audioStreamEnd":true}}'


def content(turns: Iterable[dict[str, Any]], *, complete: bool) -> str:
    """Something written into the conversation. `complete`: it is the model's turn now, or the history is whole."""
    return _json({"clientContent": {"turns": list(turns), "turnComplete": complete}})


def note(text: str) -> dict[str, Any]:
    """A turn that is no speech of the person: the wire has no other way to tell the model something."""
    return _turn("user", f"(Note, not said by the person: {text})")


def history(seed: Iterable[SeedItem]) -> list[dict[str, Any]]:
    """What was said before, as turns. What neither said is a note."""
    turns = []
    for item in seed:
        if item.kind in ("human", "agent"):
            if item.text.strip():
                turns.append(_turn("model" if item.kind == "agent" else "user", item.text))
        elif text := seeds.line(item):
            turns.append(note(text.removeprefix("(Note): ")))
    return turns


def tool_response(call_id: str, name: str, output: str) -> str:
    """What a tool gave. Nothing is said to it: that is asked for when it is wanted."""
    try:
        told = msgspec.json.decode(output)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        told = None
    response = told if isinstance(told, dict) else {"output": output}
    answer = {"id": call_id, "name": name, "response": response, "scheduling": "SILENT"}
    return _json({"toolResponse": {"functionResponses": [answer]}})


def _declaration(tool: Mapping[str, object]) -> dict[str, object]:
    return {
        "name": tool["name"],
        "description": tool.get("description", ""),
        "parametersJsonSchema": tool.get("parameters", {"type": "object"}),
        "behavior": "NON_BLOCKING",
    }


def _turn(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"text": text}]}


def _json(message: dict[str, Any]) -> str:
    try:
        return msgspec.json.encode(message).decode()
    except UnicodeEncodeError:
        return json.dumps(message)  # half a surrogate pair in somebody's text
