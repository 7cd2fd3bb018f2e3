"""An incident from its declaration to its end: the moves people and monitors make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from core.text import clean, single_line
from core.work import db_now
from incidents import acknowledging, cadence, changes, escalation, paging_again, plan, quiet, sla
from incidents.consequences import Consequences, Kind
from incidents.models import AffectedService, Incident, PlannedAction, SlaClock, Status
from incidents.models.incident import OPEN, NotAllowedNow
from incidents.telling import Reach
from notifications import outbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from accounts.models import User
    from catalog.models import Service
    from incidents.acknowledging import Counted

TITLE_LIMIT = 255
TEXT_LIMIT = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An incident to be declared. ``source_key`` makes a second declaration of the same thing the same incident."""

    title: str
    severity: str
    description: str = ""
    services: Sequence[Service] = ()
    assignee: User | None = None
    started_at: datetime | None = None
    is_private: bool = False
    by: User | None = None
    source: str = ""
    source_key: str | None = None
    facts: dict[str, str] = field(default_factory=dict)


def declare(draft: Draft, *, now: datetime | None = None) -> Incident:
    """Declare one incident; see ``declare_many``."""
    return declare_many([draft], now=now)[0]


@transaction.atomic
def declare_many(drafts: Sequence[Draft], *, now: datetime | None = None) -> list[Incident]:
    """Declare incidents, compile the severity policy into their plans and clocks, and begin paging: one transaction,
    about as many statements for fifty as for one. Returns them in the order of the drafts.

    A draft whose ``source_key`` is known gives the incident that has it. Raises ValidationError for an empty title,
    an unknown severity or a start in the future.
    """
    now = now or db_now()
    known = _already_declared(drafts)
    new = {index: _build(draft, now=now) for index, draft in enumerate(drafts) if draft.source_key not in known}
    Incident.objects.bulk_create(new.values())
    reach = Reach({incident.pk: list(drafts[index].services) for index, incident in new.items()}, now=now)
    AffectedService.objects.bulk_create(
        AffectedService(incident=incident, service=service)
        for index, incident in new.items()
        for service in dict.fromkeys(drafts[index].services)
    )
    out, compiler = Consequences(now), plan.Compiler()
    actions, clocks = [], []
    for index, incident in new.items():
        draft = drafts[index]
        out.record(incident, Kind.TRIGGERED, by=draft.by, source=draft.source, severity=incident.severity)
        policy = compiler.policies[incident.severity]
        clocks += sla.clocks_for(incident, policy, compiler.settings, now=now)
        clocks += cadence.first(incident, policy, now=now)
        actions += compiler.compile(incident, reach, now=now)
        if draft.assignee:
            changes.tell_assignee(incident, draft.assignee, by=draft.by, reach=reach, out=out)
    SlaClock.objects.bulk_create(clocks)
    begun = plan.carry_out(actions, reach, out)
    PlannedAction.objects.bulk_create(actions)
    escalation.begin(begun, reach, out)
    _save_unanswered(new.values())
    out.write()
    return [known[draft.source_key] if draft.source_key in known else new[i] for i, draft in enumerate(drafts)]


def _already_declared(drafts: Sequence[Draft]) -> dict[str | None, Incident]:
    keys = [draft.source_key for draft in drafts if draft.source_key]
    return {row.source_key: row for row in Incident.objects.filter(source_key__in=keys)} if keys else {}


def _build(draft: Draft, *, now: datetime) -> Incident:
    title = single_line(draft.title, limit=TITLE_LIMIT)
    if not title:
        raise ValidationError({"title": "Say in a few words what is wrong."})
    started_at = draft.started_at or now
    changes.check_start(started_at, now=now)
    incident = Incident(
        title=title,
        description=clean(draft.description, limit=TEXT_LIMIT),
        severity=draft.severity,
        status=Status.TRIGGERED,
        assignee=draft.assignee,
        is_private=draft.is_private,
        created_at=now,
        created_by=draft.by,
        started_at=started_at,
        source=single_line(draft.source, limit=120),
        source_key=draft.source_key,
        facts=draft.facts,
    )
    incident.clean_fields(exclude=["assignee", "created_by", "merged_into"])
    return incident


def _save_unanswered(incidents: Iterable[Incident]) -> None:
    """A policy that can reach nobody is exhausted as it begins."""
    unanswered = [incident.pk for incident in incidents if incident.is_unanswered]
    if unanswered:
        Incident.objects.filter(pk__in=unanswered).update(is_unanswered=True)


@transaction.atomic
def acknowledge(incident: Incident, *, by: User | None, source: str = "", now: datetime | None = None) -> Incident:
    """Take responsibility: stop escalating, cancel pages not yet sent, meet the response clock.

    A step that needs more people goes on paging until that many have acknowledged. Whoever acknowledges an unassigned
    incident becomes its assignee. On an incident that is being worked on it stops what still pages and answers a
    reminder ("still on it"), and does nothing when there is neither. Raises NotAllowedNow once it is resolved.
    """
    incident = Incident.objects.locked(incident.pk)
    out = Consequences(now or db_now())
    if incident.is_open and incident.status != Status.TRIGGERED:
        counted = acknowledging.count(incident, by=by, now=out.now)
        if counted.is_any or incident.reminded_at:
            quiet.watch(incident, now=out.now)
            incident.save(update_fields=[*quiet.FIELDS, "updated_at"])
            out.record(incident, Kind.ACKNOWLEDGED, by=by, source=source, **counted.facts())
            out.write()
        return incident
    incident.move_to(Status.ACKNOWLEDGED, at=out.now, is_answer=True)
    incident.assignee = incident.assignee or by
    counted = _answered(incident, out, by=by)
    out.record(incident, Kind.ACKNOWLEDGED, by=by, source=source, **counted.facts())
    incident.save()
    out.write()
    return incident


def _answered(incident: Incident, out: Consequences, *, by: User | None) -> Counted:
    """Somebody is on it: nobody else is woken, unless a step wants more people."""
    counted = acknowledging.count(incident, by=by, now=out.now)
    sla.stop(incident, SlaClock.Kind.RESPONSE, is_kept=True, out=out)
    quiet.watch(incident, now=out.now)
    return counted


@transaction.atomic
def transition(incident: Incident, *, to: str, by: User | None, now: datetime | None = None) -> Incident:
    """Move to acknowledged, investigating or mitigating; skipping ahead answers the incident on the way.

    Raises NotAllowedNow for a move that the table does not list; resolving, reopening and the postmortem have
    functions of their own, because they need words.
    """
    if to == Status.ACKNOWLEDGED and incident.status == Status.TRIGGERED:
        return acknowledge(incident, by=by, now=now)
    incident = Incident.objects.locked(incident.pk)
    if to not in OPEN or not incident.is_open or to == Status.TRIGGERED:
        raise NotAllowedNow(_why_not(incident, to))
    out = Consequences(now or db_now())
    was, slept = incident.status, incident.snoozed_until is not None
    if to == was:
        return incident
    incident.move_to(to, at=out.now, is_answer=True)
    if slept:
        cadence.rest(incident, now=out.now)
    incident.assignee = incident.assignee or by
    counted = _answered(incident, out, by=by)
    out.record(incident, Kind.MOVED, by=by, **{"from": was, "to": to}, **counted.facts())
    incident.save()
    out.write()
    return incident


def _why_not(incident: Incident, to: str) -> str:
    allowed = ", ".join(status for status in Status.values if status in incident.moves()) or "nothing but reopening"
    return f"{incident.reference} is {incident.status} and cannot become {to or 'that'}; it can go to: {allowed}."


@transaction.atomic
def resolve(
    incident: Incident,
    *,
    by: User | None,
    root_cause: str = "",
    source: str = "",
    now: datetime | None = None,
) -> Incident:
    """End the impact. A person's resolution also answers the incident; a monitor's (``by`` is None) before
    anybody answered cancels the response clock and leaves ``acknowledged_at`` empty."""
    incident = Incident.objects.locked(incident.pk)
    if not incident.is_open:
        raise NotAllowedNow(_why_not(incident, Status.RESOLVED))
    out = Consequences(now or db_now())
    was, is_human = incident.status, by is not None
    incident.move_to(Status.RESOLVED, at=out.now, is_answer=is_human)
    if is_human:
        incident.assignee = incident.assignee or by
    if root_cause:
        incident.root_cause = clean(root_cause, limit=TEXT_LIMIT).strip()
    escalation.stop(incident, now=out.now)
    plan.cancel(incident, now=out.now)
    sla.stop(incident, SlaClock.Kind.RESPONSE, is_kept=is_human, out=out)
    sla.stop(incident, SlaClock.Kind.RESOLUTION, is_kept=True, out=out)
    cadence.end(incident, now=out.now)
    outbox.cancel(topic=incident.topic, now=out.now)
    out.record(incident, Kind.RESOLVED, by=by, source=source, text=incident.root_cause, **{"from": was})
    incident.save()
    out.write()
    return incident


@transaction.atomic
def reopen(
    incident: Incident, *, reason: str, by: User | None, source: str = "", now: datetime | None = None
) -> Incident:
    """It is not over. ``acknowledged_at`` stays, ``resolved_at`` goes, and a new resolution clock starts.

    An incident that somebody had answered goes back to investigating and its assignee is told; one that nobody had
    answered is triggered again and pages from the first step, with what its severity asks for by now; where that is no
    page, the teams are told. Actions of the
    plan that the end had called off are due again. Raises ValidationError without a reason.
    """
    reason = clean(reason, limit=2000).strip()
    if not reason:
        raise ValidationError({"reason": "Say why it is open again."})
    incident = Incident.objects.locked(incident.pk)
    if incident.is_open:
        raise NotAllowedNow(f"{incident.reference} is {incident.status}; only a resolved incident can be reopened.")
    out, compiler = Consequences(now or db_now()), plan.Compiler()
    policy, reach = compiler.policies[incident.severity], Reach.of([incident], now=out.now)
    was = incident.status
    to = Status.INVESTIGATING if incident.acknowledged_at else Status.TRIGGERED
    incident.move_to(to, at=out.now, is_answer=False)
    out.record(incident, Kind.REOPENED, by=by, source=source, text=reason, **{"from": was, "to": to})
    plan.resume(incident, now=out.now)
    clocks = sla.resolution_clock_for(incident, policy, now=out.now) + cadence.first(incident, policy, now=out.now)
    SlaClock.objects.bulk_create(clocks)
    if to == Status.TRIGGERED:
        paging_again.begin(incident, compiler=compiler, reach=reach, out=out)
    quiet.watch(incident, now=out.now, policies=compiler.policies)
    opening = f"Reopened: {reason}"
    paging_again.tell(incident, opening, word="Reopened", by=by, compiler=compiler, reach=reach, out=out)
    incident.save()
    out.write()
    return incident


@transaction.atomic
def start_postmortem(incident: Incident, *, by: User | None, now: datetime | None = None) -> Incident:
    """Begin to learn from a resolved incident. Raises NotAllowedNow in any other status."""
    incident = Incident.objects.locked(incident.pk)
    if incident.status != Status.RESOLVED:
        raise NotAllowedNow(_why_not(incident, Status.POSTMORTEM))
    out = Consequences(now or db_now())
    incident.move_to(Status.POSTMORTEM, at=out.now, is_answer=False)
    out.record(incident, Kind.POSTMORTEM_STARTED, by=by)
    incident.save()
    out.write()
    return incident
