"""The far end acts its script out, frame by frame, and reacts to what it hears."""

import pytest
import soundfile

from outwait.call.keys import tones
from outwait.sim import sound, voice
from outwait.sim.hearing import Hearing
from outwait.sim.line import SILENT_FRAME
from outwait.sim.person import FarEnd, refusal, ring_seconds
from outwait.sim.scenario import parse

VOICE = sound.speak("Of course, I'll hold.", "agent")
HELLO = len(sound.speak("Hello?")) / 8000


def far_end(steps: str, more: str = "") -> FarEnd:
    return FarEnd(parse(f"about = 'x'\nsteps = [{steps}]\n{more}", "x"), Hearing())


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


PARTS = """
[parts]
one = [{ say = 'Hello?' }, { hangup = true }]
other = [{ pause = 1 }, { hangup = true }]
back = [{ say = 'Hello?' }, { hangup = true }]
[menus.main]
say = 'For deliveries, press 2.'
keys = { '2' = 'one', '....' = 'other' }
patience = 3
repeats = 1
wrong = 'Sorry, I did not get that.'
otherwise = 'other'
[menus.words]
say = 'Say parcels.'
words = { parcel = 'one' }
[prompts.keep]
say = 'Press 1.'
keys = { '1' = '' }
at = 2
within = 3
otherwise = 'other'
"""


def keys(pressed: str) -> bytes:
    return tones(pressed)


def chosen(far: FarEnd) -> list[str]:
    return [entry.text for entry in far.diary if entry.kind == "chose"]


@pytest.mark.parametrize("pressed", list("0123456789*#ABCD"))
def test_it_hears_every_key_once(pressed):
    far = far_end("{ pause = 9 }")
    run(far, 3, b"\xff" * 1234 + keys(pressed) + keys(pressed))
    assert [entry.text for entry in far.diary if entry.kind == "key"] == [pressed, pressed]


def test_speech_and_music_are_no_keys():
    far = far_end("{ pause = 60 }")
    run(far, 40, VOICE + sound.hold_piece("lounge")[:160000] + sound.speak("One two three.", "clerk"))
    assert not [entry for entry in far.diary if entry.kind == "key"]


@pytest.mark.parametrize(
    ("heard", "part"),
    [(b"\xff" * 8000 + keys("2"), "one"), (b"\xff" * 32000 + keys("4712"), "other"), (b"", "other")],
)
def test_a_menu_leads_on(heard, part):
    far = far_end("{ menu = 'main' }", PARTS)
    run(far, 30, heard)
    assert chosen(far) == [part]
    assert (far.ended, bool([e for e in far.diary if e.text == "Hello?"])) == ("hung_up", part == "one")


def test_a_wrong_key_is_told_and_the_menu_says_its_prompt_again():
    far = far_end("{ menu = 'main' }", PARTS)
    said = run(far, 30, b"\xff" * 8000 + keys("9") + b"\xff" * 44000 + keys("2"))
    assert far._hearing.words(said).count("Sorry, I did not get that.") == 1
    assert chosen(far) == ["one"]


def test_a_menu_that_takes_words():
    far = far_end("{ menu = 'words' }", PARTS)
    words = sound.speak("Parcels.", "agent")
    far._hearing.said("Parcels.", words, "agent")
    run(far, 30, b"\xff" * 16000 + words)
    assert chosen(far) == ["one"]


@pytest.mark.parametrize(("heard", "lost"), [(b"\xff" * 28000 + keys("1"), False), (b"", True)])
def test_a_queue_that_wants_a_key(heard, lost):
    far = far_end("{ hold = 20, sound = 'lounge', every = 0, prompts = ['keep'] }, { hangup = true }", PARTS)
    run(far, 40, heard)
    assert chosen(far) == (["other"] if lost else [])
    assert (far.seconds > 15) is not lost


@pytest.mark.parametrize(("said", "lost"), [("Yes.", False), ("Parcels.", True)])
def test_a_queue_that_wants_a_word(said, lost):
    more = PARTS + "\n[prompts.word]\nsay = 'Please wait.'\nwords = { yes = '' }\nat = 2\notherwise = 'other'\n"
    far = far_end("{ hold = 20, sound = 'lounge', every = 0, prompts = ['word'] }, { hangup = true }", more)
    words = sound.speak(said, "agent")
    far._hearing.said(said, words)
    run(far, 40, b"\xff" * 32000 + words)
    assert chosen(far) == (["other"] if lost else [])


@pytest.mark.parametrize(("pressed", "found"), [("4712#", True), ("4712", False)])
def test_a_number_that_has_to_be_ended_with_a_key(pressed, found):
    more = (
        PARTS + "\n[menus.number]\nsay = 'Your number?'\nkeys = { '....#' = 'one' }\nrepeats = 0\notherwise = 'other'\n"
    )
    far = far_end("{ menu = 'number' }", more)
    run(far, 30, b"\xff" * 8000 + keys(pressed))
    assert chosen(far) == (["one"] if found else ["other"])


def test_the_position_is_counted_down():
    lines = "announce = ['You are number {position} of {minutes}.']"
    far = far_end(f"{{ hold = 60, sound = 'silence', {lines}, first = 1, every = 20, position = 3 }}")
    run(far, 70)
    told = [entry.text for entry in far.diary if entry.kind == "announcement"]
    assert told == ["You are number 3 of 1.", "You are number 2 of 1.", "You are number 1 of 1."]


def test_somebody_who_wants_to_call_back():
    far = far_end("{ call_back = 30, part = 'back' }", PARTS)
    run(far, 2)
    assert far.ended == "will_call_back"
    assert far.call_back is not None
    again = FarEnd(far.scenario, far._hearing, far.call_back.part)
    assert far._hearing.words(run(again, 5)) == "Hello?"


def test_a_person_never_repeats_themselves_to_the_sample_and_a_recording_does():
    live = "{ say = 'Hello?' }, { say = 'Hello?' }, { say = 'Hello?', by = 'colleague' }, { pause = 1 }"
    far = far_end(f"{live}, {{ say = 'Hello?', by = 'recorded' }}, {{ say = 'Hello?', by = 'recorded' }}")
    assert far._hearing.words(run(far, 20)) == " ".join(["Hello?"] * 5)
    first, second, colleague, recording, again = [
        entry.end - entry.start for entry in far.diary if entry.kind == "said"
    ]
    assert second == pytest.approx(first / 1.1, rel=0.06)
    assert colleague == pytest.approx(len(sound.speak("Hello?", "colleague")) / 8000, abs=0.03)
    assert again == recording
