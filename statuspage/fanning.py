"""From a piece of news to an obligation for each subscriber who wants it: in chunks, each of which is one statement
and one commit, so that whoever dies in between has lost nothing and repeats nothing."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from core.work import each, give_back_when_frozen, nudge
from incidents import audience
from incidents.models import StatusUpdate
from statuspage.models import Mailing
from statuspage.subscribing import SWEEPS

if TYPE_CHECKING:
    from datetime import datetime

CHUNK = 5000  # subscribers looked at
AT_ONCE = 20  # mailings

# Without components a subscriber hears of everything, and a mailing concerns everybody; one whose components are gone
# by now concerns nobody who chose.
_FAN_OUT = """
    WITH chunk AS (
        SELECT id, address FROM statuspage_subscriber
        WHERE page_id = %(page)s AND id > %(after)s AND confirmed_at IS NOT NULL AND ended_at IS NULL
        ORDER BY id LIMIT %(chunk)s
    ), made AS (
        INSERT INTO statuspage_delivery (mailing_id, subscriber_id, state, due_at, attempt_count, error)
        SELECT %(mailing)s, s.id, 'pending', %(now)s, 0, '' FROM chunk s
        WHERE s.address <> ALL(%(told)s::text[]) AND (
            NOT %(has_components)s
            OR NOT EXISTS (SELECT FROM statuspage_subscriber_components w WHERE w.subscriber_id = s.id)
            OR EXISTS (
                SELECT FROM statuspage_subscriber_components w
                JOIN statuspage_mailing_components m USING (component_id)
                WHERE w.subscriber_id = s.id AND m.mailing_id = %(mailing)s
            )
        )
        ORDER BY s.id
        ON CONFLICT (mailing_id, subscriber_id) DO NOTHING
        RETURNING id
    )
    SELECT (SELECT count(*) FROM made), (SELECT count(*) FROM chunk), (SELECT max(id) FROM chunk)
"""


def fan_out_due(*, now: datetime) -> int:
    """Make the deliveries of mailings that are not through yet, a chunk each; returns how many were looked at."""
    unfinished = Mailing.objects.filter(fanned_at=None).order_by("id").values_list("pk", flat=True)
    done = sum(each(list(unfinished[:AT_ONCE]), partial(_fan_out, now=now)))
    if done:
        nudge(*SWEEPS)
    return done


@transaction.atomic
def _fan_out(pk: int, *, now: datetime) -> int:
    rows = Mailing.objects.select_for_update(of=("self",), skip_locked=True)
    mailing = rows.filter(pk=pk, fanned_at=None).first()
    if mailing is None:
        return 0
    give_back_when_frozen()
    values: dict[str, Any] = {
        "page": mailing.page_id,
        "after": mailing.fanned_to,
        "chunk": CHUNK,
        "mailing": mailing.pk,
        "told": sorted(_told_inside(mailing)),
        "now": now,
        "has_components": bool(mailing.payload.get("components")) or mailing.components.exists(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_FAN_OUT, values)
        _made, looked_at, last = cursor.fetchone()
    if last is not None:
        mailing.fanned_to = last
    if looked_at < CHUNK:
        mailing.fanned_at = now
    mailing.save(update_fields=["fanned_to", "fanned_at"])
    return 1


def _told_inside(mailing: Mailing) -> set[str]:
    """Addresses at which somebody inside was told the same: nobody gets one update twice."""
    number = mailing.key.removeprefix("update/")
    if mailing.kind != Mailing.Kind.UPDATE or not number.isdecimal():
        return set()
    update = StatusUpdate.objects.filter(pk=int(number)).first()
    return audience.addresses(update) if update else set()
