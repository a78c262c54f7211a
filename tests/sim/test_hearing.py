"""What was said is known from its sound, however it was cut."""

from outwait.sim import sound
from outwait.sim.hearing import Hearing

TEXT = "Good morning, Northwind Parcels, this is Sam speaking. How can I help you?"
AUDIO = sound.speak(TEXT)


def knowing() -> Hearing:
    hearing = Hearing()
    hearing.said(TEXT, AUDIO)
    hearing.said(TEXT, AUDIO)
    return hearing


def test_all_of_it_at_any_alignment():
    for shift in (0, 1, 79, 161):
        assert knowing().words(b"\xff" * shift + AUDIO + b"\x7f" * 99) == TEXT


def test_a_part_of_it():
    words = knowing().words(AUDIO[: len(AUDIO) // 2]).split()
    assert words == TEXT.split()[: len(words)]
    assert 0 < len(words) < len(TEXT.split())
    words = knowing().words(AUDIO[len(AUDIO) // 2 :]).split()
    assert words == TEXT.split()[-len(words) :]


def test_two_after_another_in_order_of_the_sound():
    hearing = knowing()
    other = sound.speak("Hello?")
    hearing.said("Hello?", other, "announcement")
    assert hearing.words(other + AUDIO) == f"Hello? {TEXT}"
    assert [entry[1].kind for entry in hearing.utterances(AUDIO + other)] == ["person", "announcement"]


def test_what_is_said_on_every_call_is_heard_once():
    """It is known as it sounded in the room of each call."""
    hearing = Hearing()
    room = sound.room(5.0)
    for at in (0, 8000, 16000):
        hearing.said(TEXT, sound.mix(AUDIO, room, at))
    assert hearing.words(sound.mix(AUDIO, room, 8000)) == TEXT
    assert hearing.words(sound.mix(AUDIO, room, 0) + room + sound.mix(AUDIO, room, 16000)) == f"{TEXT} {TEXT}"


def test_a_room_has_no_words():
    hearing = Hearing()
    room = sound.room(5.0)
    hearing.said(TEXT, sound.mix(AUDIO, room, 0))
    assert hearing.words(room) == ""


def test_music_has_no_words():
    assert knowing().words(sound.hold_piece("beat")) == ""
    assert knowing().words(b"") == ""
