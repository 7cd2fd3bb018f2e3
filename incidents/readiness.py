"""Whether everything is ready to page: what on-call finds, services without a policy, and the last resort; and the
check that tells those concerned once a day."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Team, User
from catalog.findings import without_policy
from catalog.models import Service
from core.time_zones import instant, zone
from incidents.messages import absolute
from incidents.policy import site_settings
from notifications import drills, health, outbox
from notifications.message import Message
from notifications.models import Notification
from oncall import findings
from oncall.findings import Finding
from oncall.models import Participant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from oncall.roster import Roster

TOLD_AT = time(7)  # in the site's time zone
MARK = "readiness"
MOST_LINES = 30


def find(*, now: datetime) -> list[Finding]:
    """Everything that may keep somebody from being paged; ten statements, whatever there is."""
    known = findings.read(now=now)
    services = () if known.roster.default_policy() else without_policy(Service.objects.all())
    return [*findings.of(known), *services, *_of_last_resort(known.roster)]


def _of_last_resort(known: Roster) -> Iterator[Finding]:
    """The people who are paged when nobody else answers."""
    team = site_settings().last_resort
    admins = any(known.methods.get(user.pk) for user in known.admins)
    if not admins:
        text = "No admin has a contact method: where nobody else is reached, nobody is."
        yield Finding("policies", text, reverse("admin:accounts_user_changelist"), "Open the admins in Admin")
    if team:
        yield from of_last_resort(team)


def of_last_resort(team: Team) -> Iterator[Finding]:
    """Whether the team that is the last resort can be one."""
    if not _is_reached(team):
        text = f"Nobody in {team}, the site's last resort, has a contact method: every admin is paged instead."
        url = reverse("accounts:team_detail", args=[team.slug])
        yield Finding("policies", text, url, "Open the team", frozenset({team.pk}))


def _is_reached(team: Team) -> bool:
    return team.memberships.filter(user__is_active=True, user__contact_methods__isnull=False).exists()


def undrilled(*, now: datetime) -> list[User]:
    """People who take turns in a schedule and have not shown by a fire drill of the last 45 days that a page reaches
    them. No finding: it is theirs to do, and nobody is told about others."""
    turns = Participant.objects.values("user")
    return list(drills.undrilled(now=now).filter(pk__in=turns).order_by("name", "username"))


# ---- once a day ----------------------------------------------------------------------------------------------------


def tell_due(*, now: datetime) -> int:
    """From 07:00 in the site's time zone, tell the managers of the teams concerned, or every admin, what is not ready;
    returns to how many people. Once a day, whoever runs it, and not on the day on which it first looks."""
    site = zone(site_settings().time_zone)
    today = now.astimezone(site).date()
    due = instant(today, TOLD_AT, site)
    if now < due:
        due = instant(today - timedelta(days=1), TOLD_AT, site)
    with transaction.atomic():
        if not health.take_turn(MARK, now=now, since=due):
            return 0
        with timezone.override(site):
            found = find(now=now)
        told = _tell(found, day=due.astimezone(site).date().isoformat(), now=now, zone_name=str(site))
    return told


def _tell(found: Iterable[Finding], *, day: str, now: datetime, zone_name: str) -> int:
    """One notice for each person, with what concerns them."""
    concerned = _concerned(list(found))
    methods = outbox.methods_of(user.pk for user in concerned)
    rows = [
        row
        for user, mine in concerned.items()
        for row in outbox.to_user(
            user,
            methods.get(user.pk, []),
            _message(mine, zone_name),
            topic=MARK,
            key=f"{MARK}/{day}/{user.pk}",
            purpose=Notification.Purpose.NOTICE,
            now=now,
            reason="On-call is not ready",
        )
    ]
    outbox.enqueue(rows)
    return len({row.user_id for row in rows})


def _concerned(found: list[Finding]) -> dict[User, list[Finding]]:
    """Who is to know what: active managers of the teams, and every admin where there are none."""
    managers: dict[int, list[User]] = defaultdict(list)
    teams = {team for finding in found for team in finding.teams}
    links = Membership.objects.filter(team__in=teams, is_manager=True, user__is_active=True).select_related("user")
    for link in links.order_by("user_id"):
        managers[link.team_id].append(link.user)
    admins = list(User.objects.admins().order_by("id")) if found else []
    concerned: dict[User, list[Finding]] = defaultdict(list)
    for finding in found:
        people = {user for team in finding.teams for user in managers[team]} or admins
        for user in people:
            concerned[user].append(finding)
    return concerned


def _message(found: list[Finding], zone_name: str) -> Message:
    lines = [f"- {finding.text}" for finding in found[:MOST_LINES]]
    if len(found) > MOST_LINES:
        lines.append(f"- and {len(found) - MOST_LINES} more")
    things = "1 thing" if len(found) == 1 else f"{len(found)} things"
    return Message(
        title=f"On-call is not ready: {things} to mend",
        body="\n".join(["This may keep somebody from being paged:", "", *lines, "", f"Times are {zone_name}."]),
        url=absolute(reverse("incidents:readiness")),
        urgency="low",
    )
