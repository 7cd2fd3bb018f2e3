"""Action items that are overdue now, whatever days the figures are of."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.db.models import Count, Min, Q
from django.urls import reverse

from catalog.models import Service
from followups import listing
from incidents.models import ActionItem, Incident
from metrics import wording
from metrics.links import Line, Num

if TYPE_CHECKING:
    from accounts.models import User
    from incidents.models.communication import ActionItemQuerySet
    from metrics.reading import Reading

LABEL = "Action items overdue now, of any time"


def action_items(reading: Reading) -> Line:
    """Those after incidents that fit what is asked, its days and causes aside: as many as the list of follow-ups has
    at the address."""
    rows, address = _of(reading)
    late = rows.exclude(pk__in=_hidden(rows, reading.user)).aggregate(
        count=Count("pk"), oldest=Min("due_on"), unowned=Count("pk", filter=Q(owner=None))
    )
    count = late["count"]
    notes = [f"oldest by {wording.plural((reading.today - late['oldest']).days, 'day')}"] if count else []
    notes += [f"{late['unowned']} without an owner"] if late["unowned"] else []
    return Line(LABEL, (Num(wording.number(count), address, is_missed=count > 0),), "; ".join(notes))


def _hidden(rows: ActionItemQuerySet, user: User | None) -> list[int]:
    """Those that the reader may not see: few incidents are private, so these are looked up, not the others."""
    if user is not None and user.is_staff:
        return []
    private = dict(rows.filter(incident__is_private=True).values_list("pk", "incident_id"))
    seen = set(Incident.objects.seen_among(list(private.values()), user)) if user else set()
    return [item for item, incident in private.items() if incident not in seen]


def _of(reading: Reading) -> tuple[ActionItemQuerySet, str]:
    """The overdue ones, private or not, and their address in the list."""
    rows: ActionItemQuerySet = ActionItem.objects.overdue(reading.today)
    asked, narrowed = reading.question.narrowing, {}
    if asked.severity:
        rows, narrowed["severity"] = rows.of_severity(asked.severity), asked.severity
    if asked.service:
        rows, narrowed["service"] = rows.of_services(Service.objects.filter(pk=asked.service.pk)), asked.service.slug
    if asked.team:
        rows, narrowed["team"] = rows.of_services(Service.objects.filter(team=asked.team)), asked.team.slug
    return rows.order_by(), f"{reverse('followups:list')}?{urlencode({**narrowed, 'state': listing.OVERDUE})}"
