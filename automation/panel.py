"""What the automation panel of an incident shows, for the page that embeds it and for the address that refreshes it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import F, Q
from django.db.models.functions import Right

from accounts.models import Role, User
from automation.forms import hidden_values
from automation.models import Action, Execution
from catalog.models import Service
from core.together import Rows, attach, together
from core.versions import version_of

if TYPE_CHECKING:
    from automation.parameters import Value
    from incidents.models import Incident

MOST_SHOWN, MOST_EVER = 10, 200
TAIL = 4000  # characters of an output, of which the last lines are shown
UNSEEN = ("output", "due_at", "lease_token", "received", "key")  # what changes while it looks the same
KINDS = list(Action.Kind)


@dataclass(frozen=True, slots=True)
class Offer:
    """An action that could be asked for. ``values`` is what a single press sends; None where there is a form first."""

    action: Action
    values: list[tuple[str, Value]] | None
    key: str


@dataclass(frozen=True, slots=True)
class Panel:
    """What was asked for at an incident, the unfinished first, and what could be."""

    incident: Incident
    executions: list[Execution]
    offers: list[Offer]
    services: list[Service]
    is_whole: bool
    has_more: bool
    may_run: bool
    versions: dict[str, str]


def of(incident: Incident, *, user: User, is_whole: bool = False) -> Panel:
    """The panel as ``user`` may see it; one query. ``is_whole``: with everything that was ever asked for there."""
    most, may_run = MOST_EVER if is_whole else MOST_SHOWN, user.has_role(Role.RESPONDER)
    rows = _read(incident, most + 1)
    people, actions = {one.pk: one for one in rows["people"]}, {one.pk: one for one in rows["actions"]}
    found: list[Execution] = rows["executions"]
    for name in ("asked_by", "decided_by", "stopped_by"):
        attach(found, name, people)
    attach(found, "action", actions)
    under_way = {one.action_id for one in found if one.finished_at is None}
    tied = {row["action_id"] for row in rows.plain("ties")}
    offered = sorted((actions[pk] for pk in tied - under_way if pk in actions), key=_place)
    is_offering = may_run and incident.is_open
    return Panel(
        incident=incident,
        executions=found[:most],
        offers=[_offer(action, incident) for action in offered if action.archived_at is None] if is_offering else [],
        services=rows["services"],
        is_whole=is_whole,
        has_more=len(found) > most,
        may_run=may_run,
        versions=_versions(incident, rows, under_way, may_run=may_run),
    )


def _read(incident: Incident, most: int) -> Rows:
    """Everything in one statement."""
    mine = Execution.objects.filter(incident=incident)
    shown = mine.order_by(F("due_at").asc(nulls_last=True), "-id")[:most]
    services = Service.objects.filter(incident_links__incident=incident)
    ties = Action.services.through._default_manager.filter(service__in=services.values("pk"))
    known = Q(pk__in=mine.values("action")) | Q(pk__in=ties.values("action"))
    people = Q()
    for name in ("asked_by", "decided_by", "stopped_by"):
        people |= Q(pk__in=mine.filter(**{f"{name}__isnull": False}).values(name))
    return together(
        executions=shown.annotate(tail=Right("output", TAIL)).defer(*UNSEEN),
        actions=Action.objects.filter(known).defer("authorization", "signing_secret", "summary").order_by("pk"),
        people=User.objects.filter(people).only("username", "name", "email"),
        services=services.only("slug", "name").order_by("name", "pk"),
        ties=ties.order_by("pk"),
    )


def _offer(action: Action, incident: Incident) -> Offer:
    facts = incident.facts if isinstance(incident.facts, dict) else {}
    return Offer(action, hidden_values(action, facts), secrets.token_hex(16))


def _place(action: Action) -> tuple[int, str]:
    return KINDS.index(Action.Kind(action.kind)), action.name.casefold()


def _versions(incident: Incident, rows: Rows, under_way: set[int], *, may_run: bool) -> dict[str, str]:
    """A short name for how each part looks. The offers have one of their own: whoever points at a button there sees
    the output of what they have asked for all the same."""
    own = (incident.is_open, may_run)
    looks = {
        "list": (own, rows.text("executions", "actions")),
        "offers": (own, incident.facts, sorted(under_way), rows.text("actions", "services", "ties")),
    }
    return {name: version_of(one) for name, one in looks.items()}
