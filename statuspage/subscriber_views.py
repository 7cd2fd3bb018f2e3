"""What readers open to subscribe, choose and leave, and what admins see of them.

Readers get no cookie and no script, and nothing changes on GET. Their forms carry no CSRF token, which would need a
cookie. Whoever makes a browser send one of them achieves nothing: subscribing asks the address, and everything else
needs the secret in the link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import person, require_role
from accounts.models import Role
from core import pagination
from core.forms import take_errors
from core.redirects import see_other
from incidents.views.export import as_file
from statuspage import subscriber_files, subscriber_words, subscribing
from statuspage.fetching import page_for
from statuspage.html import shell
from statuspage.models import StatusPage, Subscriber
from statuspage.subscriber_forms import ComponentsForm, ImportForm, SubscribeForm, SubscriberFilterForm

if TYPE_CHECKING:
    from django.http import HttpRequest, StreamingHttpResponse

METHODS = ["GET", "HEAD", "POST"]
LIMIT = 50


@csrf_exempt
@require_http_methods(METHODS)
def subscribe(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Ask for news. The answer is the same for every address, whatever is known of it."""
    pages = StatusPage.objects.defer("logo")
    page = pages.filter(slug=slug).first() if slug else pages.filter(is_default=True).first()
    if page is None:
        return _nothing()
    words = subscriber_words.filled(page.locale, page=page.name)
    form = SubscribeForm(request.POST if request.method == "POST" else None, page=page)
    if request.method == "POST" and form.is_valid():
        network = subscribing.network_of(request.META.get("REMOTE_ADDR", ""))
        subscribing.ask(page, **form.arguments(), network=network)
        return _answer(page, "subscribe_asked", t=words)
    status = 422 if request.method == "POST" else 200
    return _answer(page, "subscribe", t=words, form=form, status=status)


@csrf_exempt
@require_http_methods(METHODS)
def confirm(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """The link in a request to confirm: a page with one button, because mail scanners follow links."""
    subscriber = _subscriber(slug, token)
    if subscriber is None:
        return _nothing(slug)
    if request.method == "POST":
        subscribing.confirm(subscriber)
    elif not subscriber.is_active:
        return _own(subscriber, "subscribe_confirm")
    return _redirect(f"../manage/{token}")


@csrf_exempt
@require_http_methods(METHODS)
def manage(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """What a subscriber hears of, and the way to leave. Whoever has left may come back."""
    subscriber = _subscriber(slug, token)
    if subscriber is None:
        return _nothing(slug)
    if not subscriber.is_active:
        return _own(subscriber, "subscribe_left" if subscriber.ended_at else "subscribe_confirm")
    chosen = {"component": list(subscriber.components.values_list("public_id", flat=True))}
    data = request.POST if request.method == "POST" else None
    form = ComponentsForm(data, initial=chosen, page=subscriber.page)
    is_saved = form.is_valid()
    if is_saved:
        subscribing.choose(subscriber, form.cleaned_data["component"])
    status = 422 if data is not None and not is_saved else 200
    return _own(subscriber, "manage", form=form, is_saved=is_saved, status=status)


@csrf_exempt
@require_http_methods(METHODS)
def unsubscribe(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """Leave: a page with a button, and the one click of RFC 8058, whose POST is answered without a redirect."""
    subscriber = _subscriber(slug, token)
    if subscriber is None:
        return _nothing(slug)
    if request.method == "POST":
        subscribing.leave(subscriber)
    elif not subscriber.ended_at:
        return _own(subscriber, "unsubscribe")
    return _own(subscriber, "subscribe_left")


def _subscriber(slug: str, token: str) -> Subscriber | None:
    """Whose secret it is; whom an admin has removed is nobody any more."""
    rows = Subscriber.objects.select_related("page").defer("page__logo")
    if "\0" in token or "\0" in slug:
        return None
    return rows.filter(page__slug=slug, token=token).exclude(ended_why=Subscriber.Ended.REMOVED).first()


def _own(subscriber: Subscriber, name: str, **context: Any) -> HttpResponse:
    page = subscriber.page
    words = subscriber_words.filled(page.locale, page=page.name, address=subscriber.address)
    return _answer(page, name, root="../", t=words, subscriber=subscriber, **context)


def _nothing(slug: str = "") -> HttpResponse:
    """404 in plain words, which says nothing of what there is."""
    page = StatusPage.objects.defer("logo").filter(slug=slug).first() if "\0" not in slug else None
    if page is not None:
        return _answer(page, "subscribe_unknown", root="../", t=subscriber_words.of(page.locale), status=404)
    words = subscriber_words.ENGLISH
    context = {"title": words["unknown_title"], "text": words["no_page"], "words": {"locale": "en"}}
    return _response(render_to_string("statuspage/public/missing.html", context), status=404)


def _answer(page: StatusPage, name: str, *, root: str = "", status: int = 200, **context: Any) -> HttpResponse:
    return _response(
        render_to_string(f"statuspage/public/{name}.html", shell(page, root=root) | context), status=status
    )


def _redirect(to: str) -> HttpResponse:
    """303 to a neighbour: relative, so that it stays on the domain that was asked."""
    return _response("", status=303, Location=to)


def _response(text: str, *, status: int, **headers: str) -> HttpResponse:
    """Nobody is to keep it or to list it: its address may be a secret. It has no header that tells the time."""
    own = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    return HttpResponse(text, status=status, headers=own | headers)


# ---- for admins --------------------------------------------------------------------------------------------------


def _page_for_admin(request: HttpRequest, slug: str) -> StatusPage:
    """The page, for whoever may see addresses of people who are not ours; 404 or 403 otherwise."""
    user = person(request)
    require_role(user, Role.ADMIN)
    return page_for(user, slug)


@login_required
@require_safe
def subscriber_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Who hears of a page's news, the newest first."""
    page = _page_for_admin(request, slug)
    everybody = Subscriber.objects.filter(page=page)
    form = SubscriberFilterForm(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {}
    rows = everybody.in_state(chosen.get("state", "")).prefetch_related("components")
    if chosen.get("q"):
        rows = rows.filter(address__icontains=chosen["q"])
    if chosen.get("kind"):
        rows = rows.filter(kind=chosen["kind"])
    try:
        found = pagination.page(rows, sort=("-pk",), cursor=request.GET.get("cursor"), limit=LIMIT)
    except pagination.BadCursor:
        found = pagination.page(rows, sort=("-pk",), cursor=None, limit=LIMIT)
    context = {"status_page": page, "page": found, "form": form, "counts": everybody.counted(), "chosen": chosen}
    return render(request, "statuspage/subscriber_list.html", context)


@login_required
@never_cache
@require_http_methods(METHODS)
def subscriber_import(request: HttpRequest, slug: str) -> HttpResponse:
    """Add addresses from a file."""
    page = _page_for_admin(request, slug)
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            taken = subscriber_files.take(page, **form.arguments(), by=person(request))
            messages.success(request, taken.words)
            return see_other("statuspage:subscriber_list", page.slug)
        except ValidationError as error:
            take_errors(form, error)
    status = 422 if request.method == "POST" else 200
    return render(request, "statuspage/subscriber_import.html", {"page": page, "form": form}, status=status)


@login_required
@require_safe
def subscriber_export(request: HttpRequest, slug: str) -> HttpResponse | StreamingHttpResponse:
    """All subscribers of a page as CSV."""
    page = _page_for_admin(request, slug)
    name = f"subscribers-{page.slug}-{timezone.now():%Y-%m-%d}.csv"
    chunks = subscriber_files.chunks(Subscriber.objects.filter(page=page))
    return as_file(request, chunks, name=name, instead=reverse("statuspage:subscriber_list", args=[page.slug]))


@login_required
@require_http_methods(METHODS)
def subscriber_remove(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Ask, and end a subscription."""
    page = _page_for_admin(request, slug)
    subscriber = get_object_or_404(Subscriber, page=page, pk=pk)
    if request.method != "POST":
        context = {"status_page": page, "subscriber": subscriber}
        return render(request, "statuspage/subscriber_remove.html", context)
    subscribing.remove(subscriber, by=person(request))
    messages.success(request, f"{subscriber} hears nothing more.")
    return see_other("statuspage:subscriber_list", page.slug)
