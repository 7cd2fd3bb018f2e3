"""Pages of teams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from accounts import people
from accounts.access import person, require_manager
from accounts.fetching import team_for, team_for_manager
from accounts.forms import TeamForm
from accounts.models import Team
from core.redirects import see_other

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_required
@require_GET
def team_list(request: HttpRequest) -> HttpResponse:
    """Every team with its people; a few dozen, so one page."""
    user = person(request)
    teams = Team.objects.visible_to(user).for_list()
    mine = set(user.memberships.values_list("team", flat=True))
    context = {"teams": teams, "mine": mine, "may_add": user.manages(None)}
    return render(request, "accounts/team_list.html", context)


@login_required
@require_GET
def team_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One team: who is in it, what it owns, where it is told."""
    user = person(request)
    team = team_for(user, slug)
    members = team.memberships.select_related("user").order_by("-is_manager", "user__name", "user__username")
    context = {"team": team, "memberships": members, "may_edit": user.manages(team)}
    return render(request, "accounts/team_detail.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def team_new(request: HttpRequest) -> HttpResponse:
    """Add a team; for managers of the site."""
    user = person(request)
    require_manager(user, None)
    form = TeamForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        team = people.create_team(by=user, **form.fields_of_team(), **form.people())
        messages.success(request, f"{team} was added. Say next where it is told.")
        return see_other("accounts:team_detail", slug=team.slug)
    return render(request, "accounts/team_form.html", {"form": form}, status=422 if request.method == "POST" else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def team_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change a team's name and people."""
    user = person(request)
    team = team_for_manager(user, slug)
    form = TeamForm(request.POST or None, instance=team_for_manager(user, slug))
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            team = people.update_team(team, by=user, **form.fields_of_team())
            people.set_members(team, by=user, **form.people())
        messages.success(request, "Saved.")
        return see_other("accounts:team_detail", slug=team.slug)
    status = 422 if request.method == "POST" else 200
    return render(request, "accounts/team_form.html", {"form": form, "team": team}, status=status)
