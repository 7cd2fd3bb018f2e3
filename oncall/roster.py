"""Whom escalation policies page, and how each of them is reached: read in one statement, before anybody is paged."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from accounts.models import Membership, Role, Team, User
from core.together import attach, attach_many, grouped, prepare
from notifications.models import ContactMethod
from notifications.outbox import usable
from oncall import rotas
from oncall.models import EscalationPolicy, EscalationStep, EscalationTarget, Schedule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import QuerySet

    from core.together import Prepared, Rows
    from oncall.shifts import Rota


@dataclass(frozen=True, slots=True)
class Roster:
    """Policies with their steps and targets; the active members of teams; the rotas of schedules; every admin; and
    people's contact methods. Each by its key.

    The site's default policy is always among them. Everybody who was asked for, or is named by a policy, has an entry
    in ``users`` and in ``methods``, which is empty where they cannot be reached.
    """

    policies: dict[int, EscalationPolicy] = field(default_factory=dict)
    members: dict[int, list[User]] = field(default_factory=dict)
    rotas: dict[int, Rota] = field(default_factory=dict)
    users: dict[int, User] = field(default_factory=dict)
    methods: dict[int, list[ContactMethod]] = field(default_factory=dict)
    admins: list[User] = field(default_factory=list)

    def default_policy(self) -> EscalationPolicy | None:
        """The policy of incidents whose services name none."""
        return next((policy for policy in self.policies.values() if policy.is_default), None)

    def add(self, other: Roster) -> None:
        """Know what another one knows too; of the admins, what it knows."""
        for name in ("policies", "members", "rotas", "users", "methods"):
            getattr(self, name).update(getattr(other, name))
        self.admins[:] = other.admins


def read(
    *, at: datetime, policies: Iterable[int] = (), teams: Iterable[int] = (), people: Iterable[int] = ()
) -> Roster:
    """All about some policies, teams and people, by their keys, and about the admins, at ``at`` and later. One
    statement."""
    policies, teams, people = set(policies), set(teams), set(people)
    asked = (sorted(policies), sorted(teams), sorted(people))
    if max(map(len, asked)) <= MOST_REMEMBERED:
        places = _places(*map(len, asked))
        keys = zip(chain(*places), chain(*asked), strict=True)
        found = _statement(*map(len, asked)).read({SOME_TIME: at, **dict(keys)})
    else:
        found = _prepared(*asked, at=at).read()
    roster = build(found, found)
    methods = grouped(found["methods"], "user_id")
    roster.methods.update({pk: usable(methods.get(pk, [])) for pk in roster.users})
    roster.members.update({pk: [] for pk in teams - roster.members.keys()})
    roster.methods.update({pk: [] for pk in people - roster.methods.keys()})
    roster.admins[:] = [user for user in roster.users.values() if user.has_role(Role.ADMIN)]
    return roster


# A page is read about in the same few shapes again and again, so statements are kept by how many policies, teams and
# people they ask for, with numbers and a time in them that nothing has.
MOST_REMEMBERED = 5
SOME_TIME = datetime(1, 1, 1, tzinfo=UTC)


def _places(*counts: int) -> list[range]:
    """What stands for the keys of each kind."""
    return [range(-1_000 * kind - count, -1_000 * kind) for kind, count in enumerate(counts, start=1)]


@cache
def _statement(policies: int, teams: int, people: int) -> Prepared:
    return _prepared(*_places(policies, teams, people), at=SOME_TIME)


def _prepared(policies: Sequence[int], teams: Sequence[int], people: Sequence[int], *, at: datetime) -> Prepared:
    parts = querysets(EscalationPolicy.objects.filter(Q(pk__in=policies) | Q(is_default=True)), at=at)
    targets = parts["targets"].order_by()
    memberships = Membership.objects.filter(Q(team__in=teams) | Q(team__in=targets.values("team")))
    named = Q(pk__in=people) | Q(pk__in=memberships.values("user"))
    for part in NAMING:
        named |= Q(pk__in=parts[part].order_by().values("user"))
    users = User.objects.filter(named | Q(is_active=True, role=Role.ADMIN))
    return prepare(
        **parts,
        teams=Team.objects.filter(Q(pk__in=teams) | Q(pk__in=targets.values("team"))),
        memberships=memberships.order_by("user_id"),
        users=users.defer("password").order_by("id"),
        methods=ContactMethod.objects.filter(user__in=users.values("pk"), user__is_active=True).order_by("id"),
    )


NAMING = ("targets", "participants", "overrides", "imported")  # the parts whose rows name a user


def querysets(policies: QuerySet[EscalationPolicy], *, at: datetime) -> dict[str, QuerySet[Any]]:
    """What ``build`` needs first of some policies, to be read together: right for ``at`` and later."""
    steps = EscalationStep.objects.filter(policy__in=policies.order_by().values("pk"))
    targets = EscalationTarget.objects.filter(step__in=steps.values("pk"))
    schedules = Schedule.objects.filter(pk__in=targets.values("schedule"))
    return {
        "policies": policies.defer("turn").order_by("id"),
        "steps": steps.order_by("policy_id", "position"),
        "targets": targets.order_by("step_id", "id"),
        **rotas.querysets(schedules, start=at, end=None),
        "schedules": schedules,
    }


def build(found: Rows, others: Rows) -> Roster:
    """A roster of what ``querysets`` read, and of the ``users``, ``teams`` and ``memberships`` that it names. Without
    admins, and without contact methods."""
    users = {user.pk: user for user in others["users"]}
    teams = {team.pk: team for team in others["teams"]}
    members: dict[int, list[User]] = defaultdict(list)
    for link in others.plain("memberships"):
        members[link["team_id"]].append(users[link["user_id"]])
    for name, rows in (("user", users), ("team", teams), ("schedule", {row.pk: row for row in found["schedules"]})):
        attach(found["targets"], name, rows)
    attach_many(found["steps"], "targets", grouped(found["targets"], "step_id"))
    attach_many(found["policies"], "steps", grouped(found["steps"], "policy_id"))
    return Roster(
        policies={policy.pk: policy for policy in found["policies"]},
        members={pk: [user for user in members[pk] if user.is_active] for pk in teams},
        rotas=rotas.build(found),
        users=users,
    )
