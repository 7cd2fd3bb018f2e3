"""What people want to hear of: status updates of a service, of a team's services, of a severity, or of one incident."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from accounts.models import Team, User
from catalog.models import Service
from incidents.models import Incident, Severity, Subscription
from notifications.models import ContactMethod

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

MOST = 500  # of one person


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Exactly one thing to hear of."""

    service: Service | None = None
    team: Team | None = None
    severity: str = ""
    incident: Incident | None = None

    @classmethod
    def of(cls, thing: Service | Team | Incident | str) -> Wish:
        """To hear of a thing; a text is a severity."""
        if isinstance(thing, Service):
            return cls(service=thing)
        if isinstance(thing, Team):
            return cls(team=thing)
        return cls(incident=thing) if isinstance(thing, Incident) else cls(severity=thing)

    @property
    def fields(self) -> dict[str, Any]:
        """As a row has it."""
        return {"service": self.service, "team": self.team, "severity": self.severity, "incident": self.incident}

    @property
    def words(self) -> str:
        """What it is called."""
        if self.severity:
            return f"{Severity(self.severity).label} incidents"
        return str(self.service or self.team or (self.incident and self.incident.reference))


def methods_of(user: User) -> QuerySet[ContactMethod]:
    """The contact methods that updates may come by: one's own, confirmed ones."""
    return ContactMethod.objects.filter(user=user, verified_at__isnull=False).order_by("id")


@transaction.atomic
def follow(
    wish: Wish, *, by: User, method: ContactMethod | None = None, now: datetime | None = None
) -> tuple[Subscription, bool]:
    """Hear of something from now on, by a contact method or at the address of one's account; also whether it is new.

    Raises ValidationError for anything but one thing, an unknown severity, an incident that one may not see, an
    account without address, a contact method that is not one's own and confirmed, and the wish after the ``MOST``-th.
    """
    _check(wish, by=by, method=method)
    User.objects.select_for_update().only("pk").get(pk=by.pk)  # two tabs cannot both keep the last that is allowed
    mine = Subscription.objects.visible_to(by)
    found = mine.filter(contact_method=method, **wish.fields).first()
    if found:
        return found, False
    if mine.count() >= MOST:
        raise ValidationError(f"You follow {MOST} things already; stop hearing of one first.")
    times = {"created_at": now} if now else {}
    return Subscription.objects.create(user=by, contact_method=method, **wish.fields, **times), True


def _check(wish: Wish, *, by: User, method: ContactMethod | None) -> None:
    if sum(bool(value) for value in wish.fields.values()) != 1:
        raise ValidationError("Name one thing to hear of: a service, a team, a severity or an incident.")
    if wish.severity and wish.severity not in Severity.values:
        raise ValidationError({"severity": f"Choose one of: {', '.join(Severity.values)}."})
    if wish.incident and not Incident.objects.visible_to(by).filter(pk=wish.incident.pk).exists():
        raise ValidationError({"incident": "There is no such incident for you."})
    if method and not methods_of(by).filter(pk=method.pk).exists():
        raise ValidationError({"contact_method": "Choose a confirmed contact method of your own."})
    if not method and not by.email:
        raise ValidationError({"contact_method": "Your account has no e-mail address; choose a contact method."})


def unfollow(wish: Wish, *, by: User) -> int:
    """Hear of something no more, whichever way it came; returns how many ways there were."""
    return Subscription.objects.visible_to(by).filter(**wish.fields).delete()[0]


def remove(subscription: Subscription, *, by: User) -> None:
    """Hear of something no more in one way."""
    Subscription.objects.visible_to(by).filter(pk=subscription.pk).delete()


def of(user: User) -> list[Subscription]:
    """What a person hears of, by kind and name. An incident that they may not see any more is left out."""
    rows = rows_of(user).select_related("service", "team", "incident", "contact_method")
    return sorted(rows, key=_place)


def rows_of(user: User) -> QuerySet[Subscription]:
    """What a person hears of, but for incidents that they may not see any more."""
    seen = Incident.objects.visible_to(user).filter(subscriptions__user=user).order_by().values("pk")
    return Subscription.objects.visible_to(user).filter(Q(incident=None) | Q(incident__in=seen))


def _place(row: Subscription) -> tuple[int, str, int]:
    if row.severity:
        return 0, str(Severity(row.severity).rank), row.pk
    kind = 1 if row.team_id else 2 if row.service_id else 3
    return kind, str(row.team or row.service or "").lower(), row.pk


def follows(user: User, thing: Service | Team | Incident) -> bool:
    """Whether a person has asked to hear of just this."""
    return Subscription.objects.visible_to(user).filter(**Wish.of(thing).fields).exists()
