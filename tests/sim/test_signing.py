"""Our signatures are those of Twilio's own library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from outwait.sim.signing import signature

NAMES = st.text("abcXYZ019", min_size=1)


@given(st.dictionaries(NAMES, st.text(), max_size=6), st.text("abc/1", max_size=20))
def test_it_passes_the_validator(form, path):
    url = f"https://voice.example.com/{path}?a=1"
    assert RequestValidator("12345").validate(url, form, signature("12345", url, form))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("wss://example.com/media", "7PR3qMkpDyEJtMrVOY/LDyNq8J8="),
        ("wss://example.com/media/", "T+WBXwUXC0/CyoZ1DA+p9ilZORs="),
    ],
)
def test_upgrades_are_signed_over_the_url(url, expected):
    assert signature("12345", url) == expected
