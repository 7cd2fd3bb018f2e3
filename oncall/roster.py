"""Whom escalation policies page, and how each of them is reached: read in one statement, before anybody is paged."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models import Q

from accounts.models import Membership, Role, Team, User
from core.together import attach, attach_many, grouped, together
from notifications.models import ContactMethod
from notifications.outbox import usable
from oncall.models import EscalationPolicy, EscalationStep, EscalationTarget

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.together import Rows


@dataclass(frozen=True, slots=True)
class Roster:
    """Policies with their steps and targets; the active members of teams; every admin; and people's contact methods.

    Each by its key. The site's default policy is always among them. Everybody who was asked for, or is named by a
    policy, has an entry in ``methods``, empty where they cannot be reached.
    """

    policies: dict[int, EscalationPolicy] = field(default_factory=dict)
    members: dict[int, list[User]] = field(default_factory=dict)
    methods: dict[int, list[ContactMethod]] = field(default_factory=dict)
    admins: list[User] = field(default_factory=list)


def read(*, policies: Iterable[int] = (), teams: Iterable[int] = (), people: Iterable[int] = ()) -> Roster:
    """All about some policies, teams and people, by their keys, and about the admins. One statement."""
    teams, people = set(teams), set(people)
    wanted = EscalationPolicy.objects.filter(Q(pk__in=set(policies)) | Q(is_default=True)).order_by("id")
    steps = EscalationStep.objects.filter(policy__in=wanted.order_by().values("pk"))
    targets = EscalationTarget.objects.filter(step__in=steps.values("pk"))
    memberships = Membership.objects.filter(Q(team__in=teams) | Q(team__in=targets.values("team")))
    named = Q(pk__in=people) | Q(pk__in=targets.values("user")) | Q(pk__in=memberships.values("user"))
    users = User.objects.filter(named | Q(is_active=True, role="admin"))
    found = together(
        policies=wanted,
        steps=steps.order_by("policy_id", "position"),
        targets=targets.order_by("step_id", "id"),
        teams=Team.objects.filter(Q(pk__in=teams) | Q(pk__in=targets.values("team"))),
        memberships=memberships.order_by("user_id"),
        users=users.defer("password").order_by("id"),
        methods=ContactMethod.objects.filter(user__in=users.values("pk"), user__is_active=True).order_by("id"),
    )
    return _roster(found)


def _roster(found: Rows) -> Roster:
    users = {user.pk: user for user in found["users"]}
    members: dict[int, list[User]] = defaultdict(list)
    for link in found["memberships"]:
        members[link.team_id].append(users[link.user_id])
    teams = {team.pk: team for team in found["teams"]}
    attach_many(teams.values(), "members", members)
    attach(found["targets"], "user", users)
    attach(found["targets"], "team", teams)
    attach_many(found["steps"], "targets", grouped(found["targets"], "step_id"))
    attach_many(found["policies"], "steps", grouped(found["steps"], "policy_id"))
    methods = grouped(found["methods"], "user_id")
    return Roster(
        policies={policy.pk: policy for policy in found["policies"]},
        members={pk: [user for user in members[pk] if user.is_active] for pk in teams},
        methods={pk: usable(methods.get(pk, [])) for pk in users},
        admins=[user for user in users.values() if user.has_role(Role.ADMIN)],
    )
