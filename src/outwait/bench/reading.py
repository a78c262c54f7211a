"""Places and waits read from recorded announcements, between music, by the packaged recogniser; music alone.

`outwait bench reading --recordings ../shared/audio --prompts /usr/share/asterisk/sounds/en_US_f_Allison`. The
recordings have a manifest.csv; the prompts are Asterisk's, of which sentences are made as its queues say them. Every
sentence stands between pieces of music and goes the way that it goes in a call: ear, pieces of voice, recogniser,
reader. `--every-piece` also gives the recogniser all of the music, whatever the ear says about it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from outwait.audio import g711
from outwait.audio.ear import Ear
from outwait.bench._announcements import Announcement, composed, recorded, sound
from outwait.bench._clips import Clip as Recording
from outwait.bench._clips import read_manifest
from outwait.bench._damage import DAMAGE, RATE, Sound
from outwait.call.clips import Clips
from outwait.call.reading import read
from outwait.call.sentences import Sentences
from outwait.call.waiting import Queue
from outwait.commands.listen import scored
from outwait.local.stt import Announcements, recogniser

MUST: Final = 0.9  # share of the announcements that are to be read right
MUSIC: Final = ("music", "music_vocals")
AROUND: Final = 5.0  # s of music before a sentence, and behind it
PIECE: Final = 10.0  # s of music given to the recogniser at a time
LOST: Final = 0.02  # share of the packets that the second line loses
BLOCK: Final = 8000  # bytes given to the ear at a time


@dataclass(frozen=True, slots=True)
class Read:
    """One sentence over one line."""

    name: str
    source: str
    line: str
    heard: str
    wanted: tuple[int | None, int | None]
    """place, wait in s"""
    got: tuple[int | None, int | None]

    @property
    def right(self) -> bool:
        """Place and wait, and nothing that was not said."""
        return self.wanted == self.got


@dataclass(frozen=True, slots=True)
class Silent:
    """What was read where nothing is said."""

    seconds: float
    """of music"""
    pieces: int
    """that were given to the recogniser"""
    invented: tuple[str, ...]
    """words in which a place, a wait, a key or an offer was seen"""


def main(arguments: list[str]) -> int:
    """Listen, read, print. Returns the exit status: 1 when too little is right, or something was invented."""
    parser = argparse.ArgumentParser(prog="outwait bench reading", description=__doc__)
    parser.add_argument("--recordings", type=Path, required=True, help="folder with a manifest.csv")
    parser.add_argument("--prompts", type=Path, action="append", default=[], help="folder of Asterisk's prompts")
    parser.add_argument("--most", type=int, default=20, help="sentences of each form that are made of prompts")
    parser.add_argument("--seed", type=int, default=6, help="which ones")
    parser.add_argument("--every-piece", action="store_true", help="all music to the recogniser")
    parser.add_argument("--no-music", action="store_true", help="announcements only")
    parser.add_argument("--model", type=Path, help="folder of a Whisper model of your own")
    parser.add_argument("--json", action="store_true", help="everything as one JSON object")
    options = parser.parse_args(arguments)
    ears = recogniser(options.model)
    ears.load()
    whisper = ears.announcements()
    ear = Ear.load()
    sentences = [("whole", one) for one in recorded(options.recordings)]
    for folder in [options.recordings / "asterisk-core-en", *options.prompts]:
        sentences += [(folder.name, one) for one in composed(folder, options.most, options.seed)]
    music = _music(options.recordings)
    found = list(_listen(ear, whisper, sentences, music))
    silent = None if options.no_music else _silence(ear, whisper, music, every=options.every_piece)
    if options.json:
        told = {"read": [asdict(one) | {"right": one.right} for one in found], "music": silent and asdict(silent)}
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        _show(found, silent)
    right = sum(one.right for one in found)
    return 0 if right >= MUST * len(found) and not (silent and silent.invented) else 1


def hear(ear: Ear, whisper: Announcements, ulaw: bytes) -> tuple[Queue, list[str]]:
    """The way of a call: what the queue is known to have said, and the words of every piece of voice."""
    listening, clips, sentences, queue, words = ear.open(), Clips(), Sentences(), Queue(takes=False), []
    for start in range(0, len(ulaw), BLOCK):
        for score in ear.hear([(listening, ulaw[start : start + BLOCK])])[0]:
            clip = clips.hear(scored(score))
            if clip is not None:
                words.append(whisper.words(ulaw[round(clip.start * RATE) : round(clip.end * RATE)]))
                queue.hear(sentences.read(clip, words[-1]), clip.end)
    return queue, words


def _listen(
    ear: Ear, whisper: Announcements, sentences: list[tuple[str, Announcement]], music: list[Recording]
) -> Iterator[Read]:
    drawn = np.random.default_rng(len(sentences))
    for source, one in sentences:
        around = sound(music[int(drawn.integers(len(music)))].path)[: round(2 * AROUND * RATE)] * np.float32(0.5)
        before, behind = around[: len(around) // 2], around[len(around) // 2 :]
        pause = np.zeros(round(0.4 * RATE), np.float32)
        tape = np.concatenate([before, pause, one.sound, pause, behind])
        for line, damaged in (("G.711", tape), ("GSM, 2 % lost", _lost(DAMAGE["GSM"](tape, drawn), drawn))):
            queue, words = hear(ear, whisper, _ulaw(damaged))
            got = (queue.position, queue.wait_seconds)
            yield Read(one.name, source, line, " / ".join(words), (one.position, one.wait), got)


def _silence(ear: Ear, whisper: Announcements, music: list[Recording], *, every: bool) -> Silent:
    seconds, pieces, invented = 0.0, 0, []
    for recording in music:
        ulaw = _ulaw(sound(recording.path))
        seconds += len(ulaw) / RATE
        _, words = hear(ear, whisper, ulaw)
        size = round(PIECE * RATE)
        words += [whisper.words(ulaw[at : at + size]) for at in range(0, len(ulaw), size)] if every else []
        pieces += len(words)
        invented += [text for text in words if _says_something(text)]
    return Silent(round(seconds, 1), pieces, tuple(invented))


def _says_something(text: str) -> bool:
    found = read(text)
    return bool(found.position or found.wait_seconds or found.keep or found.callback or found.decline)


def _music(folder: Path) -> list[Recording]:
    uses = ("train", "public_test")
    return [clip for use in uses for clip in read_manifest([folder], use) if clip.kind in MUSIC]


def _lost(tape: Sound, drawn: np.random.Generator) -> Sound:
    """Packets of 20 ms that did not come; the one before is heard again, softer."""
    tape = tape.copy()
    for frame in range(1, len(tape) // 160):
        if drawn.random() < LOST:
            tape[frame * 160 : frame * 160 + 160] = 0.6 * tape[frame * 160 - 160 : frame * 160]
    return tape


def _ulaw(tape: Sound) -> bytes:
    return g711.encode((np.clip(tape, -1, 1) * 32767).astype(np.int16))


def _show(found: list[Read], silent: Silent | None) -> None:
    for source, line in sorted({(one.source, one.line) for one in found}):
        _share(f"{source}, {line}", [one for one in found if (one.source, one.line) == (source, line)])
    _share("all", found)
    for one in found:
        if not one.right:
            sys.stdout.write(f"  {one.line}: {one.name}: {one.wanted} read as {one.got}: {one.heard}\n")
    if silent is not None:
        sys.stdout.write(
            f"{silent.seconds / 3600:.1f} h of music: {silent.pieces} pieces read, {len(silent.invented)} invented\n"
        )
        for text in silent.invented:
            sys.stdout.write(f"  invented: {text}\n")


def _share(label: str, found: Iterable[Read]) -> None:
    each = list(found)
    right = sum(one.right for one in each)
    sys.stdout.write(f"{label}: {right} of {len(each)} right ({right / max(1, len(each)):.1%})\n")
