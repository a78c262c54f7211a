"""What may be dialled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outwait.rules.numbers import NumberRefused, dialable, masked

US, GB, DE = "+12025550199", "+442079460000", "+493012345678"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+12025550143", "+12025550143"),
        ("+1 (202) 555-0143", "+12025550143"),
        (" +1.202.555.0143 ", "+12025550143"),
        ("+1\u00a0202\u2011555\u20130143", "+12025550143"),
        ("+44 20 7946 0000", "+442079460000"),
        ("+49 30/123456 78", "+493012345678"),
        ("+18005550100", "+18005550100"),
        ("+15551234567", "+15551234567"),
        ("+911234567890", "+911234567890"),
        ("+99912345678", None),
        ("+979123456789", None),
    ],
)
def test_takes_e164_with_separators(text: str, number: str | None) -> None:
    if number is None:
        with pytest.raises(NumberRefused):
            dialable(text, US)
    else:
        assert dialable(text, US) == number


@pytest.mark.parametrize(
    ("text", "caller"),
    [
        ("911", US),
        ("9-1-1", US),
        ("+911", US),
        ("+1 911", US),
        ("+1911", GB),
        ("112", US),
        ("112", DE),
        ("999", GB),
        ("+44999", US),
        ("+44 112", GB),
        ("110", DE),
    ],
)
def test_refuses_emergency_numbers(text: str, caller: str) -> None:
    with pytest.raises(NumberRefused) as refused:
        dialable(text, caller)
    assert refused.value.code == "emergency_number"


@pytest.mark.parametrize("text", ["411", "+1411", "12345", "988", "+1 211", "123456", "+0123", "+1"])
def test_refuses_short_codes(text: str) -> None:
    with pytest.raises(NumberRefused) as refused:
        dialable(text, US)
    assert refused.value.code in ("short_code", "invalid_number")


@pytest.mark.parametrize("text", ["+19005550100", "+1 212 976 1234", "+44 909 879 0000", "+49 900 1234567"])
def test_refuses_premium_ranges(text: str) -> None:
    with pytest.raises(NumberRefused) as refused:
        dialable(text, US)
    assert refused.value.code == "premium_number"


@pytest.mark.parametrize(
    "text",
    ["", "+", "abc", "2025550143", "12025550143", "0012025550143", "+1202555014", "+120255501433", "+1202555O143",
     "+1\u0662025550143", "++12025550143", "+12025550143x5", "tel:+12025550143", "sip:a@b", "+1,2025550143", "*67"],
)  # fmt: skip
@pytest.mark.parametrize("caller", [US, None, "nonsense"])
def test_refuses_what_is_no_number(text: str, caller: str | None) -> None:
    with pytest.raises(NumberRefused):
        dialable(text, caller)


@given(st.text(max_size=30) | st.from_regex(r"\+?[0-9 ()-]{0,20}", fullmatch=True))
def test_gives_e164_or_refuses(text: str) -> None:
    try:
        number = dialable(text, US)
    except NumberRefused:
        return
    assert number.startswith("+")
    assert number[1:].isdecimal()
    assert dialable(number, US) == number


def test_masks() -> None:
    assert masked("+12025550143") == "+12***43"
    assert masked("911") == "***"
    assert masked("") == "***"
