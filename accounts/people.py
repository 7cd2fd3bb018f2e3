"""People and teams, changed with an entry in the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Q

from accounts import audit
from accounts.models import Membership, Role, Team, User
from core import live

if TYPE_CHECKING:
    from collections.abc import Iterable

SETUP_SALT = "accounts.setup"
SETUP_MAX_AGE_SECONDS = 24 * 3600
RESERVED_SLUGS = frozenset({"new"})  # addresses of their own


class SetupClosed(Exception):
    """The one-time link has been used, is more than a day old, or was changed."""


@transaction.atomic
def create_user(*, username: str, by: User | None, password: str | None = None, **fields: Any) -> User:
    """A new person, without a usable password unless one is given. Raises ValidationError."""
    user = User(username=username, **fields)
    if password is None:
        user.set_unusable_password()
    else:
        validate_password(password, user)
        user.set_password(password)
    return audit.save(user, by=by)


@transaction.atomic
def update_user(user: User, *, by: User | None, **changes: Any) -> User:
    """Change a person. Raises ValidationError, also for taking away the last active admin's rights."""
    if changes.keys() & {"role", "is_active"}:  # two admins who step down at once must see each other
        list(User.objects.filter(Q(pk=user.pk) | Q(role=Role.ADMIN)).select_for_update().order_by("id"))
    user = User.objects.select_for_update().get(pk=user.pk)
    for name, value in changes.items():
        setattr(user, name, value)
    if not user.is_staff and is_last_admin(user.pk):
        raise ValidationError({"role": "This is the only admin. Make somebody else an admin first."})
    if changes.keys() & {"role", "is_active"}:
        live.changed(live.ACCESS)
    return audit.save(user, by=by)


def is_last_admin(pk: int) -> bool:
    """Whether nobody could manage the site any more without this person."""
    return list(User.objects.admins().values_list("pk", flat=True)[:2]) == [pk]


@transaction.atomic
def set_password(user: User, *, password: str | None, by: User | None) -> User:
    """Give a person a new password, or none that would ever match. It ends their sessions. Raises ValidationError."""
    user = User.objects.select_for_update().get(pk=user.pk)
    if password is None:
        user.set_unusable_password()
    else:
        validate_password(password, user)
        user.set_password(password)
    user.save(update_fields=["password", "updated_at"])
    audit.record(by=by, action="password removed" if password is None else "password set", on=user)
    live.changed(live.ACCESS)
    return user


@transaction.atomic
def create_team(*, by: User | None, members: Iterable[User] = (), managers: Iterable[User] = (), **fields: Any) -> Team:
    """A new team with its people; managers are members too. Raises ValidationError."""
    team = audit.save(_with(Team(), fields), by=by)
    managers = list(managers)
    set_members(team, members=[*members, *managers], managers=managers, by=by)
    return team


@transaction.atomic
def update_team(team: Team, *, by: User | None, **changes: Any) -> Team:
    """Change what a team is called and says of itself; its people are set by ``set_members``, its addresses by
    ``notifications.team_addresses``. Raises ValidationError."""
    return audit.save(_with(Team.objects.select_for_update().get(pk=team.pk), changes), by=by)


def _with(team: Team, values: dict[str, Any]) -> Team:
    unknown = values.keys() - {"slug", "name", "description"}
    if unknown:
        raise ValidationError(dict.fromkeys(sorted(unknown), "A team has no such field here."))
    if values.get("slug") in RESERVED_SLUGS:
        raise ValidationError({"slug": "This word is an address of its own. Choose another one."})
    for name, value in values.items():
        setattr(team, name, value)
    return team


@transaction.atomic
def set_members(
    team: Team, *, members: Iterable[User], by: User | None, managers: Iterable[User] | None = None
) -> None:
    """Set who is in a team; ``managers`` of None leaves who manages it as it is."""
    have = {row.user_id: row for row in team.memberships.select_for_update().select_related("user")}
    before = _names(team)
    wanted = {user.pk: user for user in members}
    manager_ids = None if managers is None else {user.pk for user in managers}
    team.memberships.exclude(user__in=wanted).delete()
    for pk, user in wanted.items():
        row = have.get(pk) or Membership(team=team, user=user)
        if manager_ids is not None:
            row.is_manager = pk in manager_ids
        row.save()
    audit.changed_links(team, by=by, name="members", before=before, after=_names(team))


def _names(team: Team) -> list[str]:
    rows = team.memberships.select_related("user").order_by("user__username")
    return [row.user.username + (" (manager)" if row.is_manager else "") for row in rows]


def setup_token() -> str:
    """The secret part of the one-time link that creates the first admin."""
    return signing.dumps("first admin", salt=SETUP_SALT)


def check_setup(token: str) -> None:
    """Raises SetupClosed unless the link is good and there is no admin yet."""
    try:
        signing.loads(token, salt=SETUP_SALT, max_age=SETUP_MAX_AGE_SECONDS)
    except signing.BadSignature:
        raise SetupClosed from None
    if User.objects.admins().exists():
        raise SetupClosed


@transaction.atomic
def create_first_admin(token: str, *, username: str, email: str, password: str, name: str = "") -> User:
    """Use the one-time link. Of two that are used at once, one wins. Raises SetupClosed or ValidationError."""
    with connection.cursor() as cursor:  # there may be no row yet that could be locked
        cursor.execute("LOCK TABLE accounts_user IN SHARE ROW EXCLUSIVE MODE")
    check_setup(token)
    return create_user(username=username, email=email, name=name, password=password, role=Role.ADMIN, by=None)
