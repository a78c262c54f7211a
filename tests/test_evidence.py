"""Quotes are looked up in the transcript: what nobody said is no evidence."""

from __future__ import annotations

from typing import Any

from outwait.call.notes import Quote
from outwait.evidence import evidence


def line(at: float, role: str, text: str) -> dict[str, Any]:
    return {"at": at, "role": role, "text": text}


TRANSCRIPT = [
    line(1.0, "agent", "When will parcel 4712 be delivered? Tomorrow between ten and twelve?"),
    line(4.0, "human", "Let me see."),
    line(9.5, "human", "It'll be with you tomorrow, between ten and twelve."),
    line(15.0, "human", "Your reference is QX-20817."),
]


def test_a_quote_leads_to_its_line() -> None:
    (found,) = evidence(
        {"when": "tomorrow"}, [Quote("/when", "It will be with you tomorrow between 10 and twelve")], TRANSCRIPT
    )
    assert found == {
        "of": "/when",
        "quote": "It will be with you tomorrow between 10 and twelve",
        "line": 2,
        "at": 9.5,
        "role": "human",
        "text": "It'll be with you tomorrow, between ten and twelve.",
    }


def test_what_nobody_said_leads_nowhere() -> None:
    (found,) = evidence({"when": "friday"}, [Quote("/when", "we will bring it on Friday afternoon")], TRANSCRIPT)
    assert found["line"] is found["at"] is found["role"] is found["text"] is None


def test_what_the_agent_said_is_no_evidence() -> None:
    (found,) = evidence({"p": ""}, [Quote("/p", "When will parcel 4712 be delivered?")], TRANSCRIPT)
    assert found["line"] is None


def test_parts_without_a_quote_are_looked_up_by_their_own_words() -> None:
    result = {"ids": [{"a/b": "qx 20817"}], "n": 1, "ok": True, "unknown": "nothing of the kind"}
    (found,) = evidence(result, [], TRANSCRIPT)
    assert (found["of"], found["quote"], found["line"]) == ("/ids/0/a~1b", None, 3)


def test_a_result_of_any_size_and_an_empty_transcript() -> None:
    assert evidence(["some words"] * 1000, [Quote("", "hello"), Quote("", " ")], []) == [
        {"of": "", "quote": "hello", "line": None, "at": None, "role": None, "text": None}
    ]
    assert len(evidence(["reference"] * 1000, [], TRANSCRIPT)) == 100
