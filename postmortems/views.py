"""A postmortem to read, and the button that starts one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.access import person
from accounts.models import Role
from core.redirects import see_other
from incidents.fetching import incident_for_responder
from incidents.models.incident import NotAllowedNow
from postmortems import chart, drafting, reading
from postmortems.fetching import postmortem_for

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from postmortems.models import Postmortem


@login_required
@require_GET
def postmortem_detail(request: HttpRequest, reference: str) -> HttpResponse:
    """One postmortem, to read."""
    return page(request, postmortem_for(person(request), reference))


def page(
    request: HttpRequest, postmortem: Postmortem, *, status: int = 200, more: dict[str, Any] | None = None
) -> HttpResponse:
    """The reading view; ``more`` is for its top."""
    incident, read = postmortem.incident, reading.read(postmortem)
    can_respond = person(request).has_role(Role.RESPONDER)
    is_editable, zone = can_respond and not postmortem.is_published, timezone.get_current_timezone()
    context: dict[str, Any] = {
        "postmortem": postmortem,
        "incident": incident,
        "reading": read,
        "chart": chart.draw(incident, read.moves, read.events, zone=zone, now=timezone.now()),
        "can_respond": can_respond,
        "edit_url": reverse("postmortems:edit", args=[incident.reference]) if is_editable else "",
    }
    return render(request, "postmortems/postmortem_detail.html", context | (more or {}), status=status)


@login_required
@require_POST
def start(request: HttpRequest, reference: str) -> HttpResponse:
    """Begin to work on the postmortem of an incident, or go on with it; one that is published is read."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    try:
        postmortem = drafting.start(incident, by=user)
    except NotAllowedNow as error:
        messages.error(request, str(error))
        return see_other(incident.get_absolute_url())
    if postmortem.is_published:
        return see_other(postmortem)
    return see_other("postmortems:edit", reference=incident.reference)
