"""The HTTP API from the outside, against a server that says what the test wants."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from outwait.call.notes import Answered, AnyNote, Ended, Said
from outwait.commands import client
from outwait.commands.client import Client, run_call
from outwait.errors import OutwaitError
from tests.answering import Answer, Asked, answering
from tests.sample_call import sample_call, sample_notes


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "RETRY_DELAYS", (0.0, 0.0, 0.0))


def event(number: int, note: AnyNote) -> bytes:
    data = msgspec.json.encode(note)
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, note.__struct_config__.tag.encode(), data)  # type: ignore[union-attr]


def stream(*told: AnyNote, first: int = 1, cut: bool = False) -> Answer:
    body = b": still here\n\n" + b"".join(event(number, note) for number, note in enumerate(told, first))
    return Answer(body=body, headers={"content-type": "text/event-stream"}, cut=cut)


ENDED = Ended(2.0, "success", "hangup_call", "completed", 0, 0)


async def test_a_call_is_placed_with_the_key() -> None:
    async with (
        answering(lambda _: Answer(201, b'{"id": "c1", "status": "queued"}')) as (url, asked),
        Client(url + "/", "secret") as api,
    ):
        assert await api.place({"to": "+12025550143", "task": "x"}) == {"id": "c1", "status": "queued"}
    assert (asked[0].method, asked[0].path) == ("POST", "/v1/calls")
    assert asked[0].headers["authorization"] == "Bearer secret"
    assert json.loads(asked[0].body) == {"to": "+12025550143", "task": "x"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            Answer(422, b'{"error": {"code": "cap_too_low", "message": "must be more", "field": "max_cost_usd"}}'),
            "refused, cap_too_low: must be more (max_cost_usd)",
        ),
        (Answer(401, b'{"error": {"code": "unauthorized", "message": "wrong key"}}'), "unauthorized: wrong key"),
        (Answer(502, b"<html>"), "answered 502"),
        (Answer(500, b'{"error": "x"}'), "answered 500"),
        (Answer(200, b"<html>"), "is not Outwait"),
    ],
)
async def test_a_refusal_is_said_in_words(answer: Answer, words: str) -> None:
    async with answering(lambda _: answer) as (url, _), Client(url) as api:
        with pytest.raises(OutwaitError) as error:
            await api.place({})
    assert words in str(error.value)


async def test_all_notes_come_to_the_last() -> None:
    told = sample_notes()
    async with answering(lambda _: stream(*told)) as (url, asked), Client(url) as api:
        assert [note async for note in api.notes("c1")] == told
    assert asked[0].path == "/v1/calls/c1/events"
    assert "last-event-id" not in asked[0].headers


async def test_a_cut_stream_is_taken_up_where_it_broke() -> None:
    hello, bye = Said(0.5, "human", "Hello?"), Said(1.5, "agent", "Goodbye.")

    def answer(asked: Asked) -> Answer:
        match asked.headers.get("last-event-id"):
            case None:
                return stream(Answered(), hello, cut=True)
            case "2":
                return stream(bye, first=3)
            case _:
                return stream(ENDED, first=4)

    async with answering(answer) as (url, asked), Client(url) as api:
        assert [note async for note in api.notes("c1")] == [Answered(), hello, bye, ENDED]
    assert [request.headers.get("last-event-id") for request in asked] == [None, "2", "3"]


async def test_events_of_a_newer_server_are_passed_over() -> None:
    body = b'id: 1\nevent: sang\ndata: {"at": 1.0}\n\nid: 2\nevent: said\ndata: no json\n\n' + event(3, ENDED)
    async with answering(lambda _: Answer(body=body)) as (url, _), Client(url) as api:
        assert [note async for note in api.notes("c1")] == [ENDED]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (stream(Answered(), cut=True), "lost the server|stopped before its end"),
        (stream(), "stopped before its end"),
        (Answer(404, b'{"error": {"code": "not_found", "message": "no such call"}}'), "no such call"),
    ],
)
async def test_a_stream_that_never_ends_well_is_given_up(answer: Answer, words: str) -> None:
    def then_nothing(asked: Asked) -> Answer:
        return stream() if asked.headers.get("last-event-id") else answer

    async with answering(then_nothing) as (url, _), Client(url) as api:
        with pytest.raises(OutwaitError, match=words):
            _ = [note async for note in api.notes("c1")]


def world(call: dict[str, Any]) -> Any:
    def answer(asked: Asked) -> Answer:
        if asked.method == "POST":
            return Answer(201, b'{"id": "c1", "status": "queued"}')
        if asked.path.endswith("/events"):
            return stream(*sample_notes())
        return Answer(body=json.dumps(call).encode())

    return answer


async def test_following_shows_the_call_and_its_bill(capsys: pytest.CaptureFixture[str]) -> None:
    async with answering(world(sample_call())) as (url, _):
        assert await client._run_call(url, {"to": "+12025550143", "task": "x"}, follow=True, as_json=False) == 0
    shown = capsys.readouterr().out
    for words in ("Are you still there?", "a person is back, 0.97", "Timeline", "parking saved $2.2271"):
        assert words in shown


async def test_json_stands_alone(capsys: pytest.CaptureFixture[str]) -> None:
    async with answering(world(sample_call())) as (url, _):
        await client._run_call(url, {"to": "+12025550143", "task": "x"}, follow=True, as_json=True)
    said = capsys.readouterr()
    assert json.loads(said.out) == sample_call()
    assert "Are you still there?" in said.err


async def test_a_call_that_failed_is_a_failed_job() -> None:
    call = sample_call() | {"end_reason": {"result": "client_error", "cause": "busy"}}
    async with answering(world(call)) as (url, _):
        with pytest.raises(OutwaitError, match="ended as client_error: busy"):
            await client._run_call(url, {"to": "+12025550143", "task": "x"}, follow=True, as_json=False)


def test_no_server_is_said_so() -> None:
    with pytest.raises(OutwaitError, match=r"no server at http://127\.0\.0\.1:9"):
        run_call("http://127.0.0.1:9", {}, follow=False, as_json=False)
