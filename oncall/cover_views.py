"""Asking for cover, taking it, taking the shift that runs, and swapping two people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404, render
from django.utils import dateformat, timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import person, require_manager
from core.forms import take_errors
from core.redirects import see_other
from oncall import absences, cover
from oncall.cover_forms import CoverForm, SwapForm
from oncall.models import CoverRequest, Schedule
from oncall.schedule_forms import given_moment, next_hours

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

    from oncall.models import Override


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def cover_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask colleagues to take a stretch of one's shifts; the address may say which."""
    user, schedule = person(request), _schedule(request, pk)
    start, end = next_hours(timezone.now())
    initial = {"start": given_moment(request.GET.get("start")) or start}
    initial["end"] = given_moment(request.GET.get("end")) or end
    form = CoverForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            cover.ask(schedule, by=user, **form.cleaned_data)
            messages.success(request, "Your colleagues see that you ask for cover. You stay on call until it is taken.")
            return see_other("oncall:schedule_detail", pk=pk)
        except ValidationError as error:
            take_errors(form, error)
    context = {"form": form, "schedule": schedule}
    return render(request, "oncall/cover_form.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def cover_take(request: HttpRequest, pk: int) -> HttpResponse:
    """Stand in for a colleague who asks."""
    user = person(request)
    row = get_object_or_404(CoverRequest.objects.visible_to(user).select_related("user"), pk=pk)
    try:
        made = cover.take(row, by=user)
        messages.success(request, f"You are on call for {row.user} {_stretch(made)}.")
        warn_if_away(request, made)
    except (cover.Overtaken, ValidationError) as error:
        messages.warning(request, _words(error))
    return see_other("oncall:schedule_detail", pk=row.schedule_id)


@login_required
@require_POST
def cover_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Cover is not needed any more."""
    user = person(request)
    row = get_object_or_404(CoverRequest.objects.visible_to(user), pk=pk)
    try:
        cover.withdraw(row, by=user)
        messages.success(request, "The request for cover is withdrawn.")
    except cover.Overtaken as error:
        messages.warning(request, _words(error))
    return see_other("oncall:schedule_detail", pk=row.schedule_id)


@login_required
@require_POST
def take_now(request: HttpRequest, pk: int) -> HttpResponse:
    """Be on call from now to the end of the shift that runs."""
    user, schedule = person(request), _schedule(request, pk)
    try:
        made = cover.take_now(schedule, by=user)
        messages.success(request, f"You are on call {_stretch(made)}.")
        warn_if_away(request, made)
    except ValidationError as error:
        messages.warning(request, _words(error))
    return see_other("oncall:schedule_detail", pk=pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def swap(request: HttpRequest, pk: int) -> HttpResponse:
    """Let two people take each other's shifts."""
    user, schedule = person(request), _schedule(request, pk)
    require_manager(user, schedule.team)
    found, people = cover.coming(schedule, now=timezone.now())
    form = SwapForm(request.POST or None, shifts=found, people=people)
    if request.method == "POST" and form.is_valid():
        try:
            made = cover.swap(schedule, by=user, **form.cleaned_data)
            messages.success(request, f"{made[0].user} and {made[1].user} have swapped.")
            for row in made:
                warn_if_away(request, row)
            return see_other("oncall:schedule_detail", pk=pk)
        except (cover.Overtaken, ValidationError) as error:
            take_errors(form, error if isinstance(error, ValidationError) else ValidationError(_words(error)))
    context = {"form": form, "schedule": schedule, "may_swap": len({row.holder for row in found}) > 1}
    return render(request, "oncall/swap_form.html", context, status=422 if form.errors else 200)


def warn_if_away(request: HttpRequest, row: Override) -> None:
    """Say so where somebody is put on call while they are away."""
    for away in absences.during(row.user, row.starts_at, row.ends_at):
        messages.warning(request, f"{row.user} is away {_between(away.starts_at, away.ends_at)}.")


# ---- reading -------------------------------------------------------------------------------------------------------


def _schedule(request: HttpRequest, pk: int) -> Schedule:
    rows = Schedule.objects.visible_to(person(request)).select_related("team")
    schedule: Schedule = get_object_or_404(rows, pk=pk)
    return schedule


def _stretch(row: Override) -> str:
    return _between(row.starts_at, row.ends_at)


def _between(start: datetime, end: datetime) -> str:
    begins, ends = (dateformat.format(timezone.localtime(at), "D j M H:i") for at in (start, end))
    return f"from {begins} to {ends}"


def _words(error: Exception) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
