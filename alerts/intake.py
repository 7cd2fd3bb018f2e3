"""Keeping what monitors send: one statement finds the integration by its key and stores the event."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

from django.db import connection
from django.utils import timezone

from alerts.formats import FORMATS, Unusable
from alerts.models import Event
from core import strict_json
from core.digests import digest_of
from core.work import nudge
from incidents.models import Severity

SWEEP = "alerts.apply_due"

# One round trip: no second query, no transaction block, nothing that could be away but PostgreSQL.
_STORE = """
    INSERT INTO alerts_event
        (integration_id, received_at, format, body, lane, group_key, state, attempt_count, detail)
    SELECT id, clock_timestamp(), %s, %s, %s, %s, %s, 0, %s
    FROM alerts_integration WHERE key_digest = %s AND is_enabled
    RETURNING id
"""


class WrongKey(Exception):
    """No integration that is switched on has this key, or nobody speaks this format."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The stored event's id, and what is wrong with it when it cannot be used."""

    event: int
    problem: str = ""


def store(*, key: str, format: str, body: bytes) -> Stored:
    """Commit one request of a sender. Raises WrongKey, and whatever the database raises when it is away.

    The body is read once here, so that a sender hears at once of one that can never be used; it is kept either way.
    """
    digest = digest_of(key)
    if format not in FORMATS:
        raise WrongKey
    group_key, problem = _group_key(format, body)
    state = Event.State.UNPARSEABLE if problem else Event.State.PENDING
    lane = lane_of(digest, group_key)
    with connection.cursor() as cursor:
        cursor.execute(_STORE, [format, body, lane, group_key, state, problem, digest])
        row = cursor.fetchone()
    if row is None:
        raise WrongKey
    if not problem:
        nudge(SWEEP)
    return Stored(row[0], problem)


def _group_key(format: str, body: bytes) -> tuple[str, str]:
    """The group key, or "" and why there is none."""
    try:
        delivery = FORMATS[format].parse(
            strict_json.parse(body),
            received_at=timezone.now(),
            default_severity=Severity.MEDIUM,
            event_key=uuid.uuid4().hex,
        )
    except strict_json.Unparseable as error:
        return "", str(error)
    except Unusable as error:
        return "", f"{error.field}: {error.reason}" if error.field else error.reason
    return delivery.group_key, ""


def lane_of(key_digest: str, group_key: str) -> int:
    """A signed 64-bit number for one group of one integration; events of one lane are applied in order."""
    digest = hashlib.blake2b(f"{key_digest}/{group_key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
