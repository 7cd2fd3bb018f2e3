"""Who sees an incident: the other side of ``Incident.objects.visible_to``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Func, Q, Value

from accounts.models import Role, User

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from incidents.models import Incident


class _IsConcerned(Func):
    """Whether a person was told of an incident, or is in a team of a service that it touches (migration 0006)."""

    function = "incidents_concerns"
    output_field = models.BooleanField()


def people_of(incident: Incident) -> QuerySet[User]:
    """Active people who may see an incident, by name: everybody, unless it is private."""
    active = User.objects.active().order_by("name", "username")
    if not incident.is_private:
        return active
    named = [pk for pk in (incident.assignee_id, incident.created_by_id) if pk]
    concerned = Q(_IsConcerned(F("pk"), Value(incident.pk)))
    return active.filter(Q(role=Role.ADMIN) | Q(pk__in=named) | concerned)


def may_see(incident: Incident, user: User) -> bool:
    """Whether a person is active and may see an incident."""
    return people_of(incident).filter(pk=user.pk).exists()
