"""The alerts of groups: added, counted and resolved, a batch at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models import F

from alerts.models import Alert

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from alerts.formats import Delivery, Item
    from alerts.models import Group, Integration

Status = Alert.Status
SAID_BY_SENDER = ("title", "severity", "link", "labels", "annotations")


@dataclass
class Change:
    """Titles of the alerts that were added and resolved, and how many were recorded without a group."""

    added: list[str] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)
    recorded: int = 0


@dataclass
class _Touched:
    """Stored alerts that were received again. Most say nothing new, and are counted with one statement for all that
    came equally often; a statement that could change every column costs twenty times as much to build."""

    times: Counter[int] = field(default_factory=Counter)
    alerts: dict[int, Alert] = field(default_factory=dict)

    def count(self, alert: Alert) -> None:
        """Received once more."""
        if alert.pk:
            self.times[alert.pk] += 1
        else:
            alert.times_received += 1

    def changed(self, alert: Alert) -> None:
        """It says something else now, or is over."""
        if alert.pk:
            self.alerts[alert.pk] = alert

    def write(self, *, now: datetime) -> None:
        """Put counts and changes into the database."""
        by_times: dict[int, list[int]] = defaultdict(list)
        for pk, times in self.times.items():
            by_times[times].append(pk)
        for times, pks in by_times.items():
            counted = {"times_received": F("times_received") + times, "last_received_at": now}
            Alert.objects.filter(pk__in=pks).update(**counted)
        Alert.objects.bulk_update(self.alerts.values(), [*SAID_BY_SENDER, "status", "resolved_at"], batch_size=500)


def write(turns: Sequence[tuple[Integration, Group | None, Sequence[Delivery]]], *, now: datetime) -> list[Change]:
    """Bring the alerts of some groups up to date with what was delivered, in order; a group occurs once.

    Without a group nothing is open: what is said to be over is recorded, and pages nobody.
    """
    firing = _firing([group for _, group, _ in turns if group])
    new: list[Alert] = []
    touched = _Touched()
    changes = []
    for integration, group, deliveries in turns:
        change = Change()
        for delivery in deliveries:
            for item in delivery.items:
                _apply(item, integration, group, firing, new, touched, change, now=now)
        changes.append(change)
    Alert.objects.bulk_create(new, batch_size=1000)
    touched.write(now=now)
    return changes


def _firing(groups: list[Group]) -> dict[tuple[int, str], Alert]:
    rows = Alert.objects.filter(group__in=groups, status=Status.FIRING)
    return {(alert.group_id, alert.fingerprint): alert for alert in rows if alert.group_id is not None}


def _apply(
    item: Item,
    integration: Integration,
    group: Group | None,
    firing: dict[tuple[int, str], Alert],
    new: list[Alert],
    touched: _Touched,
    change: Change,
    *,
    now: datetime,
) -> None:
    place = (group.pk if group else 0, item.fingerprint)
    alert = firing.get(place)
    if alert is None:
        alert = _build(item, integration, group, now=now)
        new.append(alert)
        if group is None:
            change.recorded += 1
        elif item.status == "firing":
            firing[place] = alert
            change.added.append(item.title)
        return
    touched.count(alert)
    if item.status == "resolved":
        alert.status, alert.resolved_at = Status.RESOLVED, item.ended_at or now
        del firing[place]
        change.resolved.append(alert.title)
        touched.changed(alert)
    elif any(getattr(alert, name) != getattr(item, name) for name in SAID_BY_SENDER):
        for name in SAID_BY_SENDER:
            setattr(alert, name, getattr(item, name))
        touched.changed(alert)


def _build(item: Item, integration: Integration, group: Group | None, *, now: datetime) -> Alert:
    is_over = item.status == "resolved"
    return Alert(
        integration=integration,
        group=group,
        fingerprint=item.fingerprint,
        title=item.title or "Untitled alert",
        severity=item.severity,
        status=item.status,
        labels=item.labels,
        annotations=item.annotations,
        link=item.link,
        started_at=item.started_at or now,
        received_at=now,
        last_received_at=now,
        resolved_at=(item.ended_at or now) if is_over else None,
    )


def is_firing(group: Group) -> bool:
    """Whether any alert of the group still fires."""
    return group.alerts.filter(status=Status.FIRING).exists()


def close_group(group: Group, *, now: datetime) -> None:
    """End a group, and with it what was still said to fire."""
    group.alerts.filter(status=Status.FIRING).update(status=Status.RESOLVED, resolved_at=now)
    group.closed_at = now
    group.save(update_fields=["closed_at"])
