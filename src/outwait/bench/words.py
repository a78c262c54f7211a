"""The local recogniser on prompts whose words are known: word error, seconds of CPU.

`outwait bench words --recordings ../shared/audio/asterisk-core-en --texts core-sounds-en.txt.gz`. The texts are lines
of the form `name: words`, as they come with Asterisk (Debian: /usr/share/doc/asterisk-core-sounds-en); a recording
is called name.wav, or .opus, .ogg or .flac. Without both, it listens to the voices of our own simulation.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
import tomllib
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

from outwait.audio import g711
from outwait.commands.listen import read_whole
from outwait.errors import OutwaitError
from outwait.local.stt import LocalRecogniser, recogniser
from outwait.local.words import word_errors, words

ENDINGS = (".wav", ".opus", ".ogg", ".flac")
FEWEST = 3  # words; a prompt of fewer says little
SHOWN = 8  # of the prompts with most errors


@dataclass(frozen=True, slots=True)
class Prompt:
    """A recording and its words."""

    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a prompt."""

    name: str
    text: str
    heard: str
    errors: int  # words
    words: int  # of the text
    seconds: float  # of sound
    cpu: float  # s


def main(arguments: list[str]) -> int:
    """Listen and print. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="outwait bench words", description=__doc__)
    parser.add_argument("--recordings", type=Path, help="folder of prompts")
    parser.add_argument("--texts", type=Path, help="file of lines `name: words`, also gzipped")
    parser.add_argument("--model", type=Path, help="folder of a Whisper model of your own")
    parser.add_argument("--most", type=int, default=60, help="prompts, spread over the folder")
    parser.add_argument("--json", action="store_true", help="everything as one JSON object")
    options = parser.parse_args(arguments)
    if (options.recordings is None) != (options.texts is None):
        raise OutwaitError("--recordings and --texts go together", usage=True)
    prompts = read_prompts(options.recordings, options.texts) if options.recordings else own_prompts()
    if not prompts:
        raise OutwaitError(
            f"no prompt of {FEWEST} words or more in {options.recordings} has its text in {options.texts}"
        )
    step = max(1, len(prompts) / options.most)
    chosen = [prompts[int(place * step)] for place in range(min(len(prompts), options.most))]
    local = recogniser(options.model)
    local.load()
    heard = [listen(local, prompt) for prompt in chosen]
    if options.json:
        sys.stdout.write(json.dumps({**figures(heard), "heard": [asdict(one) for one in heard]}) + "\n")
        return 0
    total = figures(heard)
    sys.stdout.write(
        f"{total['prompts']} prompts, {total['seconds']:.0f} s, {total['words']} words: "
        f"word error {total['word_error']:.1%}, {total['cpu_per_prompt']:.2f} s of CPU a prompt\n"
    )
    for one in sorted(heard, key=lambda one: -one.errors)[:SHOWN]:
        if one.errors:
            sys.stdout.write(f"  {one.errors} of {one.words}: {one.text}\n         heard: {one.heard}\n")
    return 0


def listen(local: LocalRecogniser, prompt: Prompt) -> Heard:
    """One prompt."""
    ulaw = read_whole(prompt.path)
    before = time.process_time()
    heard = local.words(ulaw)
    cpu = time.process_time() - before
    said = words(prompt.text)
    errors = word_errors(said, words(heard))
    return Heard(prompt.path.stem, prompt.text, heard, errors, len(said), g711.seconds(ulaw), cpu)


def figures(heard: Sequence[Heard]) -> dict[str, float]:
    """Of all of them together."""
    total = sum(one.words for one in heard)
    return {
        "prompts": len(heard),
        "seconds": sum(one.seconds for one in heard),
        "words": total,
        "errors": sum(one.errors for one in heard),
        "word_error": sum(one.errors for one in heard) / max(1, total),
        "cpu_per_prompt": sum(one.cpu for one in heard) / max(1, len(heard)),
    }


def read_prompts(folder: Path, texts: Path) -> list[Prompt]:
    """Those with a text that is all words. Raises OutwaitError."""
    try:
        data = texts.read_bytes()
        lines = (gzip.decompress(data) if texts.suffix == ".gz" else data).decode("utf-8", "replace").splitlines()
    except (OSError, EOFError, zlib.error) as error:
        raise OutwaitError(f"{texts}: {error}") from error
    prompts = []
    for line in lines:
        name, colon, text = line.partition(": ")
        if not colon or line.startswith(";") or "[" in text or "/" in name or len(words(text)) < FEWEST:
            continue
        path = next((folder / f"{name}{ending}" for ending in ENDINGS if (folder / f"{name}{ending}").is_file()), None)
        if path is not None:
            prompts.append(Prompt(path, text.strip()))
    return prompts


def own_prompts() -> list[Prompt]:
    """The people and the agent of the simulation."""
    folder = Path(str(files("outwait.sim") / "sounds"))
    told = tomllib.loads((folder / "lines.toml").read_text(encoding="utf-8"))
    return [Prompt(folder / line["file"], line["text"]) for line in told["line"]]
