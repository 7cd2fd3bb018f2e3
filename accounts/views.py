"""A person's own profile and API tokens."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from allauth.account.decorators import reauthentication_required
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import people, tokens
from accounts.access import person
from accounts.fetching import own_token
from accounts.forms import ProfileForm, TokenForm
from core.redirects import see_other

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Who one is, how one is reached, and what acts in one's name."""
    user = person(request)
    form = ProfileForm(request.POST or None, instance=copy(user))
    if request.method == "POST" and form.is_valid():
        people.update_user(user, by=user, **form.cleaned_data)
        messages.success(request, "Saved.")
        return see_other("accounts:profile")
    context = {
        "form": form,
        "memberships": user.memberships.select_related("team").order_by("team__name"),
        "tokens": user.api_tokens.filter(revoked_at=None),
        "has_second_step": Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists(),
        "now": timezone.now(),
    }
    return render(request, "accounts/profile.html", context, status=422 if request.method == "POST" else 200)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required
def token_new(request: HttpRequest) -> HttpResponse:
    """Make an API token. The answer shows it, which is why it is no redirect: the token is stored nowhere."""
    user = person(request)
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        token, secret = tokens.create(
            user,
            name=form.cleaned_data["name"],
            scope=form.cleaned_data["scope"],
            expires_at=form.expires_at(),
            by=user,
        )
        return render(request, "accounts/token_made.html", {"token": token, "secret": secret}, status=201)
    return render(request, "accounts/token_form.html", {"form": form}, status=422 if request.method == "POST" else 200)


@login_required
@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End a token for good."""
    user = person(request)
    token = own_token(user, pk)
    tokens.revoke(token, by=user)
    messages.success(request, f"{token.name} was revoked.")
    return see_other("accounts:profile")
