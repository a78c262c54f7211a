"""The far end acts its script out, frame by frame, and reacts to what it hears."""

import pytest
import soundfile

from outwait.sim import sound, voice
from outwait.sim.hearing import Hearing
from outwait.sim.line import SILENT_FRAME
from outwait.sim.person import FarEnd, refusal, ring_seconds
from outwait.sim.scenario import parse

VOICE = sound.speak("Of course, I'll hold.", "agent")
HELLO = len(sound.speak("Hello?")) / 8000


def far_end(steps: str) -> FarEnd:
    return FarEnd(parse(f"about = 'x'\nsteps = [{steps}]", "x"), Hearing())


def run(far: FarEnd, seconds: float, heard: bytes = b"") -> bytes:
    """Play `heard`, then silence, for `seconds` or until the far end is gone; returns what it said."""
    said = b""
    for number in range(round(seconds * 50)):
        if far.ended:
            break
        said += far.speak()
        frame = heard[number * 160 : number * 160 + 160]
        far.hear(frame + SILENT_FRAME[len(frame) :])
    return said


def test_it_says_what_is_written():
    far = far_end("{ ring = 2 }, { say = 'Hello?' }, { pause = 1 }, { hangup = true }")
    said = run(far, 10)
    assert far._hearing.words(said) == "Hello?"
    assert (far.ended, far.seconds) == ("hung_up", pytest.approx(HELLO + 1, abs=0.03))
    assert [entry.kind for entry in far.diary] == ["said", "hung_up"]


def test_it_listens_until_the_caller_has_finished():
    far = far_end("{ listen = 10, quiet = 0.9 }, { hangup = true }")
    run(far, 20, b"\xff" * 16000 + VOICE)
    assert far.ended == "hung_up"
    (heard,) = [entry for entry in far.diary if entry.kind == "heard"]
    assert heard.start == pytest.approx(2, abs=0.1)
    assert far.seconds == pytest.approx(heard.end + 0.9, abs=0.05)


def test_it_asks_once_more_and_gives_up():
    far = far_end("{ listen = 3, nudge = 'Hello?' }, { pause = 9 }")
    run(far, 20)
    assert far.ended == "gave_up"
    assert far.seconds == pytest.approx(6 + HELLO, abs=0.05)


def test_it_can_go_on_while_the_caller_still_speaks():
    far = far_end("{ listen = 10, only_start = 0.4 }, { hangup = true }")
    run(far, 20, VOICE)
    assert 0.4 <= far.seconds <= 0.7


def test_a_hold_has_its_length_and_its_announcements():
    hold = "{ hold = '0:30', sound = 'lounge', announce = ['Please wait.'], first = 5, every = 10 }"
    far = far_end(f"{hold}, {{ pause = 1 }}, {{ hangup = true }}")
    kinds = set()
    while not far.ended:
        kinds.add(far.kind)
        run(far, 0.02)
    assert kinds == {"hold", "announce", "talk"}
    hold, *lines, _ = far.diary
    assert (hold.kind, hold.end - hold.start) == ("hold", pytest.approx(30, abs=0.05))
    assert lines[0].start == pytest.approx(5, abs=0.05)
    assert lines[1].start - lines[0].end == pytest.approx(10, abs=0.05)
    assert len(lines) == 2


def test_announcements_over_music_are_registered_as_they_sound():
    far = far_end("{ hold = 20, sound = 'beat', announce = ['Please wait.'], first = 1, every = 60, over = 12 }")
    said = run(far, 20)
    assert far._hearing.words(said) == "Please wait."


def test_it_waits_for_the_callers_goodbye():
    far = far_end("{ wait = 5 }")
    run(far, 20)
    assert (far.ended, far.seconds) == ("waited_too_long", pytest.approx(5, abs=0.03))


def test_keys_and_broken_sockets_are_left_to_the_owner():
    far = far_end("{ press = '12' }, { drop = true }, { pause = 1 }")
    run(far, 0.1)
    assert far.keys == ["1", "2"]
    run(far, 0.5)
    assert far.drop_wanted


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        ("{ ring = 2 }, { refuse = 'busy' }", "busy"),
        ("{ ring = 2 }, { hangup = true }", "busy"),
        ("{ ring = 2 }, { refuse = 'no-answer' }", "no-answer"),
        ("{ ring = 2 }, { say = 'Hello?' }", ""),
        ("{ ring = 2 }", ""),
    ],
)
def test_who_answers(steps, status):
    scenario = parse(f"about = 'x'\nsteps = [{steps}]", "x")
    assert refusal(scenario) == status
    assert ring_seconds(scenario) == 2


def test_a_recording_of_ones_own(tmp_path):
    soundfile.write(tmp_path / "hi.wav", voice.synthesise("Good day to you.", voice.Timbre(110.0)), 8000)
    text = "about = 'x'\nsteps = [{ say = 'Good day to you.', file = 'hi.wav' }]"
    far = FarEnd(parse(text, "x", tmp_path), Hearing())
    assert far._hearing.words(run(far, 5)) == "Good day to you."
