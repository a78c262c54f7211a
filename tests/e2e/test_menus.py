"""Menus, queues and voicemail over sockets, with a recogniser that makes no mistakes: whole calls to companies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from outwait.call.policy import Policy
from tests.e2e.house import House, house
from tests.sim.program import virtual

DEAF = """
about = "A menu that hears no keys."
task = "Find out when the parcel will be delivered."
steps = [{ ring = 1 }, { menu = "main" }]

[parts]
bye = [{ hangup = true }]

[menus.main]
say = "For parcels, press 2. For anything else, press 0."
keys = { "9" = "bye" }
repeats = 4
otherwise = "bye"
"""
ARRIVES = "tomorrow between ten and twelve"


def pressed(record: dict[str, Any]) -> list[str]:
    return [step["keys"] for step in record["menu"] if step["keys"]]


def model_seconds(record: dict[str, Any]) -> float:
    return sum(float(session["closed_at"] - session["opened_at"]) for session in record["sessions"])


def talk_seconds(record: dict[str, Any]) -> float:
    return sum(float(part["end"] - part["start"]) for part in record["timeline"] if part["kind"] == "talk")


def streams(here: House) -> list[int]:
    return [len(call.streams) for call in here.stage.carrier.calls.values()]


def cheap(record: dict[str, Any]) -> None:
    assert model_seconds(record) <= talk_seconds(record) * 1.1


@virtual
async def test_nested_menus_and_the_second_time_without_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house("companies/nested_menu", tmp_path, monkeypatch, reads=True) as here:
        first = await here.whole_call()
        before = here.stage.model.responses
        second = await here.whole_call()
        for record in (first, second):
            assert record["end_reason"] == {"result": "success", "cause": "hangup_call"}
            assert ARRIVES in record["outcome"]
            assert record["answered_by"] == "machine"
            assert pressed(record) == ["2", "3"]
            assert len(record["sessions"]) == 1, "only the person is talked to"
            cheap(record)
        assert [step["why"] for step in second["menu"]] == ["as on the last call"] * 2
        assert second["warmups"] == 0
        opened = second["sessions"][0]["opened_at"]
        assert opened > max(step["at"] for step in second["menu"])
        assert opened > second["timeline"][0]["end"]
        assert here.stage.model.responses - before == 2, "its answer and its goodbye: no phrase, no menu"
        assert streams(here) == [1, 1], "no stream is torn for keys"


@virtual
async def test_a_menu_that_has_changed_is_learned_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[dict[str, Any]] = []
    for company in ("companies/nested_menu", "companies/changed_menu"):
        async with house(company, tmp_path, monkeypatch, reads=True) as here:
            found.append(await here.whole_call())
            assert streams(here) == [1]
    assert [pressed(record) for record in found] == [["2", "3"], ["4", "1"]]
    assert all(ARRIVES in record["outcome"] for record in found)
    assert [step["why"] for step in found[1]["menu"]] == ["for: parcels", "for: parcel has not been delivered"]


@virtual
async def test_a_menu_that_wants_words_hears_the_agent_once_and_its_sound_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house("companies/words_menu", tmp_path, monkeypatch, reads=True) as here:
        first = await here.whole_call()
        second = await here.whole_call()
        for record in (first, second):
            assert ARRIVES in record["outcome"]
            cheap(record)
        assert [session["reason"] for session in first["sessions"]] == ["hold", "ended"]
        assert [session["reason"] for session in second["sessions"]] == ["ended"]
        said = [line["text"] for line in second["transcript"] if line["role"] == "agent"]
        assert said[0] == "Parcels."


@virtual
async def test_a_way_in_a_circle_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house("companies/dead_end", tmp_path, monkeypatch, reads=True) as here:
        first = await here.whole_call()
        assert pressed(first) == ["1", "0"]
        second = await here.whole_call()
        assert pressed(second) == ["0"], "only what led on is kept"
        assert ARRIVES in second["outcome"]
        assert streams(here) == [1, 1]


@virtual
async def test_a_number_that_is_asked_for_is_in_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house("companies/number_wanted", tmp_path, monkeypatch, reads=True) as here:
        record = await here.whole_call()
        assert pressed(record) == ["4712"]
        assert ARRIVES in record["outcome"]
        cheap(record)


@virtual
async def test_the_path_comes_before_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house("companies/nested_menu", tmp_path, monkeypatch, reads=True) as here:
        record = await here.whole_call(menu_path=["letters"])
        assert pressed(record)[0] == "1"


@virtual
async def test_a_place_is_kept_and_told_without_a_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house("companies/keep_place", tmp_path, monkeypatch, reads=True) as here:
        record = await here.whole_call()
        assert pressed(record) == ["1", "1", "1"]
        assert ARRIVES in record["outcome"]
        assert here.stage.proof.seconds_with_socket == 0
        cheap(record)


@virtual
async def test_the_place_in_the_queue_is_on_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house("companies/queue_positions", tmp_path, monkeypatch, reads=True) as here:
        record = await here.whole_call()
        assert record["queue"]["position"] == 1
        assert 200 < record["queue"]["heard_at"] < 260
        assert ARRIVES in record["outcome"]


@virtual
async def test_an_offer_to_call_back_is_refused_or_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house("companies/call_back", tmp_path, monkeypatch, reads=True) as here:
        refused = await here.whole_call()
        assert pressed(refused)[0] == "1"
        assert refused["call_back"] is None
        taken = await here.whole_call(call_back_minutes=30)
        assert pressed(taken)[0] == "2"
        assert taken["call_back"]["state"] == "back"
        assert ARRIVES in taken["outcome"]


@virtual
async def test_a_voicemail_gets_a_message_after_its_beep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house("companies/voicemail", tmp_path, monkeypatch, reads=True) as here:
        record = await here.whole_call()
        assert record["answered_by"] == "voicemail"
        assert "message" in record["outcome"]
        (call,) = here.stage.carrier.calls.values()
        greeting = next(entry for entry in call.far_end.diary if entry.kind == "said")
        said = next(line for line in record["transcript"] if line["role"] == "agent")
        assert said["at"] >= greeting.end + 0.6 + 0.4, "nothing is said before the beep is nearly over"
        cheap(record)


@pytest.mark.parametrize("reads", [True, False])
@virtual
async def test_a_voicemail_is_hung_up_on(reads: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house("companies/voicemail", tmp_path, monkeypatch, reads=reads) as here:
        record = await here.whole_call(voicemail="hang_up")
        assert record["end_reason"] == {"result": "client_error", "cause": "voicemail"}
        assert record["answered_by"] == "voicemail"


@virtual
async def test_a_screener_is_told_who_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house("companies/screening", tmp_path, monkeypatch, reads=True) as here:
        record = await here.whole_call()
        assert record["answered_by"] == "screening"
        assert ARRIVES in record["outcome"]


@virtual
async def test_a_person_who_answers_is_talked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house("silence_hold", tmp_path, monkeypatch, reads=True) as here:
        record = await here.whole_call()
        assert record["answered_by"] == "person"
        assert ARRIVES in record["outcome"]
        assert [part["kind"] for part in record["timeline"]] == ["talk", "hold", "talk"]
        cheap(record)


@virtual
async def test_keys_that_are_not_heard_go_the_carriers_own_way_the_third_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A menu that hears no key that it names."""
    company = tmp_path / "deaf.toml"
    company.write_text(DEAF)
    for policy, streams_wanted, played in ((Policy(), 2, "2"), (Policy(keys_fallback=False), 1, "")):
        async with house(str(company), tmp_path, monkeypatch, reads=True, policy=policy) as here:
            record = await here.whole_call()
            (call,) = here.stage.carrier.calls.values()
            assert len(call.streams) == streams_wanted
            assert call.digits_played == played
            assert pressed(record)[:3] == ["2", "2", "2"]
            assert pressed(record)[3:4] == ["0"], "then the next best"
            assert record["end_reason"]["cause"] == "remote_hangup"


WITNESS = """
about = "A recording that says nothing a reader knows, then a person."
task = "Find out when the parcel will be delivered."
steps = [
  { ring = 1 },
  { say = "Did you know? You can track your parcel on our website at any time.", by = "recorded" },
  { hold = "0:40", sound = "beat", every = 0 },
  { say = "Hello, thanks for holding. Are you still there?" },
  { listen = 12, quiet = 2.0, nudge = "Hello? Are you there?" },
  { say = "Your parcel left the depot this morning. The driver will be with you tomorrow between ten and twelve. Is there anything else?" },
  { wait = 20 },
]

[carrier]
amd = "machine_start"
amd_after = 1.0
"""  # noqa: E501


@pytest.mark.parametrize("asked", [True, False])
@virtual
async def test_the_carriers_word_on_who_answered_is_asked_for_when_it_is_wanted(
    asked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = tmp_path / "witness.toml"
    company.write_text(WITNESS)
    more = {"OUTWAIT_CARRIER_AMD": "true"} if asked else {}
    async with house(str(company), tmp_path, monkeypatch, reads=True, **more) as here:
        record = await here.whole_call()
        assert ARRIVES in record["outcome"]
        (call,) = here.stage.carrier.calls.values()
        told = [decision["why"] for decision in record["decisions"] if decision["kind"] == "carrier_judged"]
        billed = [item["usd"] for item in record["cost"]["items"] if item["what"] == "who answered"]
        assert told == (["machine"] if asked else [])
        assert billed == ([0.0075] if asked else []), "it costs money, and is off by default"
        assert ("MachineDetection" in call.options) is asked
        assert [sent.status for sent in call.sent if sent.kind == "amd"] == ([204] if asked else [])
        if asked:
            assert record["answered_by"] == "machine"
            assert len(record["sessions"]) == 1, "nobody was paid to hear a recording"
