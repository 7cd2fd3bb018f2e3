"""Taking the demo away again: every row of it in one transaction, and nothing of anybody else's."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, Q

from accounts import audit
from accounts.models import Team, User
from alerts.models import Alert, Event, Integration
from automation import defining
from automation.models import Action, Execution, Runner
from catalog.models import MaintenanceWindow, Service
from followups import defining as trackers
from followups.models import Ticket, Tracker
from incidents import audience
from incidents.models import ActionItem, Holiday, Incident, IncidentSettings, StatusUpdate, TimelineEntry
from incidents.models.incident import topic_of
from incidents_site.demo import counted
from incidents_site.demo.company import HOLIDAY_MARK
from incidents_site.demo.in_public import NOBODYS
from incidents_site.demo.people import logins_file
from metrics import reports
from notifications.models import ContactMethod, Drill, Notification
from oncall.models import EscalationPolicy, EscalationTarget, Schedule
from postmortems.models import Postmortem
from runbooks.models import Run, Runbook
from statuspage import pages
from statuspage.models import Component, Report, StatusPage, Subscriber

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

REMOVED = "removed demo data"
NAMED: dict[str, type[Model]] = {
    "incidents": Incident,
    "timeline entries": TimelineEntry,
    "status updates": StatusUpdate,
    "action items": ActionItem,
    "tickets": Ticket,
    "trackers": Tracker,
    "postmortems": Postmortem,
    "runbook runs": Run,
    "runbooks": Runbook,
    "executions": Execution,
    "actions": Action,
    "runners": Runner,
    "notifications": Notification,
    "alerts": Alert,
    "status pages": StatusPage,
    "maintenance windows": MaintenanceWindow,
    "services": Service,
    "escalation policies": EscalationPolicy,
    "schedules": Schedule,
    "integrations": Integration,
    "teams": Team,
    "people": User,
    "holidays": Holiday,
}


def remove(*, now: datetime) -> dict[str, int]:
    """Delete everything that is demo; returns how many rows of what, in words.

    A real incident on a demo service stays, without the service; a real page to a demo person stays on record. The
    audit log keeps everything, and says that the demo was removed.
    """
    with transaction.atomic():
        numbers = list(Incident.objects.select_for_update().filter(is_demo=True).values_list("pk", flat=True))
        removed: Counter[str] = Counter()
        for rows in _notifications(numbers), *_unmarked():
            removed.update(rows.delete()[1])
        _cancel_pending(now=now)
        Incident.objects.filter(merged_into__in=numbers).update(merged_into=None)
        EscalationTarget.objects.filter(schedule__is_demo=True).delete()
        removed.update(_runbooks().delete()[1])
        removed.update(reports.forget(with_any_of=Incident.objects.filter(is_demo=True)))
        removed.update(Incident.objects.filter(is_demo=True).delete()[1])
        removed.update(_trackers())
        removed.update(_status_pages(now=now))
        for model in (MaintenanceWindow, Integration, Service, EscalationPolicy, Schedule, Team, User):
            removed.update(model._default_manager.filter(is_demo=True).delete()[1])
        removed.update(_actions())
        counted.forget()
        counts = {name: removed[model._meta.label] for name, model in NAMED.items()}
        counts["other rows"] = removed.total() - sum(counts.values())
        counts = {name: count for name, count in counts.items() if count}
        if counts:
            audit.record(by=None, action=REMOVED, on=IncidentSettings.objects.get(pk=1), before=counts)
    logins_file().unlink(missing_ok=True)
    return counts


def pages_in_use() -> QuerySet[Any]:
    """Demo status pages on which something real is: somebody who has subscribed, a service, or an incident."""
    subscribers = Subscriber.objects.active().exclude(address__endswith=NOBODYS)
    services = Service.objects.filter(is_demo=False)
    real = (
        Exists(subscribers.filter(page=OuterRef("pk"))),
        Exists(Component.objects.filter(page=OuterRef("pk"), services__in=services)),
        Exists(Report.objects.filter(page=OuterRef("pk"), incident__is_demo=False)),
    )
    return StatusPage.objects.filter(Q(real[0]) | Q(real[1]) | Q(real[2]), is_demo=True)


def _status_pages(*, now: datetime) -> Counter[str]:
    """A demo page goes, unless something real is on it: then it stays, as a real one, without its made-up readers."""
    kept = list(pages_in_use().select_for_update(of=("self",)).values_list("pk", flat=True))
    removed = Counter(Subscriber.objects.filter(page__in=kept, address__endswith=NOBODYS).delete()[1])
    removed.update(StatusPage.objects.filter(is_demo=True).exclude(pk__in=kept).delete()[1])
    StatusPage.objects.filter(pk__in=kept).update(is_demo=False)
    pages.changed(kept, now=now)
    return removed


def _runbooks() -> QuerySet[Any]:
    """Guides of demo teams, as long as nobody real has changed or followed them."""
    theirs = Runbook.objects.filter(team__is_demo=True, current_version__created_by__is_demo=True)
    return theirs.exclude(runs__incident__is_demo=False)


def _trackers() -> Counter[str]:
    """The demo's tracker goes, unless something real became a ticket there. A real one that was made for a demo team is
    switched off: without its team it would take everybody's."""
    removed = Counter(Tracker.objects.filter(is_demo=True, tickets=None).delete()[1])
    for tracker in Tracker.objects.filter(team__is_demo=True):
        trackers.change(tracker, by=None, team=None, is_active=False)
    return removed


def _actions() -> Counter[str]:
    """Demo actions and their runner go, unless something real was done with them: then they stay, in the archive."""
    unused = Action.objects.filter(is_demo=True, executions=None)
    removed = Counter(unused.delete()[1])
    for action in Action.objects.filter(is_demo=True):
        defining.archive(action, by=None)
    removed.update(Runner.objects.filter(is_demo=True, actions=None).delete()[1])
    return removed


def _notifications(numbers: list[int]) -> QuerySet[Any]:
    """What was told about demo incidents, demo events, and demo people's addresses and fire drills."""
    methods = ContactMethod.objects.filter(user__is_demo=True).values_list("pk", flat=True)
    events = Event.objects.filter(integration__is_demo=True).values_list("pk", flat=True)
    topics = [
        *(topic_of(number) for number in numbers),
        *(audience.topic_of(number) for number in numbers),
        *(f"contact/{pk}" for pk in methods),
        *(f"event/{pk}" for pk in events),
        *(drill.topic for drill in Drill.objects.filter(user__is_demo=True)),
    ]
    return Notification.objects.filter(topic__in=topics)


def _unmarked() -> tuple[QuerySet[Any], ...]:
    """Rows of tables that have no mark of their own."""
    people = {str(pk) for pk in User.objects.filter(is_demo=True).values_list("pk", flat=True)}
    sessions = [row.pk for row in Session.objects.all() if row.get_decoded().get("_auth_user_id") in people]
    return Session.objects.filter(pk__in=sessions), Holiday.objects.filter(name__endswith=HOLIDAY_MARK)


def _cancel_pending(*, now: datetime) -> None:
    """A page to somebody who is about to go must not reach their made-up address."""
    for field in ("user", "team"):
        pending = Notification.objects.pending().filter(**{f"{field}__is_demo": True})
        pending.update(state=Notification.State.CANCELLED, finished_at=now)
