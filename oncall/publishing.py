"""A change that would keep somebody from being paged is made once whoever makes it has read so."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from django.core import signing
from django.db import transaction
from django.utils import timezone

from oncall.findings import added

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.db.models import Model

    from oncall.findings import Finding

SALT = "oncall.publishing"
CONFIRMED_WITHIN = timedelta(hours=1)

M = TypeVar("M", bound="Model")


class Find(Protocol):
    """What of one row is not ready, by its key; nothing where it does not exist yet."""

    def __call__(self, pk: int | None, *, now: datetime) -> list[Finding]: ...


class Unconfirmed(Exception):
    """Nothing was saved: ``warnings`` say what the change would bring, and ``confirm`` is what to send along with it
    in order to save it anyway. It is good for an hour, and for these warnings only."""

    def __init__(self, warnings: Sequence[str], now: datetime) -> None:
        self.warnings = list(warnings)
        self.confirm = signing.dumps([now.isoformat(), _digest(self.warnings)], salt=SALT)


def publish(
    save: Callable[[], M],
    find: Find,
    row: M | None,
    *,
    data: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> M:
    """Save, unless that brings findings that nobody has confirmed in ``data``; ``row`` is what is changed, None where
    it is new. Raises Unconfirmed, and what ``save`` raises."""
    now, digest = _read((data or {}).get("confirm", ""), now or timezone.now())
    with transaction.atomic():
        before = find(row.pk if row else None, now=now)
        saved = save()
        warnings = [each.text for each in added(before, find(saved.pk, now=now))]
        if warnings and _digest(warnings) != digest:
            raise Unconfirmed(warnings, now)
    return saved


def look(save: Callable[[], M], find: Find, row: M | None) -> Unconfirmed | None:
    """What saving would bring, if anything. Nothing is saved. Raises what ``save`` raises."""
    try:
        with transaction.atomic():
            publish(save, find, row)
            transaction.set_rollback(True)
    except Unconfirmed as brought:
        return brought
    return None


def _read(confirmed: str, now: datetime) -> tuple[datetime, str]:
    """The moment for which warnings were read, so that the passing of time makes no others of them, and which they
    were."""
    try:
        at, digest = signing.loads(confirmed, salt=SALT, max_age=CONFIRMED_WITHIN)
    except signing.BadSignature:
        return now, ""
    return datetime.fromisoformat(at), digest


def _digest(warnings: Sequence[str]) -> str:
    zone = timezone.get_current_timezone_name()  # their times are of this zone
    return hashlib.sha256("\n".join([zone, *sorted(warnings)]).encode()).hexdigest()
