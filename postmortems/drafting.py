"""Drafts: written by themselves for incidents whose severity wants one, or when somebody asks for one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, Q

from catalog.models import Service
from core.work import db_now, each
from incidents import lifecycle
from incidents.consequences import Consequences, Kind
from incidents.models import Incident, Status, TimelineEntry
from incidents.models.incident import DONE, NotAllowedNow
from incidents.policy import policies
from postmortems import choosing, generating, searching, wording
from postmortems.generating import Facts
from postmortems.models import KeyEvent, Postmortem, Revision, Section, Template
from postmortems.outline import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from accounts.models import User
    from incidents.models import SeverityPolicy

BATCH = 100
LOOKS_BACK = timedelta(days=30)  # as long as sweeps may have stood still
LATELY = timedelta(days=3)  # a severity that begins to want postmortems wants none of what ended before
DRAFTED, WRITTEN_ANEW = "drafted", "written anew"


def draft_missing(*, now: datetime) -> int:
    """Write the drafts that are missing; where an incident ended another time, write anew what nobody has touched. What
    ended last comes first, so that what cannot be drafted keeps nothing new from its turn."""
    return sum(each(_missing(now=now, back=LATELY), _draft_one)) + sum(each(_outdated(now=now), _redraft_one))


def draft_left_over(*, now: datetime) -> int:
    """Write the drafts that are missing of what ended earlier, while sweeps stood still. Its query reads more."""
    return sum(each(_missing(now=now, back=LOOKS_BACK), _draft_one))


def _missing(*, now: datetime, back: timedelta) -> list[int]:
    wanted = Q(status=Status.POSTMORTEM)
    for severity, policy in policies().items():
        if policy.needs_postmortem:
            wanted |= Q(severity=severity, resolved_at__gt=_wanted_since(policy, now=now))
    rows = Incident.objects.filter(wanted, status__in=DONE, merged_into=None, resolved_at__gt=now - back)
    rows = rows.filter(postmortem=None).order_by("-resolved_at", "-pk")
    return list(rows.values_list("pk", flat=True)[:BATCH])


def _wanted_since(policy: SeverityPolicy, *, now: datetime) -> datetime:
    """What ended since then gets a draft: since the policy is as it is, and at least what ended lately."""
    since = now - LATELY
    return min(since, policy.updated_at or now - LOOKS_BACK)


def _outdated(*, now: datetime) -> list[int]:
    rows = Incident.objects.filter(status__in=DONE, resolved_at__gt=now - LOOKS_BACK)
    rows = rows.filter(postmortem__state=Postmortem.State.DRAFT).exclude(postmortem__drafted_for=F("resolved_at"))
    return list(rows.order_by("-resolved_at", "-pk").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def _draft_one(pk: int) -> int:
    incident = Incident.objects.locked_if_free(pk)
    if incident is None or incident.is_open or Postmortem.objects.filter(incident=incident).exists():
        return 0
    out = Consequences(db_now())
    _create(incident, by=None, out=out)
    out.write()
    return 1


@transaction.atomic
def _redraft_one(pk: int) -> int:
    incident = Incident.objects.locked_if_free(pk)
    if incident is None or incident.is_open:
        return 0
    postmortem = Postmortem.objects.select_for_update().get(incident=incident)
    if postmortem.drafted_for == incident.resolved_at or postmortem.is_published:
        return 0
    out = Consequences(db_now())
    write_anew(postmortem, incident, now=out.now)
    out.write()
    return 1


@transaction.atomic
def start(incident: Incident, *, by: User | None, now: datetime | None = None) -> Postmortem:
    """Begin to work on the postmortem of an incident that is over: its status moves on, and whoever begins owns it.

    Writes a draft where there is none. Raises NotAllowedNow while the incident is open or where it was merged.
    """
    incident = Incident.objects.locked(incident.pk)
    if incident.is_open:
        raise NotAllowedNow(f"{incident.reference} is {incident.status}; its postmortem begins when it is resolved.")
    if incident.merged_into_id:
        raise NotAllowedNow(
            f"{incident.reference} was merged into INC-{incident.merged_into_id}; write about that one."
        )
    out = Consequences(now or db_now())
    postmortem = Postmortem.objects.select_for_update().filter(incident=incident).first()
    if postmortem is None:
        postmortem = _create(incident, by=by, out=out)
        out.write()
    begin(postmortem, incident, by=by, now=out.now)
    return postmortem


def begin(postmortem: Postmortem, incident: Incident, *, by: User | None, now: datetime) -> None:
    """A person works on it, so the incident has come to its postmortem; both are locked by the caller."""
    if incident.status == Status.RESOLVED:
        lifecycle.start_postmortem(incident, by=by, now=now)
    if postmortem.started_at is None:
        postmortem.started_at, postmortem.owner = now, postmortem.owner or by
        postmortem.save(update_fields=["started_at", "owner", "updated_at"])


def _create(incident: Incident, *, by: User | None, out: Consequences) -> Postmortem:
    facts = facts_of(incident)
    template = template_for(incident, facts.services)
    postmortem = Postmortem(
        incident=incident,
        template=template,
        owner=by or incident.assignee,
        created_by=by,
        drafted_for=incident.resolved_at,
    )
    postmortem.save()
    parts = parts_of(template.sections if template else ())
    bodies = [generating.body_of(part, facts) for part in parts]
    sections = Section.objects.bulk_create(
        Section(
            postmortem=postmortem,
            key=part.key,
            title=part.title,
            prompt=part.prompt,
            is_required=part.is_required,
            position=position,
            body=body,
            generated=body,
        )
        for position, (part, body) in enumerate(zip(parts, bodies, strict=True), start=1)
    )
    Revision.objects.bulk_create(
        Revision(section=section, number=1, body=section.body, at=out.now, note=DRAFTED) for section in sections
    )
    KeyEvent.objects.bulk_create(events_of(postmortem, facts.entries))
    searching.index(postmortem)
    out.record(incident, Kind.POSTMORTEM_DRAFTED, by=by)
    return postmortem


def write_anew(postmortem: Postmortem, incident: Incident, *, now: datetime) -> None:
    """Bring what nobody has touched up to date with the incident: sections and chosen events. Both are locked."""
    facts = facts_of(incident)
    for section in postmortem.sections.all():
        part = next(iter(parts_of([vars(section)])))
        body = generating.body_of(part, facts)
        if section.is_untouched and body != section.body:
            section.body, section.number = body, section.number + 1
            Revision.objects.create(section=section, number=section.number, body=body, at=now, note=WRITTEN_ANEW)
        section.generated = body if section.is_untouched or body == section.body else section.generated
        section.save(update_fields=["body", "generated", "number"])
    known = set(postmortem.events.exclude(entry=None).values_list("entry", flat=True))
    KeyEvent.objects.bulk_create(event for event in events_of(postmortem, facts.entries) if event.entry_id not in known)
    postmortem.drafted_for = incident.resolved_at
    postmortem.save(update_fields=["drafted_for", "updated_at"])
    searching.index(postmortem)


def events_of(postmortem: Postmortem, entries: Iterable[TimelineEntry]) -> list[KeyEvent]:
    """The events that are told by rule, unsaved."""
    return [event_of(postmortem, entry) for entry in choosing.choose(entries)]


def event_of(postmortem: Postmortem, entry: TimelineEntry) -> KeyEvent:
    """An entry of the timeline as an event, unsaved; reads ``by``."""
    text = wording.say(entry)
    return KeyEvent(postmortem=postmortem, entry=entry, at=entry.at, text=text, source_at=entry.at, source_text=text)


def facts_of(incident: Incident) -> Facts:
    """What is known of an incident; six queries, whatever it is."""
    return Facts(
        incident=incident,
        entries=list(incident.timeline.select_related("by").order_by("at", "id")),
        services=list(incident.affected_services.order_by("name", "pk")),
        clocks={clock.kind: clock for clock in incident.clocks.order_by("id")},
        updates=list(incident.status_updates.published()),
        policy=policies()[incident.severity],
    )


def template_for(incident: Incident, services: Iterable[Service]) -> Template | None:
    """The template that fits best: of a team and this severity, then of a team, then of the severity, then any."""
    teams = [service.team_id for service in services if service.team_id]
    rows = Template.objects.all().for_incident(incident, teams)
    order = sorted(rows, key=lambda row: (row.team_id is None, row.severity == "", row.pk))
    return order[0] if order else None
