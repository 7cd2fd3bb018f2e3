"""What monitors sent: requests as Alertmanager and a checker would make them, and the rows they became."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from alerts.formats import FORMATS
from alerts.intake import lane_of
from alerts.models import Alert, Event, Group, Integration
from incidents.models import Severity
from incidents_site.demo.people import DOMAIN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from alerts.formats import Delivery, Item
    from incidents.models import Incident
    from incidents_site.demo.company import Company
    from incidents_site.demo.rhythm import Occasion
    from incidents_site.demo.story import Words

CHECKED_FROM_OUTSIDE = {"web-app", "dashboards", "billing", "edge"}  # the others are watched by Prometheus
PROMETHEUS_WORDS = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "info",
}
REPEATED_EVERY = timedelta(hours=4)


@dataclass
class Alarm:
    """One group of alerts: the request that opened it, what we read in it, and an alert that joined it later."""

    integration: Integration
    payload: dict[str, Any]
    delivery: Delivery
    late: Item | None = None


@dataclass
class AlarmRows:
    """Unsaved rows of many alarms; ``write`` saves them."""

    groups: list[Group] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def write(self) -> None:
        """Save in the order in which the rows need each other."""
        Group.objects.bulk_create(self.groups)
        Alert.objects.bulk_create(self.alerts)
        Event.objects.bulk_create(sorted(self.events, key=lambda event: event.received_at))


def raised(occasion: Occasion, words: Words, company: Company, *, hosts: Sequence[str] = ()) -> Alarm:
    """The alarm of an occasion, on the hosts that are named, or on one and perhaps a few more."""
    rng = words.rng
    if occasion.slug in CHECKED_FROM_OUTSIDE:
        integration, payload = company.generic, _check(occasion, words)
    else:
        count = rng.choices((0, 1, 2, 3), (6, 3, 2, 1))[0]
        hosts = hosts or (words.values["host"], *(f"{occasion.slug}-{number}" for number in range(21, 21 + count)))
        integration, payload = company.alertmanager, _alertmanager(occasion, words, hosts)
    delivery = FORMATS[integration.format].parse(
        payload, received_at=occasion.at, default_severity=integration.default_severity
    )
    late = None
    if integration is company.alertmanager and not occasion.flaps and rng.random() < 0.3:
        late = replace(
            delivery.items[0],
            fingerprint=_digest(delivery.group_key, "late"),
            labels={**delivery.items[0].labels, "instance": words.fill("{other}:9100")},
        )
    return Alarm(integration, payload, delivery, late)


def _alertmanager(occasion: Occasion, words: Words, hosts: Sequence[str]) -> dict[str, Any]:
    name, description = occasion.failure.alert, words.measured()
    common = {"alertname": name, "service": occasion.slug, "severity": PROMETHEUS_WORDS[occasion.severity]}
    common |= {"region": words.values["region"], "environment": "production"}
    annotations = {"summary": words.pick(occasion.failure.summaries), "description": description}
    return {
        "version": "4",
        "status": "firing",
        "receiver": "muster",
        "groupKey": f'{{}}/{{service="{occasion.slug}"}}:{{alertname="{name}"}}',
        "groupLabels": {"alertname": name},
        "commonLabels": common,
        "commonAnnotations": annotations,
        "externalURL": f"https://alertmanager.{DOMAIN}",
        "truncatedAlerts": 0,
        "alerts": [
            {
                "status": "firing",
                "labels": {**common, "instance": f"{host}:9100"},
                "annotations": annotations,
                "startsAt": (occasion.at - timedelta(seconds=words.rng.randint(5, 60))).isoformat(),
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": f"https://prometheus.{DOMAIN}/graph?g0.expr={name}",
                "fingerprint": _digest(name, host, str(occasion.at))[:16],
            }
            for host in hosts
        ],
    }


def _check(occasion: Occasion, words: Words) -> dict[str, Any]:
    return {
        "title": words.pick(occasion.failure.summaries),
        "description": words.measured(),
        "dedup_key": f"{occasion.slug}/{occasion.failure.alert}",
        "severity": str(occasion.severity),
        "status": "firing",
        "link": f"https://probes.{DOMAIN}/checks/{occasion.slug}",
        "labels": {"alertname": occasion.failure.alert, "service": occasion.slug, "region": words.values["region"]},
    }


def add_rows(rows: AlarmRows, alarm: Alarm, incident: Incident, *, late_at: datetime | None, end: datetime) -> None:
    """What an alarm that is over became."""
    group = Group(
        integration=alarm.integration,
        group_key=alarm.delivery.group_key,
        incident=incident,
        opened_at=incident.created_at,
        closed_at=end,
    )
    rows.groups.append(group)
    for item in alarm.delivery.items:
        rows.alerts.append(_alert(item, group, at=incident.created_at, end=end))
    if alarm.late and late_at:
        rows.alerts.append(_alert(alarm.late, group, at=late_at, end=end))
    rows.events.append(event(alarm, alarm.payload, at=incident.created_at))
    rows.events.append(event(alarm, _over(alarm.payload, end), at=end))


def _alert(item: Item, group: Group, *, at: datetime, end: datetime) -> Alert:
    return Alert(
        integration=group.integration,
        group=group,
        fingerprint=item.fingerprint,
        title=item.title,
        severity=item.severity,
        status=Alert.Status.RESOLVED,
        labels=item.labels,
        annotations=item.annotations,
        link=item.link,
        started_at=min(item.started_at or at, at),
        received_at=at,
        last_received_at=end,
        resolved_at=end,
        times_received=2 + (end - at) // REPEATED_EVERY,
    )


def event(alarm: Alarm, payload: dict[str, Any], *, at: datetime) -> Event:
    """The request as it was kept, and applied at once."""
    return Event(
        integration=alarm.integration,
        received_at=at,
        format=alarm.integration.format,
        body=json.dumps(payload).encode(),
        lane=lane_of(alarm.integration.key_digest, alarm.delivery.group_key),
        group_key=alarm.delivery.group_key,
        state=Event.State.APPLIED,
        applied_at=at + timedelta(milliseconds=90),
    )


def _over(payload: dict[str, Any], end: datetime) -> dict[str, Any]:
    told = copy.deepcopy(payload) | {"status": "resolved"}
    for alert in told.get("alerts", ()):
        alert |= {"status": "resolved", "endsAt": end.isoformat()}
    return told


def _digest(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()
