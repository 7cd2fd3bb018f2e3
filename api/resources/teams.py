"""Teams: made, listed, read and changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Prefetch
from ninja import Query, Router
from ninja.responses import Status as Answer

from accounts import people
from accounts.access import require_manager
from accounts.models import Membership, Team
from api import lookups, paging
from api.auth import ApiRequest, actor, manager, writer
from api.idempotency import idempotent
from api.paging import ListQuery, Page
from api.problems import Problem
from api.schemas.base import Name
from api.schemas.people import NewTeam, TeamChange, TeamOut
from notifications import team_addresses

if TYPE_CHECKING:
    from accounts.models import User
    from accounts.querysets import TeamQuerySet

router = Router(tags=["teams"])

DETAILS = ("slug", "name", "description")
ADDRESSES = ("channel_address", "ticket_address")


@router.get("", response=Page[TeamOut])
def list_teams(request: ApiRequest, query: Query[ListQuery]) -> Page[TeamOut]:
    """Teams, newest first."""
    user = actor(request)
    managed = set(Team.objects.managed_by(user).values_list("pk", flat=True))
    rows = _with_people(Team.objects.visible_to(user))
    return paging.answer(
        request, rows, query, Page[TeamOut], lambda team: TeamOut.of(team, is_managed=team.pk in managed)
    )


@router.post("", auth=manager, response={201: TeamOut})
@idempotent()
def create_team(request: ApiRequest, body: NewTeam) -> Answer[TeamOut]:
    """Make a team; managers of it are members too."""
    user, given = actor(request), dict(body)
    team = people.create_team(
        by=user,
        members=lookups.people(body.members, user=user, field="members"),
        managers=lookups.people(body.managers, user=user, field="managers"),
        **{name: given[name] for name in DETAILS},
    )
    _set_addresses(team, given, by=user)
    return Answer(201, _shown(team, user))


@router.get("/{slug}", response=TeamOut)
def read_team(request: ApiRequest, slug: Name) -> TeamOut:
    """One team, by its slug."""
    return _shown(_team(request, slug), actor(request))


@router.patch("/{slug}", auth=writer, response=TeamOut)
def change_team(request: ApiRequest, slug: Name, body: TeamChange) -> TeamOut:
    """Change a team; for a manager of the site or of the team. `members` replaces all of them."""
    user, given, team = actor(request), body.given(), _team(request, slug)
    require_manager(user, team)
    if details := {name: given[name] for name in DETAILS if name in given}:
        team = people.update_team(team, by=user, **details)
    _set_people(team, given, by=user)
    _set_addresses(team, given, by=user)
    return _shown(team, user)


def _set_people(team: Team, given: dict[str, Any], *, by: User) -> None:
    """What is left out stays: who manages the team stays in it, and members go without losing the others."""
    if not given.keys() & {"members", "managers"}:
        return
    managers = lookups.people(given["managers"], user=by, field="managers") if "managers" in given else None
    if "members" in given:
        members = lookups.people(given["members"], user=by, field="members")
    else:
        members = [row.user for row in team.memberships.select_related("user").order_by("pk")]
    people.set_members(team, members=[*members, *(managers or ())], managers=managers, by=by)


def _set_addresses(team: Team, given: dict[str, Any], *, by: User) -> None:
    addresses = {name: given[name] for name in ADDRESSES if name in given}
    if any(getattr(team, name) != address for name, address in addresses.items()):
        team_addresses.change(team, by=by, **addresses)


def _team(request: ApiRequest, slug: str) -> Team:
    team: Team | None = Team.objects.visible_to(actor(request)).filter(slug=slug).first()
    if team is None:
        raise Problem(404, "There is no such team.")
    return team


def _with_people(rows: TeamQuerySet) -> TeamQuerySet:
    return rows.prefetch_related(Prefetch("memberships", Membership.objects.select_related("user")))


def _shown(team: Team, user: User) -> TeamOut:
    team = _with_people(Team.objects.all()).get(pk=team.pk)
    return TeamOut.of(team, is_managed=user.manages(team))
