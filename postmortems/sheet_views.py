"""The small forms of a postmortem. Each is a page of its own, and to htmx a sheet over the page that it was opened
from, which is loaded again once it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse

from accounts.access import person
from core.forms import take_errors
from core.htmx import HtmxHttpRequest, render, wants_fragment
from core.redirects import see_other
from incidents.models.incident import NotAllowedNow
from postmortems.fetching import postmortem_for
from postmortems.views import page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from incidents.forms import ActionForm
    from postmortems.models import Postmortem


@dataclass(frozen=True, slots=True)
class Sheet:
    """How a form looks: what it is about, the word on its button, and what stands above its fields."""

    title: str
    button: str
    note: str = ""


def answer(
    request: HtmxHttpRequest,
    postmortem: Postmortem,
    sheet: Sheet,
    form: ActionForm,
    act: Callable[..., object],
    *,
    said: str,
    place: str = "",
) -> HttpResponse:
    """Show the form, or call a domain function with what it says: then back to the postmortem with a word, or 422 with
    the form as it was written, or 409 with why not and what was typed."""
    try:
        if form.is_valid():
            act(**form.cleaned_data)
            return done(request, postmortem, said, place=place)
    except ValidationError as error:
        take_errors(form, error)
    except NotAllowedNow as error:
        return refused(request, postmortem, str(error), unsaved=form.typed())
    context = {"postmortem": postmortem, "incident": postmortem.incident, "sheet": sheet, "form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "postmortems/sheet.html", context, fragment="postmortems/_sheet.html", status=status)


def press(
    request: HtmxHttpRequest, postmortem: Postmortem, act: Callable[[], object], *, said: str, place: str = ""
) -> HttpResponse:
    """What a button alone does: back to the postmortem, or 409 with why not."""
    try:
        act()
    except NotAllowedNow as error:
        return refused(request, postmortem, str(error))
    return done(request, postmortem, said, place=place)


def done(request: HtmxHttpRequest, postmortem: Postmortem, said: str, *, place: str = "") -> HttpResponse:
    """Back to the postmortem with a word; htmx loads the page again that it is on."""
    if said:
        messages.success(request, said)
    if wants_fragment(request):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return see_other(postmortem.get_absolute_url() + place)


def refused(
    request: HtmxHttpRequest, postmortem: Postmortem, said: str, *, unsaved: Sequence[str] = ()
) -> HttpResponse:
    """409: why it could not be done, over what is so now, with the texts that came with it."""
    now = postmortem_for(person(request), postmortem.incident.reference)
    context: dict[str, Any] = {"conflict": said, "unsaved": unsaved, "postmortem": now}
    if wants_fragment(request):
        return render(request, "postmortems/_overtaken.html", context, status=409)
    return page(request, now, status=409, more=context)
