"""`outwait phrases`: which phrases an engine's voice has, and having the others made before anybody is called."""

from __future__ import annotations

import asyncio

from rich.console import Console

from outwait.compose import phrase_work
from outwait.config import Settings
from outwait.errors import OutwaitError
from outwait.house.studio import Studio, Take
from outwait.logs import configure

BYTES = 8000  # of a second


def run(engine: str | None, *, make: bool) -> int:
    """`engine`: None: that of the settings. `make`: those that are missing. 1 when some are still missing then."""
    configure("error")
    console = Console(highlight=False, soft_wrap=True)
    job = phrase_work(Settings.load(), engine)
    voice = job.engine.capabilities.voice_key
    missing: dict[str, str] = {}
    console.print(f"{job.engine.capabilities.name}, {job.engine.capabilities.model}, {job.engine.capabilities.voice}")
    for name, text in job.texts.items():
        kept = job.library.get(voice, text)
        if kept is None:
            missing[name] = text
        else:
            console.print(f"kept     {name}: {text} ({len(kept) / BYTES:.1f} s)")
    if not make:
        console.print(*(f"missing  {name}: {text}" for name, text in missing.items()), sep="\n")
        return 0
    if not missing:
        return 0
    failed = 0

    def made(take: Take) -> None:
        nonlocal failed
        if take.ulaw:
            job.library.keep(voice, take.text, take.ulaw)
            console.print(f"made     {take.name}: {take.text} ({len(take.ulaw) / BYTES:.1f} s)")
        else:
            failed += 1
            console.print(f"failed   {take.name}: {take.text} {take.why}")

    studio = Studio(job.engine, job.prices)
    asyncio.run(studio.record(missing, made))
    about = ", about" if studio.estimated else ""
    console.print(f"{len(missing) - failed} made{about} for ${studio.spent / 1e6:.4f}")
    if failed:
        raise OutwaitError(f"{failed} of {len(missing)} phrases could not be made")
    return 0
