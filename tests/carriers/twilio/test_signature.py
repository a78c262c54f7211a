"""Signatures: the documented vectors, and twilio's own validator as an oracle."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from outwait.carriers.twilio.signature import sign, verify, verify_body, verify_upgrade

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
]


class Multi(dict[str, list[str]]):
    """A form in which a name may come more than once, as web frameworks have them."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def test_documented_vectors() -> None:
    assert sign(TOKEN, URL, FORM) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert sign(TOKEN, URL, FORM, "sha256") == "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s="
    assert sign(TOKEN, "wss://example.com/media") == "7PR3qMkpDyEJtMrVOY/LDyNq8J8="
    assert sign(TOKEN, "wss://example.com/media/") == "T+WBXwUXC0/CyoZ1DA+p9ilZORs="


@given(
    form=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
        st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=10), min_size=1, max_size=3),
        max_size=8,
    )
)
def test_signs_as_twilio_does(form: dict[str, list[str]]) -> None:
    pairs = [(name, value) for name, values in form.items() for value in values]
    assert sign(TOKEN, URL, pairs) == RequestValidator(TOKEN).compute_signature(URL, Multi(form))


def test_a_form_must_be_the_signed_one() -> None:
    good = sign(TOKEN, URL, FORM)
    assert verify(TOKEN, URL, good, FORM)
    assert verify(TOKEN, URL, good, FORM[::-1])
    assert not verify(TOKEN, URL, good, FORM[1:])
    assert not verify(TOKEN, URL, good, [*FORM, ("More", "")])
    assert not verify(TOKEN, URL, sign(TOKEN, URL), FORM), "what was signed without a form is not good for one"
    assert not verify("54321", URL, good, FORM)
    assert not verify(TOKEN, URL.replace("https", "http"), good, FORM)


@pytest.mark.parametrize("signature", [None, "", "x", "\u00fc", "=" * 1000])
def test_nonsense_is_no_signature(signature: str | None) -> None:
    assert not verify(TOKEN, URL, signature, FORM)
    assert not verify_upgrade(TOKEN, "wss://example.com/media", signature)
    assert not verify_body(TOKEN, URL, signature, b"")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("https://a.example/x?y=1", "https://a.example:443/x?y=1"),
        ("https://a.example:443/x", "https://a.example/x"),
        ("https://a.example:8443/x", "https://a.example/x"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
        ("http://[::1]/x", "http://[::1]:80/x"),
    ],
)
def test_the_port_may_be_said_or_not(ours: str, theirs: str) -> None:
    assert verify(TOKEN, ours, sign(TOKEN, theirs, FORM), FORM)


@pytest.mark.parametrize(
    "theirs",
    [
        "wss://example.com/media",
        "wss://example.com/media/",
        "wss://example.com:443/media",
        "wss://example.com:443/media/",
    ],
)
def test_an_upgrade_may_differ_in_slash_and_port(theirs: str) -> None:
    assert verify_upgrade(TOKEN, "wss://example.com/media", sign(TOKEN, theirs))
    assert not verify_upgrade(TOKEN, "wss://example.com/other", sign(TOKEN, theirs))


def test_a_body_that_is_no_form_is_bound_by_its_hash() -> None:
    body = b'{"a": 1}'
    url = f"https://a.example/x?bodySHA256={hashlib.sha256(body).hexdigest()}"
    assert verify_body(TOKEN, url, sign(TOKEN, url), body)
    assert RequestValidator(TOKEN).validate(url, body.decode(), sign(TOKEN, url))
    assert not verify_body(TOKEN, url, sign(TOKEN, url), body + b" ")
    assert not verify_body(TOKEN, "https://a.example/x", sign(TOKEN, "https://a.example/x"), body)


def test_nothing_but_a_comparison_of_constant_time_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that stops at the first difference tells a stranger, try by try, how far a forgery is right."""
    good = sign(TOKEN, URL, FORM)
    body = b'{"a": 1}'
    hashed = f"{URL}&bodySHA256={hashlib.sha256(body).hexdigest()}"
    monkeypatch.setattr("hmac.compare_digest", lambda a, b: False)
    assert not verify(TOKEN, URL, good, FORM)
    assert not verify_upgrade(TOKEN, "wss://example.com/media", sign(TOKEN, "wss://example.com/media"))
    compared: list[tuple[bytes, bytes]] = []

    def equal(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return a == b

    monkeypatch.setattr("hmac.compare_digest", equal)
    assert verify_body(TOKEN, hashed, sign(TOKEN, hashed), body)
    assert hashlib.sha256(body).hexdigest().encode() in [b for _, b in compared]
