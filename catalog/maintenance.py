"""Maintenance windows: announced, moved, begun, ended and called off, each with an entry in the audit log."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts import audit
from catalog.models import MaintenanceWindow
from core import live
from core.text import clean, single_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import User
    from catalog.models import Service

State = MaintenanceWindow.State

EDITABLE = ("title", "description", "starts_at", "ends_at", "is_public")
LONGEST = timedelta(days=30)
FARTHEST = timedelta(days=3 * 365)
LATE_ENTRY = timedelta(minutes=5)  # how long ago one that is entered may have begun
LONGEST_DESCRIPTION = 10_000  # characters
MOST_SERVICES = 500


class TooLate(Exception):
    """The window is no longer where this could be done to it; its words say where it stands."""


class Overtaken(TooLate):
    """Somebody saved it after the one that a change was made from; ``window`` is as it is now."""

    def __init__(self, window: MaintenanceWindow) -> None:
        super().__init__("Somebody else has changed this maintenance meanwhile.")
        self.window = window


@transaction.atomic
def schedule(
    *,
    title: str,
    starts_at: datetime,
    ends_at: datetime,
    services: Iterable[Service],
    by: User | None,
    description: str = "",
    is_public: bool = True,
    now: datetime | None = None,
) -> MaintenanceWindow:
    """Announce work on some services. Raises ValidationError."""
    now = now or timezone.now()
    window = MaintenanceWindow(
        title=title,
        description=description,
        starts_at=starts_at,
        ends_at=ends_at,
        is_public=is_public,
        created_by=by,
    )
    return _saved(window, list(services), by=by, now=now)


@transaction.atomic
def change(
    window: MaintenanceWindow,
    *,
    by: User | None,
    services: Iterable[Service] | None = None,
    based_on: datetime | None = None,
    now: datetime | None = None,
    **changes: Any,
) -> MaintenanceWindow:
    """Change what is announced; ``services`` of None leaves them as they are. ``based_on`` is the ``updated_at`` that
    the change was made from. Raises ValidationError, for an unknown field and for the beginning of one that has begun;
    TooLate once it is over or called off, and Overtaken where it was saved since."""
    now = now or timezone.now()
    window = _locked(window)
    _require(window, State.SCHEDULED, State.IN_PROGRESS, now=now)
    if based_on not in (None, window.updated_at):
        raise Overtaken(window)
    unknown = changes.keys() - set(EDITABLE)
    if unknown:
        raise ValidationError(dict.fromkeys(sorted(unknown), "A maintenance window has no such field."))
    before = window.starts_at
    for name, value in changes.items():
        setattr(window, name, value)
    if before <= now and window.starts_at != before:
        raise ValidationError({"starts_at": "It has begun already, so its beginning stays."})
    have = list(window.services.all())
    return _saved(window, have if services is None else list(services), by=by, now=now, began=before)


@transaction.atomic
def start_now(window: MaintenanceWindow, *, by: User | None, now: datetime | None = None) -> MaintenanceWindow:
    """Begin earlier than announced; it stays as long as it was. Raises TooLate once it has begun."""
    now = now or timezone.now()
    window = _locked(window)
    _require(window, State.SCHEDULED, now=now)
    window.starts_at, window.ends_at = now, now + (window.ends_at - window.starts_at)
    return _written(window, by=by)


@transaction.atomic
def end_now(window: MaintenanceWindow, *, by: User | None, now: datetime | None = None) -> MaintenanceWindow:
    """The work is done, sooner than announced. Raises TooLate unless it is under way."""
    now = now or timezone.now()
    window = _locked(window)
    _require(window, State.IN_PROGRESS, now=now)
    window.ended_at = now
    return _written(window, by=by)


@transaction.atomic
def extend(
    window: MaintenanceWindow, *, until: datetime, by: User | None, now: datetime | None = None
) -> MaintenanceWindow:
    """It takes longer. Raises ValidationError for an end that is not later, TooLate once it is over."""
    now = now or timezone.now()
    window = _locked(window)
    _require(window, State.SCHEDULED, State.IN_PROGRESS, now=now)
    if until <= window.ends_at:
        raise ValidationError({"ends_at": "Choose a later end than the one that is announced."})
    return change(window, ends_at=until, by=by, now=now)


@transaction.atomic
def cancel(window: MaintenanceWindow, *, by: User | None, now: datetime | None = None) -> MaintenanceWindow:
    """It will not take place. Raises TooLate once it has begun."""
    now = now or timezone.now()
    window = _locked(window)
    _require(window, State.SCHEDULED, now=now)
    window.cancelled_at = now
    return _written(window, by=by)


def check(
    *,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    began: datetime | None = None,
) -> None:
    """Raise ValidationError unless a window may be announced with these times; ``began`` is when one that was
    announced before begins."""
    wrong: dict[str, str] = {}
    if starts_at != began and starts_at < now - LATE_ENTRY:
        wrong["starts_at"] = "This is in the past."
    elif starts_at > now + FARTHEST:
        wrong["starts_at"] = "This is more than three years ahead."
    if ends_at <= starts_at:
        wrong["ends_at"] = "It ends before it begins."
    elif ends_at - starts_at > LONGEST:
        wrong["ends_at"] = "It is longer than 30 days."
    elif ends_at <= now:
        wrong["ends_at"] = "This is in the past."
    if wrong:
        raise ValidationError(wrong)


def _locked(window: MaintenanceWindow) -> MaintenanceWindow:
    locked: MaintenanceWindow = MaintenanceWindow.objects.select_for_update(of=("self",)).get(pk=window.pk)
    return locked


def _require(window: MaintenanceWindow, *states: str, now: datetime) -> None:
    state = window.state_at(now)
    if state in states:
        return
    words = {
        State.SCHEDULED: "This maintenance has not begun yet.",
        State.IN_PROGRESS: "This maintenance has begun already.",
        State.COMPLETED: "This maintenance is over.",
        State.CANCELLED: "This maintenance was cancelled.",
    }
    raise TooLate(words[State(state)])


def _saved(
    window: MaintenanceWindow,
    services: list[Service],
    *,
    by: User | None,
    now: datetime,
    began: datetime | None = None,
) -> MaintenanceWindow:
    """With its services, once all of it was found to be right."""
    window.title = _text("title", window.title)
    if window.title != single_line(window.title):
        raise ValidationError({"title": "Enter one line."})
    window.description = _text("description", window.description)
    if len(window.description) > LONGEST_DESCRIPTION:
        raise ValidationError({"description": f"Enter at most {LONGEST_DESCRIPTION:,} characters."})
    if not services:
        raise ValidationError({"services": "Choose at least one service."})
    if len(services) > MOST_SERVICES:
        raise ValidationError({"services": f"Choose at most {MOST_SERVICES} services."})
    check(starts_at=window.starts_at, ends_at=window.ends_at, now=now, began=began)
    before = _slugs(window) if window.pk else []
    window = _written(window, by=by)
    window.services.set(services)
    audit.changed_links(window, by=by, name="services", before=before, after=_slugs(window))
    return window


def _written(window: MaintenanceWindow, *, by: User | None) -> MaintenanceWindow:
    live.changed("services")
    return audit.save(window, by=by)


def _text(field: str, text: str) -> str:
    text = text.strip()
    if clean(text) != text:
        raise ValidationError({field: "This text holds characters that cannot be stored."})
    return text


def _slugs(window: MaintenanceWindow) -> list[str]:
    return list(window.services.order_by("slug").values_list("slug", flat=True))
