"""The parts of a cascade, and whose keys they are given."""

from __future__ import annotations

import pytest

from outwait.config import Settings
from outwait.parts import _service


def settings(**given: str) -> Settings:
    return Settings.load(openai_api_key="sk-of-openai", **given)


def test_openai_s_key_goes_to_openai_s_address_alone() -> None:
    at_openai = _service(settings(), "llm")
    assert at_openai is not None
    assert at_openai.key == "sk-of-openai"
    assert "api.openai.com" in at_openai.url
    elsewhere = _service(settings(cascade_llm_url="https://models.example.com/v1"), "llm")
    assert elsewhere is not None
    assert (elsewhere.url, elsewhere.key) == ("https://models.example.com/v1", "")


@pytest.mark.parametrize("part", ["stt", "llm", "tts"])
def test_each_part_has_its_own_key(part: str) -> None:
    own = {f"cascade_{part}_url": "https://models.example.com/v1", f"cascade_{part}_key": "sk-of-the-other"}
    service = _service(settings(**own), part)
    assert service is not None
    assert service.key == "sk-of-the-other"
