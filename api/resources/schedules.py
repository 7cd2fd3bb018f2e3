"""Schedules and their shifts, who is on call, and overrides."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Prefetch
from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router
from ninja.responses import Status as Answer

from accounts.access import require_manager
from api import lookups, paging
from api.auth import ApiRequest, actor, may_write, writer
from api.idempotency import idempotent
from api.paging import ListQuery, Page
from api.problems import Problem, invalid, mistakes
from api.schemas.base import Number
from api.schemas.schedules import (
    MOST_DAYS,
    LayerIn,
    MadeOverride,
    NewOverride,
    NewSchedule,
    OnCallOut,
    OnCallQuery,
    OverrideOut,
    ScheduleChange,
    ScheduleOut,
    ScheduleWithWarnings,
    ShiftOut,
    ShiftsQuery,
)
from core import time_zones
from oncall import findings, rotas, schedule_changes, shifts, who
from oncall.models import CalendarSource, Override, Schedule
from oncall.shifts import Window
from oncall.windows import DAYS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from accounts.models import User
    from oncall.querysets import ScheduleQuerySet

router = Router(tags=["on-call"])
overrides_router = Router(tags=["on-call"])
on_call_router = Router(tags=["on-call"])


@router.get("", response=Page[ScheduleOut])
def list_schedules(request: ApiRequest, query: Query[ListQuery]) -> Page[ScheduleOut]:
    """Schedules, newest first."""
    rows = _with_layers(request, Schedule.objects.visible_to(actor(request)))
    return paging.answer(request, rows, query, Page[ScheduleOut], ScheduleOut.of)


@router.post("", auth=writer, response={201: ScheduleWithWarnings})
@idempotent()
def create_schedule(request: ApiRequest, body: NewSchedule) -> Answer[ScheduleWithWarnings]:
    """Make a schedule; of its layers the last one is the highest. `warnings` say what may keep somebody from being
    paged; they are no refusal."""
    fields = _fields(request, dict(body))
    require_manager(actor(request), fields["team"])
    schedule = schedule_changes.save_schedule(
        layers=_drafts(body.layers, user=actor(request)), by=actor(request), **fields
    )
    return Answer(201, _with_warnings(request, schedule.pk))


@router.get("/{schedule_id}", response=ScheduleOut)
def read_schedule(request: ApiRequest, schedule_id: Number) -> ScheduleOut:
    """One schedule with its layers."""
    return ScheduleOut.of(schedule_of(request, schedule_id))


@router.patch("/{schedule_id}", auth=writer, response=ScheduleWithWarnings)
def change_schedule(request: ApiRequest, schedule_id: Number, body: ScheduleChange) -> ScheduleWithWarnings:
    """Change a schedule; overrides stay."""
    schedule, given = schedule_of(request, schedule_id), body.given()
    require_manager(actor(request), schedule.team)
    fields = _fields(request, given)
    if "team" in fields:
        require_manager(actor(request), fields["team"])
    layers = _drafts(body.layers, user=actor(request)) if "layers" in given else None
    schedule_changes.save_schedule(schedule, layers=layers, by=actor(request), **fields)
    return _with_warnings(request, schedule_id)


@router.delete("/{schedule_id}", auth=writer, response={204: None})
def delete_schedule(request: ApiRequest, schedule_id: Number) -> HttpResponse:
    """Delete a schedule that no policy pages."""
    schedule = schedule_of(request, schedule_id)
    require_manager(actor(request), schedule.team)
    schedule_changes.delete_schedule(schedule, by=actor(request))
    return HttpResponse(status=204)


@router.get("/{schedule_id}/shifts", response=list[ShiftOut])
def list_shifts(request: ApiRequest, schedule_id: Number, query: Query[ShiftsQuery]) -> list[ShiftOut]:
    """Every shift and gap between `from` and `to`, clipped to them; at most 400 days."""
    paging.refuse_unknown(request, query)
    start, end = query.from_, query.to
    if not timedelta() < end - start <= timedelta(days=MOST_DAYS):
        raise invalid("to", f"Ask for a stretch that ends after it begins, of at most {MOST_DAYS} days.")
    schedule = schedule_of(request, schedule_id)
    known, users = rotas.read(Schedule.objects.filter(pk=schedule.pk), start=start, end=end)
    return [
        ShiftOut(
            user=users[shift.holder].username if shift.holder else None,
            start=shift.start,
            end=shift.end,
            layer=shift.layer,
        )
        for shift in shifts.shifts(known[schedule.pk], start, end)
    ]


@on_call_router.get("", response=list[OnCallOut])
def read_on_call(request: ApiRequest, query: Query[OnCallQuery]) -> list[OnCallOut] | HttpResponse:
    """Who is on call at `at`, or now: by one schedule, or by all of them. `format=slack` answers plain text."""
    paging.refuse_unknown(request, query)
    rows = Schedule.objects.visible_to(actor(request)).order_by("name", "id")
    if query.schedule is not None:
        rows = rows.filter(pk=query.schedule)
    at = query.at or timezone.now()
    found = who.at(rows, at, ahead=who.MOST_AHEAD)
    if query.schedule is not None and not found:
        raise invalid("schedule", f"There is no schedule {query.schedule}.")
    if query.format == "slack":
        text = who.slack_text(found, at, time_zones.zone(actor(request).time_zone))
        return HttpResponse(text, content_type="text/plain; charset=utf-8")
    return [
        OnCallOut(
            schedule=row.schedule.pk,
            name=row.schedule.name,
            user=row.user.username if row.user else None,
            layer=row.layer,
            until=row.shift_ends,
        )
        for row in found
    ]


# ---- overrides -----------------------------------------------------------------------------------------------------


@overrides_router.get("", response=Page[OverrideOut])
def list_overrides(request: ApiRequest, query: Query[ListQuery]) -> Page[OverrideOut]:
    """Overrides of all schedules, newest first."""
    rows = Override.objects.visible_to(actor(request)).select_related("user", "created_by")
    return paging.answer(request, rows, query, Page[OverrideOut], OverrideOut.of)


@overrides_router.post("", auth=writer, response={201: MadeOverride})
@idempotent()
def create_override(request: ApiRequest, body: NewOverride) -> Answer[MadeOverride]:
    """Put somebody on call for a while. Responders take shifts themselves; managers give them to anybody.

    `warnings` say when that person is away; they are no refusal.
    """
    user = actor(request)
    schedule = lookups.schedule(body.schedule, user=user)
    person = lookups.person(body.user, user=user, field="user")
    assert person
    row = schedule_changes.override(schedule, user=person, start=body.start, end=body.end, by=user, reason=body.reason)
    return Answer(201, MadeOverride.made(row))


@overrides_router.delete("/{override_id}", auth=writer, response={204: None})
def delete_override(request: ApiRequest, override_id: Number) -> HttpResponse:
    """Take an override back: what has not begun is gone, what runs ends now."""
    row = Override.objects.visible_to(actor(request)).filter(pk=override_id).first()
    if row is None:
        raise Problem(404, "There is no such override.")
    schedule_changes.end_override(row, by=actor(request), now=timezone.now())
    return HttpResponse(status=204)


# ---- reading ---------------------------------------------------------------------------------------------------


def schedule_of(request: ApiRequest, pk: int) -> Schedule:
    """A schedule with what is shown of it. Raises the problem 404."""
    found: Schedule | None = _with_layers(request, Schedule.objects.visible_to(actor(request))).filter(pk=pk).first()
    if found is None:
        raise Problem(404, "There is no such schedule.")
    return found


def _with_warnings(request: ApiRequest, pk: int) -> ScheduleWithWarnings:
    warnings = [each.text for each in findings.of_schedule(pk, now=timezone.now())]
    return ScheduleWithWarnings.saved(schedule_of(request, pk), warnings)


def _with_layers(request: ApiRequest, rows: ScheduleQuerySet) -> ScheduleQuerySet:
    """With what is shown of them: the addresses of calendars to a token that may change the schedule."""
    sources = CalendarSource.objects.visible_to(actor(request))
    sources = sources if may_write(request) else sources.none()
    return rows.select_related("team").prefetch_related(
        "layers__participants__user", Prefetch("calendar_sources", queryset=sources)
    )


def _fields(request: ApiRequest, given: dict[str, Any]) -> dict[str, Any]:
    """Everything but the layers."""
    fields = {name: value for name, value in given.items() if name != "layers"}
    if "team" in fields:
        fields["team"] = lookups.team(fields["team"], user=actor(request))
    return fields


def _drafts(layers: Sequence[LayerIn], *, user: User) -> list[schedule_changes.Draft]:
    """Layers with their people. Raises the problem 422 with what is wrong with any, and each name that is nobody's."""
    names = {name for layer in layers for name in layer.participants}
    people = {person.username: person for person in type(user).objects.visible_to(user).filter(username__in=names)}
    wrong = [
        (f"layers.{position}.{field}", message)
        for position, layer in enumerate(layers)
        for field, message in (
            *layer.wrong(),
            *(
                (f"participants.{place}", f"There is no user {name!r}.")
                for place, name in enumerate(layer.participants)
                if name not in people
            ),
        )
    ]
    if wrong:
        raise mistakes(wrong)
    return [_draft(layer, people) for layer in layers]


def _draft(layer: LayerIn, people: Mapping[str, User]) -> schedule_changes.Draft:
    if layer.rotation is None or layer.starts_on is None:
        url = layer.calendar_url or ""
        return schedule_changes.Draft(name=layer.name, starts_on=timezone.localdate(), people=(), calendar_url=url)
    return schedule_changes.Draft(
        name=layer.name,
        starts_on=layer.starts_on,
        people=tuple(people[name] for name in layer.participants),
        unit=layer.rotation.unit,
        length=layer.rotation.length,
        handoff=layer.handoff,
        ends_on=layer.ends_on,
        windows=tuple(Window(frozenset(map(DAYS.index, row.days)), row.from_, row.to) for row in layer.restrictions),
    )
