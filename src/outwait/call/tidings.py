"""What the agent is told of the line, in words: who is back, and how long it took."""

from __future__ import annotations

from outwait.call.setup import Setup

_PASSED_ON = (
    "you have been passed on, so this is most likely somebody else, who knows nothing of this call: explain again, "
    "shortly, from the beginning."
)


def back_after_hold(setup: Setup, held: float, phrase: str | None, *, passed_on: bool) -> str:
    """`held`: media s; `phrase`: what was said to them already, on hold; `passed_on`: it rang somewhere else."""
    minutes, seconds = divmod(round(held), 60)
    said = f' While the line was connected you already said to them: "{phrase}"' if phrase else ""
    other = _PASSED_ON if passed_on else "it may be somebody else."
    return (
        f"You were on hold for {minutes} min {seconds} s. A person has just come back on the line; "
        f"{other}{said} Listen to what they say, {_introduction(setup)} if they may not know, and go on with "
        "the task. Should it be a recording, a queue announcement or music after all, say nothing and call "
        "wait_on_hold."
    )


def called_back(setup: Setup, waited: float) -> str:
    """`waited`: s."""
    minutes = max(1, round(waited / 60))
    return (
        f"They have called you back, as they had promised, {minutes} min later. It may be somebody else: "
        f"listen to what they say, {_introduction(setup)}, and go on with the task."
    )


def _introduction(setup: Setup) -> str:
    what = ["whom you call for"]
    if setup.disclosure:
        what.insert(0, "that you are an AI assistant")
    if setup.recorded:
        what.append("that the call is recorded")
    return f"say again in a few words {', and '.join(what)}"
