"""Webhook signatures: the vector of the reference library, and what a receiver must refuse."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications import signing
from notifications.signing import BadSecret, BadSignature

VECTOR: dict[str, str] = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "recordings" / "standard_webhooks_vector.json").read_text()
)
SECRET = VECTOR["secret"]
AT = datetime.fromtimestamp(int(VECTOR["webhook-timestamp"]), tz=UTC)
BODY = VECTOR["body"].encode()
SIGNED = {name: VECTOR[name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}


def test_headers_are_those_of_the_reference_library() -> None:
    assert signing.headers(SECRET, message_id=SIGNED["webhook-id"], at=AT, body=BODY) == SIGNED


def test_reference_signature_is_accepted_for_five_minutes_either_way() -> None:
    for seconds in (-300, 0, 300):
        signing.verify(SECRET, headers=SIGNED, body=BODY, now=AT + timedelta(seconds=seconds))
    for seconds in (-301, 301):
        with pytest.raises(BadSignature, match="5 minutes"):
            signing.verify(SECRET, headers=SIGNED, body=BODY, now=AT + timedelta(seconds=seconds))


def test_any_signature_of_a_list_is_enough() -> None:
    listed = SIGNED | {"webhook-signature": f"v1,bm90IG91cnM= v1a,xyz é {SIGNED['webhook-signature']}"}
    signing.verify(SECRET, headers=listed, body=BODY, now=AT)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_other"},
        {"webhook-id": ""},
        {"webhook-timestamp": str(int(VECTOR["webhook-timestamp"]) + 1)},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "٣"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-signature": ""},
        {"webhook-signature": SIGNED["webhook-signature"].removeprefix("v1,")},
        {"webhook-signature": "v1,"},
    ],
)
def test_changed_header_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        signing.verify(SECRET, headers=SIGNED | changed, body=BODY, now=AT)


def test_changed_body_and_other_secret_are_refused() -> None:
    with pytest.raises(BadSignature, match="no signature matches"):
        signing.verify(SECRET, headers=SIGNED, body=BODY + b" ", now=AT)
    with pytest.raises(BadSignature, match="no signature matches"):
        signing.verify(signing.new_secret(), headers=SIGNED, body=BODY, now=AT)
    with pytest.raises(BadSignature):
        signing.verify(SECRET, headers={}, body=BODY, now=AT)


def test_new_secrets_are_32_random_bytes() -> None:
    one, two = signing.new_secret(), signing.new_secret()
    assert one != two
    assert one.startswith("whsec_")
    assert len(base64.b64decode(one.removeprefix("whsec_"), validate=True)) == 32


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_%%%", "whsec_" + "A" * 8, SECRET.removeprefix("whsec_"), "whsec_é", "whsec_" + "A" * 88],
)
def test_malformed_secret_is_refused_without_being_repeated(secret: str) -> None:
    with pytest.raises(BadSecret, match="^(the signing secret is not|a signing secret is whsec_ and the) base64"):
        signing.headers(secret, message_id="msg_1", at=AT, body=BODY)


@pytest.mark.parametrize("message_id", ["", "a.b", "a b", "a\nb", "é"])
def test_ambiguous_message_id_is_refused(message_id: str) -> None:
    with pytest.raises(ValueError, match="message id"):
        signing.headers(SECRET, message_id=message_id, at=AT, body=BODY)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True))
def test_whatever_is_signed_is_accepted(body: bytes, message_id: str) -> None:
    secret = signing.new_secret()
    signed = signing.headers(secret, message_id=message_id, at=AT, body=body)
    signing.verify(secret, headers=signed, body=body, now=AT + timedelta(seconds=30))
