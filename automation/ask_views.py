"""Asking for an action at an incident: its form, and the panel on the incident's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.access import person
from automation import asking, execution_views, panel, runners
from automation.asking import Wish
from automation.fetching import action_for
from automation.forms import AskForm
from automation.models import Execution
from core import htmx
from core.htmx import HtmxHttpRequest, unseen, wants_fragment
from incidents.fetching import incident_for, incident_for_responder
from incidents.models.incident import NotAllowedNow
from incidents.views.sheets import posted, shown_and_sent

if TYPE_CHECKING:
    from automation.models import Action
    from incidents.models import Incident


@login_required
@require_GET
def incident_panel(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """What has changed of an incident's panel, for whoever refreshes it, 204 when nothing has; or a page with
    everything that was asked for there."""
    user = person(request)
    incident, is_part = incident_for(user, reference), wants_fragment(request)
    shown = panel.of(incident, user=user, is_whole=not is_part or request.GET.get("all") == "1")
    context = {"panel": shown, "incident": incident, "fresh": unseen(request, shown.versions, prefix="automation-")}
    if is_part and not context["fresh"]:
        return HttpResponse(status=204)
    return htmx.render(
        request, "automation/incident_executions.html", context, fragment="automation/_panel_changed.html"
    )


@login_required
@shown_and_sent
def ask(request: HtmxHttpRequest, reference: str, slug: str) -> HttpResponse:
    """The form with what is proposed; sent, it asks: then back, or 422 with the form, or 409 with why not now."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    action, before = action_for(user, slug), _before(request, incident)
    form = AskForm(posted(request), action, **_offered(request, incident, before))
    try:
        if form.is_valid():
            asked, is_new = asking.ask(action, incident, _wish(request, form, incident), by=user)
            return execution_views.done(request, asked, said=_said(asked, is_new=is_new))
    except ValidationError as error:
        form.take(error)
    except NotAllowedNow as error:
        return _page(request, incident, action, form, before, status=409, conflict=str(error))
    return _page(request, incident, action, form, before, status=422 if request.method == "POST" else 200)


def _before(request: HtmxHttpRequest, incident: Incident) -> Execution | None:
    """What is to be run again or taken back, as the address says. Raises Http404 for one of elsewhere."""
    given = request.GET.get("rollback_of") or request.GET.get("again") or request.POST.get("rollback_of") or ""
    if not given.isdecimal() or len(given) > 18:
        return None
    rows = incident.executions.select_related("action")
    found: Execution = get_object_or_404(rows, pk=int(given))
    return found


def _offered(request: HtmxHttpRequest, incident: Incident, before: Execution | None) -> dict[str, Any]:
    about = {name: request.GET.get(name, "") for name in ("place", "next")}
    if before and "rollback_of" in request.GET:
        about["rollback_of"] = str(before.pk)
    facts = incident.facts if isinstance(incident.facts, dict) else {}
    return {"facts": facts, "values": before.values if before else {}, "about": about}


def _wish(request: HtmxHttpRequest, form: AskForm, incident: Incident) -> Wish:
    data = form.cleaned_data
    number = data["rollback_of"]
    return Wish(
        values=form.values(),
        is_dry_run="dry_run" in request.POST,
        place=data["place"],
        key=data["key"],
        rollback_of=incident.executions.filter(pk=number).first() if number else None,
    )


def _said(asked: Execution, *, is_new: bool) -> str:
    if not is_new:
        return f"{asked.action} was asked for already."
    if asked.state == Execution.State.WAITING:
        return f"{asked.action} waits for a second person."
    return f"{asked.action}: {'dry run ' if asked.is_dry_run else ''}asked for."


def _page(
    request: HtmxHttpRequest,
    incident: Incident,
    action: Action,
    form: AskForm,
    before: Execution | None,
    *,
    status: int = 200,
    conflict: str = "",
) -> HttpResponse:
    runner = action.runner
    is_silent = runner is not None and not runner.is_heard(now=timezone.now(), within=runners.SILENT_AFTER)
    context = {
        "incident": incident,
        "action": action,
        "form": form,
        "before": before,
        "is_rollback": "rollback_of" in request.GET or bool(request.POST.get("rollback_of")),
        "last": incident.executions.filter(action=action).select_related("asked_by").defer("output").first(),
        "is_silent": is_silent,
        "blocked": asking.why_not(action, incident),
        "conflict": conflict,
        "back": request.GET.get("next", ""),
    }
    return htmx.render(request, "automation/ask.html", context, fragment="automation/_ask.html", status=status)
