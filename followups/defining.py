"""Trackers, defined and changed by admins, with an audit entry. Secrets go in and never come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import audit
from core.text import clean
from core.work import nudge
from followups.models import Tracker
from notifications import signing

if TYPE_CHECKING:
    from accounts.models import User

EDITABLE = ("name", "base_url", "project", "username", "issue_type", "team", "is_active")
SECRET_LIMIT = 2000
SWEEPS = ("followups.export_due", "followups.check_due")


@transaction.atomic
def create(
    *, kind: str, by: User | None, secret: str = "", is_demo: bool = False, **fields: Any
) -> tuple[Tracker, str]:
    """A new tracker, and the secret that was made for it: a webhook without one gets one, which is shown once; empty
    otherwise. Raises ValidationError."""
    tracker, shown = Tracker(kind=kind, is_demo=is_demo), ""
    _set(tracker, fields)
    if kind == Tracker.Kind.WEBHOOK and not secret:
        secret = shown = signing.new_secret()
    tracker.secret = checked_secret(tracker, secret)
    return audit.save(tracker, by=by), shown


@transaction.atomic
def change(tracker: Tracker, *, by: User | None, secret: str | None = None, **fields: Any) -> Tracker:
    """Change what ``EDITABLE`` names; what is left out stays, and so does the secret unless another one is given. It
    does not follow to an address on another host. Raises ValidationError."""
    tracker = Tracker.objects.select_for_update(of=("self",)).get(pk=tracker.pk)
    host, before, was_on = _host(tracker), tracker.secret, tracker.is_active
    _set(tracker, fields)
    if secret or _host(tracker) != host or tracker.is_active and not was_on:
        tracker.is_demo = False  # whoever has given it something to do means it
    if not secret and _host(tracker) != host:
        raise ValidationError({"secret": "The address is on another host now: give its secret anew."})
    if secret:
        tracker.secret = checked_secret(tracker, secret)
    audit.save(tracker, by=by)
    if tracker.secret != before:  # the log has secrets as “(secret)”, before and after
        audit.record(by=by, action="new secret", on=tracker)
    nudge(*SWEEPS)
    return tracker


def checked_secret(tracker: Tracker, secret: str) -> str:
    """A secret that can be used. Raises ValidationError."""
    secret = clean(secret).strip()
    if not secret:
        raise ValidationError({"secret": "Give the token that Muster speaks with there."})
    if len(secret) > SECRET_LIMIT or not secret.isascii() or not secret.isprintable():
        raise ValidationError({"secret": f"A secret is up to {SECRET_LIMIT:,} plain characters."})
    if tracker.kind == Tracker.Kind.WEBHOOK:
        try:
            signing.check_secret(secret)
        except signing.BadSecret as error:
            raise ValidationError({"secret": f"{str(error).capitalize()}."}) from None
    return secret


def _set(tracker: Tracker, fields: dict[str, Any]) -> None:
    unknown = fields.keys() - set(EDITABLE)
    if unknown:
        raise ValidationError(dict.fromkeys(unknown, "This cannot be changed."))
    for name, value in fields.items():
        setattr(tracker, name, value)


def _host(tracker: Tracker) -> tuple[str, str]:
    try:
        parts = urlsplit(tracker.base_url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc.lower()
