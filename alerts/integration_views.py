"""Pages of integrations, for managers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import person
from alerts import integrations
from alerts.fetching import integration_for_manager
from alerts.forms import IntegrationForm
from alerts.models import Integration
from catalog.models import Service
from core.redirects import see_other

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

EVENTS = 20


@login_required
@require_GET
def integration_list(request: HttpRequest) -> HttpResponse:
    """The doors for monitors that the person manages, with when each last heard something."""
    user = person(request)
    rows = Integration.objects.visible_to(user).managed_by(user).for_list()
    if not _manages_any(request) and not rows:
        raise PermissionDenied
    return render(request, "alerts/integration_list.html", {"integrations": rows})


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def integration_new(request: HttpRequest) -> HttpResponse:
    """Make an integration. The answer shows its key, which is why it is no redirect: the key is stored nowhere."""
    if not _manages_any(request):
        raise PermissionDenied
    user = person(request)
    form = IntegrationForm(request.POST or None, by=user)
    if request.method == "POST" and form.is_valid():
        integration, key = integrations.create(**form.cleaned_data, by=user)
        return _with_key(request, integration, key, is_new=True)
    status = 422 if request.method == "POST" else 200
    return render(request, "alerts/integration_form.html", {"form": form}, status=status)


@login_required
@require_GET
def integration_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One integration: how to point a monitor at it, and what came in last."""
    user = person(request)
    integration = integration_for_manager(user, pk)
    context = {
        "integration": integration,
        "events": integration.events.for_list(user)[:EVENTS],
        "base_url": settings.MUSTER.base_url,
        "key": f"{integration.key_prefix}…",
    }
    return render(request, "alerts/integration_detail.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def integration_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change an integration; the key and the format stay."""
    user = person(request)
    integration = integration_for_manager(user, pk)
    form = IntegrationForm(request.POST or None, instance=integration, by=user)
    if request.method == "POST" and form.is_valid():
        integrations.update(integration, by=user, **form.cleaned_data)
        messages.success(request, "Saved.")
        return see_other("alerts:integration_detail", pk=pk)
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "integration": Integration.objects.get(pk=pk)}
    return render(request, "alerts/integration_form.html", context, status=status)


@login_required
@require_POST
def integration_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch an integration on or off; the form says which, so that pressing twice does the same."""
    user = person(request)
    integration = integration_for_manager(user, pk)
    is_enabled = request.POST.get("to") == "on"
    integrations.update(integration, by=user, is_enabled=is_enabled)
    messages.success(
        request, "It accepts alerts again." if is_enabled else "It is off: senders are answered as for a wrong key."
    )
    return see_other("alerts:integration_detail", pk=pk)


@login_required
@never_cache
@require_POST
def integration_rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """Replace the key. The answer shows the new one, once."""
    user = person(request)
    integration, key = integrations.rotate_key(integration_for_manager(user, pk), by=user)
    return _with_key(request, integration, key, is_new=False)


def _with_key(request: HttpRequest, integration: Integration, key: str, *, is_new: bool) -> HttpResponse:
    context = {"integration": integration, "key": key, "is_new": is_new, "base_url": settings.MUSTER.base_url}
    return render(request, "alerts/integration_key.html", context, status=201 if is_new else 200)


def _manages_any(request: HttpRequest) -> bool:
    user = person(request)
    return user.manages(None) or Service.objects.managed_by(user).exists()
