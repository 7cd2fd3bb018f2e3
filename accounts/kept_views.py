"""Forms that were sent too late: shown again, to be sent by a person's own hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import kept
from accounts.access import person
from accounts.middleware import fields_of, is_page, page_of
from accounts.models import User
from core.htmx import wants_fragment
from core.redirects import see_other

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def kept_form(request: HttpRequest, token: str) -> HttpResponse:
    """What was written and where it was going, with one button that sends it there. A POST throws it away."""
    form, user = kept.find(request.session, token, now=timezone.now()), person(request)
    if form is None:
        return render(request, "accounts/kept_gone.html", {"page": "/"}, status=404)
    if request.method == "POST":
        kept.discard(request.session, token, now=timezone.now())
        messages.success(request, "Thrown away.")
        return see_other(form.page)
    author = User.objects.filter(pk=form.by).first() if form.by else None
    context = {"form": form, "field": kept.FIELD, "author": author if author != user else None}
    return render(request, "accounts/kept_form.html", context)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was too old, or somebody signed in or out since it was opened; what was written is given back.

    Only where the browser says that the form stood on a page of ours: no other site can make Muster show a text.
    """
    is_ours = request.method == "POST" and is_page(request) and _is_same_origin(request)
    fields = fields_of(request) if is_ours else []
    context = {"fields": fields, "written": kept.readable(fields), "page": page_of(request), "path": request.path}
    response = render(request, "403_csrf.html", context, status=403)
    if wants_fragment(request):
        response["HX-Retarget"], response["HX-Reselect"], response["HX-Reswap"] = "#main", "#main > *", "innerHTML"
    return response


def _is_same_origin(request: HttpRequest) -> bool:
    origin = request.headers.get("Origin", "")
    return origin in {f"{request.scheme}://{request.get_host()}", *settings.CSRF_TRUSTED_ORIGINS}
