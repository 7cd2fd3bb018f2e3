"""Keeping the sums true: incidents that changed are summed again, and everything when what all depends on changes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import structlog
from django.db import connection, transaction

from core.work import claim, db_now
from incidents.models import Incident
from metrics import facts
from metrics.cells import sum_everything
from metrics.increments import Astray, Worth, apply
from metrics.models import Fact, Progress, Stale

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

log = structlog.get_logger(__name__)

BATCH = 5_000  # changes looked at in one transaction
REBUILT_AT_ONCE = 5_000
PAUSE_SECONDS = 0.2


@transaction.atomic
def catch_up(*, now: datetime) -> int:
    """Put what has changed into the sums; returns how many incidents were looked at. One process at a time does."""
    claimed = claim(Progress.objects.all(), limit=1)
    if not claimed:
        Progress.objects.bulk_create([Progress(pk=1)], ignore_conflicts=True)
        return 0
    progress, basis = claimed[0], facts.basis()
    done = _sum_changed(progress, basis, now=now)
    if progress.basis != basis:
        return done + _rebuild(progress, basis, now=now)
    if done and not Stale.objects.exists():
        progress.summed_at = now
        progress.save(update_fields=["summed_at"])
    return done


def _sum_changed(progress: Progress, basis: dict[str, Any], *, now: datetime) -> int:
    """While everything is rebuilt for another basis, these sums are of both; the rebuild ends in making all anew. That
    is also the way out where they turn out to be wrong, which nothing but a change by hand should bring about."""
    changed = _take_changed(now)
    if changed:
        before = Worth.of(changed)
        facts.derive(changed, progress.rebuilding or basis, now=now)
        try:
            apply(before, Worth.of(changed), is_strict=progress.basis == basis)
        except Astray as error:
            log.error("sums have gone astray and are made anew", error=str(error))
            progress.basis = {}
    return len(changed)


def _take_changed(now: datetime) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH taken AS (
                DELETE FROM metrics_stale WHERE id = ANY(ARRAY(SELECT id FROM metrics_stale ORDER BY id LIMIT %s))
                RETURNING incident_id)
            SELECT DISTINCT incident_id FROM taken
            """,
            [BATCH],
        )
        changed = {number for (number,) in cursor.fetchall()}
    changed.update(Fact.objects.filter(changes_at__lt=now).order_by("changes_at").values_list("pk", flat=True)[:BATCH])
    return sorted(changed)


def _rebuild(progress: Progress, basis: dict[str, Any], *, now: datetime) -> int:
    """A part of it: some more facts, or at last all the sums."""
    if progress.rebuilding != basis:
        progress.rebuilding, progress.rebuilt_to = basis, 0
    later = Incident.objects.filter(pk__gt=progress.rebuilt_to).order_by("pk").values_list("pk", flat=True)
    some = list(later[:REBUILT_AT_ONCE])
    if some:
        facts.derive(some, basis, now=now)
        progress.rebuilt_to = some[-1]
    else:
        facts.forget_gone()
        sum_everything()
        progress.basis, progress.rebuilding, progress.zone = basis, None, basis["zone"]
        progress.rebuilt_at = progress.summed_at = now
    progress.save()
    return len(some) or 1


def rebuild(*, now: datetime | None = None, report: Callable[[int], None] = lambda _done: None) -> None:
    """Make all facts and sums anew, and return when they are; ``report`` hears the number of the last incident done.

    Pages show the sums there were until then. Sweeps of other processes lend a hand.
    """
    Progress.objects.update_or_create(pk=1, defaults={"basis": {}, "rebuilding": None})
    while True:
        done = catch_up(now=now or db_now())
        progress = Progress.objects.get(pk=1)
        if progress.basis:
            return
        report(progress.rebuilt_to)
        if not done:
            time.sleep(PAUSE_SECONDS)
