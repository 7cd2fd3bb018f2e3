"""Signatures of outgoing webhooks after Standard Webhooks 1.0, so that receivers can use any of its libraries.

Source: github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)

_SECRET_BYTES = 32
_SHORTEST_SECRET, _LONGEST_SECRET = 24, 64  # bytes, the specification's bounds


class BadSecret(ValueError):
    """The secret is not ``whsec_`` and the base64 of 24 to 64 bytes. The secret itself is not in the message."""


class BadSignature(ValueError):
    """The request was not signed with this secret, was changed on the way, or is too old."""


def new_secret() -> str:
    """A fresh signing secret: ``whsec_`` and the base64 of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def check_secret(secret: str) -> None:
    """Raise BadSecret unless requests can be signed with it."""
    _key(secret)


def headers(secret: str, *, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers that prove that ``body`` is ours.

    ``message_id`` stays the same on every repeat of a message; ``at``, an aware time, is when this try starts. Raises
    BadSecret, and ValueError for an id that would make the signed text ambiguous or break a header.
    """
    if not message_id or not message_id.isascii() or not message_id.isprintable() or set(message_id) & {".", " "}:
        raise ValueError("a message id is printable ASCII without full stop and space")
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{_signature(secret, message_id, timestamp, body)}",
    }


def verify(secret: str, *, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raise BadSignature unless ``headers`` (names in lower case) sign ``body`` and are within 5 minutes of ``now``."""
    message_id, timestamp, signatures = (
        headers.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    )
    if not (message_id and signatures and timestamp.isdecimal() and timestamp.isascii()):
        raise BadSignature("a header is missing or malformed")
    if len(timestamp) > 12 or abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise BadSignature("the timestamp is not within 5 minutes of now")
    expected = f"v1,{_signature(secret, message_id, timestamp, body)}".encode()
    # A list, while a secret is being exchanged for another one.
    if not any(hmac.compare_digest(expected, given.encode()) for given in signatures.split(" ")):
        raise BadSignature("no signature matches")


def _signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise BadSecret("the signing secret is not base64") from None
    if not secret.startswith(PREFIX) or not _SHORTEST_SECRET <= len(key) <= _LONGEST_SECRET:
        raise BadSecret(f"a signing secret is {PREFIX} and the base64 of 24 to 64 bytes")
    return key
