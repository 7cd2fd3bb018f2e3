"""Calendar feeds: made, found and revoked. The secret exists only in the answer that makes it."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.models import User
from core.digests import digest_of
from oncall import ical
from oncall.models import Feed, Schedule

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from oncall.querysets import ScheduleQuerySet

USED_RESOLUTION = timedelta(minutes=1)


@transaction.atomic
def create(of: User | Schedule, *, by: User, now: datetime | None = None) -> tuple[Feed, str]:
    """A feed of a person's shifts, or a schedule's, and its secret, which cannot be shown again. It takes the place of
    the one before, whose address ends. Raises PermissionDenied."""
    _locked(of)
    revoke(of, by=by, now=now)
    secret = secrets.token_urlsafe(32)
    feed = Feed(digest=digest_of(secret), created_by=by, created_at=now or timezone.now(), **_subject(of))
    return audit.save(feed, by=by), secret


@transaction.atomic
def revoke(of: User | Schedule, *, by: User, now: datetime | None = None) -> bool:
    """End the address of a feed for good; False where there is none. Raises PermissionDenied."""
    if not may_change(by, of):
        raise PermissionDenied
    feed = Feed.objects.in_use().select_for_update(of=("self",)).filter(**_subject(of)).first()
    if feed is None:
        return False
    feed.revoked_at = now or timezone.now()
    feed.save(update_fields=["revoked_at"])
    audit.record(by=by, action="revoked", on=feed)
    return True


def may_change(by: User, of: User | Schedule) -> bool:
    """One's own feed is one's own affair; a schedule's is that of who manages its team."""
    return by == of if isinstance(of, User) else by.manages(of.team)


def current(of: User | Schedule) -> Feed | None:
    """The feed in use."""
    return Feed.objects.in_use().filter(**_subject(of)).first()


def find(secret: str, *, now: datetime) -> Feed | None:
    """The feed with this secret, unless it is revoked or its person switched off. When it was read is written at most
    once a minute."""
    feed = Feed.objects.in_use().select_related("user", "schedule").filter(digest=digest_of(secret)).first()
    if feed is None or (feed.user is not None and not feed.user.is_active):
        return None
    if feed.last_used_at is None or now - feed.last_used_at >= USED_RESOLUTION:
        Feed.objects.filter(pk=feed.pk).update(last_used_at=now)
    return feed


def text(feed: Feed, *, now: datetime) -> bytes:
    """What a calendar program reads."""
    if feed.user is not None:
        return ical.text(_with(feed.user), name=f"On call: {feed.user}", only=feed.user, now=now)
    return ical.text(Schedule.objects.filter(feeds=feed), name=f"On call: {feed.schedule}", now=now)


def _with(user: User) -> ScheduleQuerySet:
    """The schedules in which a person has a turn, or an override."""
    rows = Schedule.objects.visible_to(user)
    named = Q(pk__in=user.overrides.order_by().values("schedule"))
    named |= Q(pk__in=user.rotations.order_by().values("layer__schedule"))
    named |= Q(pk__in=user.imported_turns.order_by().values("source__schedule"))
    return rows.filter(named)


def _locked(of: User | Schedule) -> None:
    """Two feeds that are made at once come one after the other."""
    rows: QuerySet[User] | QuerySet[Schedule] = User.objects.all() if isinstance(of, User) else Schedule.objects.all()
    rows.select_for_update(of=("self",)).get(pk=of.pk)


def _subject(of: User | Schedule) -> dict[str, User | Schedule]:
    return {"user" if isinstance(of, User) else "schedule": of}
