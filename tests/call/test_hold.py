"""Playbooks for the hold: what the line carries, stretch by stretch, and what is decided."""

import itertools
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outwait.call.hold import (
    FORUM_RULE,
    AnnouncementHeard,
    HoldEvent,
    HoldLogic,
    HoldPolicy,
    HoldSuspected,
    HumanReturned,
    LineDead,
    MaybeHuman,
    NobodyThere,
    Scored,
    SegmentHeard,
)

STEP = 0.16
SOUNDS: dict[str, dict[str, float]] = {
    "music": {"music": 0.95, "level": -24.0, "floor": -34.0},
    "song": {"music": 0.9, "singing": 0.8, "speech": 0.2, "level": -24.0, "floor": -34.0},
    "person": {"speech": 0.95, "level": -22.0, "floor": -46.0, "live": 0.85},
    "prompt": {"speech": 0.97, "level": -22.0, "floor": -60.0, "live": 0.15},
    "prompt over music": {"speech": 0.9, "music": 0.8, "level": -20.0, "floor": -32.0, "live": 0.2},
    "prompt over soft music": {"speech": 0.95, "music": 0.6, "level": -21.0, "floor": -46.0, "live": 0.2},
    "person over music": {"speech": 0.85, "music": 0.7, "level": -20.0, "floor": -31.0},
    "repeat": {"speech": 0.97, "level": -22.0, "floor": -60.0, "live": 0.15, "repeated": 0.9},
    "room": {"level": -50.0, "floor": -52.0},
    "crowd": {"noise": 0.95, "level": -24.0, "floor": -26.0},
    "soft crowd": {"noise": 0.95, "level": -42.0, "floor": -48.0},
    "voice of a crowd": {"speech": 0.9, "level": -27.0, "floor": -34.0},
    "drums": {"speech": 0.2, "music": 0.3, "level": -30.0, "floor": -50.0},
    "unsure": {"speech": 0.55, "music": 0.3, "level": -30.0, "floor": -46.0},
    "nothing": {"level": -96.0, "floor": -96.0},
    "ringing": {"tone": 0.97, "level": -18.0, "floor": -20.0, "hertz": 440.0},
}


class Line:
    """A line with a hold logic at its end: `line(seconds, sound)` plays and returns what was decided meanwhile."""

    def __init__(self, on_hold: bool = True, policy: HoldPolicy | None = None) -> None:
        self.logic = HoldLogic(policy or HoldPolicy(), on_hold)
        self.steps = 0
        self.segments: list[SegmentHeard] = []

    def __call__(self, seconds: float, sound: str, agent: bool = False, voice: int = -1) -> list[HoldEvent]:
        events: list[HoldEvent] = []
        for _ in range(round(seconds / STEP)):
            self.steps += 1
            score = self.score(sound, voice)
            for event in self.logic.hear(score, agent):
                if isinstance(event, SegmentHeard):
                    self.segments.append(event)
                else:
                    events.append(event)
        return events

    def score(self, sound: str, voice: int = -1) -> Scored:
        plain = Scored(round(self.steps * STEP, 2), STEP, 0.02, 0.02, 0.01, 0.01, 0.02, -96.0)
        known = {"voice": voice, "familiar": 1.0} if voice >= 0 else {}
        return msgspec.structs.replace(plain, **SOUNDS[sound], **known)

    @property
    def now(self) -> float:
        return self.steps * STEP

    def finish(self) -> list[SegmentHeard]:
        self.segments += [event for event in self.logic.finish(self.now) if isinstance(event, SegmentHeard)]
        return self.segments


def kinds(events: list[HoldEvent]) -> list[type]:
    return [type(event) for event in events]


def test_a_person_after_the_music() -> None:
    line = Line()
    assert line(60, "music") == []
    assert line(0.8, "room") == []
    onset = line.now
    events = line(1.6, "person") + line(1.3, "room")
    assert kinds(events)[:1] == [MaybeHuman] or kinds(events) == [HumanReturned]
    returned = events[-1]
    assert isinstance(returned, HumanReturned)
    assert returned.onset == pytest.approx(onset, abs=STEP)
    assert returned.at - onset < 3.0
    assert 0.5 < returned.confidence <= 1.0
    assert returned.why
    assert not line.logic.holding


def after_a_phrase(sound: str, phrase: bool) -> list[HoldEvent]:
    line = Line(policy=HoldPolicy(returned_odds=12.0, reaction_odds=20.0))
    line(30, "music")
    line(2.0, "prompt over music")
    if phrase:
        line.logic.phrase_played(line.now)
    return line(3.0, sound)


def test_a_voice_that_stops_for_a_phrase_is_alive() -> None:
    assert HumanReturned not in kinds(after_a_phrase("room", phrase=False))
    assert HumanReturned in kinds(after_a_phrase("room", phrase=True))
    assert HumanReturned not in kinds(after_a_phrase("prompt over music", phrase=True))


def waits(*after: tuple[float, str]) -> list[HoldEvent]:
    """What is decided of a voice by what comes after it, and by nothing else."""
    line = Line(policy=HoldPolicy(returned_odds=12.0, waited_odds=20.0))
    line(30, "music")
    line(0.8, "room")
    line(3.0, "person")
    return [event for seconds, sound in after for event in line(seconds, sound)]


def test_a_slip_of_music_between_a_voice_and_the_silence_in_which_it_waits() -> None:
    assert HumanReturned in kinds(waits((3.0, "room")))
    assert HumanReturned in kinds(waits((0.4, "music"), (3.0, "room")))
    assert HumanReturned not in kinds(waits((0.9, "music"), (3.0, "room"))), "that was no slip"
    assert HumanReturned not in kinds(waits((0.4, "music"), (0.8, "room"), (3.0, "music"))), "it played on"


@pytest.mark.parametrize("prompt", ["prompt", "prompt over soft music"])
def test_a_recording_between_music_is_an_announcement(prompt: str) -> None:
    line = Line()
    line(30, "music")
    events = line(4, prompt) + line(20, "music")
    assert HumanReturned not in kinds(events)
    assert AnnouncementHeard in kinds(events)
    assert line.logic.holding


def test_recordings_over_music_that_plays_on_wake_once_at_most() -> None:
    """Nothing but what follows tells the first of them from a person; from then on this hold is known to have such."""
    line = Line()
    woken = []
    for _ in range(4):
        line(30, "music")
        woken += [
            event for event in line(4, "prompt over music") + line(20, "music") if isinstance(event, HumanReturned)
        ]
    assert len(woken) <= 1
    assert line.logic.holding


@pytest.mark.parametrize("person", [True, False])
def test_who_was_talked_with_may_say_the_same_again(person: bool) -> None:
    """What a person said before they asked to hold was no recording; what was parked at once was one."""
    line = Line()
    line(60, "music")
    line(0.8, "room")
    began = line.now
    assert HumanReturned in kinds(line(1.6, "person") + line(1.3, "room"))
    if person:
        line(8, "person")
        line(2, "room")
    line.logic.enter_hold(line.now)
    line(60, "music")
    line(0.8, "room")
    ago = line.now - began
    SOUNDS["said again"] = {**SOUNDS["person"], "repeated": 0.95, "ago": ago}
    assert (HumanReturned in kinds(line(1.6, "said again") + line(1.3, "room"))) is person


def test_what_was_heard_before_never_wakes() -> None:
    line = Line()
    for _ in range(8):
        events = line(20, "music") + line(1.0, "nothing") + line(0.9, "prompt") + line(3, "repeat")
        events += line(1.0, "nothing")
        assert HumanReturned not in kinds(events)


def test_a_false_resume_goes_back_to_hold_and_is_remembered() -> None:
    line = Line(policy=HoldPolicy(returned_odds=-9.0))
    line(30, "music")
    assert HumanReturned in kinds(line(3, "prompt", voice=0))
    events = line(4, "music")
    assert kinds(events) == [NobodyThere]
    assert line.logic.holding


@pytest.mark.parametrize("between", ["music", "nothing", "room"])
@pytest.mark.parametrize("unknown", [0.5, 0.8, 1.1])
def test_a_recording_wakes_once_at_most(between: str, unknown: float) -> None:
    """However lightly it resumes: the second time the memory knows the recording within about a second."""
    line = Line(policy=HoldPolicy(returned_odds=-20.0, early_odds=0.0, learned_odds=0.0))
    line(20, between)
    events = line(4.0, "prompt", voice=0) + line(12, between)
    assert kinds(events).count(HumanReturned) == 1
    assert line.logic.holding
    for _ in range(5):
        events = line(20, between) + line(unknown, "prompt", voice=0) + line(4.0 - unknown, "repeat", voice=0)
        assert HumanReturned not in kinds(events)


@pytest.mark.parametrize(("voice", "sooner"), [(0, False), (1, True), (-1, False)])
def test_a_voice_of_no_recording_is_met_sooner_once_a_recording_has_woken_us(voice: int, sooner: bool) -> None:
    line = Line(policy=HoldPolicy(returned_odds=-20.0, early_odds=0.0, learned_odds=0.0))
    line(20, "music")
    assert HumanReturned in kinds(line(4.0, "prompt", voice=0) + line(20, "music"))
    assert line.logic.holding
    assert (HumanReturned in kinds(line(0.8, "person", voice=voice))) == sooner
    assert sooner or HumanReturned in kinds(line(0.8, "person", voice=voice))


def test_a_person_may_cut_in_on_a_recording() -> None:
    line = Line()
    line(20, "music")
    for _ in range(3):
        line(0.9, "prompt", voice=0)
        line(3.0, "repeat", voice=0)
        line(20, "music")
    line(0.9, "prompt", voice=0)
    line(1.5, "repeat", voice=0)
    assert HumanReturned in kinds(line(2.2, "person", voice=1) + line(3, "room"))


def test_a_person_over_music_that_goes_on() -> None:
    line = Line()
    assert line(60, "music") == []
    onset = line.now
    events = line(1.6, "person over music") + line(3.5, "music") + line(1.6, "person over music") + line(0.8, "music")
    returned = [event for event in events if isinstance(event, HumanReturned)]
    assert returned
    assert returned[0].at - onset < 8.0


@pytest.mark.parametrize(("late_odds", "met"), [(0.0, False), (100.0, True)])
def test_less_is_asked_of_a_voice_that_goes_on(late_odds: float, met: bool) -> None:
    line = Line(policy=HoldPolicy(returned_odds=50.0, early_odds=0.0, late_odds=late_odds))
    line(30, "music")
    line(0.8, "room")
    onset = line.now
    returned = [event.at - onset for event in line(5.0, "person") if isinstance(event, HumanReturned)]
    assert bool(returned) == met
    assert all(3.0 < at < 4.0 for at in returned)


@pytest.mark.parametrize(("crowd", "doubted"), [("crowd", True), ("soft crowd", False)])
def test_a_voice_no_louder_than_the_crowd_around_it_is_doubted(crowd: str, doubted: bool) -> None:
    def confidence(policy: HoldPolicy) -> float:
        line = Line(policy=policy)
        line(30.0, "music")
        line(30.0, crowd)
        return max(heard.confidence for heard in line(0.8, "voice of a crowd") if isinstance(heard, MaybeHuman))

    doubts = confidence(HoldPolicy(maybe_odds=-20.0))
    assert (doubts < confidence(HoldPolicy(maybe_odds=-20.0, crowd_odds=0.0))) == doubted


@pytest.mark.parametrize(("crowd", "counts"), [("crowd", False), ("soft crowd", True)])
def test_waiting_counts_for_a_voice_that_stands_out_of_the_crowd(crowd: str, counts: bool) -> None:
    line = Line(policy=HoldPolicy(returned_odds=8.0, waited_odds=20.0, crowd_odds=0.0))
    line(30.0, "music")
    line(10.0, crowd)
    events = line(1.6, "voice of a crowd") + line(2.5, crowd)
    assert (HumanReturned in kinds(events)) == counts


@pytest.mark.parametrize(
    ("before", "sound", "seconds", "doubted"),
    [
        (("music", "drums"), "unsure", 1.28, True),
        (("music", "drums"), "person", 1.28, False),
        (("music",), "unsure", 1.28, False),
        (("music",), "unsure", 0.32, True),
        (("music",), "person", 0.32, False),
        (("room",), "unsure", 0.32, False),
    ],
)
def test_what_is_hardly_a_voice_is_doubted_out_of_music_of_no_clear_sound(
    before: tuple[str, ...], sound: str, seconds: float, doubted: bool
) -> None:
    def confidence(unsure_odds: float) -> float:
        line = Line(
            policy=HoldPolicy(
                returned_odds=20.0, maybe_odds=-20.0, maybe_speech=seconds - 0.01, unsure_odds=unsure_odds
            )
        )
        line(30.0, "music")
        for _ in range(50):
            for played in before:
                line(0.32, played)
        return max(heard.confidence for heard in line(seconds, sound) if isinstance(heard, MaybeHuman))

    assert (confidence(2.0) < confidence(0.0)) == doubted


@pytest.mark.parametrize(("sound", "answers"), [("person", True), ("unsure", False)])
def test_only_what_is_surely_a_voice_answers_a_phrase(sound: str, answers: bool) -> None:
    line = Line(policy=HoldPolicy(returned_odds=8.0, reaction_odds=20.0, waited_odds=0.0))
    line(30.0, "music")
    line(0.8, "room")
    line.logic.phrase_played(line.now)
    line(0.8, "room")
    assert (HumanReturned in kinds(line(0.96, sound))) == answers


def test_nobody_answers_a_resume() -> None:
    line = Line()
    line(30, "music")
    line(0.8, "room")
    assert HumanReturned in kinds(line(1.6, "person") + line(2, "room"))
    assert kinds(line(14, "nothing")) == [NobodyThere]


def test_a_core_that_resumes_or_parks_has_the_last_word() -> None:
    line = Line()
    line(10, "music")
    line.logic.leave_hold(line.now)
    assert not line.logic.holding
    line.logic.enter_hold(line.now)
    assert line.logic.holding
    assert line(30, "music") == []


@pytest.mark.parametrize(("sound", "least", "most"), [("music", 6.0, 7.0), ("song", 6.0, 7.0), ("nothing", 20, 21)])
def test_a_hold_nobody_announced(sound: str, least: float, most: float) -> None:
    line = Line(on_hold=False)
    line(3, "person")
    line(0.5, "room", agent=True)
    began = line.now
    events = line(30, sound)
    assert kinds(events)[0] is HoldSuspected
    assert isinstance(events[0], HoldSuspected)
    assert least <= events[0].at - began <= most
    assert events[0].onset == pytest.approx(began, abs=0.6)
    assert line.logic.holding


def test_ringing_is_waiting_too() -> None:
    line = Line(on_hold=False)
    events = []
    for _ in range(5):
        events += line(2, "ringing") + line(4, "nothing")
    assert kinds(events) == [HoldSuspected]


def test_silence_counts_only_while_the_agent_is_silent() -> None:
    line = Line(on_hold=False)
    for _ in range(6):
        assert line(15, "nothing") == []
        assert line(2, "nothing", agent=True) == []


def test_who_answers_after_ringing_and_then_waits_is_a_person_and_who_gives_way_to_music_is_not() -> None:
    """On a line that has carried nothing but ringing, too: passed on to somebody."""
    line = Line()
    line(2, "ringing")
    line(2, "nothing")
    assert HumanReturned not in kinds(line(3.7, "prompt"))
    assert HumanReturned in kinds(line(2, "nothing"))
    line = Line()
    line(2, "ringing")
    line(2, "nothing")
    assert HumanReturned not in kinds(line(3.7, "prompt") + line(0.5, "nothing") + line(10, "music"))


def test_announcements_park_too() -> None:
    line = Line(on_hold=False)
    events = line(13, "prompt over music")
    assert kinds(events) == [HoldSuspected]


def test_somebody_new_who_does_not_stop_parks_and_who_we_talked_with_does_not() -> None:
    line = Line(on_hold=False)
    for _ in range(3):
        assert line(4, "person", voice=0) == []
        line(2, "room", agent=True)
    assert line(25, "person", voice=0) == []
    line(1, "room")
    events = line(14, "prompt", voice=1)
    assert kinds(events) == [HoldSuspected]


def test_slips_in_sparse_music_do_not_put_off_a_hold() -> None:
    line = Line(on_hold=False)
    line(3, "person")
    events = []
    for _ in range(8):
        events += line(0.8, "music") + line(STEP, "person")
    assert HoldSuspected in kinds(events)


def test_a_talking_person_is_no_hold() -> None:
    line = Line(on_hold=False)
    for _ in range(20):
        assert line(9, "person") == []
        assert line(2, "room", agent=True) == []


def test_busy_tone_is_a_dead_line() -> None:
    line = Line()
    events: list[HoldEvent] = []
    for _ in range(10):
        events += line(0.48, "ringing") + line(0.48, "nothing")
    assert kinds(events) == [LineDead]


def test_dial_tone_is_a_dead_line_and_ringing_is_not() -> None:
    assert kinds(Line()(20, "ringing")) == [LineDead]
    line = Line()
    for _ in range(20):
        assert LineDead not in kinds(line(2, "ringing") + line(4, "nothing"))


def test_an_hour_and_a_half_of_music_decides_nothing() -> None:
    line = Line()
    assert line(5400, "music") == []
    assert [(s.kind, s.start) for s in line.finish()] == [("music", 0.0)]


def test_segments_follow_each_other_without_gaps() -> None:
    line = Line()
    line(10, "music")
    line(4, "prompt")
    line(10, "music")
    line(1, "room")
    line(2, "person")
    line(8, "room")
    segments = line.finish()
    assert [s.kind for s in segments] == ["music", "announcement", "music", "silence", "speech", "silence"]
    assert segments[0].start == 0.0
    assert all(a.end == b.start for a, b in itertools.pairwise(segments))
    assert segments[-1].end == pytest.approx(line.now)


def test_the_forums_rule_takes_music_for_a_person() -> None:
    events = Line(policy=FORUM_RULE)(10, "music")
    assert kinds(events)[0] is HumanReturned
    assert isinstance(events[0], HumanReturned)
    assert 3.9 < events[0].at < 4.3


def scores() -> Iterator[st.SearchStrategy[tuple[str, int, bool]]]:
    yield st.tuples(st.sampled_from(sorted(SOUNDS)), st.integers(1, 60), st.booleans())


@settings(max_examples=40, deadline=None)
@given(st.lists(next(scores()), max_size=12), st.booleans())
def test_any_line_keeps_the_rules(parts: list[tuple[str, int, bool]], on_hold: bool) -> None:
    """The same scores give the same events; events come in order; a resume only from a hold."""

    def play() -> tuple[list[HoldEvent], list[SegmentHeard]]:
        line = Line(on_hold)
        events = []
        for sound, count, agent in parts:
            events += line(count * STEP, sound, agent)
        return events, line.finish()

    events, segments = play()
    assert (events, segments) == play()
    assert [e.at for e in events] == sorted(e.at for e in events)
    holding = on_hold
    for event in events:
        if isinstance(event, HumanReturned):
            assert holding
            assert event.onset <= event.at
            holding = False
        elif isinstance(event, HoldSuspected | NobodyThere):
            assert not holding
            holding = True
    assert all(a.end == b.start for a, b in itertools.pairwise(segments))
