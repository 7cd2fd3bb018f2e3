"""Pages of services."""

from __future__ import annotations

from copy import copy
from functools import partial
from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import manages_anything, person
from accounts.models import Role, Team
from catalog import changes, findings
from catalog.fetching import service_for, service_for_manager, service_for_responder
from catalog.forms import HealthForm, ServiceForm
from catalog.models import Health, Service
from core.redirects import see_other
from oncall import publishing

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse


@login_required
@require_GET
def service_list(request: HttpRequest) -> HttpResponse:
    """Every service, by tier and name; a few hundred rows at most, so one page. Filters are in the address."""
    user = person(request)
    services = Service.objects.visible_to(user).for_list()
    chosen = {name: request.GET.get(name, "").replace("\x00", "") for name in ("health", "team", "q")}
    if chosen["health"] in Health.values:
        services = services.in_health(chosen["health"])
    if chosen["team"]:
        services = services.filter(team__slug=chosen["team"])
    if word := chosen["q"].strip():
        services = services.matching(word)
    context = {
        "services": services,
        "chosen": chosen,
        "healths": Health.choices,
        "teams": Team.objects.visible_to(user),
        "may_add": manages_anything(person(request)),
    }
    return render(request, "catalog/service_list.html", context)


@login_required
@require_GET
def service_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One service: how it is, who owns it, who is paged, what it needs and what needs it."""
    user = person(request)
    service = service_for(user, slug)
    context = {
        "service": service,
        "health_form": HealthForm(initial={"health": service.health}),
        "may_edit": user.manages(service.team),
        "may_set_health": user.has_role(Role.RESPONDER),
    }
    return render(request, "catalog/service_detail.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def service_new(request: HttpRequest) -> HttpResponse:
    """Add a service."""
    user = person(request)
    if not manages_anything(user):
        raise PermissionDenied
    form = ServiceForm(request.POST or None, by=user, initial={"team": request.GET.get("team")})
    return _edit(request, form, None, partial(changes.create_service, by=user))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def service_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change a service."""
    user = person(request)
    service = service_for_manager(user, slug)
    form = ServiceForm(request.POST or None, instance=copy(service), by=user)
    return _edit(request, form, service, partial(changes.update_service, service, by=user))


def _edit(
    request: HttpRequest, form: ServiceForm, service: Service | None, save: Callable[..., Service]
) -> HttpResponse:
    unconfirmed = None
    if request.method == "POST" and form.is_valid():
        try:
            filled = partial(save, **form.cleaned_data)
            saved = publishing.publish(filled, findings.of_service, service, data=request.POST)
            messages.success(request, "Saved." if service else f"{saved} was added.")
            return see_other("catalog:service_detail", slug=saved.slug)
        except publishing.Unconfirmed as warned:
            unconfirmed = warned
    context = {"form": form, "service": service, "unconfirmed": unconfirmed}
    return render(request, "catalog/service_form.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_POST
def service_health(request: HttpRequest, slug: str) -> HttpResponse:
    """Say how a service is."""
    user = person(request)
    service = service_for_responder(user, slug)
    form = HealthForm(request.POST)
    if form.is_valid():
        service = changes.set_health(service, to=form.cleaned_data["health"], by=user)
        messages.success(request, f"{service} is now: {service.get_health_display().lower()}.")
        return see_other("catalog:service_detail", slug=slug)
    context = {"service": service, "health_form": form, "may_edit": user.manages(service.team), "may_set_health": True}
    return render(request, "catalog/service_detail.html", context, status=422)
