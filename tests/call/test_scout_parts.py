"""Clips, queues and who answered: the small machines that read the line."""

from __future__ import annotations

from typing import Any

import pytest

from outwait.call.answering import HELLO, LONGEST, PAUSE, WORDS, Answering
from outwait.call.clips import LONGEST as LONGEST_CLIP
from outwait.call.clips import Clip, Clips
from outwait.call.greeting import AFTER, Greeting
from outwait.call.hold_events import Scored
from outwait.call.reading import read
from outwait.call.sentences import Sentences
from outwait.call.waiting import AGAIN, Answer, Queue
from outwait.testing import scored

STEP = 0.2


class Line:
    """Stretches of sound, one after the other."""

    def __init__(self) -> None:
        self.at = 0.0

    def hear(self, seconds: float, **scores: float) -> list[Scored]:
        found = []
        for _ in range(round(seconds / STEP)):
            self.at = round(self.at + STEP, 2)
            found.append(scored(self.at, **scores))
        return found


def cut(clips: Clips, stretches: list[Scored]) -> list[Clip]:
    return [clip for stretch in stretches if (clip := clips.hear(stretch)) is not None]


def test_a_voice_is_cut_at_its_pauses_and_not_at_its_breaths() -> None:
    line, clips = Line(), Clips()
    line.hear(1.0)
    found = cut(clips, line.hear(2.0, speech=0.9) + line.hear(0.4) + line.hear(1.0, speech=0.9) + line.hear(1.0))
    assert len(found) == 1
    assert found[0].start == pytest.approx(0.7)
    assert found[0].end == pytest.approx(4.7)
    assert found[0].whole


def test_a_voice_that_goes_on_is_cut_all_the_same() -> None:
    line, clips = Line(), Clips()
    found = cut(clips, line.hear(25.0, speech=0.9))
    assert [clip.whole for clip in found] == [False, False]
    assert all(clip.end - clip.start <= LONGEST_CLIP + STEP for clip in found)
    assert found[1].start == found[0].end, "nothing is lost between"


def test_it_is_cut_where_it_is_quietest_and_not_in_a_word() -> None:
    line, clips = Line(), Clips()
    stretches = line.hear(8.0, speech=0.9, floor=-30.0) + line.hear(0.2, speech=0.9, floor=-60.0)
    found = cut(clips, stretches + line.hear(6.0, speech=0.9, floor=-30.0) + line.hear(1.0))
    assert [clip.whole for clip in found] == [False, True]
    assert found[0].end == found[1].start == pytest.approx(8.1)


def test_a_sentence_that_was_cut_is_read_whole() -> None:
    sentences = Sentences()
    first = sentences.read(Clip(1, 0.0, 9.0, 0, False), "You are caller number six. The estimated hold time.")
    assert (first.position, first.wait_seconds) == (6, None)
    second = sentences.read(Clip(2, 9.0, 11.0, 0, True), "Is less than 30. Five minutes.")
    assert (second.position, second.wait_seconds) == (None, 2100)
    assert sentences.read(Clip(3, 11.0, 12.0, 0, True), "Five minutes.").wait_seconds is None


def test_a_click_is_no_clip() -> None:
    line, clips = Line(), Clips()
    assert cut(clips, line.hear(0.2, speech=0.9) + line.hear(2.0)) == []


def test_a_repeat_says_what_it_repeats() -> None:
    line, clips = Line(), Clips()
    cut(clips, line.hear(4.0, speech=0.9) + line.hear(26.0))
    again = cut(clips, line.hear(1.0, speech=0.9) + line.hear(3.0, speech=0.9, repeated=0.9, ago=30.0) + line.hear(1.0))
    assert [clip.repeats for clip in again] == [1]
    partly = cut(
        clips, line.hear(3.0, speech=0.9) + line.hear(1.0, speech=0.9, repeated=0.9, ago=34.0) + line.hear(1.0)
    )
    assert [clip.repeats for clip in partly] == [0], "what is new in it has to be read"


def test_places_and_waits_are_kept() -> None:
    queue = Queue(takes=False)
    assert queue.hear(read("You are number 4 in the queue."), 30.0)
    assert queue.hear(read("Your estimated wait time is 10 minutes."), 60.0)
    assert not queue.hear(read("Your call is important to us."), 90.0)
    assert (queue.position, queue.wait_seconds, queue.heard_at) == (4, 600, 60.0)


def test_a_place_is_kept_each_time_but_not_twice_at_once() -> None:
    queue = Queue(takes=False)
    asked = read("To keep your place in the queue, press 1 now.")
    assert queue.answer(asked, 40.0) == Answer("1", why="the place in the queue is kept")
    assert queue.answer(asked, 40.0 + AGAIN / 2) is None
    assert queue.answer(asked, 100.0) is not None


def test_a_queue_that_takes_words_is_told_them() -> None:
    queue = Queue(takes=False)
    asked = read("Say yes to stay on the line.")
    assert queue.answer(asked, 40.0) == Answer(say="yes", why="the place in the queue is kept")
    assert queue.answer(asked, 41.0) is None
    assert queue.answer(read("To keep your place, press 1."), 42.0) == Answer("1", why="the place in the queue is kept")


def test_an_offer_is_refused_with_its_key_or_taken_and_confirmed() -> None:
    offer = read("For us to call you back, press 2. To stay in the queue, press 1.")
    refused = Queue(takes=False).answer(offer, 10.0)
    assert refused is not None
    assert (refused.keys, refused.took) == ("1", False)
    queue = Queue(takes=True)
    taken = queue.answer(offer, 10.0)
    assert taken is not None
    assert (taken.keys, taken.took) == ("2", True)
    confirmed = queue.answer(read("To confirm this number, press 3."), 15.0)
    assert confirmed is not None
    assert (confirmed.keys, confirmed.took) == ("3", True)
    assert queue.answer(read("To keep your place, press 1."), 40.0) is None, "we wait to be called"


def test_an_offer_without_a_key_to_refuse_is_left_alone() -> None:
    assert Queue(takes=False).answer(read("Press two if you would like us to call you back."), 5.0) is None


def who(first: list[tuple[float, dict[str, float]]], words: str = "", **more: Any) -> str | None:
    line, answering = Line(), Answering(2.0, reads=True)
    for seconds, scores in first:
        for stretch in line.hear(seconds, **scores):
            answering.hear(stretch)
    if words:
        answering.read(read(words), words)
    return answering.who


VOICE = {"speech": 0.9}


@pytest.mark.parametrize(
    ("heard", "words", "wanted"),
    [
        ([(HELLO - 0.3, VOICE), (PAUSE + 0.3, {})], "", "person"),
        ([(3.0, VOICE), (0.6, {})], "Good morning, this is Sam, how can I help you?", "person"),
        ([(3.0, VOICE), (0.6, {})], "For billing, press 1.", "machine"),
        ([(3.0, VOICE), (0.6, {})], "Please leave a message after the tone.", "voicemail"),
        ([(3.0, VOICE), (0.6, {})], "Please say your name and why you call.", "screening"),
        ([(3.0, VOICE), (PAUSE + WORDS + 0.4, {})], "", "person"),
        ([(LONGEST + 0.4, VOICE)], "", "person"),
        ([(3.0, {"music": 0.9})], "", "machine"),
        ([(2.4, {})], "", "nobody"),
        ([(3.0, VOICE), (0.6, {})], "", None),
    ],
)
def test_who_answered(heard: list[tuple[float, dict[str, float]]], words: str, wanted: str | None) -> None:
    assert who(heard, words) == wanted


def test_words_that_are_late_correct_a_guess_and_not_a_certainty() -> None:
    menu = "For billing, press 1."
    assert who([(3.0, VOICE), (PAUSE + WORDS + 0.4, {})], menu) == "machine"
    assert who([(2.4, {})], menu) == "machine"
    assert who([(1.0, VOICE), (1.0, {})], menu) == "person"


def test_tones_tell_without_words() -> None:
    answering = Answering(2.0, reads=False)
    assert not answering.open, "the agent listens from the beginning"
    assert answering.beeped() == "voicemail"
    assert answering.beeped() is None, "it is told once"
    assert Answering(2.0, reads=False).fax() == "fax"


GREETED: list[tuple[float, dict[str, float]]] = [(1.0, {}), (4.0, {"speech": 0.9}), (0.6, {})]


def beeped(
    before: list[tuple[float, dict[str, float]]], after: list[tuple[float, dict[str, float]]], words: str = ""
) -> float | None:
    """When a voicemail is known for one, s after the end of a beep of 0.4 s between the two; None: it is none."""
    line, greeting = Line(), Greeting()
    for seconds, scores in before:
        ours = dict(scores)
        speaking = bool(ours.pop("we_speak", 0.0))
        for stretch in line.hear(seconds, **ours):
            greeting.hear(stretch, speaking)
    if words:
        greeting.read(read(words))
    greeting.beep(line.at, line.at + 0.4)
    end = line.at + 0.4
    for seconds, scores in [(0.4, {"tone": 0.9}), *after]:
        for stretch in line.hear(seconds, **scores):
            if greeting.hear(stretch, speaking=False):
                return round(stretch.at - end, 2)
    return None


@pytest.mark.parametrize(
    ("before", "after", "words", "wanted"),
    [
        (GREETED, [(3.0, {})], "", True),
        (GREETED, [(3.0, {})], "Please leave a message after the tone.", True),
        ([(1.0, {})], [(3.0, {})], "", False),  # a beep alone
        (GREETED, [(0.4, {}), (3.0, {"speech": 0.9})], "", False),  # a recorded line: somebody goes on
        (GREETED, [(0.4, {}), (3.0, {"music": 0.9})], "", False),
        (GREETED, [(3.0, {})], "This call may be recorded for quality purposes.", False),
        ([*GREETED, (5.0, {})], [(3.0, {})], "", False),  # long after it
        ([(3.0, {"music": 0.9}), *GREETED], [(3.0, {})], "", False),  # a queue
        # A talk on a line that beeps now and then because it is recorded.
        ([*GREETED, (4.0, {"we_speak": 1.0}), (3.0, {"speech": 0.9})], [(3.0, {})], "", False),
        (
            [(1.0, {}), (4.0, {"speech": 0.9}), (1.4, {"we_speak": 1.0})],
            [(3.0, {})],
            "",
            True,
        ),  # we answered a greeting
    ],
)
def test_a_voicemail_s_beep_is_told_from_others(
    before: list[tuple[float, dict[str, float]]], after: list[tuple[float, dict[str, float]]], words: str, wanted: bool
) -> None:
    found = beeped(before, after, words)
    assert found == (pytest.approx(AFTER, abs=STEP) if wanted else None)


@pytest.mark.parametrize(
    ("heard", "words", "carrier", "wanted"),
    [
        ([(3.0, VOICE), (0.6, {})], "", "machine", "machine"),  # nothing was read yet
        ([(3.0, VOICE), (0.6, {})], "", "person", "person"),
        ([(3.0, VOICE), (PAUSE + WORDS + 0.4, {})], "", "machine", "machine"),  # a guess gives way
        ([(1.0, VOICE), (1.0, {})], "", "machine", "person"),  # a short hello and a pause
        ([(3.0, VOICE), (0.6, {})], "Good morning, this is Sam.", "machine", "person"),  # words
        ([(3.0, VOICE), (0.6, {})], "For billing, press 1.", "person", "machine"),
        ([(3.0, VOICE), (0.6, {})], "For billing, press 1.", "voicemail", "voicemail"),
        ([(3.0, VOICE), (0.6, {})], "Please say your name and why you call.", "machine", "screening"),
        ([(2.4, {})], "", "person", "person"),
        ([(2.4, {})], "", "fax", "fax"),
        ([(3.0, VOICE), (0.6, {})], "", "unknown", None),
    ],
)
def test_the_carrier_is_one_more_witness(
    heard: list[tuple[float, dict[str, float]]], words: str, carrier: str, wanted: str | None
) -> None:
    line, answering = Line(), Answering(2.0, reads=True)
    for seconds, scores in heard:
        for stretch in line.hear(seconds, **scores):
            answering.hear(stretch)
    if words:
        answering.read(read(words), words)
    answering.carrier(carrier)
    assert answering.who == wanted


def test_opening_hours_are_told_once() -> None:
    queue = Queue(takes=False)
    hours = read("Our office hours are Monday to Friday, 9 a.m. to 5 p.m. We are now closed.")
    assert queue.hear(hours, 5.0)
    assert "monday to friday" in queue.hours
    assert queue.closed
    assert not queue.hear(hours, 40.0), "nothing new"
    assert queue.position is None
