"""Pages of the outbox and of teams' inboxes and addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import person
from core import pagination
from core.redirects import see_other
from notifications import team_addresses
from notifications.fetching import inbox_of, notification_for, team_for_manager
from notifications.forms import OutboxFilter, TeamAddressesForm
from notifications.models import Channel, Notification

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from notifications.querysets import NotificationQuerySet

ROWS = 50


@login_required
@require_GET
def outbox(request: HttpRequest) -> HttpResponse:
    """What was, is and will be sent, newest first (primary key, or notifications_user for who is no admin)."""
    user = person(request)
    form = OutboxFilter(request.GET)
    chosen = form.chosen()
    rows = Notification.objects.visible_to(user).for_list().matching(**chosen)
    context = {
        "page": _page(request, rows),
        "form": form,
        "chosen": chosen,
        "has_mail_server": settings.MUSTER.email is not None,
    }
    return render(request, "notifications/outbox.html", context)


@login_required
@require_GET
def notification_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One notification: what it said, and each try to deliver it."""
    notification = notification_for(person(request), pk)
    return render(request, "notifications/notification_detail.html", {"notification": notification})


@login_required
@require_GET
def team_inbox(request: HttpRequest, slug: str) -> HttpResponse:
    """What was told to a team that has no address for it (notifications_inbox)."""
    user = person(request)
    team = inbox_of(user, slug)
    rows = Notification.objects.filter(team=team, channel=Channel.INBOX)
    context = {"page": _page(request, rows), "team": team, "may_edit": user.manages(team)}
    return render(request, "notifications/team_inbox.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def team_address_form(request: HttpRequest, slug: str) -> HttpResponse:
    """Set where a team's channel and tickets are."""
    user = person(request)
    team = team_for_manager(user, slug)
    form = TeamAddressesForm(request.POST or None, instance=team)
    if request.method == "POST" and form.is_valid():
        team_addresses.change(team, by=user, **form.cleaned_data)
        messages.success(request, "Saved.")
        return see_other("accounts:team_detail", slug=slug)
    status = 422 if request.method == "POST" else 200
    return render(request, "notifications/team_addresses.html", {"form": form, "team": team}, status=status)


def _page(request: HttpRequest, rows: NotificationQuerySet) -> pagination.Page[Notification]:
    try:
        return pagination.page(rows, sort=("-id",), cursor=request.GET.get("cursor"), limit=ROWS)
    except pagination.BadCursor:
        raise Http404 from None
