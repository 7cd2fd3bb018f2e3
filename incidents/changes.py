"""Changing an incident under way: who works on it, how bad it is, what it touches, and what it says."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction

from core import live
from core.text import clean, single_line
from core.work import db_now
from incidents import audience, cadence, excluding, messages, plan, quiet, sla
from incidents.consequences import Consequences, Kind
from incidents.models import AffectedService, Incident, Severity
from incidents.telling import Reach
from incidents.timeline import EARLIEST_YEAR
from notifications.models import Notification

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from accounts.models import User
    from catalog.models import Service

EDITABLE = (
    "title", "description", "started_at", "is_private", "excluded_from_metrics", "excluded_reason", "root_cause",
)  # fmt: skip
OVERTAKEN = "overtaken"  # the code of an error; its ``params`` say how the text reads ``now``
MOST_QUOTED = 500  # characters


def tell_assignee(
    incident: Incident,
    assignee: User,
    *,
    by: User | None,
    reach: Reach,
    out: Consequences,
    opening: str = "",
    reason: str = "Assigned to you",
) -> None:
    """Assigning notifies, and is no acknowledgement. Nobody is told what they did themselves."""
    if assignee == by:
        return
    message = messages.notice(
        incident,
        opening or f"Assigned to you by {by or incident.source or 'Muster'}.",
        services=reach.services_of(incident),
        urgency="high",
    )
    reach.tell_user(
        incident,
        assignee,
        message,
        key=f"assigned/{int(out.now.timestamp() * 1000)}",
        purpose=Notification.Purpose.NOTICE,
        reason=reason,
        out=out,
    )


@transaction.atomic
def assign(incident: Incident, *, to: User | None, by: User | None, now: datetime | None = None) -> Incident:
    """Give the incident to a person, or to nobody. They are told; it is no acknowledgement."""
    incident = Incident.objects.locked(incident.pk)
    if incident.assignee == to:
        return incident
    out = Consequences(now or db_now())
    was, incident.assignee = incident.assignee, to
    incident.save(update_fields=["assignee", "updated_at"])
    out.record(incident, Kind.ASSIGNED, by=by, **{"from": str(was or ""), "to": str(to or "")})
    if to:
        tell_assignee(incident, to, by=by, reach=Reach.of([incident], now=out.now), out=out)
    out.write()
    return incident


@transaction.atomic
def change_severity(
    incident: Incident,
    *,
    to: str,
    by: User | None,
    reason: str = "",
    source: str = "",
    now: datetime | None = None,
) -> Incident:
    """Raising applies the difference: pages on-call if that was not done, tightens the clocks. Lowering takes
    nothing back. A finished incident only gets the new word. Raises ValidationError for an unknown severity."""
    if to not in Severity.values:
        raise ValidationError({"severity": f"Choose one of: {', '.join(Severity.values)}."})
    incident = Incident.objects.locked(incident.pk)
    was = incident.severity
    if was == to:
        return incident
    out = Consequences(now or db_now())
    incident.severity = to
    reason = clean(reason, limit=2000).strip()
    out.record(incident, Kind.SEVERITY_CHANGED, by=by, source=source, text=reason, **{"from": was, "to": to})
    if incident.is_open and Severity(to).rank < Severity(was).rank:
        compiler = plan.Compiler()
        sla.tighten(incident, compiler.policies[to], compiler.settings, now=out.now)
        cadence.tighten(incident, compiler.policies[to], now=out.now)
        plan.extend(incident, out, compiler=compiler)
        quiet.tighten(incident, now=out.now, policies=compiler.policies)
    incident.save(update_fields=["severity", "is_unanswered", *quiet.FIELDS, "updated_at"])
    out.write()
    return incident


@transaction.atomic
def change_services(
    incident: Incident, *, services: Iterable[Service], by: User | None, now: datetime | None = None
) -> Incident:
    """Set the affected services. A new one starts only what is missing: its policy pages, its team is told."""
    incident = Incident.objects.locked(incident.pk)
    out = Consequences(now or db_now())
    wanted = {service.pk: service for service in services}
    have = {link.service_id: link.service for link in incident.service_links.select_related("service")}
    added = [service for pk, service in wanted.items() if pk not in have]
    removed = [service for pk, service in have.items() if pk not in wanted]
    if not added and not removed:
        return incident
    incident.service_links.filter(service__in=removed).delete()
    AffectedService.objects.bulk_create(AffectedService(incident=incident, service=service) for service in added)
    out.record(
        incident,
        Kind.SERVICES_CHANGED,
        by=by,
        added=[service.slug for service in added],
        removed=[service.slug for service in removed],
    )
    if added and incident.is_open:
        plan.extend(incident, out)
    incident.save(update_fields=["is_unanswered", "updated_at"])
    out.write()
    return incident


@transaction.atomic
def edit(
    incident: Incident,
    *,
    by: User | None,
    seen: Mapping[str, str] | None = None,
    now: datetime | None = None,
    **changes: Any,
) -> Incident:
    """Change what the incident says of itself; ``EDITABLE`` names the fields.

    Raises ValidationError for bad values, and for a text that no longer says what it said when it was ``seen``: what
    it said is kept nowhere else.
    """
    unknown = changes.keys() - set(EDITABLE)
    if unknown:
        raise ValidationError(dict.fromkeys(unknown, "This cannot be edited."))
    incident = Incident.objects.locked(incident.pk)
    out = Consequences(now or db_now())
    changed = {name: value for name, value in _tidied(changes).items() if getattr(incident, name) != value}
    if not changed:
        return incident
    _check_seen(incident, {name: text for name, text in (seen or {}).items() if name in changed})
    for name, value in changed.items():
        setattr(incident, name, value)
    if not incident.title:
        raise ValidationError({"title": "Say in a few words what is wrong."})
    check_start(incident.started_at, now=out.now)
    said = excluding.settle(incident, changed, given=changes, by=by, at=out.now)
    incident.full_clean(exclude=["assignee", "created_by", "merged_into", "excluded_by"], validate_constraints=False)
    incident.save(update_fields=[*changed, *(excluding.FIELDS if said else ()), "updated_at"])
    text = incident.excluded_reason if said else ""
    out.record(incident, Kind.DETAILS_CHANGED, by=by, text=text, fields=sorted(changed), **said)
    out.write()
    if "is_private" in changed:
        live.changed(live.ACCESS)
    if incident.is_private and "is_private" in changed:
        audience.keep_unsent(incident, now=out.now)
    return incident


def _check_seen(incident: Incident, seen: Mapping[str, str]) -> None:
    """White space does not count: browsers write it in their own way."""
    texts = {name: getattr(incident, name) for name in seen}
    overtaken = {name: text for name, text in texts.items() if text.split() != seen[name].split()}
    if overtaken:
        raise ValidationError(
            {
                name: ValidationError(
                    "This was changed while you wrote. It now says: “%(shown)s” Put both together and save again.",
                    code=OVERTAKEN,
                    params={"shown": textwrap.shorten(text, MOST_QUOTED, placeholder=" …"), "now": text},
                )
                for name, text in overtaken.items()
            }
        )


def check_start(started_at: datetime, *, now: datetime) -> None:
    """Impact began at some time in living memory. Raises ValidationError."""
    if started_at > now:
        raise ValidationError({"started_at": "Impact cannot begin in the future."})
    if started_at.year < EARLIEST_YEAR:
        raise ValidationError({"started_at": f"This time is before {EARLIEST_YEAR}."})


def _tidied(changes: dict[str, Any]) -> dict[str, Any]:
    tidied = dict(changes)
    if "title" in tidied:
        tidied["title"] = single_line(tidied["title"], limit=255)
    for name in ("description", "root_cause"):
        if name in tidied:
            tidied[name] = clean(tidied[name], limit=50_000)
    if "excluded_reason" in tidied:
        tidied["excluded_reason"] = excluding.tidied(tidied["excluded_reason"])
    return tidied
