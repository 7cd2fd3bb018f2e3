"""Tying alerts to an incident by hand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from alerts.models import Alert, AlertLink
from incidents.consequences import Consequences, Kind
from incidents.models import Incident

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from accounts.models import User

REFERENCE = re.compile(r"ALR-([1-9][0-9]{0,17})")


class UnknownAlerts(ValueError):
    """Some references name no alert that the person may see; ``references`` lists them."""

    def __init__(self, references: list[str]) -> None:
        super().__init__(f"No such alert: {', '.join(references)}.")
        self.references = references


def find(references: Sequence[str], *, user: User) -> list[Alert]:
    """The alerts that references such as ``ALR-7`` name, each once. Raises UnknownAlerts."""
    numbers = {reference: _number(reference) for reference in dict.fromkeys(references)}
    rows = Alert.objects.visible_to(user).in_bulk([number for number in numbers.values() if number])
    unknown = [reference for reference, number in numbers.items() if number not in rows]
    if unknown:
        raise UnknownAlerts(unknown)
    return [rows[number] for number in numbers.values() if number is not None]


def _number(reference: str) -> int | None:
    found = REFERENCE.fullmatch(reference)
    return int(found[1]) if found else None


@transaction.atomic
def link(incident: Incident, *, alerts: Sequence[Alert], by: User | None, now: datetime | None = None) -> None:
    """Tie alerts to an incident besides their own; those that belong to it already are left alone."""
    now = now or timezone.now()
    incident = Incident.objects.locked(incident.pk)
    have = set(Alert.objects.of_incident(incident).values_list("pk", flat=True))
    new = [alert for alert in alerts if alert.pk not in have]
    if not new:
        return
    AlertLink.objects.bulk_create(
        [AlertLink(alert=alert, incident=incident, by=by, at=now) for alert in new], ignore_conflicts=True
    )
    out = Consequences(now)
    out.record(incident, Kind.ALERT_ADDED, by=by, alerts=[str(alert) for alert in new[:20]], count=len(new))
    out.write()
