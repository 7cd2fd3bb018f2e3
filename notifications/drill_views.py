"""Pages of fire drills: one's own, one of them while it happens, and the page behind the link in a drill's message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import person
from core import htmx, pagination
from core.redirects import see_other
from core.work import db_now
from notifications import contacts, drills
from notifications.fetching import drill_for
from notifications.models import ContactMethod, Drill, MonthlyDrill

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

ROWS = 20


@login_required
@require_GET
def drill_list(request: HttpRequest) -> HttpResponse:
    """One's own drills, newest first (notifications_drills_of), and whether there is one a month."""
    user = person(request)
    try:
        rows = Drill.objects.filter(user=user).select_related("answered_through")
        page = pagination.page(rows, sort=("-id",), cursor=request.GET.get("cursor"), limit=ROWS)
    except pagination.BadCursor:
        raise Http404 from None
    context = {
        "page": page,
        "found": drills.measure(page.items),
        "has_method": ContactMethod.objects.filter(user=user).exists(),
        "monthly": MonthlyDrill.objects.filter(user=user).first(),
        "now": db_now(),
    }
    return render(request, "notifications/drill_list.html", context)


@login_required
@require_POST
def drill_start(request: HttpRequest) -> HttpResponse:
    """Page oneself. Pressed twice, it leads to the drill that runs."""
    user = person(request)
    try:
        drill = drills.start(user, by=user)
    except drills.StillRunning as running:
        drill = running.drill
    except drills.NoMethod:
        messages.warning(request, "Nobody can page you yet. Add a contact method first.")
        return see_other("notifications:drill_list")
    return see_other(drill)


@login_required
@require_POST
def drill_monthly(request: HttpRequest) -> HttpResponse:
    """Ask for a drill a month, or no longer."""
    user = person(request)
    is_on = request.POST.get("monthly") == "on"
    drills.set_monthly(user, is_on=is_on, by=user)
    messages.success(request, "You are paged once a month as a drill." if is_on else "There is no monthly drill.")
    return see_other("notifications:drill_list")


@login_required
@require_GET
def drill_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One drill; while it runs the page asks for its fragment again and again."""
    user = person(request)
    drill = drill_for(user, pk)
    (measured,) = drills.measure([drill])
    now = db_now()
    context = {
        "drill": drill,
        "measured": measured,
        "is_running": drill.is_running(now=now),
        "is_mine": drill.user_id == user.pk,
        "now": now,
    }
    return htmx.render(request, "notifications/drill_detail.html", context, fragment="notifications/_drill.html")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def drill_answer(request: HttpRequest, token: str) -> HttpResponse:
    """The link in a drill's message: ask on GET, answer on POST. Nobody has to sign in."""
    try:
        link = drills.read_answer(token)
    except contacts.LinkInvalid:
        return render(request, "notifications/drill_answer_invalid.html", status=404)
    status = 200
    if request.method == "POST":
        try:
            drills.answer(link)
        except drills.DrillOver:
            status = 409
        else:
            return see_other(request.path)
    (measured,) = drills.measure([link.drill])
    context = {"drill": link.drill, "measured": measured, "is_running": link.drill.is_running(now=db_now())}
    return render(request, "notifications/drill_answer.html", context, status=status)
