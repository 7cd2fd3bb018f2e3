"""Status pages, for those who set them up and those inside who want to know what is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import person, require_role
from accounts.models import Role
from core.forms import take_errors
from core.redirects import see_other
from statuspage import overtaken, pages, showing
from statuspage.fetching import page_for, page_for_manager
from statuspage.models import StatusPage
from statuspage.overtaken import Overtaken
from statuspage.page_forms import PageForm

if TYPE_CHECKING:
    from django.http import HttpRequest


@login_required
@require_safe
def page_list(request: HttpRequest) -> HttpResponse:
    """Every page, with how many components and readers by message it has."""
    user = person(request)
    rows = showing.counted(StatusPage.objects.visible_to(user).defer("logo"))
    context = {"pages": rows, "may_edit": user.has_role(Role.MANAGER)}
    return render(request, "statuspage/page_list.html", context)


@login_required
@require_safe
def page_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One page: what it is made of, how it stands, who hears of it, and its addresses."""
    user = person(request)
    page = page_for(user, slug)
    context = {
        "page": page,
        "sections": showing.sections_of(page),
        "facts": showing.facts_of(page),
        "places": showing.places_of(page),
        "may_edit": user.has_role(Role.MANAGER),
    }
    return render(request, "statuspage/page_detail.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page_new(request: HttpRequest) -> HttpResponse:
    """Make a page."""
    user = person(request)
    require_role(user, Role.MANAGER)
    form = PageForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            page = pages.create(by=user, **form.arguments())
            messages.success(request, f"{page} is public now. Give it components next.")
            return see_other("statuspage:page_detail", slug=page.slug)
        except ValidationError as error:
            take_errors(form, error)
    status = 422 if request.method == "POST" else 200
    return render(request, "statuspage/page_form.html", {"form": form}, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change a page."""
    user = person(request)
    page = page_for_manager(user, slug)
    form = PageForm(request.POST or None, request.FILES or None, page=page)
    if request.method == "POST" and form.is_valid():
        try:
            page = pages.change(page, by=user, **form.arguments())
            messages.success(request, "Saved. Readers see it within seconds.")
            return see_other("statuspage:page_detail", slug=page.slug)
        except Overtaken as error:
            return _overtaken(request, form, error)
        except ValidationError as error:
            take_errors(form, error)
    status = 422 if request.method == "POST" else 200
    return render(request, "statuspage/page_form.html", {"form": form, "page": page}, status=status)


def _overtaken(request: HttpRequest, form: PageForm, error: Overtaken) -> HttpResponse:
    otherwise = overtaken.saved_otherwise(form, PageForm(page=cast("StatusPage", error.row)))
    overtaken.go_on_from(form, error.row)
    context: dict[str, Any] = {"form": form, "page": error.row, "overtaken": error, "otherwise": otherwise}
    context["is_file_lost"] = bool(request.FILES)
    return render(request, "statuspage/page_form.html", context, status=409)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page_remove(request: HttpRequest, slug: str) -> HttpResponse:
    """Say what would be lost, and, when the button is pressed, delete the page."""
    user = person(request)
    page = page_for_manager(user, slug)
    if request.method == "POST":
        pages.remove(page, by=user)
        messages.success(request, f"{page} is gone.")
        return see_other("statuspage:page_list")
    return render(request, "statuspage/page_remove.html", {"page": page, "losses": pages.losses(page)})


@login_required
@require_safe
def page_logo(request: HttpRequest, slug: str) -> HttpResponse:
    """The logo as it is kept; 404 where there is none."""
    page = page_for(person(request), slug)
    if page.logo is None:
        raise Http404
    return HttpResponse(bytes(page.logo), content_type=page.logo_type)
