"""The page of one incident, the panels of it that have changed, and who looks at it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.models import Role, User
from core import live
from core.htmx import HtmxHttpRequest, unseen
from incidents import detail
from incidents.acknowledging import is_asked
from incidents.detail import Workspace
from incidents.fetching import incident_for
from incidents.models import Incident, Status

NEXT_STAGE = {
    Status.TRIGGERED: "acknowledge",
    Status.ACKNOWLEDGED: "investigate",
    Status.INVESTIGATING: "mitigate",
    Status.MITIGATING: "resolve",
    Status.RESOLVED: "postmortem",
    Status.POSTMORTEM: "written",
}
TABS = {"": "All", "notes": "Notes", "actions": "Actions", "pages": "Pages", "evidence": "Evidence"}
MOST_FACES = 5


@login_required
@require_safe
def incident_detail(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """The workspace of one incident."""
    return page(request, incident_for(person(request), reference))


def page(
    request: HtmxHttpRequest, incident: Incident, *, status: int = 200, more: dict[str, Any] | None = None
) -> HttpResponse:
    """The whole page; ``more`` is for its top."""
    return render(request, "incidents/incident_detail.html", _context(request, incident) | (more or {}), status=status)


@login_required
@require_safe
def panels(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """The panels whose versions the reader does not have: ``?seen=header.1f…,plan.2a…``; 204 when there are none."""
    context = _context(request, incident_for(person(request), reference))
    fresh = [f"incidents/_{name}.html" for name in unseen(request, context["workspace"].versions)]
    if not fresh:
        return HttpResponse(status=204)
    return render(request, "incidents/_panels.html", context | {"panels": fresh})


@login_required
@require_safe
def presence(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Who else looks at the incident right now; 204 when they are those whom the reader has seen."""
    user = person(request)
    incident = incident_for(user, reference)
    others = [pk for pk in live.looking(incident.topic) or () if pk != user.pk]
    version = "-".join(map(str, others)) or "nobody"
    if not unseen(request, {"presence": version}):
        return HttpResponse(status=204)
    found = User.objects.active().in_bulk(others)
    people = [found[pk] for pk in others if pk in found]
    context = {"others": people[:MOST_FACES], "more": len(people[MOST_FACES:]), "version": version}
    return render(request, "incidents/_presence.html", context | {"incident": incident})


def _primary(workspace: Workspace, user: User) -> str:
    """What still pages, as after a raise of an answered incident's severity, or where a step needs more people, is
    answered first; then a reminder."""
    if workspace.next_page and (workspace.is_waiting or is_asked(workspace.incident, user)):
        return "acknowledge"
    return "still" if workspace.incident.reminded_at else NEXT_STAGE.get(Status(workspace.incident.status), "")


def _context(request: HtmxHttpRequest, incident: Incident) -> dict[str, Any]:
    shown = request.GET.get("show", "")
    workspace = detail.load(
        incident,
        now=timezone.now(),
        shown=shown if shown in detail.SHOWN else "",
        everything="all" in request.GET,
        reader=person(request),
    )
    return {
        "incident": incident,
        "workspace": workspace,
        "tabs": TABS,
        "primary": _primary(workspace, person(request)),
        "can_respond": person(request).has_role(Role.RESPONDER),
    }
