"""Cover that is asked for, and who is away, on the pages of schedules and people; ``{% load cover %}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.utils import timezone

from accounts.models import Role
from oncall import absences
from oncall.cover import may_withdraw
from oncall.models import Absence, CoverRequest
from oncall.schedule_changes import may_override

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.template import Context

    from accounts.models import User
    from oncall.models import Schedule
    from oncall.shifts import Shift

register = template.Library()


@register.inclusion_tag("oncall/_cover.html", takes_context=True)
def cover_of(context: Context, schedule: Schedule) -> dict[str, Any]:
    """``{% cover_of schedule %}``: the open requests for cover of one schedule."""
    user, now = context["user"], timezone.now()
    rows = CoverRequest.objects.visible_to(user).open(now).filter(schedule=schedule)
    return _cover(context, list(rows), names_schedule=False)


@register.inclusion_tag("oncall/_cover.html", takes_context=True)
def cover_for_me(context: Context) -> dict[str, Any]:
    """``{% cover_for_me %}``: the open requests for cover that concern the reader: colleagues' and the own."""
    user, now = context["user"], timezone.now()
    rows = CoverRequest.objects.visible_to(user).open(now).concerning(user)
    return _cover(context, list(rows), names_schedule=True)


def _cover(context: Context, rows: list[CoverRequest], *, names_schedule: bool) -> dict[str, Any]:
    user: User = context["user"]
    may_take = user.has_role(Role.RESPONDER)
    return {
        "rows": [(row, may_take and row.user_id != user.pk, may_withdraw(user, row)) for row in rows],
        "names_schedule": names_schedule,
        "user": user,
        "now": timezone.now(),
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("oncall/_away.html", takes_context=True)
def away_on(context: Context, schedule: Schedule, held: Sequence[Shift]) -> dict[str, Any]:
    """``{% away_on schedule shifts %}``: who of a schedule is away while on call, from now on, in the time shown."""
    user, now = context["user"], timezone.now()
    ahead = [row for row in held if row.end > now and row.holder is not None]
    rows: list[Absence] = []
    if ahead:
        touching = Absence.objects.visible_to(user).within(max(now, ahead[0].start), ahead[-1].end)
        rows = list(touching.filter(user__in={row.holder for row in ahead if row.holder}).select_related("user"))
    found = [row for row in absences.against(schedule, ahead, rows) if row.end > now]
    may = may_override(user, schedule)
    return {"conflicts": found, "schedule": schedule, "may_override": may, "user": user, "now": now}


@register.inclusion_tag("oncall/_absences.html", takes_context=True)
def absences_of(context: Context, user: User) -> dict[str, Any]:
    """``{% absences_of user %}``: when the signed-in person is away, and which shifts that concerns."""
    now = timezone.now()
    rows = list(Absence.objects.within(now).filter(user=user))
    found = absences.conflicts(rows, now=now)
    return {
        "rows": [(row, [each for each in found if each.absence == row]) for row in rows],
        "now": now,
        "csrf_token": context.get("csrf_token"),
    }
