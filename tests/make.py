"""Builders: plain functions that make what a test needs, with alice, bob and charlie as the people.

Alice and bob are responders with a confirmed e-mail address; charlie is a stranger to everything.
"""

from __future__ import annotations

import itertools
import secrets
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from accounts.models import Membership, Role, Team, User
from alerts.models import Integration
from automation import defining, runners
from automation.models import Action, Runner
from automation.parameters import Parameter
from catalog import maintenance as windows
from catalog.models import MaintenanceWindow, Service
from core.digests import digest_of
from followups import defining as trackers
from followups.models import Tracker
from incidents import lifecycle, policy
from incidents.lifecycle import Draft
from incidents.models import Incident, StatusUpdate
from notifications import signing
from notifications.models import ContactMethod, Notification
from oncall import schedule_changes
from oncall.models import (
    EscalationPolicy,
    EscalationStep,
    EscalationTarget,
    Override,
    Schedule,
)
from postmortems import drafting
from postmortems.models import Postmortem
from runbooks import editing
from runbooks.guides import Guide, Step
from runbooks.models import Runbook
from statuspage import components
from statuspage import pages as status_pages
from statuspage.models import Component, Mailing, Report, StatusPage, Subscriber

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
NOW = datetime(2026, 10, 14, 1, 47, 8, tzinfo=UTC)  # a Wednesday

_count = itertools.count(1)


def user(username: str = "", *, role: str = Role.RESPONDER, email: bool = True, webhook: str = "", **fields) -> User:
    """A person; with ``email`` a confirmed contact method at username@example.com."""
    username = username or f"user{next(_count)}"
    fields.setdefault("name", username.capitalize())
    person = User.objects.create_user(username, email=f"{username}@example.com", role=role, **fields)
    if email:
        contact(person, "email", f"{username}@example.com")
    if webhook:
        contact(person, "webhook", webhook)
    return person


def contact(person: User, kind: str, address: str, *, verified: bool = True) -> ContactMethod:
    """A way to reach a person."""
    return ContactMethod.objects.create(
        user=person,
        kind=kind,
        address=address,
        signing_secret=signing.new_secret() if kind == "webhook" else "",
        verified_at=NOW if verified else None,
    )


def team(slug: str = "", *members: User, managers: tuple[User, ...] = (), **fields) -> Team:
    """A team with members."""
    slug = slug or f"team{next(_count)}"
    made = Team.objects.create(slug=slug, name=fields.pop("name", slug.capitalize()), **fields)
    for member in {*members, *managers}:
        Membership.objects.create(team=made, user=member, is_manager=member in managers)
    return made


def escalation_policy(
    *steps: User | Team | Schedule | tuple,
    delays: tuple[int, ...] = (),
    repeat: int = 0,
    repeat_after: int = 5,
    takes_turns: bool = False,
    acknowledgements: int = 1,
    **fields,
) -> EscalationPolicy:
    """A policy with one step for each argument (a target, or a tuple of them); ``delays`` are minutes. Its first step
    may take turns, and ask for more than one acknowledgement."""
    made = EscalationPolicy.objects.create(
        name=fields.pop("name", f"Policy {next(_count)}"), repeat=repeat, repeat_after_minutes=repeat_after, **fields
    )
    for position, targets in enumerate(steps):
        delay = delays[position] if position < len(delays) else (0 if position == 0 else 5)
        first = {"takes_turns": takes_turns, "acknowledgements": acknowledgements} if position == 0 else {}
        step = EscalationStep.objects.create(policy=made, position=position, delay_minutes=delay, **first)
        for target in targets if isinstance(targets, tuple) else (targets,):
            kind = {User: "user", Team: "team", Schedule: "schedule"}[type(target)]
            EscalationTarget.objects.create(step=step, kind=kind, **{kind: target})
    return made


def schedule(name: str = "", *layers: schedule_changes.Draft, zone: str = "UTC", **fields) -> Schedule:
    """A schedule with layers (``layer``), the last one highest."""
    name = name or f"Schedule {next(_count)}"
    return schedule_changes.save_schedule(name=name, time_zone=zone, layers=layers, by=None, **fields)


def layer(*people: User, name: str = "", unit: str = "day", **options: Any) -> schedule_changes.Draft:
    """A layer for ``schedule``; daily from midnight, and begun long ago."""
    fields: dict[str, Any] = {"handoff": time(0), "starts_on": date(2026, 1, 1), **options}
    return schedule_changes.Draft(name=name or f"Layer {next(_count)}", people=people, unit=unit, **fields)


def override(schedule: Schedule, person: User, start: datetime, end: datetime, **fields) -> Override:
    """Somebody stands in."""
    return Override.objects.create(schedule=schedule, user=person, starts_at=start, ends_at=end, **fields)


def service(slug: str = "", *, policy: EscalationPolicy | None = None, team: Team | None = None, **fields) -> Service:
    """A service."""
    slug = slug or f"service{next(_count)}"
    return Service.objects.create(
        slug=slug, name=fields.pop("name", slug.capitalize()), escalation_policy=policy, team=team, **fields
    )


def incident(
    *,
    severity: str = "critical",
    steps: tuple | list = (),
    delays: tuple[int, ...] = (),
    services: tuple | list = (),
    at: datetime = NOW,
    **fields,
) -> Incident:
    """A declared incident; with ``steps`` it affects a service whose policy has them."""
    policy.ensure_defaults()
    services = list(services)
    if steps:
        services.append(service(policy=escalation_policy(*steps, delays=delays)))
    draft = Draft(title=fields.pop("title", "It is broken"), severity=severity, services=services, **fields)
    return lifecycle.declare(draft, now=at)


def integration(
    format: str = "generic", *, service: Service | None = None, default_severity: str = "critical", **fields
) -> tuple[Integration, str]:
    """An integration and its routing key."""
    policy.ensure_defaults()
    key = secrets.token_urlsafe(24)
    made = Integration.objects.create(
        name=fields.pop("name", f"Monitor {next(_count)}"),
        format=format,
        service=service,
        default_severity=default_severity,
        key_digest=digest_of(key),
        key_prefix=key[:6],
        **fields,
    )
    return made, key


def runbook(slug: str = "", *steps: str | Step, at: datetime = NOW, by: User | None = None, **fields) -> Runbook:
    """A runbook with steps of these titles; one "Look" if none is given. ``fields`` are the guide's, ``team`` and
    ``review_every_days``."""
    slug = slug or f"runbook{next(_count)}"
    own = {name: fields.pop(name) for name in (*editing.EDITABLE, "is_starter") if name in fields}
    said = tuple(step if isinstance(step, Step) else Step(step) for step in steps or ("Look",))
    guide = Guide(**{"title": slug.capitalize(), "steps": said, **fields})
    return editing.create(guide, slug=slug, by=by, now=at, **own)


def runner(name: str = "", **fields) -> tuple[Runner, str]:
    """A runner and its token."""
    return runners.create(name=name or f"Runner {next(_count)}", by=None, **fields)


def action(slug: str = "", *parameters: Parameter, url: str = "", services: tuple = (), **fields) -> Action:
    """An action of a runner, or with ``url`` a request."""
    slug = slug or f"action{next(_count)}"
    way: dict[str, Any] = (
        {"way": "http", "url": url} if url else {"way": "runner", "command": fields.pop("command", slug)}
    )
    if not url and "runner" not in fields:
        way["runner"] = runner()[0]
    name = fields.pop("name", slug.capitalize())
    return defining.create(slug=slug, name=name, parameters=parameters, services=services, by=None, **way, **fields)[0]


def tracker(kind: str = "github", **fields) -> Tracker:
    """A tracker; on github.com unless ``base_url`` says otherwise."""
    own = {
        "github": {"base_url": "https://api.github.com", "project": "octo/repo", "secret": "ghp_x"},
        "gitlab": {"base_url": "https://gitlab.com", "project": "octo/ops", "secret": "glpat-x"},
        "jira": {"base_url": "https://octo.atlassian.net", "project": "OPS", "username": "a@b.example", "secret": "j"},
        "webhook": {"base_url": "https://hooks.example.com/tickets"},
    }
    name = fields.pop("name", f"Tracker {next(_count)}")
    return trackers.create(kind=kind, name=name, by=None, **{**own[kind], **fields})[0]


def postmortem(incident: Incident | None = None, *, by: User | None = None, at: datetime = NOW, **fields) -> Postmortem:
    """The draft of a resolved incident; ``fields`` are those of an incident that is made for it. With ``by`` that
    person has started it."""
    if incident is None:
        incident = lifecycle.resolve(globals()["incident"](at=at, **fields), by=by, now=at + 30 * MINUTE)
    if by is None:
        drafting.draft_missing(now=incident.resolved_at or at)
        return Postmortem.objects.get(incident=incident)
    return drafting.start(incident, by=by, now=incident.resolved_at)


def pages(incident: Incident) -> list[tuple[str, datetime]]:
    """(who, when due) of every page about an incident, in order."""
    rows = Notification.objects.filter(topic=incident.topic, purpose="page").order_by("id")
    return [(row.user.username if row.user else row.recipient, row.created_at) for row in rows]


def happened(incident: Incident) -> list[str]:
    """The kinds of the timeline, in order."""
    return list(incident.timeline.values_list("kind", flat=True))


def status_update(incident: Incident, message: str = "We are on it.", *, at: datetime = NOW, **fields) -> StatusUpdate:
    """A status update that went out, as a row of its own: nobody was told, and no clock knows."""
    times = {"at": at, "due_at": at, "published_at": at}
    said = {"status": StatusUpdate.Status.INVESTIGATING, "message": message, **times, **fields}
    return StatusUpdate.objects.create(incident=incident, **said)


def maintenance(
    *services: Service, starts_at: datetime = NOW + MINUTE, hours: float = 2, by: User | None = None, **fields
) -> MaintenanceWindow:
    """A window that is announced now, or before it begins."""
    return windows.schedule(
        title=fields.pop("title", "New disks"),
        services=services or (service(),),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=hours),
        by=by,
        now=fields.pop("at", min(NOW, starts_at)),
        **fields,
    )


def status_page(slug: str = "", *parts: Service, at: datetime = NOW, **fields) -> StatusPage:
    """A status page with a component for each service, called as the service is, and 100 days old."""
    slug = slug or f"page{next(_count)}"
    page = status_pages.create(slug=slug, name=fields.pop("name", slug.capitalize()), by=None, now=at, **fields)
    for part in parts:
        component(page, part, at=at)
    return page


def component(page: StatusPage, *services: Service, name: str = "", at: datetime = NOW, **fields) -> Component:
    """A component of a page, that stands for these services."""
    fields.setdefault("since", (at - timedelta(days=100)).date())
    name = name or (services[0].name if services else f"Component {next(_count)}")
    made = components.add_component(page, name=name, services=services, by=None, now=at, **fields)
    Component.objects.filter(pk=made.pk).update(created_at=at, updated_at=at)
    made.refresh_from_db()
    return made


def subscriber(
    page: StatusPage, address: str = "", *components: Component, active: bool = True, **fields
) -> Subscriber:
    """Somebody who hears of a page's news, or of these components alone; with ``active=False`` not confirmed yet."""
    address = address or f"reader{next(_count)}@example.com"
    is_webhook = "://" in address
    fields.setdefault("confirmed_at", NOW if active else None)
    made = Subscriber.objects.create(
        page=page,
        kind="webhook" if is_webhook else "email",
        address=address,
        signing_secret=signing.new_secret() if is_webhook else "",
        **{"created_at": NOW, **fields},
    )
    made.components.set(components)
    return made


def mailing(page: StatusPage, key: str = "", *components: Component, **fields) -> Mailing:
    """News of a page, about these components or about the whole of it."""
    said = {"kind": "update", "subject": "Checkout is slow", "text": "We are on it.", "created_at": NOW, **fields}
    made = Mailing.objects.create(page=page, key=key or f"update/{next(_count)}", **said)
    made.components.set(components)
    return made


def report(page: StatusPage, of: Incident | None = None, *, at: datetime = NOW, **fields) -> Report:
    """An incident as a page tells it, as a row of its own."""
    said = {"name": "Checkout is slow", "status": "investigating", "started_at": at, "created_at": at, "updated_at": at}
    return Report.objects.create(page=page, incident=of or incident(at=at), **{**said, **fields})
