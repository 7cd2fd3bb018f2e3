"""Who sees an incident: the other side of ``Incident.objects.visible_to``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import F, Q, Value

from accounts.models import Role, User
from incidents.querysets import Concerns

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from incidents.models import Incident


def people_of(incident: Incident) -> QuerySet[User]:
    """Active people who may see an incident, by name: everybody, unless it is private."""
    active = User.objects.active().order_by("name", "username")
    if not incident.is_private:
        return active
    named = [pk for pk in (incident.assignee_id, incident.created_by_id) if pk]
    concerned = Q(Concerns(F("pk"), Value(incident.pk)))
    return active.filter(Q(role=Role.ADMIN) | Q(pk__in=named) | concerned)


def may_see(incident: Incident, user: User) -> bool:
    """Whether a person is active and may see an incident."""
    return people_of(incident).filter(pk=user.pk).exists()
