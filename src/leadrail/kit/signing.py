"""Signatures after Standard Webhooks: HMAC-SHA256 over the id, the time and the raw body of a message.

The HMAC is our own because the `standardwebhooks` library signs text and a body is bytes; the tests verify
with the library.
"""

import hmac
import secrets as random
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    return _PREFIX + b64encode(random.token_bytes(_SECRET_BYTES)).decode()


def headers(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a message, with one signature per secret: two hold while a secret is rotated."""
    signatures = [sign(secret, message_id, timestamp, body) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def sign(secret: str, message_id: str, at: datetime | int, body: bytes) -> str:
    """`v1,<base64>` over the body as sent. ValueError when the secret cannot be read."""
    timestamp = at if isinstance(at, int) else int(at.timestamp())
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return "v1," + b64encode(hmac.digest(_key(secret), signed, "sha256")).decode()


@lru_cache(maxsize=4096)
def _key(secret: str) -> bytes:
    encoded = secret.removeprefix(_PREFIX).rstrip("=")
    # Some vendors hand out secrets without padding.
    key = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    if not key:
        raise ValueError("a signing secret may not be empty")
    return key
