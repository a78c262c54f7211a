"""A server between the simulators takes its settings from them alone."""

from __future__ import annotations

from pathlib import Path

import msgspec
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from outwait.config import Settings
from outwait.sim.stage import Stage


def staged_settings(stage: Stage, folder: Path) -> Settings:
    """Of a server whose carrier and model are those of the stage, and whose files are in the folder."""
    values = {name.removeprefix("OUTWAIT_").lower(): value for name, value in stage.environment().items()}
    if stage.prices is not None:
        values["prices"] = str(folder / "prices.json")
        (folder / "prices.json").write_bytes(msgspec.json.encode(stage.prices))
    return _Given.load(host="127.0.0.1", port=0, database_url=f"sqlite:///{folder / 'calls.db'}", **values)


class _Given(Settings):
    """Settings from nowhere but the arguments: nothing that is set outside is used, or needed."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)
