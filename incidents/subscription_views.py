"""What a person hears of: the page, and the buttons on the pages of what can be followed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import person
from core.htmx import HtmxHttpRequest
from core.redirects import see_other
from incidents import subscriptions
from incidents.models import Subscription
from incidents.subscription_forms import FollowForm, WishForm
from incidents.views.sheets import asked_from

if TYPE_CHECKING:
    from django.http import HttpResponse

    from accounts.models import User

PAGE = "incidents:subscriptions"


@login_required
@require_safe
def subscription_list(request: HtmxHttpRequest) -> HttpResponse:
    """What one hears of, and what else there is."""
    user = person(request)
    return _page(request, user, FollowForm(user=user))


@login_required
@require_POST
def follow(request: HtmxHttpRequest) -> HttpResponse:
    """Hear of a service, a team, a severity or an incident from now on."""
    user = person(request)
    form = FollowForm(request.POST, user=user)
    if form.is_valid():
        wish, method = form.cleaned_data["what"], form.cleaned_data["method"]
        try:
            _, is_new = subscriptions.follow(wish, by=user, method=method)
        except ValidationError as error:
            form.add_error(None, error.messages)
        else:
            said = "You hear of updates" if is_new else "You hear of updates already"
            messages.success(request, f"{said}: {wish.words}.")
            return see_other(asked_from(request) or PAGE)
    return _page(request, user, form, status=422)


@login_required
@require_POST
def unfollow(request: HtmxHttpRequest) -> HttpResponse:
    """Hear of something no more, in whatever way it came."""
    user = person(request)
    form = WishForm(request.POST, user=user)
    if not form.is_valid():
        return _page(request, user, FollowForm(request.POST, user=user), status=422)
    wish = form.cleaned_data["what"]
    subscriptions.unfollow(wish, by=user)
    messages.success(request, f"You hear of no more updates: {wish.words}.")
    return see_other(asked_from(request) or PAGE)


@login_required
@require_POST
def remove(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """Hear of something no more in one of the ways."""
    user = person(request)
    found = Subscription.objects.visible_to(user).filter(pk=pk).first()
    if found is None:
        raise Http404("You follow no such thing.")
    subscriptions.remove(found, by=user)
    messages.success(request, "You hear of it no more.")
    return see_other(PAGE)


def _page(request: HtmxHttpRequest, user: User, form: FollowForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "subscriptions": subscriptions.of(user)}
    return render(request, "incidents/subscription_list.html", context, status=status)
