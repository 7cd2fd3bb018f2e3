"""Pages of alerts, and the alerts panel of an incident."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import person
from alerts import linking, panel
from alerts.fetching import alert_for
from alerts.forms import LinkAlertsForm
from alerts.models import Alert, Integration
from core import htmx, pagination
from incidents.fetching import incident_for, incident_for_responder
from incidents.models import Incident
from incidents.views.sheets import done

ROWS = 50
RECENT = 20
TABS = {"firing": "Firing", "all": "All"}


@login_required
@require_GET
def alert_list(request: HttpRequest) -> HttpResponse:
    """Alerts, newest first. Served by alerts_firing (the tab Firing), the primary key (All), alerts_by_integration."""
    user = person(request)
    tab = request.GET.get("show") if request.GET.get("show") in TABS else "firing"
    rows = Alert.objects.visible_to(user).for_list()
    incident = None
    if reference := request.GET.get("incident", ""):
        incident, tab = incident_for(user, reference), "all"
        rows = Alert.objects.visible_to(user).of_incident(incident).select_related("group__incident")
    if (number := request.GET.get("integration", "")).isdecimal() and len(number) < 18:
        rows = rows.filter(integration=int(number))
    if tab == "firing":
        rows = rows.filter(status=Alert.Status.FIRING)
    try:
        page = pagination.page(rows, sort=("-id",), cursor=request.GET.get("cursor"), limit=ROWS)
    except pagination.BadCursor:
        raise Http404 from None
    integrations = Integration.objects.visible_to(user)
    context: dict[str, Any] = {"page": page, "tab": tab, "tabs": TABS, "incident": incident}
    context |= {"integrations": integrations}
    context |= {"integration": number, "manages": integrations.managed_by(user).exists() or user.manages(None)}
    return htmx.render(request, "alerts/alert_list.html", context)


@login_required
@require_GET
def alert_detail(request: HttpRequest, reference: str) -> HttpResponse:
    """One alert: what it said, and the incidents it belongs to, as far as the reader may see them."""
    user = person(request)
    alert = alert_for(user, reference)
    links = alert.links.filter(incident__in=Incident.objects.visible_to(user)).select_related("incident", "by")
    own = alert.group.incident if alert.group else None
    context = {"alert": alert, "incident": own, "links": links}
    return render(request, "alerts/alert_detail.html", context)


@login_required
@require_GET
def incident_panel(request: HttpRequest, reference: str) -> HttpResponse:
    """The alerts panel of an incident alone, for whoever refreshes it; 204 when it looks as the reader has seen it."""
    user = person(request)
    shown = panel.of(incident_for(user, reference), user=user)
    if not htmx.unseen(request, {"alerts-panel": shown.version}):
        return HttpResponse(status=204)
    return render(request, "alerts/_incident_panel.html", {"panel": shown})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def link_alerts(request: htmx.HtmxHttpRequest, reference: str) -> HttpResponse:
    """Tie alerts to an incident: chosen from the recent ones, or by their ids."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    have = Alert.objects.of_incident(incident).values("pk")
    recent = Alert.objects.visible_to(user).for_list().exclude(pk__in=have)[:RECENT]
    form = LinkAlertsForm(request.POST or None, user=user, recent=recent)
    if request.method == "POST" and form.is_valid():
        linking.link(incident, alerts=form.alerts, by=user)
        return done(request, incident, said=f"{', '.join(alert.reference for alert in form.alerts)} linked.")
    status = 422 if request.method == "POST" else 200
    context = {"incident": incident, "form": form}
    return htmx.render(request, "alerts/alert_link.html", context, fragment="alerts/_alert_link.html", status=status)
