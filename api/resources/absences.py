"""When people are away."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router
from ninja.responses import Status as Answer

from api import lookups, paging
from api.auth import ApiRequest, actor, writer
from api.idempotency import idempotent
from api.paging import Page
from api.problems import Problem
from api.schemas.base import Number
from api.schemas.cover import AbsenceOut, AbsenceQuery, NewAbsence
from oncall import absences
from oncall.cover_forms import people_for
from oncall.models import Absence

router = Router(tags=["on-call"])


@router.get("", response=Page[AbsenceOut])
def list_absences(request: ApiRequest, query: Query[AbsenceQuery]) -> Page[AbsenceOut]:
    """Who is away now and later, newest first, with the shifts to come that this concerns."""
    user, now = actor(request), timezone.now()
    rows = Absence.objects.visible_to(user).within(now).select_related("user")
    if query.user is not None:
        rows = rows.filter(user__in=lookups.people([query.user], user=user, field="user"))
    mine = set(people_for(user).values_list("pk", flat=True))
    page = paging.answer(
        request, rows, query, Page[AbsenceOut], lambda row: AbsenceOut.of(row, [], shows_note=row.user_id in mine)
    )
    shown = {row.pk: row for row in rows.filter(pk__in=[item.id for item in page.items])}
    found = absences.conflicts(list(shown.values()), now=now)
    items = [AbsenceOut.of(shown[item.id], found, shows_note=item.note is not None) for item in page.items]
    return Page[AbsenceOut](items=items, next=page.next)


@router.post("", auth=writer, response={201: AbsenceOut})
@idempotent()
def enter_absence(request: ApiRequest, body: NewAbsence) -> Answer[AbsenceOut]:
    """Say when one is away, or, for managers, when somebody else is."""
    user = actor(request)
    person = lookups.person(body.user, user=user, field="user") or user
    row = absences.enter(person, start=body.start, end=body.end, by=user, note=body.note)
    return Answer(201, _shown(row))


@router.get("/{absence_id}", response=AbsenceOut)
def read_absence(request: ApiRequest, absence_id: Number) -> AbsenceOut:
    """One absence."""
    row = _absence(request, absence_id)
    return _shown(row, shows_note=absences.may_enter(actor(request), row.user))


@router.delete("/{absence_id}", auth=writer, response={204: None})
def remove_absence(request: ApiRequest, absence_id: Number) -> HttpResponse:
    """Somebody is there after all."""
    absences.remove(_absence(request, absence_id), by=actor(request))
    return HttpResponse(status=204)


def _shown(row: Absence, *, shows_note: bool = True) -> AbsenceOut:
    return AbsenceOut.of(row, absences.conflicts([row], now=timezone.now()), shows_note=shows_note)


def _absence(request: ApiRequest, pk: int) -> Absence:
    found: Absence | None = Absence.objects.visible_to(actor(request)).select_related("user").filter(pk=pk).first()
    if found is None:
        raise Problem(404, "There is no such absence.")
    return found
