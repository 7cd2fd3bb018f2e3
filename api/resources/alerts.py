"""Alerts: listed and read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils import timezone
from ninja import Query, Router

from alerts.fetching import alert_for
from alerts.models import Alert
from api import paging
from api.auth import ApiRequest, actor
from api.paging import Page
from api.problems import invalid
from api.schemas.alerts import AlertOut, AlertQuery
from api.schemas.base import Name
from incidents.fetching import number_of
from incidents.models import Incident

if TYPE_CHECKING:
    from accounts.models import User
    from alerts.querysets import AlertQuerySet

router = Router(tags=["alerts"])

RECENT = timedelta(days=14)


@router.get("", response=Page[AlertOut])
def list_alerts(request: ApiRequest, query: Query[AlertQuery]) -> Page[AlertOut]:
    """Alerts that you may see, newest first."""
    # Served by the primary key, and by alerts_firing and alerts_by_integration where they narrow.
    rows = _narrowed(Alert.objects.visible_to(actor(request)), query, user=actor(request))
    rows = rows.for_list().select_related("integration__service")
    return paging.answer(request, rows, query, Page[AlertOut], AlertOut.of)


@router.get("/{alert_id}", response=AlertOut)
def read_alert(request: ApiRequest, alert_id: Name) -> AlertOut:
    """One alert, by its id."""
    return AlertOut.of(alert_for(actor(request), alert_id))


def _narrowed(rows: AlertQuerySet, query: AlertQuery, *, user: User) -> AlertQuerySet:
    wanted: dict[str, Any] = {
        "status": query.status,
        "severity": query.severity,
        "integration": query.integration,
        "integration__service__slug": query.service,
        "integration__service__team__slug": query.team,
    }
    rows = rows.filter(**{name: value for name, value in wanted.items() if value is not None})
    if query.incident is not None:
        number = number_of(query.incident)
        if number is None:
            raise invalid("incident", "Write an incident as INC-42.")
        found = Incident.objects.visible_to(user).filter(pk=number)
        rows = rows.filter(pk__in=Alert.objects.filter(Q(group__incident__in=found) | Q(links__incident__in=found)))
    if query.period == "active":
        return rows.filter(status=Alert.Status.FIRING)
    if query.period == "recent":
        return rows.filter(Q(status=Alert.Status.FIRING) | Q(received_at__gte=timezone.now() - RECENT))
    return rows
