"""Trackers: which there are. Admins define them."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import person, require_role
from accounts.models import Role
from core.forms import take_errors
from core.redirects import see_other
from followups import defining
from followups.fetching import tracker_for_admin
from followups.forms import TrackerForm
from followups.models import Tracker

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

FORM = "followups/tracker_form.html"


@login_required
@require_safe
def tracker_list(request: HttpRequest) -> HttpResponse:
    """Every tracker, with how many tickets it has and how many of those need a look."""
    user = person(request)
    require_role(user, Role.ADMIN)
    return render(request, "followups/tracker_list.html", {"trackers": Tracker.objects.visible_to(user).for_list()})


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tracker_new(request: HttpRequest) -> HttpResponse:
    """Define a tracker. The answer shows a secret that was made, once, which is why it is no redirect then."""
    user = person(request)
    require_role(user, Role.ADMIN)
    form = TrackerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            tracker, secret = defining.create(by=user, **form.arguments())
            if secret:
                context = {"tracker": tracker, "secret": secret}
                return render(request, "followups/tracker_secret.html", context, status=201)
            messages.success(request, f"{tracker} takes tickets now.")
            return see_other("followups:tracker_list")
        except ValidationError as error:
            take_errors(form, error)
    status = 422 if request.method == "POST" else 200
    return render(request, FORM, {"form": form}, status=status)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tracker_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a tracker; what kind it is stays."""
    user = person(request)
    tracker = tracker_for_admin(user, pk)
    form = TrackerForm(request.POST or None, instance=copy(tracker))
    if request.method == "POST" and form.is_valid():
        try:
            defining.change(tracker, by=user, **form.arguments())
            messages.success(request, "Saved.")
            return see_other("followups:tracker_list")
        except ValidationError as error:
            take_errors(form, error)
    status = 422 if request.method == "POST" else 200
    return render(request, FORM, {"form": form, "tracker": tracker}, status=status)
