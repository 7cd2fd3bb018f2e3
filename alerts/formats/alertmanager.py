"""Prometheus Alertmanager's webhook, version 4: one request a group, with all its alerts.

Source: prometheus.io/docs/alerting/latest/configuration/#webhook_config, and requests of Alertmanager 0.25.0 as
recorded in tests/fixtures/recordings. Identity is the fingerprint; ``startsAt`` may move without a resolve between.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from alerts.formats import severities
from alerts.formats.delivery import (
    DESCRIPTION_LIMIT,
    Delivery,
    Item,
    Unusable,
    Warnings,
    as_object,
    first_text,
    hashed,
    key,
    labels,
    link,
    scalar,
    span,
    titled,
)
from core.text import clean

ITEM_COUNT = 5000

_SUMMARIES = ("summary", "title", "message", "description")
_DESCRIPTIONS = ("description", "message", "summary")


def group_key(payload: object, *, event_key: str = "") -> str:
    """The sender's ``groupKey``; without one, a hash of the receiver and of what the group's alerts share."""
    root = as_object(payload)
    if given := key(scalar(root.get("groupKey"))):
        return given
    receiver = scalar(root.get("receiver"))
    # The labels it was grouped by stay the same for the life of the group; what its alerts share may change.
    alike = root.get("groupLabels")
    if not isinstance(alike, dict) or not (alike or receiver):
        alike = root.get("commonLabels") or _common(root.get("alerts"), "labels")
    if not (alike or receiver):
        raise Unusable("no groupKey, and nothing else to tell this group from others", "groupKey")
    return hashed({"labels": alike, "receiver": receiver})


def parse(payload: object, *, received_at: datetime, default_severity: str, event_key: str = "") -> Delivery:
    """Read one webhook request; a bad alert in it is left out with a warning.

    ``default_severity`` is for alerts whose ``severity`` label is missing or unknown. Raises Unusable where the body is
    not an object, ``alerts`` is not a list or empty, or the group cannot be told from others.
    """
    root = as_object(payload)
    alerts = root.get("alerts")
    if not isinstance(alerts, list) or not alerts:
        raise Unusable("alerts is not a list with something in it", "alerts")
    grouped_by = group_key(root)
    warnings = Warnings()
    reader = _Reader(
        received_at=received_at,
        default_severity=default_severity,
        default_status=scalar(root.get("status")),
        warnings=warnings,
    )
    items, left_out = _items(alerts, reader=reader)
    firing = [item for item in items if item.status == "firing"]
    # Words come from what still fires; once nothing does, from everything that was in the list.
    telling = firing or items
    truncated = _count(root.get("truncatedAlerts"))
    if truncated:
        warnings.add(f"{truncated} alerts were left out by the sender (max_alerts)")
    facts = labels(root.get("commonLabels"), warnings=warnings, name="commonLabels")
    if not facts:
        facts = labels(_common(alerts, "labels"), warnings=warnings, name="labels")
    shared = labels(root.get("commonAnnotations"), warnings=warnings, name="commonAnnotations")
    return Delivery(
        group_key=grouped_by,
        title=_title(telling, facts=facts, shared=shared, unlisted=truncated + left_out),
        description=_description(telling, shared=shared),
        status="firing" if firing or (not items and not _is_resolved(root)) else "resolved",
        severity=severities.highest((item.severity for item in telling), default=default_severity),
        facts=facts,
        items=tuple(items),
        link=next((item.link for item in telling if item.link), "") or link(root.get("externalURL")),
        truncated=truncated + left_out,
        warnings=warnings.all(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Makes one alert of the list into an Item."""

    received_at: datetime
    default_severity: str
    default_status: str
    warnings: Warnings

    def item(self, alert: object) -> Item:
        """Raises Unusable where the alert cannot be told from others."""
        if not isinstance(alert, dict):
            raise Unusable("not an object")
        given_labels = alert.get("labels")
        if not isinstance(given_labels, dict | None):
            raise Unusable("labels is not an object")
        fingerprint = key(scalar(alert.get("fingerprint")))
        if not fingerprint and not given_labels:
            raise Unusable("neither a fingerprint nor labels")
        status = self._status(alert)
        started_at, ended_at = span(
            alert.get("startsAt"), alert.get("endsAt"), is_firing=status == "firing", received_at=self.received_at
        )
        annotations = labels(alert.get("annotations"), warnings=self.warnings, name="annotations")
        bounded = labels(given_labels, warnings=self.warnings, name="labels")
        return Item(
            fingerprint=fingerprint or hashed(given_labels),
            title=titled(_headline(bounded, annotations)),
            status=status,
            severity=self._severity(bounded.get("severity", "")),
            labels=bounded,
            annotations=annotations,
            link=link(alert.get("generatorURL")),
            started_at=started_at,
            ended_at=ended_at,
        )

    def _status(self, alert: Mapping[str, object]) -> Literal["firing", "resolved"]:
        given = (scalar(alert.get("status")) or self.default_status).lower()
        if given == "resolved":
            return "resolved"
        if given != "firing":
            self.warnings.add(f"alerts: status {given[:40]!r} is unknown, taken for firing")
        return "firing"

    def _severity(self, word: str) -> str:
        severity = severities.known(word)
        if severity is None and word.strip():
            self.warnings.add(f"severity {word[:40]!r} is unknown, taken for {self.default_severity}")
        return severity or self.default_severity


def _items(alerts: Sequence[object], *, reader: _Reader) -> tuple[list[Item], int]:
    """The usable alerts, each fingerprint once, and how many were beyond the limit."""
    left_out = max(0, len(alerts) - ITEM_COUNT)
    if left_out:
        reader.warnings.add(f"more than {ITEM_COUNT} alerts: {left_out} left out, resolved ones first")
        alerts = sorted(alerts, key=lambda alert: isinstance(alert, dict) and _is_resolved(alert))[:ITEM_COUNT]
    by_fingerprint: dict[str, Item] = {}
    for alert in alerts:
        try:
            item = reader.item(alert)
        except Unusable as error:
            reader.warnings.add(f"an alert was left out: {error.reason}")
            continue
        twin = by_fingerprint.get(item.fingerprint)
        if twin is not None:
            reader.warnings.add("an alert came twice in one request")
        if twin is None or twin.status == "resolved":
            by_fingerprint[item.fingerprint] = item
    return list(by_fingerprint.values()), left_out


def _is_resolved(thing: Mapping[str, object]) -> bool:
    return scalar(thing.get("status")).lower() == "resolved"


def _count(value: object) -> int:
    return max(0, value) if isinstance(value, int) else 0


def _common(alerts: object, name: str) -> dict[str, object]:
    """What the objects called ``name`` of all usable alerts share."""
    if not isinstance(alerts, list):
        return {}
    objects = [alert.get(name) for alert in alerts if isinstance(alert, dict)]
    common: dict[str, object] | None = None
    for each in objects:
        if isinstance(each, dict):
            known = each if common is None else common
            common = {label: value for label, value in known.items() if label in each and each[label] == value}
    return common or {}


def _headline(alert_labels: Mapping[str, str], annotations: Mapping[str, str]) -> str:
    """ "HighErrorRate: summary", or as much of it as there is."""
    name = alert_labels.get("alertname", "").strip()
    summary = first_text(annotations.get(annotation) for annotation in _SUMMARIES).strip()
    if name and summary and not summary.lower().startswith(name.lower()):
        return f"{name}: {summary}"
    return summary or name or ", ".join(f"{label}={text}" for label, text in alert_labels.items()) or "Alert"


def _title(items: Sequence[Item], *, facts: Mapping[str, str], shared: Mapping[str, str], unlisted: int) -> str:
    count = len(items) + unlisted
    if not items:
        return titled(_headline(facts, shared))
    if count == 1:
        return items[0].title
    names = list(dict.fromkeys(name for item in items if (name := item.labels.get("alertname", ""))))
    if len(names) > 1:
        return titled(", ".join(names[:3]) + (", …" if len(names) > 3 else ""), f" ({count} alerts)")
    if first_text(shared.get(annotation) for annotation in _SUMMARIES):
        return titled(_headline(items[0].labels, shared), f" ({count} alerts)")
    return titled(items[0].title, f" (+{count - 1} more)")


def _description(items: Sequence[Item], *, shared: Mapping[str, str]) -> str:
    sources = [shared, *(item.annotations for item in items[:1])]
    text = first_text(source.get(annotation) for source in sources for annotation in _DESCRIPTIONS)
    return clean(text, limit=DESCRIPTION_LIMIT)
