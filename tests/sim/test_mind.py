"""The scripted agent: what it says and calls, and that it knows only what it was told."""

import pytest

from outwait.sim.mind import Lines, Mind, Turn, View

TASK = "Find out when parcel four seven one two will be delivered."
TOOLS = frozenset({"hangup_call", "wait_on_hold", "press_digits"})
LINES = Lines()
HELD = Turn("system", "You were on hold for 25 min 0 s. A person has just come back on the line.")


def answer(
    *turns: Turn, told: str = TASK, request: str = "", aside: bool = False, tools: frozenset[str] = TOOLS, forgets=()
):
    view = View(request or f"Your task: {told}", tuple(turns), tools, aside, request)
    return Mind(TASK, frozenset(forgets)).answer(view)


def person(text: str) -> Turn:
    return Turn("user", text)


@pytest.mark.parametrize(
    ("turns", "say", "tool"),
    [
        ([], LINES.task, ""),
        ([person("Good morning, this is Sam. How can I help you?")], LINES.task, ""),
        ([person("Sure. Please hold.")], LINES.hold, "wait_on_hold"),
        ([person("One moment, please.")], LINES.hold, "wait_on_hold"),
        ([HELD, person("Hello, thanks for holding. Are you still there?")], LINES.still, ""),
        ([HELD], LINES.there, ""),
        ([person("Sure. Please hold."), Turn("call", "wait_on_hold"), Turn("result", "{}"), HELD], LINES.still, ""),
        ([person("Hi"), Turn("assistant", LINES.task), person("What?")], LINES.still, ""),
        ([person("It will be delivered tomorrow. Anything else?")], LINES.bye, "hangup_call"),
        ([person("For deliveries, press 2.")], "", "press_digits"),
        ([person("Thank you for holding. Your call is important to us. Please stay on the line.")], "", "wait_on_hold"),
        ([HELD, person("Your call is important to us. Hello, this is Sam.")], LINES.still, ""),
        ([Turn("call", "wait_on_hold"), Turn("result", "{}")], "", ""),
        ([Turn("call", "hangup_call"), Turn("result", "{}")], LINES.goodbye, ""),
        ([Turn("call", "press_digits"), Turn("result", "{}")], LINES.still, ""),
        ([person("Say yes to stay on the line.")], "Yes.", ""),
        ([person("To keep your place in the queue, please say hold.")], "Hold.", ""),
        ([person("Please enter your parcel number, followed by the pound key.")], "", "press_digits"),
    ],
)
def test_what_it_says(turns, say, tool):
    plan = answer(*turns)
    assert plan.say == say
    assert [name for name, _ in plan.calls] == ([tool] if tool else [])


def test_the_outcome_holds_what_was_said():
    ((_, arguments),) = answer(person("It will be delivered tomorrow.")).calls
    assert set(arguments) == {"reason", "outcome"}
    assert "delivered tomorrow" in arguments["outcome"]
    ((_, keys),) = answer(person("Press star to go on.")).calls
    assert keys == {"digits": "*"}


def test_it_ends_a_number_as_it_is_told() -> None:
    ((_, keys),) = answer(person("Please enter your parcel number, followed by the pound key.")).calls
    assert keys == {"digits": "4712#"}


def test_it_leaves_a_message_when_it_is_told_of_the_beep() -> None:
    plan = answer(HELD, person(""), request=f"{TASK} You have reached a voicemail, and its beep has just sounded.")
    assert plan.say == LINES.message
    assert [name for name, _ in plan.calls] == ["hangup_call"]


def test_without_its_task_it_is_lost():
    assert answer(person("Hello?"), told="Be nice.").say == LINES.lost
    assert answer(HELD, Turn("system", TASK), person("Hello?"), told="Be nice.").say == LINES.still


def test_it_reads_aloud_what_it_is_given():
    request = 'Say exactly: "Yes, hello, I\'m here."'
    assert answer(request=request, aside=True).say == "Yes, hello, I'm here."
    request = "Read the following line aloud. Say these words exactly, nothing else: I am still on the line."
    assert answer(request=request, aside=True).say == "I am still on the line."
    assert answer(person("Hi"), aside=True).say == "Hi"
    assert answer(person("Hi"), request="Thank the person and say goodbye in one short sentence.").say == LINES.goodbye


def test_it_calls_only_what_it_has_and_does_not_forget():
    assert answer(person("Please hold."), tools=frozenset()).calls == ()
    assert answer(person("Please hold."), forgets=["wait_on_hold"]).calls == ()
