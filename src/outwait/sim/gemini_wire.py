"""What the simulated Gemini Live server takes: every message's fields, and what its setup has to say.

Written from the types of google-genai 3.4.0. A message that is not of this form ends the session with 1007, as the real
one does.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from outwait.audio import g711

Json = dict[str, Any]

INVALID = 1007  # the close code of a message that is not accepted
GONE = 1008  # of a handle that is not known
MIME = "audio/pcm;rate=16000"
MODELS = ("gemini-3.8-live",)

_SETUP = frozenset(
    [
        "model",
        "generationConfig",
        "systemInstruction",
        "tools",
        "sessionResumption",
        "contextWindowCompression",
        "inputAudioTranscription",
        "outputAudioTranscription",
        "realtimeInputConfig",
        "historyConfig",
        "proactivity",
        "safetySettings",
    ]
)
_DETECTION = frozenset(
    ["disabled", "startOfSpeechSensitivity", "endOfSpeechSensitivity", "prefixPaddingMs", "silenceDurationMs"]
)
_INPUT = frozenset(["audio", "audioStreamEnd", "video", "text", "activityStart", "activityEnd"])
_ANSWER = frozenset(["id", "name", "response", "scheduling", "willContinue", "parts"])
_DECLARATION = frozenset(["name", "description", "parameters", "parametersJsonSchema", "behavior", "response"])


class Wrong(Exception):
    """A message that ends the session; the code and the reason of its close."""

    def __init__(self, reason: str, code: int = INVALID) -> None:
        super().__init__(reason)
        self.code = code


def read(message: str | bytes) -> tuple[str, Json]:
    """The kind of a client's message, and what is in it. Raises Wrong."""
    try:
        told = json.loads(message)
    except ValueError:
        raise Wrong("Invalid JSON payload received.") from None
    if not isinstance(told, dict) or len(told) != 1:
        raise Wrong("A message has exactly one of setup, clientContent, realtimeInput and toolResponse.")
    ((kind, body),) = told.items()
    if kind not in ("setup", "clientContent", "realtimeInput", "toolResponse") or not isinstance(body, dict):
        raise Wrong(f"Invalid JSON payload received. Unknown name {kind!r}.")
    return kind, body


def check_setup(setup: Json) -> None:
    """Raises Wrong."""
    known(setup, _SETUP, "setup")
    model = setup.get("model")
    if not isinstance(model, str) or model.removeprefix("models/") not in MODELS or "/" not in model:
        raise Wrong(f"models/{model} is not found for API version v1beta.", GONE)
    if setup.get("generationConfig", {}).get("responseModalities") != ["AUDIO"]:
        raise Wrong("Only AUDIO can be asked for here.")
    detection = setup.get("realtimeInputConfig", {}).get("automaticActivityDetection", {})
    known(detection, _DETECTION, "automaticActivityDetection")
    compression = setup.get("contextWindowCompression")
    if compression and not compression["slidingWindow"]["targetTokens"] < compression["triggerTokens"]:
        raise Wrong("targetTokens must be less than triggerTokens.")
    for tool in setup.get("tools", []):
        for declaration in tool.get("functionDeclarations", []):
            known(declaration, _DECLARATION, "functionDeclarations")
            if "additionalProperties" in json.dumps(declaration.get("parameters", {})):
                raise Wrong("Unknown name 'additionalProperties' at 'parameters'.")


def check_turns(content: Json) -> list[tuple[str, str]]:
    """Role and words of each. Raises Wrong."""
    known(content, {"turns", "turnComplete"}, "clientContent")
    found = []
    for turn in content.get("turns", []):
        known(turn, {"role", "parts"}, "turns")
        if turn.get("role") not in ("user", "model"):
            raise Wrong("Please use a valid role: user, model.")
        words = " ".join(part.get("text", "") for part in turn.get("parts", []))
        if not words:
            raise Wrong("A turn without parts.")
        found.append((turn["role"], words))
    return found


def check_answers(response: Json) -> list[Json]:
    """Raises Wrong."""
    known(response, {"functionResponses"}, "toolResponse")
    for answer in response.get("functionResponses", []):
        known(answer, _ANSWER, "functionResponses")
        if not isinstance(answer.get("response"), dict) or not answer.get("id") or not answer.get("name"):
            raise Wrong("A function response has an id, a name and an object as response.")
        if answer.get("scheduling", "WHEN_IDLE") not in ("SILENT", "WHEN_IDLE", "INTERRUPT"):
            raise Wrong("Invalid scheduling.")
    return list(response.get("functionResponses", []))


def check_input(given: Json) -> None:
    """Raises Wrong."""
    known(given, _INPUT, "realtimeInput")
    if "activityStart" in given or "activityEnd" in given:
        raise Wrong("Explicit activity control is not supported when automatic activity detection is enabled.")


def ulaw(blob: Any) -> bytes:
    """The sound of a blob, as the telephone has it. Raises Wrong."""
    if not isinstance(blob, dict) or blob.get("mimeType") != MIME or not isinstance(blob.get("data"), str):
        raise Wrong(f"Sound is {MIME} here.")
    try:
        raw = base64.b64decode(blob["data"], validate=True)
    except binascii.Error:
        raise Wrong("Invalid base64.") from None
    if len(raw) % 2:
        raise Wrong("Half a sample.")
    # Every other sample is one that the telephone had, when it was doubled well
    return g711.encode(np.frombuffer(raw, "<i2")[::2].astype(np.int16))


def known(value: Any, fields: Iterable[str], where: str) -> None:
    """Raises Wrong for a field that is not there on the real wire."""
    if not isinstance(value, dict):
        raise Wrong(f"Invalid value at {where!r}: expected an object.")
    for key in value:
        if key not in fields:
            raise Wrong(f"Invalid JSON payload received. Unknown name {key!r} at {where!r}.")
