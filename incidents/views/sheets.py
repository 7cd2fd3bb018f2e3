"""The small forms of an incident. Each is a page of its own, and to htmx a sheet over the incident's page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.access import person
from core.forms import take_errors
from core.htmx import HtmxHttpRequest, render, wants_fragment
from core.redirects import see_other
from incidents import detail
from incidents.fetching import incident_for
from incidents.forms import AcknowledgeForm
from incidents.models import Incident, StatusUpdate, TimelineEntry
from incidents.models.incident import NotAllowedNow
from incidents.views.detail import page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.http import QueryDict

    from incidents.forms import ActionForm

shown_and_sent = require_http_methods(["GET", "HEAD", "POST"])


@dataclass(frozen=True, slots=True)
class Sheet:
    """How a form looks: what it is about, the word on its button, the template of its fields, and what is said of it
    once it is done where the page stays as it is."""

    title: str
    button: str
    fields: str = "incidents/_sheet_fields.html"
    said: str = "Saved."


def posted(request: HtmxHttpRequest) -> QueryDict | None:
    """What was sent; None when the form is only looked at."""
    return request.POST if request.method == "POST" else None


def answer(
    request: HtmxHttpRequest,
    incident: Incident,
    sheet: Sheet,
    form: ActionForm,
    act: Callable[..., object],
    *,
    said: str = "",
    more: dict[str, Any] | None = None,
) -> HttpResponse:
    """Show the form, or call a domain function with what it says: then back to the incident, or 422 with the form as
    it was written, or 409 with what is so by now."""
    try:
        if form.is_valid():
            return done(
                request,
                incident,
                act(**form.cleaned_data),
                said=said or (sheet.said if wants_fragment(request) else ""),
            )
    except ValidationError as error:
        take_errors(form, error)
    except NotAllowedNow:
        return overtaken(request, incident.reference, unsaved=form)
    return shown(request, incident, sheet, form, more=more)


def shown(
    request: HtmxHttpRequest,
    incident: Incident,
    sheet: Sheet,
    form: ActionForm,
    *,
    more: dict[str, Any] | None = None,
    is_step: bool = False,
    status: int = 422,
) -> HttpResponse:
    """The form to fill in; once it was sent, 422 or another ``status`` with what is wrong, or with ``is_step`` the form
    on its way. The page of ours that asked, if its address says one, is where it leads back to."""
    back = _ours(request.POST if request.method == "POST" else request.GET)
    context = {"incident": incident, "sheet": sheet, "form": form, "back": back} | (more or {})
    status = status if request.method == "POST" and not is_step else 200
    return render(request, "incidents/sheet.html", context, fragment="incidents/_sheet.html", status=status)


def overtaken(request: HtmxHttpRequest, reference: str, *, unsaved: ActionForm | None = None) -> HttpResponse:
    """409: somebody was faster. Say who, show what is so now, and give back what was typed."""
    incident = incident_for(person(request), reference)
    texts = unsaved.typed() if unsaved else ()
    return conflict(request, incident, detail.how_it_came(incident), partial(page, request, incident), unsaved=texts)


def conflict(
    request: HtmxHttpRequest,
    incident: Incident,
    said: str,
    page: Callable[..., HttpResponse],
    *,
    unsaved: Sequence[str] = (),
) -> HttpResponse:
    """409: why it could not be done, over the present state, with the texts that came with it. ``page`` makes the page
    for who has no sheet, of a ``status`` and of ``more`` for its top."""
    context = {"conflict": said, "unsaved": unsaved, "incident": incident}
    if wants_fragment(request):
        return render(request, "incidents/_overtaken.html", context, status=409)
    return page(status=409, more=context)


def done(request: HtmxHttpRequest, incident: Incident, made: object = None, *, said: str = "") -> HttpResponse:
    """To the page of ours that asked, to what was made on the incident's page, or to its top with a word; htmx is told
    to look at the page again. To the list for who has just hidden the incident from themselves."""
    if not Incident.objects.visible_to(person(request)).filter(pk=incident.pk).exists():
        messages.success(request, f"{incident.reference} is private now, and you are not one of its people.")
        return _elsewhere(request)
    if wants_fragment(request):
        return HttpResponse(status=204, headers={"HX-Trigger": json.dumps({"muster:done": {"said": said}})})
    if said:
        messages.success(request, said)
    if back := asked_from(request):
        return see_other(back)
    return see_other(incident.get_absolute_url() + _anchor(made))


def _anchor(made: object) -> str:
    """Where on the incident's page it is: an update that waits has its undo there."""
    if isinstance(made, TimelineEntry):
        return f"#entry-{made.pk}"
    return f"#update-{made.pk}" if isinstance(made, StatusUpdate) else ""


def asked_from(request: HtmxHttpRequest) -> str:
    """The page of ours to go on to afterwards, as the form says; empty where it says none."""
    return _ours(request.POST)


def _ours(said: QueryDict) -> str:
    form = AcknowledgeForm(said)
    return form.cleaned_data["next"] if form.is_valid() else ""


def _elsewhere(request: HtmxHttpRequest) -> HttpResponse:
    to_list = see_other("incidents:list")
    return HttpResponse(status=204, headers={"HX-Redirect": to_list.url}) if wants_fragment(request) else to_list
