"""Readiness: everything known to on-call that may keep somebody from being paged, each in a sentence, with a link to
where it is mended."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Count
from django.urls import reverse
from django.utils import timezone
from django.utils.text import get_text_list

from core import durations
from notifications.breaker import FAILURES_TO_OPEN
from notifications.models import Channel, Notification
from oncall import roster, rotas
from oncall.models import EscalationPolicy, Schedule
from oncall.shifts import Rotation, gaps, shifts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from accounts.models import User
    from oncall.models import EscalationStep, EscalationTarget
    from oncall.roster import Roster
    from oncall.shifts import Rota

AHEAD = timedelta(days=30)

GROUPS = {
    "people": "People who may not be reached",
    "accounts": "Accounts that are switched off",
    "gaps": "Nobody on call in the next 30 days",
    "policies": "Escalation policies",
    "services": "Services",
    "channels": "Channels",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not ready: its group (of ``GROUPS``), a sentence, and where it is mended.

    ``teams`` are the keys of those concerned, none where it concerns the site; ``person`` is whose contact methods
    are meant, if anybody's.
    """

    group: str
    text: str
    url: str
    action: str
    teams: frozenset[int] = frozenset()
    person: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A schedule or policy that names a person."""

    label: str
    url: str
    action: str
    team: int | None


@dataclass(frozen=True, slots=True)
class Known:
    """What the findings are made of: read in four statements, whatever there is of it."""

    now: datetime
    schedules: list[Schedule]
    rotas: Mapping[int, Rota]
    roster: Roster
    places: dict[int, list[Place]] = field(default_factory=lambda: defaultdict(list))

    def reached(self, target: EscalationTarget) -> list[User]:
        """Everybody whom a target may page, now or later: nobody who is switched off."""
        if target.user:
            people = [target.user]
        elif target.team_id:
            people = self.roster.members.get(target.team_id, [])
        else:
            people = [self.roster.users[pk] for pk in sorted(self.holders(target.schedule_id or 0))]
        return [user for user in people if user.is_active]

    def holders(self, schedule: int) -> set[int]:
        """Everybody who has a turn, or an override, that has not ended."""
        rota = self.rotas.get(schedule)
        if rota is None:
            return set()
        running = (
            layer
            for layer in rota.layers
            if not isinstance(layer, Rotation) or layer.ends_at is None or layer.ends_at > self.now
        )
        return rota.overrides.holders.union(*(layer.holders for layer in running))


def read(*, now: datetime) -> Known:
    """Every schedule and policy, and everybody whom they name."""
    schedules = list(Schedule.objects.all())
    known, people = rotas.read(Schedule.objects.all(), start=now)
    policies = EscalationPolicy.objects.values_list("pk", flat=True)
    found = Known(now, schedules, known, roster.read(at=now, policies=policies, people=people))
    for schedule in schedules:
        place = Place(
            str(schedule), reverse("oncall:schedule_detail", args=[schedule.pk]), "Open the schedule", schedule.team_id
        )
        for pk in found.holders(schedule.pk):
            found.places[pk].append(place)
    for policy in found.roster.policies.values():
        place = Place(str(policy), _page(policy), "Open the policy", policy.team_id)
        named = (target for step in policy.steps.all() for target in step.targets.all() if not target.schedule_id)
        for pk in {user.pk for target in named for user in _named(target, found.roster)}:
            found.places[pk].append(place)
    return found


def _named(target: EscalationTarget, known: Roster) -> list[User]:
    return [target.user] if target.user else known.members.get(target.team_id or 0, [])


def _page(policy: EscalationPolicy) -> str:
    return reverse("oncall:policy_detail", args=[policy.pk])


def of(known: Known) -> list[Finding]:
    """Everything that is not ready, by group."""
    policies = sorted(known.roster.policies.values(), key=lambda policy: (policy.name, policy.pk))
    return [
        *_of_people(known),
        *(finding for schedule in known.schedules for finding in _of_schedule(schedule, known)),
        *(finding for policy in policies for finding in _of_policy(policy, known)),
        *_of_channels(),
    ]


def _of_people(known: Known) -> Iterator[Finding]:
    """Whoever is named by a schedule or policy, and is switched off or has no confirmed contact method."""
    users = sorted((known.roster.users[pk] for pk in known.places), key=lambda user: (str(user), user.pk))
    for user in users:
        places = known.places[user.pk]
        methods = known.roster.methods.get(user.pk, [])
        where = get_text_list([place.label for place in places], "and")
        teams = frozenset(place.team for place in places if place.team)
        first = places[0]
        if not user.is_active:
            text = f"{user} is switched off and is not paged, but is named by {where}."
            yield Finding("accounts", text, first.url, first.action, teams)
        elif not any(method.is_verified for method in methods):
            lacks = "has not confirmed any contact method" if methods else "has no contact method"
            yield Finding("people", f"{user} {lacks}; named by {where}.", first.url, first.action, teams, user.pk)


def _of_schedule(schedule: Schedule, known: Known) -> Iterator[Finding]:
    """Its gaps, in one sentence."""
    end = known.now + AHEAD
    rota = known.rotas[schedule.pk]
    found = [] if _is_always_held(rota, known.now, end) else gaps(shifts(rota, known.now, end))
    if not found:
        return
    first, teams = found[0], one_team(schedule.team_id)
    url = reverse("oncall:schedule_detail", args=[schedule.pk])
    if first.end - first.start >= AHEAD:
        text = f"Nobody is on call for {schedule} at any time in the next {AHEAD.days} days."
    elif len(found) == 1:
        until = f"until {_moment(first.end)}" if first.end < end else "on"
        text = f"Nobody is on call for {schedule} from {_moment(first.start)} {until}."
    else:
        total = durations.words(sum((gap.end - gap.start).total_seconds() for gap in found))
        text = (
            f"Nobody is on call for {schedule} at {len(found)} times, {total} in all; first from "
            f"{_moment(first.start)} until {_moment(first.end)}."
        )
    day = timezone.localtime(first.start).date().isoformat()
    yield Finding("gaps", text, f"{url}?on={day}", "Cover it" if len(found) == 1 else "Cover them", teams)


def _is_always_held(rota: Rota, start: datetime, end: datetime) -> bool:
    """Whether one layer alone leaves no gap, so that nobody has to look for one; most schedules have such a layer."""
    return any(
        isinstance(layer, Rotation)
        and layer.people
        and not layer.windows
        and layer.begins_at <= start
        and (layer.ends_at is None or layer.ends_at >= end)
        for layer in rota.layers
    )


def one_team(pk: int | None) -> frozenset[int]:
    """The team that owns something, if one does."""
    return frozenset() if pk is None else frozenset({pk})


def _moment(at: datetime) -> str:
    """A moment in the current time zone."""
    local = timezone.localtime(at)
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def _of_policy(policy: EscalationPolicy, known: Known) -> Iterator[Finding]:
    """A policy without steps, and each step that reaches nobody."""
    teams = one_team(policy.team_id)
    steps = list(policy.steps.all())
    if not steps:
        text = f"{policy} has no steps: it pages nobody, and the last resort follows at once."
        yield Finding("policies", text, _page(policy), "Open the policy", teams)
    for step in steps:
        if why := _nobody(step, known):
            text = f"Step {step.position + 1} of {policy} reaches nobody: {why}."
            yield Finding("policies", text, _page(policy), "Open the policy", teams)


def _nobody(step: EscalationStep, known: Known) -> str:
    """Why a step reaches nobody at any time; empty where it reaches somebody."""
    targets = list(step.targets.all())
    if not targets:
        return "it has no targets"
    why = []
    for target in targets:
        people = known.reached(target)
        if any(known.roster.methods.get(user.pk) for user in people):
            return ""
        if people:
            why.append(f"no contact method: {', '.join(map(str, people))}")
        elif target.user:
            why.append(f"{target.user} is switched off")
        else:
            why.append(f"nobody is in the {'team' if target.team_id else 'schedule'} {target}")
    return "; ".join(why)


def _of_channels() -> Iterator[Finding]:
    """Channels on which messages wait although they were tried so often that a sender's breaker has opened."""
    waiting = Notification.objects.pending().filter(attempt_count__gte=FAILURES_TO_OPEN).order_by("channel")
    for channel, count in waiting.values_list("channel").annotate(count=Count("pk")):
        name = Channel(channel).label
        messages = "1 message has" if count == 1 else f"{count:,} messages have"
        text = f"{name}: {messages} failed {FAILURES_TO_OPEN} times or more, and Muster goes on trying."
        url = f"{reverse('notifications:outbox')}?state=pending&channel={channel}"
        yield Finding("channels", text, url, "Open the outbox")


def grouped(findings: Iterable[Finding]) -> list[tuple[str, str, list[Finding]]]:
    """(group, its title, its findings) in the order of ``GROUPS``, without empty ones."""
    found = list(findings)
    groups = ((group, title, [each for each in found if each.group == group]) for group, title in GROUPS.items())
    return [group for group in groups if group[2]]
