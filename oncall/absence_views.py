"""When people are away: the list, entering and removing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import person
from core.forms import take_errors
from core.redirects import see_other
from oncall import absences
from oncall.cover_forms import AbsenceForm, coming_day, people_for
from oncall.models import Absence

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import User

MOST_SHOWN = 200


@login_required
@require_GET
def absence_list(request: HttpRequest) -> HttpResponse:
    """Who is away now and later, and which of their shifts that concerns."""
    user, now = person(request), timezone.now()
    rows = list(Absence.objects.visible_to(user).within(now).select_related("user")[:MOST_SHOWN])
    mine = set(people_for(user).values_list("pk", flat=True))
    found = absences.conflicts(rows, now=now)
    context = {
        "rows": [(row, row.user_id in mine, [each for each in found if each.absence == row]) for row in rows],
        "for_others": len(mine) > 1,
        "now": now,
    }
    return render(request, "oncall/absence_list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def absence_new(request: HttpRequest) -> HttpResponse:
    """Say when one is away, or, for managers, when somebody else is."""
    user, people = person(request), people_for(person(request))
    start, end = coming_day(timezone.now())
    initial = {"user": request.GET.get("user") or user.username, "start": start, "end": end}
    form = AbsenceForm(request.POST or None, initial=initial, people=people)
    if request.method == "POST" and form.is_valid():
        who: User = form.cleaned_data.pop("user")
        try:
            row = absences.enter(who, by=user, **form.cleaned_data)
            _say(request, row, user)
            return see_other("accounts:profile" if who == user else "oncall:absence_list")
        except ValidationError as error:
            take_errors(form, error)
    context = {"form": form, "for_others": len(people) > 1}
    return render(request, "oncall/absence_form.html", context, status=422 if form.errors else 200)


def _say(request: HttpRequest, row: Absence, user: User) -> None:
    name = "You are" if row.user == user else f"{row.user} is"
    messages.success(request, f"{name} marked as away.")
    found = absences.conflicts([row], now=timezone.now())
    if found:
        names = ", ".join(sorted({each.schedule.name for each in found}))
        messages.warning(request, f"{name} still on call in that time: {names}. Ask for cover, or swap.")


@login_required
@require_POST
def absence_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody is there after all."""
    user = person(request)
    row = get_object_or_404(Absence.objects.visible_to(user), pk=pk)
    absences.remove(row, by=user)
    messages.success(request, "The absence is removed.")
    return see_other("accounts:profile" if row.user_id == user.pk else "oncall:absence_list")
