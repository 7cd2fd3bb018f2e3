"""What may keep somebody from being paged, as far as on-call knows it: each in a sentence, with a link to where it is
mended. Everything that warns uses these rules and words."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING

from django.db.models import Count, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.text import get_text_list

from core import durations
from notifications.breaker import FAILURES_TO_OPEN
from notifications.models import Channel, Notification
from oncall import absences, roster, rotas
from oncall.models import Absence, EscalationPolicy, EscalationTarget, Schedule
from oncall.shifts import Rotation, people_of, shifts, uncovered

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from accounts.models import User
    from oncall.models import EscalationStep
    from oncall.roster import Roster
    from oncall.shifts import Rota, Shift

AHEAD = timedelta(days=30)

GROUPS = {
    "people": "People who may not be reached",
    "accounts": "Accounts that are switched off",
    "gaps": "Nobody on call in the next 30 days",
    "away": "Away while on call in the next 30 days",
    "policies": "Escalation policies",
    "services": "Services",
    "channels": "Channels",
}

Span = tuple["datetime", "datetime"]
Thing = tuple[str, int | None]  # such as ("schedule", 7)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not ready: its group (of ``GROUPS``), a sentence, and where it is mended.

    ``teams`` are the keys of those concerned, none where it concerns the site; ``person`` is whose contact methods
    are meant, if anybody's. ``about``, ``what`` and ``spans`` tell a finding from another one whatever its words: the
    things that it is about, what of them is not ready, and when, where it is so at times.
    """

    group: str
    text: str
    url: str
    action: str
    teams: frozenset[int] = frozenset()
    person: int | None = None
    about: frozenset[Thing] = frozenset()
    what: str = ""
    spans: tuple[Span, ...] = ()


def added(before: Iterable[Finding], after: Iterable[Finding]) -> list[Finding]:
    """What is found afterwards and was not before: of something else, of more things, or at other times."""
    known: dict[tuple[str, str, Thing], tuple[Span, ...]] = {
        (each.group, each.what, thing): each.spans for each in before for thing in each.about
    }

    def is_known(finding: Finding, thing: Thing) -> bool:
        spans = known.get((finding.group, finding.what, thing))
        return spans is not None and all(
            any(start <= begins and ends <= end for start, end in spans) for begins, ends in finding.spans
        )

    return [each for each in after if not all(is_known(each, thing) for thing in each.about)]


@dataclass(frozen=True, slots=True)
class Place:
    """A schedule or policy that names a person."""

    label: str
    url: str
    action: str
    team: int | None
    thing: Thing


@dataclass(frozen=True, slots=True)
class Known:
    """What the findings are made of: read in a few statements, whatever there is of it."""

    now: datetime
    schedules: list[Schedule]
    policies: list[EscalationPolicy]
    rotas: Mapping[int, Rota]
    roster: Roster
    absences: Sequence[Absence] = ()
    places: dict[int, list[Place]] = field(default_factory=lambda: defaultdict(list))
    held: dict[int, list[Shift]] = field(default_factory=dict)
    free: dict[int, list[Span]] = field(default_factory=dict)

    @property
    def end(self) -> datetime:
        """Until when one looks ahead."""
        return self.now + AHEAD

    def reached(self, target: EscalationTarget) -> list[User]:
        """Everybody whom a target may page, now or later: nobody who is switched off."""
        if target.user:
            people = [target.user]
        elif target.team_id:
            people = self.roster.members.get(target.team_id, [])
        else:
            people = [self.roster.users[pk] for pk in sorted(self.holders(target.schedule_id or 0))]
        return [user for user in people if user.is_active]

    def is_reached(self, user: int) -> bool:
        """Whether a page comes to a person at all; nobody who is switched off has a contact method here."""
        return bool(self.roster.methods.get(user))

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

    def shifts(self, schedule: int) -> list[Shift]:
        """Who is on call from now on."""
        if schedule not in self.held:
            self.held[schedule] = shifts(self.rotas[schedule], self.now, self.end)
        return self.held[schedule]

    def gaps(self, schedule: int) -> list[Span]:
        """When nobody is on call from now on."""
        if schedule not in self.free:
            self.free[schedule] = uncovered(self.rotas[schedule], self.now, self.end)
        return self.free[schedule]


def read(*, now: datetime, schedules: Collection[int] | None = None, policies: Collection[int] | None = None) -> Known:
    """Schedules and policies by their keys, all of them where none are given, and everybody whom they name."""
    rows = Schedule.objects.all() if schedules is None else Schedule.objects.filter(pk__in=schedules)
    listed = list(rows)
    turns, people = rotas.read(rows, start=now)
    wanted = EscalationPolicy.objects.values_list("pk", flat=True) if policies is None else policies
    named = roster.read(at=now, policies=wanted, people=people)
    asked = [row for pk, row in named.policies.items() if policies is None or pk in policies]
    known = {**named.rotas, **turns}
    holders = set().union(*map(people_of, turns.values()))
    away = Absence.objects.within(now, now + AHEAD).filter(user__in=holders, user__is_active=True) if holders else ()
    asked.sort(key=lambda row: (row.name, row.pk))
    found = Known(now, listed, asked, known, named, list(away))
    for schedule in listed:
        url = reverse("oncall:schedule_detail", args=[schedule.pk])
        thing = ("schedule", schedule.pk)
        place = Place(str(schedule), url, "Open the schedule", schedule.team_id, thing)
        for pk in found.holders(schedule.pk):
            found.places[pk].append(place)
    for policy in asked:
        place = Place(str(policy), _page(policy), "Open the policy", policy.team_id, ("policy", policy.pk))
        targets = (target for step in policy.steps.all() for target in step.targets.all() if not target.schedule_id)
        for pk in {user.pk for target in targets for user in _named(target, found.roster)}:
            found.places[pk].append(place)
    return found


def _named(target: EscalationTarget, known: Roster) -> list[User]:
    return [target.user] if target.user else known.members.get(target.team_id or 0, [])


def _page(policy: EscalationPolicy) -> str:
    return reverse("oncall:policy_detail", args=[policy.pk])


def of(known: Known) -> list[Finding]:
    """Everything that is not ready, by group."""
    return [*_of_what_is_known(known), *_of_channels()]


def of_policy(pk: int | None, *, now: datetime) -> list[Finding]:
    """What may keep one policy, and the schedules that it pages, from reaching somebody; nothing where there is none
    yet."""
    if pk is None:
        return []
    schedules = set(EscalationTarget.objects.filter(step__policy=pk).values_list("schedule", flat=True)) - {None}
    return _of_what_is_known(read(now=now, schedules=schedules, policies={pk}))


def of_schedule(pk: int | None, *, now: datetime) -> list[Finding]:
    """What of one schedule is not ready, and of the steps that page it; nothing where there is none yet."""
    if pk is None:
        return []
    policies = set(EscalationTarget.objects.filter(schedule=pk).values_list("step__policy", flat=True))
    found = _of_what_is_known(read(now=now, schedules={pk}, policies=policies))
    return [each for each in found if ("schedule", pk) in each.about]


def _of_what_is_known(known: Known) -> list[Finding]:
    return [
        *_of_people(known),
        *(finding for schedule in known.schedules for finding in _of_schedule(schedule, known)),
        *_of_absences(known),
        *(finding for policy in known.policies for finding in _of_policy(policy, known)),
    ]


def _of_people(known: Known) -> Iterator[Finding]:
    """Whoever is named by a schedule or policy, and is switched off or has no confirmed contact method."""
    users = sorted((known.roster.users[pk] for pk in known.places), key=lambda user: (str(user), user.pk))
    for user in users:
        places = known.places[user.pk]
        methods = known.roster.methods.get(user.pk, [])
        where = get_text_list([place.label for place in places], "and")
        teams = frozenset(place.team for place in places if place.team)
        about = frozenset(place.thing for place in places)
        first, who = places[0], str(user.pk)
        if not user.is_active:
            text = f"{user} is switched off and is not paged, but is named by {where}."
            yield Finding("accounts", text, first.url, first.action, teams, about=about, what=who)
        elif not any(method.is_verified for method in methods):
            lacks = "has not confirmed any contact method" if methods else "has no contact method"
            text = f"{user} {lacks}; named by {where}."
            yield Finding("people", text, first.url, first.action, teams, user.pk, about, who)


def _of_schedule(schedule: Schedule, known: Known) -> Iterator[Finding]:
    """Its gaps, in one sentence."""
    spans = tuple(known.gaps(schedule.pk))
    if not spans:
        return
    about: frozenset[Thing] = frozenset({("schedule", schedule.pk)})
    text = f"Nobody is on call for {schedule} {_times(spans, known)}."
    action = "Cover it" if len(spans) == 1 else "Cover them"
    yield Finding("gaps", text, _on(schedule, spans), action, one_team(schedule.team_id), about=about, spans=spans)


def _of_absences(known: Known) -> Iterator[Finding]:
    """Whoever is away in a part of their shifts."""
    away = {row.user_id for row in known.absences}
    for schedule in known.schedules:
        if not away & known.holders(schedule.pk):
            continue
        spans: dict[int, list[Span]] = defaultdict(list)
        for each in absences.against(schedule, known.shifts(schedule.pk), known.absences):
            spans[each.absence.user_id].append((each.start, each.end))
        for pk, found in spans.items():
            text = f"{known.roster.users[pk]} is away while on call for {schedule} {_times(found, known)}."
            yield Finding(
                "away",
                text,
                _on(schedule, found),
                "Open the schedule",
                one_team(schedule.team_id),
                about=frozenset({("schedule", schedule.pk)}),
                what=str(pk),
                spans=tuple(found),
            )


def _on(schedule: Schedule, spans: Sequence[Span]) -> str:
    """The page of a schedule on the day of the first of some stretches."""
    day = timezone.localtime(spans[0][0]).date().isoformat()
    return f"{reverse('oncall:schedule_detail', args=[schedule.pk])}?on={day}"


def _times(spans: Sequence[Span], known: Known) -> str:
    """When something is so, in words."""
    start, end = spans[0]
    if end - start >= AHEAD:
        return f"at any time in the next {AHEAD.days} days"
    if len(spans) == 1:
        return f"from {_moment(start)} {f'until {_moment(end)}' if end < known.end else 'on'}"
    total = durations.words(sum((end - start).total_seconds() for start, end in spans))
    return f"at {len(spans)} times, {total} in all; first from {_moment(start)} until {_moment(end)}"


def one_team(pk: int | None) -> frozenset[int]:
    """The team that owns something, if one does."""
    return frozenset() if pk is None else frozenset({pk})


def _moment(at: datetime) -> str:
    """A moment in the current time zone."""
    local = timezone.localtime(at)
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def _of_policy(policy: EscalationPolicy, known: Known) -> Iterator[Finding]:
    """A policy without steps, and each step that reaches nobody, ever or at times."""
    teams, this = one_team(policy.team_id), ("policy", policy.pk)
    url, action = _page(policy), "Open the policy"
    steps = list(policy.steps.all())
    if not steps:
        text = f"{policy} has no steps: it pages nobody, and the last resort follows at once."
        yield Finding("policies", text, url, action, teams, about=frozenset({this}))
    for step in steps:
        name = f"Step {step.position + 1} of {policy} reaches nobody"
        schedules = {("schedule", target.schedule_id) for target in step.targets.all() if target.schedule_id}
        about: frozenset[Thing] = frozenset({this, *schedules})
        if why := _nobody(step, known):
            yield Finding("policies", f"{name}: {why}.", url, action, teams, about=about, what=why)
        elif spans := _holes(step, known):
            text = f"{name} {_times(spans, known)}."
            yield Finding("policies", text, url, action, teams, about=about, spans=tuple(spans))


def _nobody(step: EscalationStep, known: Known) -> str:
    """Why a step reaches nobody at any time; empty where it reaches somebody."""
    targets = list(step.targets.all())
    if not targets:
        return "it has no targets"
    why = []
    for target in targets:
        people = known.reached(target)
        if any(known.is_reached(user.pk) for user in people):
            return ""
        if people:
            why.append(f"no contact method: {', '.join(map(str, people))}")
        elif target.user:
            why.append(f"{target.user} is switched off")
        else:
            why.append(f"nobody is in the {'team' if target.team_id else 'schedule'} {target}")
    return "; ".join(why)


def _holes(step: EscalationStep, known: Known) -> list[Span]:
    """When a step that reaches somebody at other times reaches nobody: all its schedules have a gap then, or somebody
    on call who cannot be reached."""
    found: list[Span] = [(known.now, known.end)]
    for target in step.targets.all():
        if not target.schedule_id:
            if any(known.is_reached(user.pk) for user in known.reached(target)):
                return []
            continue
        holders = known.holders(target.schedule_id)
        is_sound = all(map(known.is_reached, holders))
        key = target.schedule_id
        missed = known.gaps(key) if is_sound else _missed(known.shifts(key), known)
        if not missed:
            return []
        pairs = ((max(one[0], other[0]), min(one[1], other[1])) for one, other in product(found, missed))
        found = [(start, end) for start, end in pairs if start < end]
    return found


def _missed(held: Iterable[Shift], known: Known) -> list[Span]:
    """The stretches of some shifts in which nobody is reached, joined where they touch."""
    found: list[Span] = []
    for shift in held:
        if shift.holder is not None and known.is_reached(shift.holder):
            continue
        joins = found and found[-1][1] == shift.start
        found.append((found.pop()[0] if joins else shift.start, shift.end))
    return found


def _of_channels() -> Iterator[Finding]:
    """Channels on which messages wait after so many failures that a sender's breaker has opened."""
    waiting = Notification.objects.pending().filter(attempt_count__gt=0).order_by("channel")
    counts = waiting.values_list("channel").annotate(count=Count("pk"), tries=Sum("attempt_count"))
    for channel, count, tries in counts.filter(tries__gte=FAILURES_TO_OPEN):
        messages = "1 message waits" if count == 1 else f"{count:,} messages wait"
        text = f"{Channel(channel).label}: {messages} after {tries:,} failed tries, and Muster goes on trying."
        url = f"{reverse('notifications:outbox')}?state=pending&channel={channel}"
        yield Finding("channels", text, url, "Open the outbox", what=channel)


def grouped(findings: Iterable[Finding]) -> list[tuple[str, str, list[Finding]]]:
    """(group, its title, its findings) in the order of ``GROUPS``, without empty ones."""
    found = list(findings)
    groups = ((group, title, [each for each in found if each.group == group]) for group, title in GROUPS.items())
    return [group for group in groups if group[2]]
