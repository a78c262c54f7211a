"""The server as a process of its own, which can be killed."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

from tests.e2e.house import LIMIT


class Server:
    """`outwait serve`, with its files in a folder. An async context manager: killed at the end, if it still runs."""

    def __init__(self, folder: Path, environment: dict[str, str], **settings: str) -> None:
        mine = {name: value for name, value in os.environ.items() if not re.match("OUTWAIT_|OPENAI_|AZURE_", name)}
        kept = {"DATABASE_URL": f"sqlite:///{folder}/calls.db", "XDG_DATA_HOME": str(folder)}
        self._environment = mine | environment | kept | settings
        self._folder = folder
        self.url = ""
        self.log = ""

    async def __aenter__(self) -> Server:
        words = (sys.executable, "-m", "outwait", "serve", "--port", "0", "--drain", "0")
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *words, cwd=self._folder, stdout=pipe, stderr=pipe, env=self._environment
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._logging = asyncio.create_task(self._process.stderr.read())
        async with asyncio.timeout(LIMIT):
            line = (await self._process.stdout.readline()).decode()
        if not line:
            self.log = (await self._logging).decode()
            raise AssertionError(self.log)
        self.url = line.removeprefix("listening on ").strip()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            await self.end(signal.SIGKILL)

    async def end(self, number: signal.Signals) -> int:
        """Its exit status; `log` is all it has said."""
        self._process.send_signal(number)
        async with asyncio.timeout(LIMIT):
            status = await self._process.wait()
        self.log = (await self._logging).decode()
        return status
