"""Our server as the benchmarks start it: all settings from the environment, a policy that suits the load."""

from __future__ import annotations

import sys
from pathlib import Path

from outwait.call.hold import HoldPolicy
from outwait.call.policy import Policy
from outwait.compose import desk_opener
from outwait.config import Settings
from outwait.house.memory import settle_memory
from outwait.web.server import run, serve

NEVER = 1e9  # s


def main() -> None:
    """`--talk`: nothing on the line counts as a hold."""
    settings = Settings.load()
    policy = Policy()
    if "--talk" in sys.argv:
        hold = HoldPolicy(music_parks=NEVER, announcement_parks=NEVER, silence_parks=NEVER)
        policy = Policy(hold=hold)
    run(serve(settings, desk_opener(settings, policy=policy, folder=Path.cwd()), ready=settle_memory))


if __name__ == "__main__":
    main()
