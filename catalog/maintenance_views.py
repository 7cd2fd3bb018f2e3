"""Pages of maintenance windows: what is under way, what is to come and what was, for all; changed by responders."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import person, require_role
from accounts.models import Role
from catalog import maintenance
from catalog.fetching import maintenance_for, maintenance_for_responder
from catalog.maintenance_forms import MaintenanceForm, UntilForm
from catalog.models import MaintenanceWindow, Service
from core import pagination
from core.forms import take_errors
from core.redirects import see_other

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

MOST_PAST = 50
MOST_COMING = 200


@login_required
@require_GET
def maintenance_list(request: HttpRequest) -> HttpResponse:
    """What is under way and to come, by its beginning; what is over, the last first, in pages."""
    user, now = person(request), timezone.now()
    rows = MaintenanceWindow.objects.visible_to(user).with_services()
    slug = request.GET.get("service", "").replace("\x00", "")
    if slug:
        rows = rows.of_services(Service.objects.visible_to(user).filter(slug=slug))
    past = rows.past(now=now)
    try:
        page = pagination.page(past, sort=("-ends_at",), cursor=request.GET.get("cursor"), limit=MOST_PAST)
    except pagination.BadCursor:
        page = pagination.page(past, sort=("-ends_at",), cursor=None, limit=MOST_PAST)
    context = {
        "running": rows.running(now=now)[:MOST_COMING],
        "coming": rows.upcoming(now=now)[:MOST_COMING],
        "page": page,
        "now": now,
        "slug": slug,
        "services": Service.objects.visible_to(user).order_by("name", "slug").values_list("slug", "name"),
        "may_add": user.has_role(Role.RESPONDER),
    }
    return render(request, "catalog/maintenance_list.html", context)


@login_required
@require_GET
def maintenance_detail(request: HttpRequest, window: str) -> HttpResponse:
    """One window, and what can be done about it now."""
    user = person(request)
    found = maintenance_for(user, window)
    return _detail(request, found, UntilForm(initial={"until": found.ends_at}))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def maintenance_new(request: HttpRequest) -> HttpResponse:
    """Announce work; the address may name services."""
    user = person(request)
    require_role(user, Role.RESPONDER)
    start = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    initial: dict[str, Any] = {
        "starts_at": start,
        "ends_at": start + timedelta(hours=1),
        "services": request.GET.getlist("service"),
    }
    form = MaintenanceForm(request.POST or None, by=user, initial=initial)
    return _edit(request, form, None, partial(maintenance.schedule, by=user))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def maintenance_edit(request: HttpRequest, window: str) -> HttpResponse:
    """Change what is announced."""
    user = person(request)
    found = maintenance_for_responder(user, window)
    initial = {name: getattr(found, name) for name in maintenance.EDITABLE}
    initial["services"] = [each.slug for each in found.services.all()]
    initial["based_on"] = found.updated_at.isoformat()
    form = MaintenanceForm(request.POST or None, by=user, window=found, initial=initial)
    if found.starts_at <= timezone.now():
        form.fields["starts_at"].disabled = True
    try:
        return _edit(request, form, found, partial(maintenance.change, found, by=user))
    except maintenance.Overtaken as overtaken:
        typed = request.POST.copy()
        typed["based_on"] = overtaken.window.updated_at.isoformat()
        form.data = typed
        context = {"form": form, "window": found, "overtaken": overtaken}
        return render(request, "catalog/maintenance_form.html", context, status=409)


@login_required
@require_POST
def maintenance_start(request: HttpRequest, window: str) -> HttpResponse:
    """Begin earlier than announced."""
    return _act(request, window, maintenance.start_now, "It has begun.")


@login_required
@require_POST
def maintenance_end(request: HttpRequest, window: str) -> HttpResponse:
    """The work is done."""
    return _act(request, window, maintenance.end_now, "It is over.")


@login_required
@require_POST
def maintenance_cancel(request: HttpRequest, window: str) -> HttpResponse:
    """It will not take place."""
    return _act(request, window, maintenance.cancel, "It is cancelled.")


@login_required
@require_POST
def maintenance_extend(request: HttpRequest, window: str) -> HttpResponse:
    """It takes longer."""
    user = person(request)
    found = maintenance_for_responder(user, window)
    form = UntilForm(request.POST)
    if not form.is_valid():
        return _detail(request, found, form, status=422)
    try:
        maintenance.extend(found, until=form.cleaned_data["until"], by=user)
    except ValidationError as error:
        form.add_error("until", " ".join(error.messages))
        return _detail(request, found, form, status=422)
    except maintenance.TooLate as error:
        return _overtaken(request, found, error)
    messages.success(request, "It is announced to take longer.")
    return see_other("catalog:maintenance_detail", window=window)


# ---- answers -------------------------------------------------------------------------------------------------------


def _act(request: HttpRequest, public_id: str, act: Callable[..., MaintenanceWindow], done: str) -> HttpResponse:
    user = person(request)
    found = maintenance_for_responder(user, public_id)
    try:
        act(found, by=user)
    except maintenance.TooLate as error:
        return _overtaken(request, found, error)
    messages.success(request, done)
    return see_other("catalog:maintenance_detail", window=public_id)


def _edit(
    request: HttpRequest,
    form: MaintenanceForm,
    window: MaintenanceWindow | None,
    save: Callable[..., MaintenanceWindow],
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            saved = save(**form.cleaned_data)
            messages.success(request, "Saved." if window else "It is announced.")
            return see_other("catalog:maintenance_detail", window=saved.public_id)
        except ValidationError as error:
            take_errors(form, error)
        except maintenance.Overtaken:
            raise
        except maintenance.TooLate as error:
            assert window is not None
            return _overtaken(request, window, error)
    context = {"form": form, "window": window}
    return render(request, "catalog/maintenance_form.html", context, status=422 if form.errors else 200)


def _detail(request: HttpRequest, window: MaintenanceWindow, form: UntilForm, *, status: int = 200) -> HttpResponse:
    now = timezone.now()
    may_act = person(request).has_role(Role.RESPONDER)
    context = {"window": window, "state": window.state_at(now), "now": now, "form": form, "may_act": may_act}
    return render(request, "catalog/maintenance_detail.html", context, status=status)


def _overtaken(request: HttpRequest, window: MaintenanceWindow, error: maintenance.TooLate) -> HttpResponse:
    context = {"message": str(error), "href": window.get_absolute_url()}
    return render(request, "409.html", context, status=409)
