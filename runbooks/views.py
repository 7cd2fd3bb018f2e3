"""Pages of runbooks: the list, one to read, and how it has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.access import manages_anything, person
from accounts.models import Role
from automation.models import Action
from catalog.models import Service
from core import diffing, pagination
from core.redirects import see_other
from incidents.models import Incident
from runbooks import editing
from runbooks.fetching import runbook_for, runbook_for_manager
from runbooks.models import Runbook, Version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import User

ROWS = 100
MOST_OFFERED = 50
FILTERS = ("q", "service", "show")
SHOWN = {"": "All", "stale": "To review", "archived": "Archived"}


@login_required
@require_GET
def runbook_list(request: HttpRequest) -> HttpResponse:
    """Runbooks by title (index runbooks_by_title), narrowed by words, a service and whether they want a review."""
    user, now = person(request), timezone.now()
    chosen = {name: request.GET.get(name, "").replace("\x00", "").strip() for name in FILTERS}
    rows = Runbook.objects.visible_to(user)
    rows = rows.exclude(archived_at=None) if chosen["show"] == "archived" else rows.current()
    if chosen["show"] == "stale":
        rows = rows.stale(now=now)
    if chosen["service"]:
        rows = rows.of_service(chosen["service"])
    try:
        page = pagination.page(
            rows.matching(chosen["q"]).for_list(), sort=("title",), cursor=request.GET.get("cursor"), limit=ROWS
        )
    except pagination.BadCursor:
        raise Http404 from None
    context = {
        "page": page,
        "rows": [(runbook, runbook.is_stale(now=now), runbook.days_unreviewed(now=now)) for runbook in page.items],
        "chosen": chosen,
        "tabs": SHOWN,
        "services": _services(user),
        "may_add": manages_anything(user),
    }
    return render(request, "runbooks/runbook_list.html", context)


@login_required
@require_GET
def runbook_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One runbook, to read or to start."""
    user = person(request)
    return page(request, runbook_for(user, slug))


def page(request: HttpRequest, runbook: Runbook, *, status: int = 200, wrong: str = "") -> HttpResponse:
    """The page of a runbook; ``wrong`` says why it could not be started."""
    user, now = person(request), timezone.now()
    may_start = user.has_role(Role.RESPONDER) and runbook.archived_at is None
    open_ones = Incident.objects.visible_to(user).open().order_by("-id").only("pk", "title", "status")
    context: dict[str, Any] = {
        "runbook": runbook,
        "version": runbook.version,
        "is_stale": runbook.is_stale(now=now),
        "days": runbook.days_unreviewed(now=now),
        "may_edit": user.manages(runbook.team),
        "may_start": may_start,
        "incidents": open_ones[:MOST_OFFERED] if may_start else [],
        "wrong": wrong,
        "defined": {one.slug: one for one in _actions_of(runbook.version)},
    }
    return render(request, "runbooks/runbook_detail.html", context, status=status)


@login_required
@require_GET
def runbook_history(request: HttpRequest, slug: str) -> HttpResponse:
    """Every version, and what differs between two of them: the newest and the one before, or those in the address."""
    user = person(request)
    runbook = runbook_for(user, slug)
    rows = Version.objects.visible_to(user).filter(runbook=runbook).select_related("created_by")
    versions = list(rows.defer("text", "summary", "steps"))
    newest = versions[0].number
    old, new = _number(request, "from", max(1, newest - 1)), _number(request, "to", newest)
    texts = dict(rows.filter(number__in=(old, new)).values_list("number", "text"))
    if not {old, new} <= texts.keys():
        raise Http404
    context = {
        "runbook": runbook,
        "versions": versions,
        "old": old,
        "new": new,
        "lines": diffing.lines(texts[old], texts[new]),
        "may_edit": user.manages(runbook.team),
    }
    return render(request, "runbooks/runbook_history.html", context)


@login_required
@require_POST
def runbook_review(request: HttpRequest, slug: str) -> HttpResponse:
    """Say that it is right as it stands."""
    user = person(request)
    runbook = editing.mark_reviewed(runbook_for_manager(user, slug), by=user)
    messages.success(request, f"{runbook} is marked as reviewed.")
    return see_other("runbooks:detail", slug=slug)


@login_required
@require_POST
def runbook_archive(request: HttpRequest, slug: str) -> HttpResponse:
    """Take it out of lists and suggestions, or back in."""
    user = person(request)
    runbook = runbook_for_manager(user, slug)
    if request.POST.get("to") == "current":
        editing.restore(runbook, by=user)
        messages.success(request, f"{runbook} is back.")
    else:
        editing.archive(runbook, by=user)
        messages.success(request, f"{runbook} is archived. Its runs stay, and it can be taken back.")
    return see_other("runbooks:detail", slug=slug)


def _services(user: User) -> list[tuple[str, str]]:
    """What the list can be narrowed to: services, and slugs that runbooks wait for."""
    here = dict(Service.objects.visible_to(user).order_by("name", "slug").values_list("slug", "name"))
    called = {slug for slugs in Runbook.objects.current().values_list("service_slugs", flat=True) for slug in slugs}
    return [*here.items(), *((slug, slug) for slug in sorted(called - here.keys()))]


def _actions_of(version: Version) -> Iterable[Action]:
    """The actions that its steps name, as far as there are any."""
    slugs = {step["action"] for step in version.steps if step["action"]}
    return Action.objects.only("slug", "name", "kind").filter(slug__in=slugs) if slugs else ()


def _number(request: HttpRequest, name: str, default: int) -> int:
    given = request.GET.get(name, "")
    return int(given) if given.isdecimal() and len(given) < 9 else default
