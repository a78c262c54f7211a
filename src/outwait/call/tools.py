"""The tools that every agent has: what the model is told of them, and what it may say in return.

A model's arguments are text from outside. `read_call` turns them into a checked request, or into a
mistake whose text goes back to the model as the tool's output, so that it can do better.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from outwait.call.notes import Quote

OK = '{"ok": true}'
"""The output of a tool that did what it was asked to."""

MAX_DIGITS = 64  # keys in one press_digits; nobody asks for more, and each takes 0.2 s of the line
MAX_WORDS = 2000  # characters of a reason, an outcome or a quote that are kept
MAX_ANNOUNCEMENT = 400  # characters that somebody is told before they take a call over
MAX_QUOTES = 50  # of a result's evidence that are kept

_DIGITS = re.compile(r"[0-9*#A-Dw]+")
_SEPARATORS = re.compile(r"[\s().\-/]+")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")  # E.164: at most 15 digits


def refusal(why: str) -> str:
    """The output of a tool that did not."""
    return msgspec.json.encode({"error": why}).decode()


class ToolSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A tool of the agent's own: what a model is told of it, and how it may be run."""

    name: str
    description: str
    parameters: dict[str, Any]  # JSON Schema of an object
    timeout: float = 20.0  # wall s that it may take
    idempotent: bool = (
        False  # to run it twice is the same as once: it may be run again when nobody knows whether it was
    )


class HangUpCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="name", tag="hangup_call"):
    """The task is over, done or not."""

    reason: str  # why now, in words
    outcome: str  # what was reached, for the one who gave the task
    result: Any = msgspec.UNSET  # the same by the schema that the task came with
    evidence: tuple[Quote, ...] = ()  # what the result rests on


class WaitOnHold(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="name", tag="wait_on_hold"):
    """The other side has asked to wait."""

    reason: str  # what was said


class PressDigits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="name", tag="press_digits"):
    """Keys for a phone menu."""

    digits: str  # 0-9 * # A-D; w waits half a second


class TransferCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="name", tag="transfer_call"):
    """Somebody else should take over. Whether the number may be dialled is not checked here."""

    to: str  # E.164
    reason: str
    announcement: str = ""  # what the one at that number is told before they decide; "": they are not asked


class ExpectCallBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="name", tag="expect_call_back"):
    """The other side will call back."""

    reason: str  # what was agreed


ToolRequest = ExpectCallBack | HangUpCall | WaitOnHold | PressDigits | TransferCall


class Mistake(msgspec.Struct, frozen=True):
    """The model called a tool that is not there, or with arguments that are none."""

    text: str  # for the model


def schemas(
    outcome_schema: dict[str, Any] | None = None, own: Sequence[ToolSpec] = (), *, call_back: bool = False
) -> list[dict[str, object]]:
    """The tools as a model is told of them: name, description, JSON schema. A fresh copy each time.

    outcome_schema
        what the task's typed result must look like: `hangup_call` takes it then
    own
        further tools, of the agent itself
    call_back
        the task may wait to be called back
    """
    common = [
        _with_result(_hang_up(), outcome_schema) if outcome_schema is not None else _hang_up(),
        _schema(
            "wait_on_hold",
            "Wait silently until a person is back on the line. Call it when the other side asks you to hold, says "
            "that you are being connected or queued, or when you hear hold music or a recorded 'please stay on the "
            "line'. You may say one short sentence before ('Sure, I'll hold'). You are woken when somebody speaks to "
            "you; do not talk to music or to recordings.",
            reason="What was said or heard: 'she looks up the order', 'queue announcement, music'.",
        ),
        _schema(
            "press_digits",
            "Press keys of the phone, to choose from a spoken menu or to enter a number that was asked for. Press only "
            "after the menu has said which key it wants, and say nothing while you do it.",
            digits="The keys in order: 0-9, * and #; w waits half a second. '2', '1ww4', '12345678#'.",
        ),
        _transfer(),
    ]
    if call_back:
        common.append(_call_back())
    return common + [
        {"type": "function", "name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
        for tool in own
    ]


def read_call(name: str, arguments: str, own: Iterable[str] = ()) -> ToolRequest | Mistake:
    """What a tool call asks for. Never raises, whatever the model wrote. `own`: names of further tools there are."""
    wanted = _TOOLS.get(name)
    if wanted is None:
        return Mistake(f"There is no tool {name[:64]!r}. There are: {', '.join([*_TOOLS, *own])}.")
    try:
        request: ToolRequest = msgspec.json.decode(arguments or "{}", type=wanted)
    except msgspec.ValidationError as error:
        return Mistake(f"{name}: {error}. {_usage(wanted)}")
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return Mistake(f"{name}: the arguments are not a complete JSON object. {_usage(wanted)}")
    return _checked(request)


_TOOLS: dict[str, type[ToolRequest]] = {
    "hangup_call": HangUpCall,
    "wait_on_hold": WaitOnHold,
    "press_digits": PressDigits,
    "transfer_call": TransferCall,
    "expect_call_back": ExpectCallBack,
}


RESERVED = frozenset(_TOOLS)
"""Names that no tool of an agent's own may have."""


def _checked(request: ToolRequest) -> ToolRequest | Mistake:
    match request:
        case HangUpCall(reason=reason, outcome=outcome, evidence=evidence):
            if not outcome.strip():
                return Mistake("hangup_call: `outcome` is empty. Say what came of the task, or why nothing did.")
            return msgspec.structs.replace(
                request,
                reason=reason.strip()[:MAX_WORDS],
                outcome=outcome.strip()[:MAX_WORDS],
                evidence=tuple(Quote(of=q.of[:MAX_WORDS], quote=q.quote[:MAX_WORDS]) for q in evidence[:MAX_QUOTES]),
            )
        case WaitOnHold(reason=reason):
            return WaitOnHold(reason=reason.strip()[:MAX_WORDS])
        case PressDigits(digits=digits):
            keys = _SEPARATORS.sub("", digits)
            if not _DIGITS.fullmatch(keys) or len(keys) > MAX_DIGITS:
                return Mistake(f"press_digits: `digits` must be 1 to {MAX_DIGITS} of 0-9, *, #, A-D and w (a pause).")
            return PressDigits(digits=keys)
        case ExpectCallBack(reason=reason):
            return ExpectCallBack(reason=reason.strip()[:MAX_WORDS])
        case TransferCall(to=to, reason=reason, announcement=announcement):
            number = _SEPARATORS.sub("", to)
            if not _NUMBER.fullmatch(number):
                return Mistake("transfer_call: `to` must be a number in international form, such as +12025550143.")
            return TransferCall(number, reason.strip()[:MAX_WORDS], announcement.strip()[:MAX_ANNOUNCEMENT])


def _schema(name: str, description: str, **fields: str) -> dict[str, object]:
    return {
        "type": "function",
        "name": name,
        "description": description,
        "parameters": {
            "type": "object",
            "properties": {field: {"type": "string", "description": meaning} for field, meaning in fields.items()},
            "required": list(fields),
            "additionalProperties": False,
        },
    }


def _transfer() -> dict[str, object]:
    tool: dict[str, Any] = _schema(
        "transfer_call",
        "Connect the other side to another phone number and leave the call. Only when your task says to whom, or "
        "when the other person asks for it and the task allows it. Tell them first that you are connecting them. With "
        "an announcement the one at that number is called and asked first: keep the other side on the line until they "
        "are connected, or until you are told that the call is not taken.",
        to="The number in international form, with + and country code: '+12025550143'.",
        reason="Why, in a few words.",
        announcement="Optional. What the one at that number hears before they decide whether to take the call, in one "
        "or two sentences: who calls, and what it is about. How they take it is said after that.",
    )
    tool["parameters"]["required"] = ["to", "reason"]
    return tool


def _call_back() -> dict[str, object]:
    return _schema(
        "expect_call_back",
        "Wait to be called back. Call it when the other side has said that it will call this number back, or when you "
        "have chosen that in a menu. Accept such an offer rather than hold for long. The line may end then; you go on "
        "with the task when they call.",
        reason="What was agreed: 'they call within the hour', 'number 4 in the call-back queue'.",
    )


def _hang_up() -> dict[str, object]:
    return _schema(
        "hangup_call",
        "End this phone call. Say goodbye aloud first, in the same answer; the line is cut when the goodbye has "
        "been heard. Call it when the task is done, when it can't be done, when you reached the wrong party or a "
        "voicemail that is of no use, or when the other person wants to end the call. After it nothing more can "
        "be said.",
        reason="Why the call ends now, in a few words: 'task done', 'wrong number', 'asked to call back tomorrow'.",
        outcome="What came of the task, for the person who gave it and did not hear the call: the answer, names, "
        "dates, amounts and reference numbers exactly as they were said, and what is still open.",
    )


def _with_result(tool: dict[str, Any], schema: dict[str, Any]) -> dict[str, object]:
    """Definitions move to the root of the tool's own schema, where their references lead."""
    parameters = tool["parameters"]
    for name in ("$defs", "definitions"):
        if name in schema:
            parameters[name] = schema[name]
    inner = {name: part for name, part in schema.items() if name not in ("$defs", "definitions", "$schema")}
    parameters["properties"] |= {"result": inner, "evidence": _EVIDENCE}
    parameters["required"] = ["reason", "outcome", "result"]
    tool["description"] += (
        " `result` is the outcome once more, by its schema: only what was said on this call, nothing guessed. In "
        "`evidence`, quote for each of its parts the words that it rests on."
    )
    return tool


_EVIDENCE: dict[str, Any] = {
    "type": "array",
    "description": "What the parts of the result rest on.",
    "items": {
        "type": "object",
        "properties": {
            "of": {"type": "string", "description": "Which part, as a JSON pointer: '/delivery_date', '/items/0'."},
            "quote": {"type": "string", "description": "The other side's words, as they were said; not yours."},
        },
        "required": ["of", "quote"],
        "additionalProperties": False,
    },
}


def _usage(tool: type[ToolRequest]) -> str:
    wanted = [field.name for field in msgspec.structs.fields(tool) if field.required]
    return f"It wants {' and '.join(f'`{name}`' for name in wanted)}, each a string."
