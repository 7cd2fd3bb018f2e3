"""Things that a body names: found all at once, or a problem that names the field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from django.db.models import Model, QuerySet

from accounts.models import Team, User
from alerts import linking
from api.problems import invalid, mistakes
from automation.models import Action, Runner
from catalog.models import Service
from oncall.models import EscalationPolicy, Schedule

if TYPE_CHECKING:
    from alerts.models import Alert

M = TypeVar("M", bound=Model)
LONGEST_SHOWN = 80


def services(slugs: Iterable[str], *, user: User, field: str = "affected_services") -> list[Service]:
    """The services with these slugs, each once, in this order."""
    return _all_of(Service.objects.visible_to(user), "slug", slugs, field=field, kind="service")


def people(usernames: Iterable[str], *, user: User, field: str) -> list[User]:
    """The people with these usernames, each once, in this order."""
    return _all_of(User.objects.visible_to(user), "username", usernames, field=field, kind="user")


def person(username: str | None, *, user: User, field: str) -> User | None:
    """The active person with this username, or nobody."""
    if username is None:
        return None
    rows = User.objects.visible_to(user).filter(is_active=True)
    return _all_of(rows, "username", [username], field=field, kind="active user")[0]


def anybody(username: str | None, *, user: User, field: str = "person") -> User | None:
    """The same, whether they can still sign in or not."""
    return None if username is None else people([username], user=user, field=field)[0]


def team(slug: str | None, *, user: User, field: str = "team") -> Team | None:
    """The team with this slug, or none."""
    return None if slug is None else _all_of(Team.objects.visible_to(user), "slug", [slug], field=field, kind="team")[0]


def service(slug: str | None, *, user: User, field: str = "service") -> Service | None:
    """The service with this slug, or none."""
    return None if slug is None else services([slug], user=user, field=field)[0]


def policy(pk: int | None, *, user: User, field: str = "escalation_policy") -> EscalationPolicy | None:
    """The escalation policy with this id, or none."""
    rows = EscalationPolicy.objects.visible_to(user)
    return None if pk is None else _by_id(rows, pk, field=field, kind="escalation policy")


def schedule(pk: int, *, user: User, field: str = "schedule") -> Schedule:
    """The schedule with this id, with its team."""
    rows = Schedule.objects.visible_to(user).select_related("team")
    return _by_id(rows, pk, field=field, kind="schedule")


def runner(pk: int | None, *, user: User, field: str = "runner") -> Runner | None:
    """The runner with this id, or none."""
    return None if pk is None else _by_id(Runner.objects.visible_to(user), pk, field=field, kind="runner")


def action(slug: str, *, user: User, field: str = "action") -> Action:
    """The action with this slug."""
    return _all_of(Action.objects.visible_to(user), "slug", [slug], field=field, kind="action")[0]


def alerts(references: Sequence[str], *, user: User, field: str = "related_alerts") -> list[Alert]:
    """The alerts that references such as ALR-7 name, each once."""
    try:
        return linking.find(references, user=user)
    except linking.UnknownAlerts as error:
        raise mistakes([(field, no_such("alert", reference)) for reference in error.references]) from None


def _by_id(rows: QuerySet[M], pk: int, *, field: str, kind: str) -> M:
    found = rows.filter(pk=pk).first()
    if found is None:
        raise invalid(field, f"There is no {kind} {pk}.")
    return found


def _all_of(rows: QuerySet[M], key: str, names: Iterable[str], *, field: str, kind: str) -> list[M]:
    wanted = list(dict.fromkeys(names))
    found = {getattr(row, key): row for row in rows.filter(**{f"{key}__in": wanted})} if wanted else {}
    missing = [name for name in wanted if name not in found]
    if missing:
        raise mistakes([(field, no_such(kind, name)) for name in missing])
    return [found[name] for name in wanted]


def no_such(kind: str, name: str) -> str:
    """What is said of a name that nothing has."""
    shown = name if len(name) <= LONGEST_SHOWN else f"{name[:LONGEST_SHOWN]}…"
    return f"There is no {kind} {shown!r}."
