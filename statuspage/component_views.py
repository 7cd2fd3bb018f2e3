"""What a status page is made of: managers make, change, move and remove its groups and components."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import person
from core.forms import take_errors
from core.redirects import SeeOther, see_other
from statuspage import components, overtaken, subscribing
from statuspage.fetching import component_for_manager, group_for_manager, page_for_manager
from statuspage.overtaken import Overtaken
from statuspage.page_forms import ComponentForm, GroupForm

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.forms import Form
    from django.http import HttpRequest, HttpResponse

    from statuspage.models import Component, StatusPage


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def group_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Add a group."""
    user = person(request)
    page = page_for_manager(user, slug)
    save = partial(components.add_group, page, by=user)
    return _edit(request, page, GroupForm(request.POST or None), save, "group")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def group_edit(request: HttpRequest, slug: str, public_id: str) -> HttpResponse:
    """Call a group otherwise."""
    user = person(request)
    group = group_for_manager(user, slug, public_id)
    form = GroupForm(request.POST or None, initial={"name": group.name})
    return _edit(request, group.page, form, partial(components.rename_group, group, by=user), "group", group)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def group_remove(request: HttpRequest, slug: str, public_id: str) -> HttpResponse:
    """Ask, and take a group away; its components stay."""
    user = person(request)
    group = group_for_manager(user, slug, public_id)
    if request.method == "POST":
        components.remove_group(group, by=user)
        return _back(request, group.page, f"{group} is gone; its components are still there.")
    context = {"page": group.page, "group": group, "count": group.components.count()}
    return render(request, "statuspage/component_remove.html", context)


@login_required
@require_POST
def group_move(request: HttpRequest, slug: str, public_id: str) -> HttpResponse:
    """One place up or down."""
    user = person(request)
    group = group_for_manager(user, slug, public_id)
    move = partial(components.move_group, group, by=user)
    return _moved(request, group.page, move, f"group-{public_id}")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def component_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Add a component; ``?group=`` names the one that it is in."""
    user = person(request)
    page = page_for_manager(user, slug)
    group = page.groups.filter(public_id=request.GET.get("group", "").replace("\x00", "")).first()
    form = ComponentForm(request.POST or None, page=page, by=user, initial={"group": group})
    return _edit(request, page, form, partial(components.add_component, page, by=user), "component")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def component_edit(request: HttpRequest, slug: str, public_id: str) -> HttpResponse:
    """Change a component."""
    user = person(request)
    component = component_for_manager(user, slug, public_id)
    form = ComponentForm(request.POST or None, page=component.page, by=user, component=component)
    save = partial(components.change_component, component, by=user)
    try:
        return _edit(request, component.page, form, save, "component", component)
    except Overtaken as error:
        now = cast("Component", error.row)
        otherwise = overtaken.saved_otherwise(form, ComponentForm(page=now.page, by=user, component=now))
        overtaken.go_on_from(form, now)
        context = {"form": form, "page": now.page, "noun": "component", "row": now}
        context |= {"overtaken": error, "otherwise": otherwise}
        return render(request, "statuspage/component_form.html", context, status=409)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def component_remove(request: HttpRequest, slug: str, public_id: str) -> HttpResponse:
    """Ask, and take a component away with its history."""
    user = person(request)
    component = component_for_manager(user, slug, public_id)
    if request.method == "POST":
        components.remove_component(component, by=user)
        return _back(request, component.page, f"{component} is gone, and its history with it.")
    readers = subscribing.alone_with(component).active().count()
    context = {
        "page": component.page, "component": component, "count": component.impacts.count(), "readers": readers,
    }  # fmt: skip
    return render(request, "statuspage/component_remove.html", context)


@login_required
@require_POST
def component_move(request: HttpRequest, slug: str, public_id: str) -> HttpResponse:
    """One place up or down among those of its group."""
    user = person(request)
    component = component_for_manager(user, slug, public_id)
    move = partial(components.move_component, component, by=user)
    return _moved(request, component.page, move, f"component-{public_id}")


def _edit(
    request: HttpRequest, page: StatusPage, form: Form, save: Callable[..., Any], noun: str, row: Any = None
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            saved = save(**form.cleaned_data)
            return _back(request, page, "Saved." if row else f"{saved} was added.")
        except ValidationError as error:
            take_errors(form, error)
    context = {"form": form, "page": page, "noun": noun, "row": row}
    status = 422 if request.method == "POST" else 200
    return render(request, "statuspage/component_form.html", context, status=status)


def _moved(request: HttpRequest, page: StatusPage, move: Callable[..., Any], anchor: str) -> HttpResponse:
    try:
        move(to=_direction(request))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return _at(page, anchor)


def _direction(request: HttpRequest) -> components.Place:
    return "up" if request.POST.get("to") == "up" else "down"


def _back(request: HttpRequest, page: StatusPage, said: str) -> HttpResponse:
    messages.success(request, said)
    return see_other("statuspage:page_detail", slug=page.slug)


def _at(page: StatusPage, anchor: str) -> HttpResponse:
    """Where the row is now, so that the keyboard goes on there."""
    return SeeOther(f"{reverse('statuspage:page_detail', args=[page.slug])}#{anchor}")
