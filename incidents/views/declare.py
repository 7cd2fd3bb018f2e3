"""Declaring an incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.views.decorators.http import require_http_methods

from accounts.access import person, require_role
from accounts.models import Role
from core.forms import take_errors
from core.htmx import HtmxHttpRequest, render
from core.redirects import see_other
from incidents import forms, lifecycle
from incidents.policy import policies

if TYPE_CHECKING:
    from django.http import HttpResponse, QueryDict

    from incidents.models import Incident


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def declare(request: HtmxHttpRequest) -> HttpResponse:
    """The form, filled as far as the address says, and what it declares."""
    user = person(request)
    require_role(user, Role.RESPONDER)
    form = forms.DeclareForm(request.POST if request.method == "POST" else None, initial=_prefilled(request.GET))
    try:
        if form.is_valid():
            incident = _declared_once(form.draft(by=user))
            messages.success(request, f"{incident.reference} is declared. Its plan says who is told, and when.")
            return see_other(incident)
    except ValidationError as error:
        take_errors(form, error)
    context = {"form": form, "choices": list(zip(form["severity"], policies().values(), strict=True))}
    return render(request, "incidents/incident_declare.html", context, status=422 if form.errors else 200)


def _declared_once(draft: lifecycle.Draft) -> Incident:
    """Declare it; of two presses of the button the second waits for the first, and finds what it has declared."""
    try:
        return lifecycle.declare(draft)
    except IntegrityError:
        return lifecycle.declare(draft)


def _prefilled(query: QueryDict) -> dict[str, object]:
    """What the address says, such as ``?title=…&severity=high&service=kafka``."""
    given: dict[str, object] = {
        name: query[name] for name in ("title", "severity", "description", "assignee") if name in query
    }
    return given | {"services": query.getlist("service")}
