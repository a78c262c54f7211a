from typing import Any

import pytest

from outwait.call.context import Context
from outwait.engines.cascade.history import History
from outwait.local.mind import Reply, reply

TASK = "Find out when parcel four seven one two will be delivered."
TOOLS = ("hangup_call", "wait_on_hold", "press_digits", "transfer_call")
PURPOSE = "I'm calling to find out when parcel four seven one two will be delivered."
GREETING = f"Hello, this is the AI assistant. {PURPOSE}"
HELD = "You were on hold for 25 min 0 s. A person has just come back on the line; it may be somebody else."


def talk(*said: tuple[str, str], task: str = TASK, disclosure: str = "the AI assistant") -> list[dict[str, Any]]:
    """A conversation as the cascade tells it; `said`: role and words."""
    instructions = Context(task, disclosure, max_tokens=1000).instructions
    messages = History(instructions, ()).messages()
    return messages + [{"role": role, "content": words} for role, words in said]


def test_it_says_who_it_is_and_why_it_calls() -> None:
    assert reply(talk(("user", "Good morning, Northwind Parcels. How can I help you?")), TOOLS) == Reply(GREETING)
    assert reply(talk(), TOOLS) == Reply(GREETING)
    assert reply(talk(disclosure=""), TOOLS) == Reply(f"Hello. {PURPOSE}")


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("Please book a table for two at eight. Ask for a window.", "I'm calling to book a table for two at eight."),
        ("The invoice 12 is wrong", "I'm calling about this: The invoice 12 is wrong."),
    ],
)
def test_any_task_makes_a_sentence(task: str, said: str) -> None:
    assert reply(talk(("user", "Hello?"), task=task), TOOLS).say == f"Hello, this is the AI assistant. {said}"


@pytest.mark.parametrize(
    "heard", ["Sure, let me look that up for you. Please hold.", "One moment.", "Bear with me, I have to ask."]
)
def test_it_waits_when_it_is_asked_to(heard: str) -> None:
    wanted = reply(talk(("user", "Hello?"), ("assistant", GREETING), ("user", heard)), TOOLS)
    assert wanted == Reply("Of course, I'll hold.", (("wait_on_hold", {"reason": heard}),))


def test_a_recording_is_not_answered() -> None:
    heard = "Thank you for holding. Your call is important to us. Please stay on the line."
    wanted = reply(talk(("assistant", GREETING), ("system", HELD), ("user", heard)), TOOLS)
    assert not wanted.say
    assert wanted.calls[0][0] == "wait_on_hold"


def test_who_comes_back_is_told_why_it_calls() -> None:
    heard = "Hello, thanks for holding. Are you still there?"
    wanted = reply(talk(("assistant", GREETING), ("system", HELD), ("user", heard)), TOOLS)
    assert wanted == Reply(f"Yes, this is the AI assistant. {PURPOSE}")


@pytest.mark.parametrize("introduced", ["Hello, this is the AI assistant. I'm calling ... (interrupted)", "Hello?"])
def test_what_it_is_told_is_the_outcome(introduced: str) -> None:
    heard = (
        "Your parcel left the depot this morning. The driver will be with you tomorrow between 10 and 12. "
        "Is there anything else?"
    )
    wanted = reply(talk(("assistant", introduced), ("system", HELD), ("user", heard)), TOOLS)
    assert "Goodbye" in wanted.say
    ((name, arguments),) = wanted.calls
    assert name == "hangup_call"
    assert "tomorrow between 10 and 12" in arguments["outcome"]
    assert "anything else" not in arguments["outcome"]


@pytest.mark.parametrize("heard", ["Yes, hello.", "Okay.", "Sure, of course.", "Sorry, which parcel was it?"])
def test_a_politeness_or_a_question_is_no_answer(heard: str) -> None:
    wanted = reply(talk(("assistant", GREETING), ("user", heard)), TOOLS)
    assert wanted.say
    assert not wanted.calls


def test_a_goodbye_ends_the_call() -> None:
    wanted = reply(talk(("assistant", GREETING), ("user", "No. Goodbye.")), TOOLS)
    assert [name for name, _ in wanted.calls] == ["hangup_call"]


@pytest.mark.parametrize(
    ("heard", "key"), [("For deliveries, press to.", "2"), ("Press pound.", "#"), ("press 7", "7")]
)
def test_a_menu(heard: str, key: str) -> None:
    wanted = reply(talk(("assistant", GREETING), ("user", heard)), TOOLS)
    assert wanted == Reply("", (("press_digits", {"digits": key}),))


def test_what_it_is_asked_for_once() -> None:
    goodbye = "Thank the person and say goodbye in one short sentence."
    assert reply(talk(("user", "Fine."), ("system", goodbye)), ()) == Reply("Thank you. Goodbye.")
    unclear = "The person made a sound that could not be understood. Go on, or ask them to repeat it."
    assert "again" in reply(talk(("system", unclear)), TOOLS).say


def test_a_tool_that_is_not_there_is_not_called() -> None:
    assert not reply(talk(("assistant", GREETING), ("user", "Please hold.")), ("hangup_call",)).calls
