"""Signatures: ours is checked, and whatever is not ours is not."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outwait.webhook import BadSignature, sign, verify_webhook

# The example of the specification of Standard Webhooks, as its reference libraries test it.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, WHEN, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_it_is_the_signature_of_the_specification() -> None:
    headers = sign(SECRET, ID, WHEN, BODY)
    assert headers == {"webhook-id": ID, "webhook-timestamp": str(WHEN), "webhook-signature": SIGNATURE}
    verify_webhook(BODY, headers, SECRET, now=WHEN + 10)


@given(st.binary(), st.text(min_size=1), st.integers(0, 2**33))
def test_what_is_signed_is_accepted(body: bytes, secret: str, when: int) -> None:
    headers = {name.title(): value for name, value in sign(secret, "a.b", when, body).items()}
    verify_webhook(body, headers, secret, now=when)
    with pytest.raises(BadSignature):
        verify_webhook(body + b" ", headers, secret, now=when)
    with pytest.raises(BadSignature):
        verify_webhook(body, headers, secret + "x", now=when)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "other"},
        {"webhook-timestamp": str(WHEN + 1)},
        {"webhook-timestamp": "soon"},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": SIGNATURE.replace("v1,", "v2,")},
        {"webhook-signature": "v1,\u00fc"},
        {"webhook-signature": ""},
    ],
)
def test_what_is_changed_is_not(changed: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        verify_webhook(BODY, sign(SECRET, ID, WHEN, BODY) | changed, SECRET, now=WHEN)


def test_one_of_several_signatures_is_enough() -> None:
    headers = sign(SECRET, ID, WHEN, BODY) | {"webhook-signature": f"v1,AAAA v1a,x {SIGNATURE}"}
    verify_webhook(BODY, headers, SECRET, now=WHEN)


@pytest.mark.parametrize("late", [-301, 301])
def test_an_old_one_is_not_sent_again(late: int) -> None:
    with pytest.raises(BadSignature):
        verify_webhook(BODY, sign(SECRET, ID, WHEN, BODY), SECRET, now=WHEN + late)


def test_a_secret_that_only_looks_like_base64_is_a_word() -> None:
    headers = sign("whsec_not base64!", ID, WHEN, BODY)
    verify_webhook(BODY, headers, "whsec_not base64!", now=WHEN)
    assert headers != sign(base64.b64decode("aaaa").decode("latin-1"), ID, WHEN, BODY)


def test_nothing_but_a_comparison_of_constant_time_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = sign(SECRET, ID, WHEN, BODY)
    monkeypatch.setattr("hmac.compare_digest", lambda a, b: False)
    with pytest.raises(BadSignature):
        verify_webhook(BODY, headers, SECRET, now=WHEN)
