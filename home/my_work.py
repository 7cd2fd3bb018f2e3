"""What one person has to do now: answer, work on, finish. Each incident stands in one part, the first that fits.

The parts read open incidents by ``incidents_open``, ``incidents_by_assignee`` and ``notifications_topic``, and action
items by ``incidents_actions_undone``; none of them grows with what is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.db.models import F, OuterRef, Q, TextField, Value
from django.db.models.functions import Cast, Concat

from accounts.models import Membership
from core.together import attach, together
from core.versions import version_of
from incidents import action_items, listing
from incidents.models import ActionItem, AffectedService, Incident, Status
from incidents.querysets import is_there
from notifications.models import Notification

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from django.db.models import QuerySet

    from accounts.models import User
    from incidents.querysets import IncidentQuerySet

MOST_SHOWN = 50
UNREAD = ("description", "root_cause", "facts")  # what no row shows

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """At most ``MOST_SHOWN`` rows, and whether there are more."""

    rows: Sequence[T]
    has_more: bool

    @classmethod
    def of(cls, rows: Sequence[T]) -> Part[T]:
        """The first of some rows."""
        return cls(rows[:MOST_SHOWN], len(rows) > MOST_SHOWN)


@dataclass(frozen=True, slots=True)
class MyWork:
    """One person's work, the most urgent of each part first; action items by their day."""

    waiting: Part[Incident]
    assigned: Part[Incident]
    of_my_teams: Part[Incident]
    actions: Part[ActionItem]
    is_in_a_team: bool
    today: date

    @property
    def overdue(self) -> int:
        """How many of the action items should have been done."""
        return sum(item.is_overdue(self.today) for item in self.actions.rows)

    @property
    def versions(self) -> dict[str, str]:
        """A short name for the state of each panel of the page; one that has the same version looks the same."""
        parts = {
            "waiting": [*map(_state_of, self.waiting.rows), self.waiting.has_more],
            "assigned": [*map(_state_of, self.assigned.rows), self.assigned.has_more],
            "teams": [*map(_state_of, self.of_my_teams.rows), self.of_my_teams.has_more, self.is_in_a_team],
            "actions": [
                *((item.pk, item.title, item.due_on, item.incident.title) for item in self.actions.rows),
                self.actions.has_more,
                self.today,
            ],
        }
        counts = [len(part) for part in parts.values()]
        return {name: version_of(part) for name, part in (parts | {"work": [*counts, self.overdue]}).items()}


def waiting_for(user: User) -> IncidentQuerySet:
    """Incidents that the person was paged for and that nobody has answered yet."""
    topic = Concat(Value("incident/"), Cast(OuterRef("pk"), TextField()))
    paged = Notification.objects.filter(user=user, topic=topic, purpose=Notification.Purpose.PAGE)
    open_: IncidentQuerySet = Incident.objects.visible_to(user).open()
    return open_.filter(is_there(paged), status=Status.TRIGGERED)


def load(user: User, *, now: datetime) -> MyWork:
    """Read a person's work in one statement, and what its rows show in two more."""
    rows = _read(user)
    waiting = Part.of(rows["waiting"])
    shown = {incident.pk for incident in waiting.rows}
    work = MyWork(
        waiting=waiting,
        assigned=Part.of([incident for incident in rows["assigned"] if incident.pk not in shown]),
        of_my_teams=Part.of([incident for incident in rows["of_my_teams"] if incident.pk not in shown]),
        actions=Part.of(rows["actions"]),
        is_in_a_team=bool(rows["memberships"]),
        today=action_items.today_of(user, now=now),
    )
    listing.dress([*work.waiting.rows, *work.assigned.rows, *work.of_my_teams.rows])
    numbers = {item.incident_id for item in work.actions.rows}
    attach(work.actions.rows, "incident", Incident.objects.defer(*UNREAD).in_bulk(numbers))
    return work


def _read(user: User) -> Any:
    """Enough rows of each part that the ones which an earlier part shows can be left out."""
    open_: IncidentQuerySet = Incident.objects.visible_to(user).open()
    teams = Membership.objects.filter(user=user)
    touched = AffectedService.objects.filter(incident=OuterRef("pk"), service__team__in=teams.values("team"))
    of_others = Q(assignee=None) | ~Q(assignee=user)
    items = ActionItem.objects.visible_to(user).filter(owner=user, done_at=None, accepted_at=None)
    return together(
        waiting=_urgent_first(waiting_for(user))[: MOST_SHOWN + 1],
        assigned=_urgent_first(open_.filter(assignee=user))[: 2 * MOST_SHOWN + 1],
        of_my_teams=_urgent_first(open_.filter(of_others, is_there(touched)))[: 2 * MOST_SHOWN + 1],
        actions=items.order_by(F("due_on").asc(nulls_last=True), "id")[: MOST_SHOWN + 1],
        memberships=teams[:1],
    )


def _urgent_first(rows: IncidentQuerySet) -> QuerySet[Incident]:
    return rows.defer(*UNREAD).order_by("severity_rank", "id")


def _state_of(incident: Incident) -> list[object]:
    """What a row shows of an incident, as far as it changes."""
    return [
        incident.pk,
        incident.title,
        incident.severity,
        incident.status,
        incident.is_private,
        incident.assignee_id,
        [service.pk for service in incident.affected_services.all()],
        [(clock.pk, clock.state) for clock in incident.clocks.all()],
    ]
