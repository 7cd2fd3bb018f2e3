"""Pages of schedules: who is on call now, one schedule in three views, its form, and overrides."""

from __future__ import annotations

from copy import copy
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import manages_anything, person, require_manager
from accounts.models import User
from core.forms import take_errors, with_one_more
from core.redirects import see_other
from core.time_zones import zone
from oncall import calendar, findings, publishing, rotas, schedule_changes, who
from oncall.cover_views import warn_if_away
from oncall.models import Override, Schedule
from oncall.schedule_forms import (
    YEARS,
    OverrideForm,
    ScheduleForm,
    given_moment,
    initial_of,
    known_people,
    layer_formset,
    next_hours,
)
from oncall.shifts import gaps, shifts

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from oncall.schedule_forms import BaseLayerFormSet

PREVIEW_DAYS = 28
MOST_AHEAD = 60  # schedules of which the list also says who comes next


@login_required
@require_GET
def schedule_list(request: HttpRequest) -> HttpResponse:
    """Who is on call by every schedule, now or at the moment in the address."""
    user, at = person(request), _moment(request) or timezone.now()
    rows = who.at(Schedule.objects.visible_to(user).select_related("team"), at, ahead=MOST_AHEAD)
    context = {"rows": rows, "at": at, "is_now": "at" not in request.GET, "may_add": manages_anything(user)}
    return render(request, "oncall/schedule_list.html", context)


@login_required
@require_GET
def schedule_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One schedule: who is on call now, a timeline, a week or a month, and every shift of it."""
    user, now = person(request), timezone.now()
    schedule = _schedule(user, pk)
    today = timezone.localdate()
    view = request.GET.get("view", "")
    span = calendar.span(
        view if view in calendar.VIEWS else calendar.VIEWS[0],
        _day(request.GET.get("on")) or today,
        zone(timezone.get_current_timezone_name()),
    )
    known, users = rotas.read(Schedule.objects.filter(pk=pk), start=min(span.start, now), end=max(span.end, now))
    found = shifts(known[pk], span.start, span.end)
    middle = span.days[len(span.days) // 2]
    context = {
        "schedule": schedule,
        "span": span,
        "views": calendar.VIEWS,
        "today": today,
        "now": now,
        "here": span.place_of_now(now),
        "rota": known[pk],
        "users": users,
        "shifts": (rows := calendar.merged(found)),
        "to_come": [row for row in rows if row.end > now] if span.start <= now < span.end else rows,
        "gaps": gaps(found),
        "lanes": calendar.lanes(known[pk], users, span, reader=user) if span.view == "timeline" else [],
        "weeks": calendar.days(found, span, today=today, month=middle.month if span.view == "month" else None),
        "middle": middle,
        "at_once": who.of(schedule, known[pk], users, now),
        "overrides": schedule.overrides.within(now).select_related("user", "created_by"),
        "sources": {row.url: row for row in schedule.calendar_sources.all()},
        "may_edit": user.manages(schedule.team),
        "may_override": schedule_changes.may_override(user, schedule),
    }
    return render(request, "oncall/schedule_detail.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def schedule_new(request: HttpRequest) -> HttpResponse:
    """Add a schedule."""
    user = person(request)
    if not manages_anything(user):
        raise PermissionDenied
    return _edit(request, user, None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def schedule_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a schedule and its layers, with a look at what that changes before it is saved."""
    user = person(request)
    schedule = _schedule(user, pk)
    require_manager(user, schedule.team)
    return _edit(request, user, schedule)


def _edit(request: HttpRequest, user: User, schedule: Schedule | None) -> HttpResponse:
    adds, looks = "add_layer" in request.POST, "preview" in request.POST
    known = known_people()
    form = ScheduleForm(request.POST or None, instance=copy(schedule), by=user)
    layers = layer_formset(extra=1)(
        with_one_more(request.POST, "layers", most=schedule_changes.MOST_LAYERS) if adds else request.POST or None,
        initial=initial_of(list(schedule.layers.all())) if schedule else [{"starts_on": timezone.localdate()}],
        form_kwargs={"known": known},
        prefix="layers",
    )
    preview = unconfirmed = None
    if request.method == "POST" and not adds and form.is_valid() & layers.is_valid():
        save = partial(schedule_changes.save_schedule, schedule, layers=layers.drafts(), by=user, **form.cleaned_data)
        try:
            if not looks:
                saved = publishing.publish(save, findings.of_schedule, schedule, data=request.POST)
                messages.success(request, f"{saved} was saved.")
                return see_other("oncall:schedule_detail", pk=saved.pk)
            preview = _preview(schedule, form, layers)
            unconfirmed = publishing.look(save, findings.of_schedule, schedule)
        except publishing.Unconfirmed as warned:
            unconfirmed = warned
        except ValidationError as error:
            take_errors(form, error)
    has_errors = request.method == "POST" and not adds and (form.errors or layers.total_error_count())
    context = {
        "form": form,
        "layers": layers,
        "schedule": schedule,
        "adds_layer": adds,
        "preview": preview,
        "unconfirmed": unconfirmed,
        "people": sorted(set(known.values()), key=str),
    }
    refused = has_errors or (unconfirmed and not looks)
    return render(request, "oncall/schedule_form.html", context, status=422 if refused else 200)


def _preview(schedule: Schedule | None, form: ScheduleForm, layers: BaseLayerFormSet) -> dict[str, Any]:
    """Who would be on call differently in the coming weeks, and where nobody would be."""
    start = timezone.now()
    end = start + timedelta(days=PREVIEW_DAYS)
    drafts = layers.drafts()
    users = {each.pk: each for draft in drafts for each in draft.people}
    present, before, calendars = None, [], {}
    if schedule:
        known, old_users = rotas.read(Schedule.objects.filter(pk=schedule.pk), start=start, end=end)
        present = known[schedule.pk]
        users |= old_users
        before = shifts(present, start, end)
        calendars = rotas.imported(schedule, start=start, end=end)
    after = shifts(
        rotas.planned(drafts, zone(form.cleaned_data["time_zone"]), like=present, calendars=calendars), start, end
    )
    found = calendar.differences(before, after) if schedule else []
    return {
        "days": PREVIEW_DAYS,
        "changes": [(row, users.get(row.before or 0), users.get(row.after or 0)) for row in found],
        "gaps": gaps(after),
        "shifts": [(row, users.get(row.holder or 0)) for row in calendar.merged(after)][:20],
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def override_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Put somebody on call for a while; the address may say from when until when."""
    user = person(request)
    schedule = _schedule(user, pk)
    if not schedule_changes.may_override(user, schedule):
        raise PermissionDenied
    people = User.objects.active().order_by("name", "username")
    people = people if user.manages(schedule.team) else people.filter(pk=user.pk)
    start, end = next_hours(timezone.now())
    given = {"user": user.username, "start": given_moment(request.GET.get("start")) or start}
    given["end"] = given_moment(request.GET.get("end")) or end
    form = OverrideForm(request.POST or None, initial=given, people=people)
    if request.method == "POST" and form.is_valid():
        try:
            row = schedule_changes.override(schedule, by=user, **form.cleaned_data)
            messages.success(request, f"{row.user} is on call for {schedule} as you chose.")
            warn_if_away(request, row)
            return see_other("oncall:schedule_detail", pk=pk)
        except ValidationError as error:
            take_errors(form, error)
    context = {"form": form, "schedule": schedule, "for_anybody": user.manages(schedule.team)}
    return render(request, "oncall/override_form.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def override_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an override back."""
    user = person(request)
    row = get_object_or_404(Override.objects.visible_to(user), pk=pk)
    try:
        schedule_changes.end_override(row, by=user, now=timezone.now())
        messages.success(request, "The override is taken back.")
    except ValidationError as error:
        messages.warning(request, " ".join(error.messages))
    return see_other("oncall:schedule_detail", pk=row.schedule_id)


# ---- reading ---------------------------------------------------------------------------------------------------


def _schedule(user: User, pk: int) -> Schedule:
    rows = Schedule.objects.visible_to(user).select_related("team").prefetch_related("layers__participants__user")
    schedule: Schedule = get_object_or_404(rows, pk=pk)
    return schedule


def _day(text: str | None) -> date | None:
    """A day of the address; none where it is no day, or one around which there is no other."""
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if day.year in YEARS else None


def _moment(request: HttpRequest) -> datetime | None:
    """The moment in the address, in the reader's time zone where it names none. Raises Http404 for anything else."""
    text = request.GET.get("at")
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else timezone.make_aware(at)
    except (ValueError, OverflowError):
        raise Http404 from None
    if at.year not in YEARS:
        raise Http404
    return at
