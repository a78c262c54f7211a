"""Tools of the agent's own, by playbook: run once, not waited for without end, and told back whatever has happened."""

from __future__ import annotations

import json
from typing import Any

from outwait.call import notes
from outwait.call.commands import AnswerTool, AskResponse, FetchLeg, Finish, HangUp, OpenSession, RunTool
from outwait.call.events import (
    HangUpAsked,
    PersonStarted,
    PersonStopped,
    ResponseEnded,
    ResponseStarted,
    Restarted,
    SessionClosed,
    SessionOpened,
    StreamLost,
    StreamStarted,
    ToolAnswered,
    ToolCalled,
    ToolFailed,
    Trouble,
)
from outwait.call.policy import Policy
from outwait.call.tools import ToolSpec
from outwait.testing import Playbook
from tests.call.test_machine import talking

OBJECT: dict[str, Any] = {"type": "object", "properties": {}}
LOOK = ToolSpec(name="look_up", description="Looks.", parameters=OBJECT, timeout=5.0, idempotent=True)
BOOK = ToolSpec(name="book", description="Books.", parameters=OBJECT, timeout=5.0)
RUN_BOOK = RunTool("tool 1", "book", "{}", 5.0)


def calling(*names: str, policy: Policy | None = None) -> Playbook:
    """A call in which the agent has just called these tools in one response."""
    book = talking(policy, tools=(LOOK, BOOK))
    book >> ResponseStarted(1, "r1")
    for number, name in enumerate(names, 1):
        if number > 1:
            book << RunTool
        book >> ToolCalled(1, "r1", f"c{number}", name, "{}")
    return book


def how(book: Playbook) -> list[str]:
    return [note.how for note in book.notes(notes.ToolRan)]


def test_its_answer_goes_to_the_model_which_then_speaks() -> None:
    book = calling("book")
    book << RUN_BOOK
    book >> ResponseEnded(1, "r1", "completed")
    book >> ToolAnswered("tool 1", '{"number": 7}') << AnswerTool(1, "c1", '{"number": 7}') << AskResponse
    assert how(book) == ["answered"]
    book >> ToolAnswered("tool 1", "twice")
    assert how(book) == ["answered"]


def test_it_is_told_why_a_tool_failed() -> None:
    book = calling("book")
    book << RUN_BOOK >> ResponseEnded(1, "r1", "completed")
    book >> ToolFailed("tool 1", "arguments", "book: day: too far away")
    answer = book._pending[0]
    assert isinstance(answer, AnswerTool)
    assert json.loads(answer.output) == {"error": "book: day: too far away"}
    book << AnswerTool << AskResponse
    assert how(book) == ["arguments"]


def test_two_tools_of_one_response_are_answered_together() -> None:
    book = calling("look_up", "book")
    book << RunTool >> ResponseEnded(1, "r1", "completed")
    book >> ToolAnswered("tool 2", "2") << AnswerTool(1, "c2", "2")
    book >> ToolAnswered("tool 1", "1") << AnswerTool(1, "c1", "1") << AskResponse


def test_who_speaks_meanwhile_is_answered_by_their_own_turn() -> None:
    book = calling("book")
    book << RUN_BOOK >> ResponseEnded(1, "r1", "completed") >> PersonStarted(1)
    book >> ToolAnswered("tool 1", "1") << AnswerTool(1, "c1", "1")
    book >> PersonStopped(1)


def test_one_that_says_nothing_is_not_waited_for_without_end() -> None:
    book = calling("book")
    book << RUN_BOOK >> ResponseEnded(1, "r1", "completed")
    book.wait(6.9) << FetchLeg  # no sound has come for 5 s
    book.wait(1.9)
    book.done()
    book.wait(0.2) << AnswerTool << AskResponse
    assert how(book) == ["timeout"]
    book >> ToolAnswered("tool 1", "late")
    assert how(book) == ["timeout"]


def test_the_next_session_is_told_what_came_while_it_was_opened() -> None:
    book = calling("book")
    book << RUN_BOOK
    book >> SessionClosed(1, Trouble.LOST, 1006, "gone")
    book.wait(0.3) << OpenSession
    book >> ToolAnswered("tool 1", '{"number": 7}')
    book >> SessionOpened(2)
    (ask,) = [command for command in book._pending if isinstance(command, AskResponse)]
    assert '{"number": 7}' in ask.instructions
    book.ignore()
    book >> SessionClosed(2, Trouble.LOST, 1006, "gone")
    book.wait(1.0)
    (opened,) = [command for command in book._pending if isinstance(command, OpenSession)]
    assert [item.text for item in opened.seed if item.kind == "tool_output"] == ['{"number": 7}']


def test_what_comes_between_two_sessions_is_in_the_next_ones_seed() -> None:
    book = calling("book")
    book << RUN_BOOK >> SessionClosed(1, Trouble.LOST, 1006, "gone")
    book >> ToolAnswered("tool 1", '{"number": 7}')
    book.wait(0.3)
    (opened,) = [command for command in book._pending if isinstance(command, OpenSession)]
    assert [item.call_id for item in opened.seed if item.kind.startswith("tool")] == ["c1", "c1"]
    book.ignore() >> SessionOpened(2) << AskResponse


def test_on_hold_its_answer_waits() -> None:
    book = calling("book")
    book << RUN_BOOK >> ResponseEnded(1, "r1", "completed")
    book >> ToolCalled(1, "r1", "c2", "wait_on_hold", '{"reason": "she looks"}') << AnswerTool
    book.ignore()
    book.wait(5.0).ignore()
    book >> SessionClosed(1, None, 1000, "")
    book.ignore()
    book >> ToolAnswered("tool 1", '{"number": 7}')
    book.done()
    assert any(item.text == '{"number": 7}' for item in book.call._talk.context.seed())


def restart(book: Playbook) -> None:
    book >> SessionClosed(1, Trouble.LOST, 1006, "gone") >> StreamLost(1, 1006)
    book.ignore()
    book >> Restarted()


def test_after_a_restart_what_may_have_happened_is_not_done_again() -> None:
    book = calling("book")
    book << RUN_BOOK
    restart(book)
    assert not [command for command in book._pending if isinstance(command, RunTool)]
    book.ignore()
    assert how(book) == ["unknown"]
    book >> StreamStarted(2)
    (opened,) = [command for command in book._pending if isinstance(command, OpenSession)]
    (output,) = [item.text for item in opened.seed if item.kind == "tool_output"]
    assert "unknown" in json.loads(output)["error"]
    book.ignore() >> SessionOpened(2) << AskResponse


def test_after_a_restart_what_may_be_done_twice_is_done_again_with_the_same_key() -> None:
    book = calling("look_up")
    book << RunTool("tool 1", "look_up", "{}", 5.0, True)
    restart(book)
    assert [c for c in book._pending if isinstance(c, RunTool)] == [RunTool("tool 1", "look_up", "{}", 5.0, True)]
    book.ignore() >> ToolAnswered("tool 1", "1")
    assert how(book) == ["answered"]


def test_a_call_that_ends_does_not_wait_for_it() -> None:
    book = calling("book")
    book << RUN_BOOK >> HangUpAsked() << HangUp
    book.ignore()
    book >> ToolAnswered("tool 1", "1")
    book.done()
    assert how(book) == []
    assert not any(isinstance(command, Finish) for command in book._pending)


def test_not_too_many_at_once() -> None:
    book = calling("book", "book", policy=Policy(tools_at_once=1))
    book << AnswerTool
    assert how(book) == ["error"]


def test_an_unknown_tool_is_answered_with_those_there_are() -> None:
    book = calling("fly")
    answer = book._pending[0]
    assert isinstance(answer, AnswerTool)
    assert "look_up" in answer.output
    assert "hangup_call" in answer.output


def test_the_instructions_of_the_agent_come_beside_the_task() -> None:
    book = Playbook(talking(instructions="Northwind sells parcels.").call)
    assert "Northwind sells parcels." in book.call._talk.context.instructions
    assert "Ask when order 4711 ships." in book.call._talk.context.instructions
