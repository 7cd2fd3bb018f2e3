"""The panel of an incident's page that says what the public hears of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.access import person
from core.htmx import unseen
from incidents.fetching import incident_for
from statuspage import panel

if TYPE_CHECKING:
    from core.htmx import HtmxHttpRequest


@login_required
@require_GET
def incident_panel(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """The panel alone, for whoever refreshes it; 204 when it looks as the reader has seen."""
    shown = panel.of(incident_for(person(request), reference))
    if not unseen(request, {"statuspage-panel": shown.version}):
        return HttpResponse(status=204)
    return render(request, "statuspage/_incident_panel.html", {"panel": shown})
