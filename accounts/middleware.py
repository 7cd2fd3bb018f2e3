"""Pages show times in the reader's own zone, and a form that is sent too late is not lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

from accounts import kept
from core import time_zones
from core.htmx import wants_fragment

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

    GetResponse = Callable[[HttpRequest], HttpResponse]

PERSON_COOKIE = "muster_person"
PERSON_COOKIE_SECONDS = 400 * 24 * 3600  # browsers keep none for longer
SIGNED_OUT_EVENT = "muster:signed-out"
_signer = signing.Signer(salt="accounts.kept")


def own_time_zone(get_response: GetResponse) -> GetResponse:
    """For the length of a request, activate the zone of whoever is signed in; the site's own for a stranger."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return get_response(request)
        with timezone.override(time_zones.zone(request.user.time_zone)):
            return get_response(request)

    return middleware


class LateForms:
    """Keeps what is sent to a page after the session has ended, and leads to it once somebody has signed in again.

    Only from a browser in which somebody had signed in before (a signed cookie says who was the last), so that
    strangers cannot fill the database; and only what has passed the CSRF check, which comes before ``process_view``.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request; look at what came of it."""
        response = self.get_response(request)
        if not request.user.is_authenticated:
            return _signed_out(request, response) if _asks_to_sign_in(response) and is_page(request) else response
        now = timezone.now()
        form: kept.Kept | None = getattr(request, "kept_form", None)
        if form and response.status_code >= 400 and response.status_code != 422:
            kept.put_back(request.session, form, now=now)
        kept.forget_old(request.session, now=now)
        _remember(request, response)
        return response

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        """A kept form is sent once: a second press of its button is shown what it would have sent."""
        key = _key_of(request)
        if not key or not request.user.is_authenticated:
            return None
        form = kept.take(request.session, key, now=timezone.now())
        if form:
            request.kept_form = form  # type: ignore[attr-defined]
            return None
        context = {"written": kept.readable(fields_of(request)), "page": page_of(request)}
        return render(request, "accounts/kept_gone.html", context, status=409)


def is_page(request: HttpRequest) -> bool:
    """Whether the address is one of our pages: not about signing in, nor Django admin, nor the API."""
    match = request.resolver_match
    if match is None or {"admin", "api"} & set(match.namespaces):
        return False
    return bool(match.namespaces) or not (match.url_name or "").startswith(("account_", "mfa_"))


def fields_of(request: HttpRequest) -> list[tuple[str, list[str]]]:
    """What was sent, as far as it may be kept or shown again."""
    return kept.fields_of((name, [str(value) for value in values]) for name, values in request.POST.lists())


def page_of(request: HttpRequest) -> str:
    """The page that a form stood on, as the browser says; the list of incidents if it does not."""
    said = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(said, allowed_hosts={request.get_host()}):
        return "/"
    parts = urlsplit(said)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def _signed_out(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """What somebody gets who is asked to sign in: the sign-in page, or for a fragment nothing but the news."""
    if request.method == "POST" and _passed_csrf(request) and (person := _last_person(request)) is not None:
        return _kept(request, person)
    if not wants_fragment(request):
        return response
    if request.method == "POST":
        return HttpResponseClientRedirect(_sign_in(page_of(request)))
    # Django would take the dead session's cookie away; an answer that comes late would take the new one instead, which
    # a form of the same page may have been given meanwhile, with all that it keeps.
    request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
    return HttpResponse(status=401, headers={"HX-Reswap": "none", "HX-Trigger": SIGNED_OUT_EVENT})


def _kept(request: HttpRequest, person: int) -> HttpResponse:
    fields, page = fields_of(request), page_of(request)
    form = kept.keep(
        request.session,
        path=request.path,
        page=page,
        fields=fields,
        by=person,
        had_files=bool(request.FILES),
        now=timezone.now(),
    )
    request.session.set_expiry(kept.KEPT_FOR)  # signing in sets it anew
    if form is None and kept.readable(fields):
        messages.warning(request, "What you wrote is too long to be kept. Go back in your browser to copy it.")
    to = _sign_in(reverse("accounts:kept", args=[form.key]) if form else page)
    return HttpResponseClientRedirect(to) if wants_fragment(request) else HttpResponseRedirect(to)


def _sign_in(then: str) -> str:
    return f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': then}, safe='/')}"


def _asks_to_sign_in(response: HttpResponse) -> bool:
    return response.status_code == 302 and urlsplit(response["Location"]).path == resolve_url(settings.LOGIN_URL)


def _passed_csrf(request: HttpRequest) -> bool:
    """Whether Django's check was made and passed; it is not made for views that are exempt from it."""
    return bool(getattr(request, "csrf_processing_done", False))


def _key_of(request: HttpRequest) -> str:
    """The key of the kept form that is being sent; empty for any other request."""
    if request.method != "POST" or not _passed_csrf(request):
        return ""
    return str(request.POST.get(kept.FIELD, ""))


def _remember(request: HttpRequest, response: HttpResponse) -> None:
    """Note in the browser who has signed in there, so that a late form can say whose it is."""
    value = _signer.sign(str(request.user.pk))
    if request.COOKIES.get(PERSON_COOKIE) != value:
        response.set_cookie(
            PERSON_COOKIE,
            value,
            max_age=PERSON_COOKIE_SECONDS,
            httponly=True,
            secure=settings.SESSION_COOKIE_SECURE,
            samesite="Lax",
        )


def _last_person(request: HttpRequest) -> int | None:
    """Who had signed in in this browser before; None if nobody."""
    try:
        return int(_signer.unsign(request.COOKIES.get(PERSON_COOKIE, "")))
    except (signing.BadSignature, ValueError):
        return None
