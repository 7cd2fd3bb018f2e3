"""Calendar feeds: the text that calendar programs read, and the buttons that make and end their addresses."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import person, require_manager
from accounts.models import User
from core.redirects import see_other
from oncall import feeds
from oncall.models import Schedule

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


@require_safe
def feed(request: HttpRequest, secret: str) -> HttpResponseBase:
    """The shifts of a feed, for whoever has its secret; nobody signs in here."""
    now = timezone.now()
    found = feeds.find(secret, now=now)
    if found is None:
        raise Http404
    text = feeds.text(found, now=now)
    etag = f'"{hashlib.sha256(text).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "X-Robots-Tag": "noindex"}
    answer = HttpResponse(text, content_type="text/calendar; charset=utf-8", headers=headers)
    return get_conditional_response(request, etag=etag, response=answer) or answer


@login_required
@never_cache
@require_POST
def own_feed_new(request: HttpRequest) -> HttpResponse:
    """Make the feed of one's own shifts, or replace it."""
    user = person(request)
    return _made(request, user, user)


@login_required
@require_POST
def own_feed_revoke(request: HttpRequest) -> HttpResponse:
    """End the address of one's own feed."""
    user = person(request)
    _revoked(request, user, user)
    return see_other("accounts:profile")


@login_required
@never_cache
@require_POST
def schedule_feed_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Make the feed of a schedule, or replace it."""
    user = person(request)
    return _made(request, user, _managed_schedule(user, pk))


@login_required
@require_POST
def schedule_feed_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End the address of a schedule's feed."""
    user = person(request)
    _revoked(request, user, _managed_schedule(user, pk))
    return see_other("oncall:schedule_detail", pk=pk)


def _made(request: HttpRequest, user: User, of: User | Schedule) -> HttpResponse:
    """The answer shows the address, which is why it is no redirect: the secret is stored nowhere."""
    row, secret = feeds.create(of, by=user)
    address = settings.MUSTER.base_url + reverse("oncall:feed", args=[secret])
    context = {
        "feed": row,
        "address": address,
        "subscribe": "webcal" + address.removeprefix("https").removeprefix("http"),
        "back": reverse("accounts:profile") if row.user else reverse("oncall:schedule_detail", args=[row.schedule_id]),
    }
    return render(request, "oncall/feed_made.html", context, status=201)


def _revoked(request: HttpRequest, user: User, of: User | Schedule) -> None:
    if feeds.revoke(of, by=user):
        messages.success(request, "The calendar address was revoked. Calendars that use it get nothing more.")
    else:
        messages.warning(request, "There was no calendar address any more.")


def _managed_schedule(user: User, pk: int) -> Schedule:
    schedule: Schedule = get_object_or_404(Schedule.objects.visible_to(user).select_related("team"), pk=pk)
    require_manager(user, schedule.team)
    return schedule
