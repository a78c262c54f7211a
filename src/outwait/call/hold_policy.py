"""How the hold logic decides: every tunable of it, with its unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class HoldPolicy:
    """How the decision is made."""

    rule: Literal["evidence", "forum_rule"] = "evidence"
    # "evidence": this module's own. "forum_rule": 90 % of four seconds loud with voice-like sound, fires on music
    returned_odds: float = 1.65
    # log odds for HumanReturned; more: fewer false resumes, later and more missed ones
    early_odds: float = 0.8
    # log odds asked for on top when a voice has just begun; none after `early_seconds`
    early_over_music_odds: float = 1.8
    # the same for a voice over music
    early_seconds: float = 3.0
    # seconds since the voice began
    late_odds: float = 0.5
    # log odds asked for less a second after that, of what is surely a voice: some talk for long before they wait
    learned_odds: float = 0.3
    # log odds asked for on top for each false resume of this call, three at most
    reaction_odds: float = 1.0
    # log odds that a voice gains when it stops for a phrase of ours or answers it, and loses when it talks on
    silent_hold_odds: float = 1.5
    # log odds that a sure voice gains on a hold that has carried neither music nor recordings for ten seconds and more
    waited_odds: float = 4.0
    # log odds that a voice gains by silence after it where a recording would give way to music or another voice
    answered_odds: float = 7.5
    # log odds that a voice gains when it begins after ringing and then waits in silence
    speaks_again_odds: float = 1.5
    # log odds that a voice over music that plays on gains when it speaks again after some seconds without an answer
    crowd_odds: float = 2.0
    # log odds that a voice loses when it is no louder than the noise around it
    unsure_odds: float = 2.0
    # log odds that a voice loses when it is hardly one, out of music of no clear sound
    maybe_odds: float = -1.5
    # log odds for MaybeHuman
    maybe_speech: float = 0.15
    # seconds of voice before MaybeHuman
    least_speech: float = 0.15
    # seconds of voice before HumanReturned
    music_parks: float = 6.0
    # seconds of music while talking before HoldSuspected
    announcement_parks: float = 12.0
    # seconds of a recorded voice while talking before HoldSuspected
    silence_parks: float = 20.0
    # seconds in which neither side says anything before HoldSuspected
    nobody_music: float = 2.0
    # seconds of music after a resume before NobodyThere
    nobody_over_music: float = 5.0
    # the same when the voice spoke over music
    nobody_repeat: float = 1.0
    # seconds of a voice heard before, after a resume, before NobodyThere
    nobody_speech: float = 14.0
    # seconds of talk without a pause after a resume before NobodyThere
    nobody_silence: float = 8.0
    # seconds in which neither side says anything after a resume before NobodyThere
    probation: float = 45.0
    # seconds after a resume in which the four rules above hold
    phrase_gap: float = 4.0
    # seconds between two MaybeHuman
    busy_cycles: int = 6
    # short equal beeps in a row before LineDead
    dial_tone: float = 12.0
    # seconds of one unbroken tone before LineDead
    dead_silence: float = 1800.0
    # seconds of digital silence on hold before LineDead


FORUM_RULE: Final = HoldPolicy(rule="forum_rule")
