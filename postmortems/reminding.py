"""Postmortems that the severity policy wants by a day: their owner is reminded a day before, when it is overdue, and
then every week."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import dateformat, timezone

from core import time_zones
from core.work import each
from incidents.consequences import Consequences
from incidents.models import Incident
from incidents.models.incident import DONE
from incidents.policy import policies
from incidents.telling import Reach
from postmortems import telling
from postmortems.models import Postmortem, due_at

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.db.models import QuerySet

    from accounts.models import User
    from notifications.message import Message

BEFORE = timedelta(days=1)
AGAIN = timedelta(days=7)
BATCH = 50


def remind_due(*, now: datetime) -> int:
    """Remind the owners of unpublished postmortems whose day comes or has passed; one query while there is none."""
    promised = {
        severity: policy.postmortem_within_days
        for severity, policy in policies().items()
        if policy.postmortem_within_days
    }
    if not promised:
        return 0
    return sum(each(_due(promised, now=now), partial(_remind_one, promised=promised, now=now)))


def _due(promised: Mapping[str, int], *, now: datetime) -> list[int]:
    """In the order of ``postmortems_by_state``, which has the unpublished ones alone beside each other."""
    return list(_rows(promised, now=now).order_by("state", "-pk").values_list("pk", flat=True)[:BATCH])


def _rows(promised: Mapping[str, int], *, now: datetime) -> QuerySet[Postmortem]:
    """Those whose last reminder was before the newest of their days."""
    rows = Postmortem.objects.filter(state__in=[Postmortem.State.DRAFT, Postmortem.State.IN_REVIEW])
    rows = rows.filter(incident__status__in=DONE, incident__merged_into=None)
    wanted = Q()
    for severity, days in promised.items():
        within = timedelta(days=days)
        never = Q(reminded_at=None) | Q(reminded_at__lt=F("incident__resolved_at") + within - BEFORE)
        overdue = Q(incident__resolved_at__lte=now - within) & (
            Q(reminded_at__lt=F("incident__resolved_at") + within) | Q(reminded_at__lte=now - AGAIN)
        )
        soon = Q(incident__resolved_at__lte=now - within + BEFORE)
        wanted |= Q(incident__severity=severity) & soon & (never | overdue)
    return rows.filter(wanted)


@transaction.atomic
def _remind_one(pk: int, *, promised: Mapping[str, int], now: datetime) -> int:
    """Lock it and look again: another sweep may have been faster, and somebody may have published it."""
    incident = Incident.objects.locked_if_free(Postmortem.objects.values_list("incident", flat=True).get(pk=pk))
    if incident is None:
        return 0
    postmortem = Postmortem.objects.select_for_update(of=("self",)).get(pk=pk)
    postmortem.incident = incident
    out = Consequences(now)
    due = due_at(incident, within_days=promised.get(incident.severity))
    if due is None or not _rows(promised, now=now).filter(pk=pk).exists():
        return 0
    postmortem.reminded_at = out.now
    postmortem.save(update_fields=["reminded_at"])
    _tell(postmortem, due, out=out)
    out.write()
    return 1


def _tell(postmortem: Postmortem, due: datetime, *, out: Consequences) -> None:
    """The owner; without one who can be reached, whoever answers for the incident. A private one is told to people who
    see it: the assignee and the teams' members, or else the admins, and to no channel."""
    incident, key, reason = postmortem.incident, f"due/{int(out.now.timestamp() * 1000)}", "A postmortem is due"
    is_late = due <= out.now
    what = "Postmortem overdue" if is_late else "Postmortem due tomorrow"

    def message_for(user: User) -> Message:
        return telling.message_of(postmortem, what, _words(due, is_late=is_late, zone=user.time_zone))

    more: dict[str, Any] = {"key": key, "reason": reason, "out": out}
    if telling.tell(postmortem, [postmortem.owner], message_for, by=None, **more):
        return
    owner = postmortem.owner
    why = f"Its owner, {owner}, cannot be told of it." if owner else "It has no owner."
    message = telling.message_of(postmortem, what, f"{why} {_words(due, is_late=is_late, zone='UTC')}")
    reach = Reach.of([incident], now=out.now)
    if not incident.is_private:
        reach.tell_responders(incident, message, **more | {"key": f"postmortem/{postmortem.pk}/{key}"})
        return
    members = [user for team in reach.teams_of(incident) for user in reach.members(team)]
    for people in ([incident.assignee, *members], reach.admins()):
        if telling.tell(postmortem, people, message, by=None, reach=reach, **more):
            return


def _words(due: datetime, *, is_late: bool, zone: str) -> str:
    at = timezone.localtime(due, time_zones.zone(zone))
    said = f"{dateformat.format(at, 'D j M Y, H:i')} {at:%Z}"
    return f"It was to be published by {said}." if is_late else f"It is to be published by {said}."
