"""Runs a server from a program: settings and agents in, until it is told to stop."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from outwait import plugins
from outwait.agent import Agent, load
from outwait.compose import desk_opener
from outwait.config import Settings
from outwait.errors import OutwaitError
from outwait.house.memory import settle_memory
from outwait.logs import configure
from outwait.store.base import StoreError
from outwait.web.server import run, serve


def serve_agents(agents: Sequence[Agent] = (), **flags: Any) -> None:
    """Until SIGTERM. Without `agents`: those that the settings name. Raises OutwaitError."""
    try:
        settings = Settings.load(**flags)
        configure(settings.log_level)
        wanted = list(agents) or load(settings.agent)
        kit = plugins.carrier(settings.carrier, os.environ) if settings.carrier != "twilio" else None
        run(serve(settings, desk_opener(settings, agents=wanted, kit=kit), kit, ready=settle_memory))
    except StoreError as error:
        raise OutwaitError(str(error)) from error
