"""A person's contact methods, and the link that confirms one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import person
from core.redirects import see_other
from notifications import contacts
from notifications.fetching import own_method
from notifications.forms import ContactMethodForm

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def contact_method_new(request: HttpRequest) -> HttpResponse:
    """Add a way to be reached, and send a first test whose link confirms it."""
    user = person(request)
    form = ContactMethodForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        method, is_new = contacts.add(user, **form.cleaned_data, by=user)
        if is_new:
            contacts.send_test(method)
            messages.success(request, f"A test is on its way to {method.shown_address}. Open its link to confirm.")
        else:
            messages.info(request, "You have this contact method already.")
        return see_other("accounts:profile")
    status = 422 if request.method == "POST" else 200
    return render(request, "notifications/contact_method_form.html", {"form": form}, status=status)


@login_required
@require_POST
def contact_method_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Send what a page looks like."""
    method = own_method(person(request), pk)
    try:
        contacts.send_test(method)
        messages.success(request, f"A test is on its way to {method.shown_address}.")
    except ValidationError as error:
        messages.warning(request, error.message)
    return see_other("accounts:profile")


@login_required
@require_POST
def contact_method_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a way to be reached."""
    user = person(request)
    method = own_method(user, pk)
    contacts.remove(method, by=user)
    messages.success(request, f"{method.shown_address} was removed.")
    return see_other("accounts:profile")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The link in a test: a page with one button, because mail scanners follow links. Nobody has to sign in."""
    try:
        method = contacts.read_confirmation(token)
    except contacts.LinkInvalid:
        return render(request, "notifications/confirm_invalid.html", status=404)
    if request.method == "POST":
        contacts.confirm(method, by=method.user)
    return render(request, "notifications/confirm.html", {"method": method})
