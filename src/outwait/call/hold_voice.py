"""A voice on hold: the evidence about it, and what earlier voices of the call turned out to be. Pure, in media time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from outwait.call.hold_events import Kind, Scored
from outwait.call.hold_forest import Forest
from outwait.call.hold_line import Background
from outwait.call.hold_table import TREES

_NEW_TURN: Final = 0.6  # seconds of quiet after which a voice is weighed anew
_LONG_TURN: Final = 4.0  # seconds: when it had talked for that long before
_OTHER_TURN: Final = 0.9  # seconds of quiet after which any voice is weighed anew
_NOVEL: Final = 0.6  # seconds of voice without a match after which it is hardly a repeat any more
_KNOWN: Final = 1.2  # seconds within which the memory knows whatever it has heard before
_NOVEL_AFTER_REPEAT: Final = 1.5  # seconds of something new after it
_MUSIC_HOLD: Final = 60.0  # seconds since music within which a hold is one with music
_RANG: Final = 6.0  # seconds since a tone after which it was not ringing that a voice answers
_USUAL_WAIT: Final = 0.6  # seconds of quiet between a recording and the music after it, when none was heard yet
_CUT_IN: Final = 0.8  # seconds of something new in a recording heard before
_PLAYS_ON: Final = -6.0  # dB: music under a voice that has not been turned down for it
_LEARNED: Final = 2.5  # seconds of recordings after which their voice is known
_STILL_THERE: Final = 1.0  # seconds of hold within which the person from before may still be speaking
_LONG: Final = 4.0  # seconds of voice after which nothing is made of its going on: people greet as long as they like
_SLIPS: Final = 0.01  # share of the last minute that may be called music by mistake
_SPAN: Final = 4.0  # seconds between two recordings of a hold, so that they are not parts of one announcement
_STANDS_OUT: Final = 4.0  # dB over the quiet of the line from which a voice is no longer part of it
_SURELY: Final = 0.8  # share of speech in a voice from which its waiting counts in full
_UNSURE: Final = 0.75  # share of its waiting that counts in a voice with less
_BLIP: Final = 0.5  # seconds of music after a voice that are a slip of the scores,
_STOPPED: Final = 1.0  # when it is quiet for so many seconds after them
_CLEARLY: Final = 0.85  # share of speech in a voice from which it is one,
_HARDLY: Final = 0.7  # up to which it is hardly one,
_NO_VOICE: Final = 0.6  # up to which it is none
_OUT_OF_MUSIC: Final = 1.0  # seconds since music within which that counts,
_VAGUE: Final = 0.1  # in full from so much loud sound of no kind on
_BRIEF: Final = 0.6  # seconds of voice below which it is doubted without that
_TURNED_DOWN: Final = 7.0  # dB by which music is softer than before


class Evidence(NamedTuple):
    """What is known of a voice on hold at one moment, as numbers for the table of `hold_table`."""

    gap: float
    """seconds of quiet between the music and the voice; 8 when it did not follow music"""
    silent_before: float
    """seconds of quiet before a voice that did not follow music, at most 8"""
    since_music: float
    """seconds between the last music and the voice, at most 30"""
    since_tone: float
    """seconds between the last tone and the voice, at most 30"""
    since_voice: float
    """seconds between the last voice and this one, at most 30"""
    talk: float
    """0..1: share of the last minute that was talk"""
    since_hold: float
    """seconds of hold before the voice, at most 20"""
    music_under: float
    """0..1: music under the voice"""
    singing_under: float
    """0..1: singing in the voice"""
    speech: float
    """0..1: how surely it is a voice"""
    room: float
    """dBFS: loudest floor of the quiet around the voice, from -80 to -35"""
    new_room: float
    """dB: the same against that of recordings heard before; 0 when there were none"""
    heard_before: float
    """0..1: it is a repeat"""
    repeats: float
    """0..1: share of repeats among the recordings heard before, when this voice is none; else 0"""
    recorded_voice: float
    """0..1: likeness to a voice known from recordings"""
    person_voice: float
    """0..1: likeness to the voice of a person talked with"""
    spoken: float
    """seconds of voice, at most 4"""
    first: float
    """seconds of voice before the first pause, at most 4"""
    run: float
    """seconds of voice since the last pause, at most 4"""
    turns: float
    """pauses of 0.5 s and more, at most 3"""
    quiet: float
    """seconds of quiet since the voice stopped, at most 3"""
    quiet_surplus: float
    """seconds by which that is more than the longest quiet after a recording; 0 when none is known"""
    music_after: float
    """seconds of music since the voice stopped, as loud as before it, at most 1"""
    soft_music: float
    """seconds of music since the voice stopped, turned down as against before it, at most 4"""
    like_announcement: float
    """seconds between the gap before it and that before a recording; 3 when none is known"""
    like_loudness: float
    """dB between its loudness and that of a recording; 20 when none is known"""
    bed: float
    """dB by which its quietest moments are louder than those of the music before it; -40 without music"""
    again: float
    """seconds of a voice that stopped shortly before, with nothing or only music in between, at most 4; 0 when none"""
    again_gap: float
    """seconds between the two, at most 8; 8 when there was none"""
    recordings: float
    """recordings heard before in this hold, at most 12"""
    dip: float
    """dB between the quietest moment within the voice and its loudness, from -60 to 0"""
    density: float
    """0..1: share of voice in the time from its onset to its last word"""
    music_before: float
    """0..1: share of the last minute before it that was music"""
    over_before: float
    """recordings heard before over music that played on as loud as before, at most 3"""
    plays_on: float
    """1: a sure voice over music that nobody turned down for it; 2: one that paused for some seconds; else 0"""
    waited: float
    """0..1: it spoke alone, and what follows recordings here keeps away for longer than it ever did"""
    answered: float
    """0..1: it began when the line had rung, spoke surely, and then waits"""
    broke_silence: float
    """1: a sure voice on a hold that has carried neither music nor recordings for ten seconds and more; else 0"""
    alone: float
    """seconds between the last recording of this hold, or its beginning, and the voice, at most 240"""
    beat: float
    """the same as a share of the shortest time between two recordings so far, at most 2; 1 when none is known"""


_FOREST: Final = Forest(TREES, len(Evidence._fields))


class Past:
    """What earlier voices of this call turned out to be."""

    def __init__(self) -> None:
        self.recorded: dict[int, float] = {}  # voice -> seconds heard as a recording
        self.alive: dict[int, float] = {}  # voice -> seconds heard live
        self.gaps: list[float] = []  # seconds of quiet before recordings, the last few
        self.floors: list[float] = []  # dBFS, floor of the quiet around recordings, the last few
        self.levels: list[float] = []  # dBFS, loudness of recordings, the last few
        self.spans: list[float] = []  # seconds between recordings, the last few
        self.ended = -1e9  # media seconds at the end of the last recording
        self.waits: list[float] = []  # seconds of quiet after recordings, the last few
        self.repeats = 0  # recordings that had been heard before
        self.count = 0  # recordings heard
        self.false = 0  # resumes that were wrong
        self.over_music = 0  # recordings over music that played on as before

    def learn(self, candidate: Candidate, live: bool) -> None:
        if candidate.spoken < 1.2 or candidate.speech < 0.8 * candidate.spoken:
            return  # too short or too unsure to have been a voice: a slip in the music
        if not live and candidate.since_hold < _STILL_THERE:
            return  # who spoke when the hold began may have been the person who put us on hold
        kept = self.alive if live else self.recorded
        if candidate.voice >= 0:
            kept[candidate.voice] = kept.get(candidate.voice, 0.0) + candidate.spoken
        if not live:
            if self.count > 0 and candidate.alone >= _SPAN:
                self.spans = [*self.spans[-7:], candidate.alone]
            self.ended = max(self.ended, candidate.ended)
            self.count += 1
            self.repeats += candidate.known_repeat()
            self.over_music += candidate.plays_on() > 0.0
            self.waits = [*self.waits[-5:], candidate.wait()]
            self.gaps = [*self.gaps[-5:], candidate.gap]
            self.floors = [*self.floors[-5:], candidate.room]
            self.levels = [*self.levels[-5:], candidate.loudness / candidate.spoken]


class Candidate:
    """A voice on hold, and the evidence about it."""

    def __init__(
        self, score: Scored, before: Background, since_hold: float, alone: float, earlier: Candidate | None = None
    ) -> None:
        self.at = score.at  # media seconds up to which it has been heard
        self.ended = score.at  # media seconds at the end of its last word
        self.onset = round(score.at - score.seconds, 2)
        self.gap = before.quiet
        self.room = before.floor if before.quiet > 0 else -96.0
        self.vague = before.vague
        self.since_music = before.since_music
        self.after_music = before.since_music <= 20.0
        self.since_tone = before.since_tone
        self.since_speech = before.since_speech
        self.talk = before.talk
        self.music_before = before.music
        self.since_hold = since_hold
        self.alone = alone
        self.music_level = before.music_level
        self.music_floor = before.music_floor if before.since_music <= 3.0 else None
        self.again_gap = self.onset - earlier.ended if earlier is not None else 8.0
        self.again = earlier.spoken if earlier is not None and earlier.repeated == 0.0 else 0.0
        self.floors = 0.0  # sum over the voice of the floor
        self.lowest = 0.0  # dBFS, the lowest floor within the voice
        self.novel = 0.0  # seconds of voice since the last that was heard before
        self.longest = 0.0  # seconds of quiet after the voice, before music came
        self.hush = 0.0  # seconds of quiet since the last sound
        self.soft_music = 0.0  # seconds of music since the voice stopped, turned down as against before
        self.spoken: float = 0.0  # seconds of voice
        self.first = 0.0  # seconds of voice before the first pause of 0.5 s
        self.run = 0.0  # seconds of voice without a pause of 0.5 s
        self.quiet = 0.0  # seconds since the voice stopped, without music
        self.music_after = 0.0  # seconds of music since the voice stopped
        self.turns = 0  # pauses of 0.5 s or more in which no music came
        self.music = 0.0  # sums over the voice: of the music score,
        self.singing = 0.0  # of the singing score,
        self.speech = 0.0  # of the speech score,
        self.loudness = 0.0  # of the level
        self.repeated: float = 0.0  # seconds of voice that were heard before
        self.familiar = 0.0  # likeness to the nearest voice, the last one
        self.voice = -1
        self.phrase_at: float | None = None
        self.after_phrase = 0.0  # seconds of voice since a phrase of ours began
        self.answers = False  # it began soon after a phrase of ours
        self.answered = False  # it has reacted to a phrase of ours
        self.maybe = False
        self.announced = False

    def hear(self, score: Scored, heard: Kind) -> None:
        step = score.seconds
        self.at = score.at
        if heard == "speech":
            if self.quiet >= 0.5:
                self.turns += 1
                self.run = 0.0
            self.ended = score.at
            self.floors += step * score.floor
            self.lowest = min(self.lowest, score.floor)
            self.novel = 0.0 if score.repeated >= 0.25 else self.novel + step
            self.spoken += step
            self.run += step
            if self.phrase_at is not None:
                self.after_phrase += step
            if self.turns == 0:
                self.first += step
            self.quiet = self.longest = self.hush = 0.0
            self.music_after = self.soft_music = 0.0
            self.music += step * score.music
            self.singing += step * score.singing
            self.speech += step * score.speech
            self.loudness += step * score.level
            if score.repeated >= 0.5:
                self.repeated += step
            if score.voice >= 0:
                self.voice = score.voice
                self.familiar = score.familiar
        elif heard in ("music", "tone"):
            if heard == "music" and score.level <= self.music_level - _TURNED_DOWN:
                self.soft_music += step
            self.music_after += step
            self.hush = 0.0
        else:
            self.quiet += step
            self.hush += step
            if self.music_after <= _BLIP and self.hush >= _STOPPED:
                self.music_after = self.soft_music = 0.0
            if self.music_after == 0.0:
                self.longest = self.quiet
            if self.quiet >= 0.3:
                self.room = max(self.room, score.floor)

    def reaction(self, at: float) -> float:
        """-1: talks on over our phrase; 1: stopped for it, or surely answers it; 0: neither, or none was played."""
        if self.answers:
            self.answered = self.lasting()
            return 1.0 if self.answered else 0.0
        if self.phrase_at is None or at - self.phrase_at < 0.8:
            return 0.0
        if self.quiet >= 0.4 and self.music_after == 0.0:
            self.answered = self.answered or self.after_phrase < 2.0
            return 1.0 if self.after_phrase < 2.0 else 0.0
        return -1.0 if self.after_phrase >= 3.0 else 0.0

    def _broke_silence(self, past: Past) -> bool:
        """A sure voice on a hold that was silent from its beginning."""
        silent = self.since_hold >= 10.0 and self.since_music > 10.0 and self.music_before < _SLIPS and past.count == 0
        return silent and self.spoken >= 0.3 and self.speech >= 0.7 * self.spoken

    def _waited(self, past: Past) -> float:
        """0..1: it spoke surely and alone, and what follows recordings here keeps away longer than it ever did."""
        alone = self.speech >= 0.6 * self.spoken and self.music_after == 0.0 and self.repeated == 0.0
        if not alone or self.spoken < 0.3 or (not past.waits and self.since_music > _MUSIC_HOLD):
            return 0.0
        longest = max(past.waits, default=_USUAL_WAIT)
        most = 1.0 if self.speech >= _SURELY * self.spoken else _UNSURE
        return max(0.0, min(most, self.quiet - max(longest, _USUAL_WAIT) - 0.3))

    def _answered_ringing(self, past: Past) -> float:
        """0..1: it began when the line had rung, spoke surely, and then waits, as whoever answers a telephone does."""
        sure = self.spoken >= 0.3 and self.speech >= 0.7 * self.spoken and self.music < 0.3 * self.spoken
        if not sure or self.repeated > 0.0 or self.since_tone > _RANG or self.since_music < self.since_tone:
            return 0.0
        return max(0.0, min(1.0, self.quiet - max(past.waits, default=0.0) - _USUAL_WAIT))

    def drowned(self) -> float:
        """0..1: it is no louder than what is on the line without it, as a voice out of a crowd is."""
        stands_out = self.loudness / max(0.16, self.spoken) - self.room  # dB
        return _lack(stands_out, 0.0, _STANDS_OUT)

    def unsure(self) -> float:
        """0..1: it is hardly a voice, and comes out of music that the ear makes nothing of, as of some drums.

        A brief one is doubted after any music, but only when it is still less of a voice.
        """
        if self.since_music > _OUT_OF_MUSIC:
            return 0.0
        share = self.speech / max(0.16, self.spoken)
        odd = min(1.0, self.vague / _VAGUE) * _lack(share, _HARDLY, _CLEARLY)
        return max(odd, _lack(share, _NO_VOICE, _HARDLY)) if self.spoken < _BRIEF else odd

    def plays_on(self) -> float:
        """1: a sure voice over music that nobody turned down for it; 0: none.

        2 when it stopped for some seconds in between, as a person does who waits for an answer.
        """
        sure = self.spoken >= 0.6 and self.speech >= 0.72 * self.spoken and self.singing < 0.3 * self.spoken
        if not sure or not self.over_music() or self._bed(self.spoken) < _PLAYS_ON:
            return 0.0
        return 2.0 if self.again >= 0.6 and self.again_gap >= 1.5 else 1.0

    def wait(self) -> float:
        """Seconds of quiet after it until music or another voice came; 8 when nothing came soon."""
        if self.music_after > 0.0:
            return self.longest
        return 8.0 if self.quiet >= 3.0 else self.quiet

    def known_repeat(self) -> bool:
        return self.repeated >= 0.6 and self.repeated >= 0.3 * self.spoken

    def new(self, past: Past) -> bool:
        """Whether it can be told from the recordings of this call: that takes a moment of it, or its silence.

        It takes longer once a recording has been taken for a person, which is not to happen with it again, unless the
        voice is none of theirs.
        """
        if past.count == past.false == 0 and self.repeated == 0.0:
            return True
        if self.repeated > 0.0:
            return self.novel >= _NOVEL_AFTER_REPEAT
        strange = self.voice >= 0 and self.voice not in past.recorded
        asked = _KNOWN if past.false and not strange else _NOVEL
        return self.novel >= asked or self.quiet >= 0.5

    def over_music(self) -> bool:
        return self.music >= 0.4 * self.spoken

    def lasting(self) -> bool:
        """Whether it was surely a voice, not a slip in the music."""
        return self.spoken >= 0.4 and self.speech >= 0.7 * self.spoken

    def gives_way(self) -> bool:
        """Whether a voice that speaks now is another one: music came between, a long talk or a mere blip before, or it
        goes on differently from the recording that it was."""
        if self.known_repeat() and self.novel >= _CUT_IN:
            return True
        if self.music_after - self.soft_music >= (0.7 if self.over_music() else 0.3):
            return True
        unsure = self.spoken < 0.4 or self.speech < 0.8 * self.spoken
        return self.quiet >= (0.4 if unsure else _NEW_TURN if self.spoken >= _LONG_TURN else _OTHER_TURN)

    def over(self) -> bool:
        return self.music_after - self.soft_music >= 1.0 or self.soft_music >= 4.0 or self.quiet >= 3.2

    def evidence(self, past: Past) -> Evidence:
        """What speaks for and against a live person."""
        spoken = max(self.spoken, 0.16)
        from_music = self.since_music <= self.gap + 0.4
        known, person = past.recorded.get(self.voice, 0.0), past.alive.get(self.voice, 0.0)
        likeness = max(0.0, self.familiar - 0.5) * 2.0 if self.voice >= 0 else 0.0
        loud = self.loudness / spoken
        return Evidence(
            gap=min(self.gap, 8.0) if from_music else 8.0,
            silent_before=0.0 if from_music else min(self.gap, 8.0),
            since_music=min(self.since_music, 30.0),
            since_tone=min(self.since_tone, 30.0),
            since_voice=min(self.since_speech, 30.0),
            talk=self.talk,
            since_hold=min(self.since_hold, 20.0),
            music_under=min(1.0, self.music / spoken),
            singing_under=min(1.0, self.singing / spoken),
            speech=min(1.0, self.speech / spoken),
            room=max(-80.0, min(-35.0, self.room)),
            new_room=max(-20.0, min(20.0, self.room - max(past.floors))) if past.floors else 0.0,
            heard_before=min(1.0, self.repeated / 0.6),
            repeats=past.repeats / past.count if past.count >= 2 and spoken >= 1.2 and self.repeated == 0.0 else 0.0,
            recorded_voice=likeness if known > person and known >= _LEARNED else 0.0,
            person_voice=likeness if person > known else 0.0,
            spoken=min(self.spoken, _LONG),
            first=min(self.first, _LONG),
            run=min(self.run, _LONG),
            turns=min(self.turns, 3.0),
            quiet=min(self.quiet, 3.0),
            quiet_surplus=max(-3.0, min(3.0, self.quiet - max(past.waits))) if past.waits else 0.0,
            music_after=min(1.0, max(0.0, self.music_after - self.soft_music)),
            soft_music=min(4.0, self.soft_music),
            like_announcement=min((abs(self.gap - gap) for gap in past.gaps), default=3.0),
            like_loudness=min((abs(loud - level) for level in past.levels), default=20.0),
            bed=self._bed(spoken),
            again=min(self.again, 4.0),
            again_gap=min(self.again_gap, 8.0),
            recordings=min(float(past.count), 12.0),
            dip=max(-60.0, min(0.0, self.lowest - loud)),
            density=min(1.0, self.spoken / max(0.16, self.ended - self.onset)),
            music_before=self.music_before,
            over_before=min(float(past.over_music), 3.0),
            plays_on=self.plays_on(),
            waited=self._waited(past),
            answered=self._answered_ringing(past),
            broke_silence=float(self._broke_silence(past)),
            alone=min(self.alone, 240.0),
            beat=min(2.0, self.alone / min(past.spans)) if past.spans else 1.0,
        )

    def _bed(self, spoken: float) -> float:
        if self.music_floor is None:
            return -40.0
        return max(-40.0, min(20.0, self.floors / spoken - self.music_floor))


def _lack(value: float, least: float, most: float) -> float:
    """1 up to `least`, 0 from `most` on."""
    return max(0.0, min(1.0, (most - value) / (most - least)))


def weigh(found: Evidence) -> float:
    """Log odds that a live person speaks: the sum of what each tree of the table says."""
    return _FOREST.weigh(found)


def speaks_again(found: Evidence) -> bool:
    """Whether it speaks over music for the second time, on a hold where no recording was over music that plays on."""
    return found.plays_on == 2.0 and found.over_before == 0.0


def reasons(found: Evidence, live: bool) -> str:
    """The strongest evidence in words."""
    said = [text for test, text in (_FOR if live else _AGAINST) if test(found)]
    return ", ".join(said[:3]) or "a voice"


_Reason = tuple[Callable[[Evidence], bool], str]
_FOR: Final[tuple[_Reason, ...]] = (
    (lambda e: e.quiet >= 0.6, "it waits in silence"),
    (lambda e: 0.4 <= e.gap < 8.0, "the music had stopped"),
    (lambda e: e.since_tone < 6.0, "after ringing"),
    (lambda e: e.person_voice > 0.0, "the voice of the person from before"),
    (lambda e: e.new_room >= 6.0, "a room on the line that was not there before"),
    (lambda e: e.repeats >= 0.5, "new on a hold that repeats itself"),
    (lambda e: e.turns >= 1, "words with pauses"),
    (lambda e: e.silent_before >= 2.0, "after silence"),
)
_AGAINST: Final[tuple[_Reason, ...]] = (
    (lambda e: e.heard_before > 0.0, "heard before in this call"),
    (lambda e: e.recorded_voice > 0.0, "the voice of an announcement"),
    (lambda e: e.music_after > 0.0, "music went on after it"),
    (lambda e: e.music_under >= 0.4, "music under the voice"),
    (lambda e: e.gap < 0.3, "it began with the music"),
    (lambda e: e.run >= _LONG, "it talks on"),
)
