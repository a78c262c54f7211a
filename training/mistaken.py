"""Music in which a net hears a voice: the pieces that the next training should hear more often than others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from outwait.audio import g711
from outwait.audio.ear import Ear
from outwait.audio.net import Net

from .scenes import at_level, line
from .sources import Clip

SEED = 20261126
LEVELS = (-26.0, -18.0)  # dBFS: each piece is heard quieter and louder, on two damaged lines
VOICE = 0.5  # score of speech from which a stretch counts
SHARE = 1.0  # how much more often a piece is taken for each stretch that counts, and at most
MOST = 6.0


def taken_more_often(clips: list[Clip], weights: Path) -> list[Clip]:
    """The clips, those of music with a share that grows with how long this net hears a voice in them."""
    ear, random = Ear(Net.read(weights)), np.random.default_rng(SEED)
    return [
        replace(clip, share=1.0 + min(MOST, SHARE * mistakes(ear, clip, random))) if clip.kind == "music" else clip
        for clip in clips
    ]


def mistakes(ear: Ear, clip: Clip, random: np.random.Generator) -> float:
    """Stretches of the clip that are heard as a voice, mean of LEVELS."""
    heard = 0
    for level in LEVELS:
        pcm = np.rint(line(at_level(clip.samples, level), random) * 32767).astype(np.int16)
        heard += sum(score.speech >= VOICE for score in ear.hear([(ear.open(), g711.encode(pcm))])[0])
    return heard / len(LEVELS)
