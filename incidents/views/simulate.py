"""Simulate: who would be paged if an incident began, at any moment. Nothing is sent or written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import person
from catalog.models import Service
from core.redirects import see_other
from incidents.forecast import forecast
from incidents.models import Incident, Severity
from incidents.simulating import SimulateForm

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse, QueryDict


@login_required
@require_safe
def simulate(request: HttpRequest, slug: str) -> HttpResponse:
    """The form and its answer; a moment of the reader's own zone leads to an address that is right for everybody."""
    user, now = person(request), timezone.now().replace(second=0, microsecond=0)
    services = Service.objects.visible_to(user).select_related("team", "escalation_policy")
    service = get_object_or_404(services, slug=slug)
    asked = SimulateForm(_question(request.GET, now)) if {"severity", "at"} & request.GET.keys() else None
    if asked is not None and not asked.is_valid():
        return render(request, "incidents/simulate.html", {"service": service, "form": asked}, status=422)
    if asked and request.GET.get("at") != asked.address()["at"]:
        return see_other(reverse("incidents:simulate", args=[slug], query=asked.address()))
    chosen: dict[str, Any] = asked.cleaned_data if asked else {"severity": Severity.CRITICAL.value, "at": now}
    context = {
        "service": service,
        "form": SimulateForm(initial=chosen),
        "chosen": chosen,
        "latest": Incident.objects.visible_to(user).filter(affected_services=service).order_by("-id").first(),
        "forecast": forecast(severity=chosen["severity"], services=[service], assignee=None, by=user, now=chosen["at"]),
    }
    return render(request, "incidents/simulate.html", context)


def _question(said: QueryDict, now: datetime) -> dict[str, Any]:
    """What an address asks; what it leaves out is a critical incident, now."""
    return {"severity": Severity.CRITICAL.value, "at": now.isoformat(), **said.dict()}
