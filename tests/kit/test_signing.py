"""Signatures, verified by the library that receivers use."""

import time
from base64 import b64decode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from leadrail.kit import signing

BODY = '{"name":"Zoë","value":1.50}'.encode()


def now_s() -> int:
    return int(time.time())


def test_new_secrets_are_long_and_differ() -> None:
    first, second = signing.new_secret(), signing.new_secret()

    assert first.startswith("whsec_")
    assert 24 <= len(b64decode(first.removeprefix("whsec_"))) <= 64
    assert first != second


@given(body=st.text().map(str.encode), message_id=st.uuids().map(str))
def test_the_library_accepts_what_we_sign(body: bytes, message_id: str) -> None:
    secret = signing.new_secret()

    sent = signing.headers([secret], message_id, now_s(), body)

    Webhook(secret).verify(body, sent, json_parse=False)


def test_signature_matches_the_example_of_the_specification() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'

    signature = signing.sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_date_signs_like_its_seconds() -> None:
    secret, at = signing.new_secret(), datetime(2026, 1, 2, 3, 4, 5, 999_999, UTC)

    assert signing.sign(secret, "m", at, BODY) == signing.sign(secret, "m", int(at.timestamp()), BODY)


@pytest.mark.parametrize("rotated", ["old", "new"])
def test_during_a_rotation_both_secrets_verify(rotated: str) -> None:
    secrets = {"old": signing.new_secret(), "new": signing.new_secret()}

    sent = signing.headers([secrets["new"], secrets["old"]], "m", now_s(), BODY)

    assert Webhook(secrets[rotated]).verify(BODY, sent) == {"name": "Zoë", "value": 1.5}


@pytest.mark.parametrize(
    ("changed", "body"),
    [
        ({}, BODY.replace(b"1.50", b"9.50")),
        ({"webhook-id": "another"}, BODY),
        ({"webhook-timestamp": str(int(time.time()) - 1)}, BODY),
    ],
    ids=["body", "id", "time"],
)
def test_what_was_tampered_with_is_refused(changed: dict[str, str], body: bytes) -> None:
    secret = signing.new_secret()
    sent = signing.headers([secret], "m", now_s(), BODY) | changed

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, sent)


def test_another_secret_is_refused() -> None:
    sent = signing.headers([signing.new_secret()], "m", now_s(), BODY)

    with pytest.raises(WebhookVerificationError):
        Webhook(signing.new_secret()).verify(BODY, sent)


def test_a_body_that_is_not_text_is_signed_byte_by_byte() -> None:
    secret = signing.new_secret()

    assert signing.sign(secret, "m", 1, b"\xff\x00") != signing.sign(secret, "m", 1, b"\xfe\x00")


def test_a_secret_without_its_padding_or_prefix_is_the_same_secret() -> None:
    secret = signing.new_secret()
    bare = secret.removeprefix("whsec_").rstrip("=")

    assert signing.sign(bare, "m", 1, BODY) == signing.sign(secret, "m", 1, BODY)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_====", "whsec_ab!cd", "whsec_a"])
def test_a_broken_secret_raises(secret: str) -> None:
    with pytest.raises(ValueError):
        signing.sign(secret, "m", 1, BODY)
