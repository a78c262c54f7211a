"""What the hold logic hears and says: the ear's scores as the call's log keeps them, and the decisions."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["speech", "music", "announcement", "tone", "noise", "silence"]


class Scored(msgspec.Struct, frozen=True, array_like=True):
    """What one stretch of sound is: the fields of `outwait.audio.ear.Score`, as the call's log keeps them."""

    at: float
    """media seconds at the end of the stretch"""
    seconds: float
    """length of the stretch, seconds"""
    speech: float
    """0..1: somebody speaks, live or recorded"""
    music: float
    """0..1: music, sung or not, also under a voice"""
    singing: float
    """0..1: somebody sings"""
    tone: float
    """0..1: a signalling tone"""
    noise: float
    """0..1: noise above the line's own"""
    level: float
    """loudness, dBFS"""
    repeated: float = 0.0
    """0..1: how surely the last second was heard earlier in this call"""
    floor: float = -60.0
    """loudness of the quietest 20 ms of the stretch, dBFS"""
    live: float = 0.5
    """0..1: how little the voice sounds like a studio recording"""
    familiar: float = 0.0
    """0..1: likeness of the nearest voice heard earlier in this call"""
    voice: int = -1
    """number of that voice in this call, -1: none"""
    hertz: float = 0.0
    """strongest frequency, Hz"""
    ago: float = 0.0
    """seconds since a voice that is a repeat was heard before; 0: it is none"""


class HoldSuspected(msgspec.Struct, frozen=True, tag=True):
    """The line sounds like a hold although nobody said so (`hold_started` of the contract)."""

    at: float
    """media seconds"""
    onset: float
    """media seconds where the music, announcement or silence began"""
    why: str


class AnnouncementHeard(msgspec.Struct, frozen=True, tag=True):
    """A recorded voice has spoken, or is speaking."""

    at: float
    """media seconds"""
    onset: float
    """media seconds where it began"""
    why: str


class MaybeHuman(msgspec.Struct, frozen=True, tag=True):
    """Worth a cached phrase, not worth money."""

    at: float
    """media seconds"""
    onset: float
    """media seconds where the voice began"""
    confidence: float
    """0..1"""
    why: str


class HumanReturned(msgspec.Struct, frozen=True, tag=True):
    """A live person is on the line: resume."""

    at: float
    """media seconds"""
    onset: float
    """media seconds where the voice began"""
    confidence: float
    """0..1"""
    why: str


class NobodyThere(msgspec.Struct, frozen=True, tag=True):
    """The resume was false: back to hold. The voice that caused it counts as recorded from now on."""

    at: float
    """media seconds"""
    why: str


class LineDead(msgspec.Struct, frozen=True, tag=True):
    """The other side is gone: busy or dial tone, or silence beyond hope."""

    at: float
    """media seconds"""
    why: str


class SegmentHeard(msgspec.Struct, frozen=True, tag=True):
    """What the line carried from `start` to `end`; segments follow each other without gaps."""

    start: float
    """media seconds"""
    end: float
    """media seconds"""
    kind: Kind


HoldEvent = HoldSuspected | AnnouncementHeard | MaybeHuman | HumanReturned | NobodyThere | LineDead | SegmentHeard
