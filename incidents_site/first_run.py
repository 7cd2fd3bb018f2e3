"""The one-time link that creates the first admin: a person and, from a lower room's view, how to page them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.db import transaction
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import people
from accounts.forms import FirstAdminForm
from core.forms import take_errors
from core.redirects import see_other
from notifications import contacts
from notifications.models import Channel

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import User


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """Create the first admin and sign them in. 404 once there is one, or when the link is a day old."""
    form = FirstAdminForm(request.POST or None)
    try:
        people.check_setup(token)
        if request.method == "POST" and form.is_valid():
            login(request, _create(form, token), backend="allauth.account.auth_backends.AuthenticationBackend")
            return see_other("accounts:profile")
    except people.SetupClosed:
        return render(request, "accounts/setup_closed.html", status=404)
    except ValidationError as error:
        take_errors(form, error)
    return render(request, "accounts/setup.html", {"form": form}, status=422 if request.method == "POST" else 200)


@transaction.atomic
def _create(form: FirstAdminForm, token: str) -> User:
    """Whoever has the link from the console is taken at their word about the e-mail address."""
    data = form.cleaned_data
    user = people.create_first_admin(
        token, username=data["username"], name=data["name"], email=data["email"], password=data["password1"]
    )
    contacts.add(user, kind=Channel.EMAIL, address=data["email"], by=user, is_verified=True)
    return user
