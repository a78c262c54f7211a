"""The server's VAD counts in audio."""

from outwait.sim import sound
from outwait.sim.realtime_vad import Speech, Vad

LOUD, QUIET = b"\x20" * 160, b"\xff" * 160


def test_speech_begins_and_ends_in_media_time():
    vad = Vad(0.5, 500)
    found = vad.feed(QUIET * 50 + LOUD * 50 + QUIET * 100)
    assert found == [Speech(True, 1000), Speech(False, 2500)]


def test_the_pieces_do_not_matter():
    audio = QUIET * 50 + LOUD * 50 + QUIET * 100
    for size in (33, 160, 1000):
        vad = Vad(0.5, 500)
        found = [said for at in range(0, len(audio), size) for said in vad.feed(audio[at : at + size])]
        assert found == [Speech(True, 1000), Speech(False, 2500)]


def test_a_click_is_no_speech_and_a_short_pause_no_end():
    vad = Vad(0.5, 500)
    assert vad.feed(QUIET * 5 + LOUD * 2 + QUIET * 50) == []
    assert vad.feed(LOUD * 10 + QUIET * 20 + LOUD * 10) == [Speech(True, 1140)]


def test_it_takes_voices_and_music_for_speech_but_not_an_open_line():
    assert Vad(0.5, 500).feed(sound.speak("Hello, is anybody there?"))
    assert Vad(0.5, 500).feed(sound.hold_piece("lounge"))
    assert not Vad(0.5, 500).feed(sound.room(10.0))
    assert not Vad(0.5, 500).feed(sound.hold_piece("silence"))
