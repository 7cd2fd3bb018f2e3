"""Random histories: what people and monitors do to incidents, through the functions that they do it with.

A world is drawn from a seed: a site somewhere, its people, teams, services, promises, and incidents that are declared
around midnights, Mondays and changes of the clocks. ``go_on`` has more happen to a world that is there.
"""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Team, User
from alerts.models import Alert, Group, Integration
from catalog.models import Service
from incidents import action_items, changes, letting_go, lifecycle, policy, sla, snoozing
from incidents.lifecycle import Draft
from incidents.models import ActionItem, Holiday, Incident, IncidentSettings, SeverityPolicy, TimelineEntry
from incidents.models.incident import ANSWERED, NotAllowedNow
from notifications.models import Notification
from postmortems import drafting
from postmortems.models import Factor, Postmortem
from tests import make

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Chatham")
PEOPLE = (*ZONES, "UTC", "America/St_Johns", "Africa/Cairo")
SEVERITIES = ("critical", "high", "medium", "low")
# Around the transitions of the zones above, and one day that is none of them.
MOMENTS = [
    datetime(2026, month, day, hour, minute, tzinfo=UTC)
    for month, day, hour, minute in (
        (3, 8, 7, 0), (3, 29, 1, 0), (4, 4, 15, 0), (9, 26, 14, 0), (10, 3, 15, 30), (10, 25, 1, 0), (11, 1, 6, 0),
        (7, 1, 0, 0),
    )
]  # fmt: skip
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOTHING_THERE = (NotAllowedNow, ValidationError)


@dataclass
class World:
    """A site and its incidents; everything that happens there happens before ``now``."""

    dice: random.Random
    zone: str
    now: datetime
    admin: User
    people: list[User]
    stranger: User
    teams: list[Team]
    services: list[Service]
    factors: list[Factor]
    door: Integration
    clocks: dict[int, datetime] = field(default_factory=dict)  # until when each incident has been lived

    @property
    def incidents(self) -> list[Incident]:
        return list(Incident.objects.order_by("pk"))


def world(seed: int, *, incidents: int) -> World:
    """A world with that many incidents."""
    dice = random.Random(seed)  # noqa: S311
    zone = ZONES[seed % len(ZONES)]
    _site(dice, zone)
    people = [make.user(f"p{n}", time_zone=dice.choice(PEOPLE)) for n in range(5)]
    make.contact(people[0], "webhook", "https://example.com/hook")
    teams = [make.team(f"t{n}", *dice.sample(people, 2)) for n in range(3)]
    escalation = make.escalation_policy(people[0], (people[1], people[2]))
    services = [make.service(f"s{n}", team=dice.choice([*teams, None]), policy=escalation) for n in range(5)]
    made = World(
        dice,
        zone,
        dice.choice(MOMENTS) + timedelta(days=dice.uniform(0.5, 30)),
        make.user("admin", role="admin", time_zone=dice.choice(PEOPLE)),
        people,
        make.user("stranger", role="viewer", email=False),
        teams,
        services,
        [Factor.objects.create(name=f"Factor {n}") for n in range(3)],
        make.integration()[0],
    )
    for _ in range(incidents):
        live(made)
    _end(made)
    return made


def _site(dice: random.Random, zone: str) -> None:
    policy.ensure_defaults()
    opens = dice.randint(6, 10)
    days = sorted(dice.sample(range(1, 8), dice.randint(3, 6)))
    IncidentSettings.objects.update(time_zone=zone, opens_at=time(opens), closes_at=time(opens + 8, 30), weekdays=days)
    Holiday.objects.bulk_create(
        Holiday(date=date(2026, 1, 1) + DAY * day, name="x") for day in dice.sample(range(360), 20)
    )
    for row in SeverityPolicy.objects.all():
        row.resolve_within_minutes = dice.choice([None, 60, 480, 3000])
        row.needs_postmortem = dice.random() < 0.7
        row.postmortem_within_days = dice.choice([1, 5, 10]) if row.needs_postmortem else None
        row.save()


def _created(it: World) -> datetime:
    """Half of them within a day and a half of a moment that is special, the others anywhere in twenty weeks."""
    dice = it.dice
    near = [moment for moment in MOMENTS if it.now - timedelta(weeks=20) < moment < it.now - 2 * DAY]
    if near and dice.random() < 0.4:
        return dice.choice(near) + timedelta(hours=dice.uniform(-36, 36))
    at = it.now - timedelta(weeks=20 * dice.random())
    if dice.random() < 0.3:  # about midnight, Mondays among them
        here = at.astimezone(ZoneInfo(it.zone))
        midnight = datetime.combine(here.date() - DAY * (here.weekday() if dice.random() < 0.6 else 0), time())
        at = midnight.replace(tzinfo=ZoneInfo(it.zone)).astimezone(UTC)
        at += timedelta(microseconds=dice.choice([-1, 0, 1, -3_600_000_000, 3_599_999_999]))
    return min(at, it.now - HOUR / 60)


def _later(it: World, at: datetime) -> datetime:
    """Some seconds, minutes, hours or days later."""
    most = it.dice.choice([30, 900, 900, 7_200, 7_200, 90_000, 900_000])
    return at + timedelta(microseconds=it.dice.randint(0, most * 1_000_000))


def live(it: World) -> None:
    """One incident, from its declaration to some later moment."""
    dice, at = it.dice, _created(it)
    incident = lifecycle.declare(
        Draft(
            title="It is broken",
            severity=dice.choice(SEVERITIES),
            services=dice.sample(it.services, dice.choice([0, 1, 1, 2])),
            started_at=at - timedelta(seconds=dice.choice([0, 0, 90, 100_000])),
            assignee=dice.choice([None, None, *it.people]),
            by=dice.choice([None, *it.people]),
            is_private=dice.random() < 0.15,
        ),
        now=at,
    )
    for _ in range(dice.randint(0, 12)):
        at = _later(it, max(at, it.clocks.get(incident.pk, at)))
        if at >= it.now:
            break
        act(it, incident, at)
    _alerts(it, incident)
    _pages(it, incident)


def act(it: World, incident: Incident, at: datetime) -> None:
    """Something happens to it, if it can, and never before what has happened."""
    does = it.dice.choice(ACTS)
    at = it.clocks[incident.pk] = max(at, it.clocks.get(incident.pk, at))
    with suppress(*NOTHING_THERE), transaction.atomic():
        does(it, incident, it.dice.choice(it.people), at)


def _transition(it: World, incident: Incident, by: User, at: datetime) -> None:
    to = it.dice.choice(["acknowledged", "investigating", "mitigating"])
    lifecycle.transition(incident, to=to, by=by, now=at)


def _snooze(it: World, incident: Incident, by: User, at: datetime) -> None:
    """It ends by itself, by hand, or not yet."""
    until = _later(it, at + timedelta(seconds=1))
    snoozing.snooze(incident, until=until, by=by, now=at)
    if it.dice.random() < 0.3:
        it.clocks[incident.pk] = at + (until - at) / 2
        snoozing.wake(incident, by=by, now=it.clocks[incident.pk])
    elif until < it.now:
        it.clocks[incident.pk] = until
        snoozing.wake_due(now=until)


def _still_on_it(_: World, incident: Incident, by: User, at: datetime) -> None:
    """The answer to a reminder, which moves nothing."""
    awake = Incident.objects.filter(pk=incident.pk, status__in=ANSWERED, snoozed_until=None)
    awake.update(reminded_at=at, quiet_due_at=at)
    lifecycle.acknowledge(incident, by=by, now=at)


def _item(it: World, incident: Incident, by: User, at: datetime) -> None:
    due = it.dice.choice([None, at.date() + DAY * it.dice.randint(1, 20)])
    item = action_items.add(incident, title="Do it", by=by, due_on=due, now=at)
    done = _midnight(it, due) if due and it.dice.random() < 0.4 else at + timedelta(days=it.dice.uniform(0, 30))
    _end_item(it, item, by, done)


def _midnight(it: World, day: date) -> datetime:
    """The last or the first microsecond about the end of a day of the site."""
    end = datetime.combine(day + DAY, time(), ZoneInfo(it.zone)).astimezone(UTC)
    return end + timedelta(microseconds=it.dice.choice([-1, 0, 1]))


def _end_item(it: World, item: ActionItem, by: User, at: datetime) -> None:
    ends = it.dice.choice(["done", "done", "accepted", "reopened", "open"])
    if ends in ("done", "reopened"):
        action_items.set_done(item, by=by, now=at)
    if ends == "accepted":
        action_items.accept_risk(item, reason="We live with it.", by=by, now=at)
    if ends == "reopened":
        action_items.reopen(item, by=by, now=at)


def _learn(it: World, incident: Incident, by: User, at: datetime) -> None:
    postmortem = drafting.start(incident, by=by, now=at)
    postmortem.factors.set(it.dice.sample(it.factors, it.dice.randint(0, 2)))
    _publish(it, postmortem, at)


def _publish(it: World, postmortem: Postmortem, at: datetime) -> None:
    if it.dice.random() < 0.7:
        when = min(at + timedelta(days=it.dice.uniform(0, 12)), it.now)
        Postmortem.objects.filter(pk=postmortem.pk).update(
            state="published", published_at=when, first_published_at=when
        )
    elif it.dice.random() < 0.3:  # taken back
        Postmortem.objects.filter(pk=postmortem.pk).update(state="draft", published_at=None)


def _change_severity(it: World, incident: Incident, by: User, at: datetime) -> None:
    changes.change_severity(incident, to=it.dice.choice(SEVERITIES), by=by, now=at)


def _change_services(it: World, incident: Incident, by: User, at: datetime) -> None:
    changes.change_services(incident, services=it.dice.sample(it.services, it.dice.randint(0, 3)), by=by, now=at)


def _edit(it: World, incident: Incident, by: User, at: datetime) -> None:
    started_at = at - timedelta(seconds=it.dice.randint(0, 200_000))
    changes.edit(incident, by=by, now=at, started_at=started_at, is_private=it.dice.random() < 0.2)


def _exclude(it: World, incident: Incident, by: User, at: datetime) -> None:
    changes.edit(incident, by=by, now=at, excluded_from_metrics=it.dice.random() < 0.7)


def _merge(it: World, incident: Incident, _by: User, _at: datetime) -> None:
    other = it.dice.choice([None, *Incident.objects.exclude(pk=incident.pk)])
    Incident.objects.filter(pk=incident.pk).update(merged_into=other)


def _forget_timeline(_it: World, incident: Incident, _by: User, _at: datetime) -> None:
    TimelineEntry.objects.filter(incident=incident).delete()


_USUAL = (
    lambda _, incident, by, at: lifecycle.acknowledge(incident, by=by, now=at),
    _transition,
    lambda _, incident, by, at: lifecycle.resolve(incident, by=by, now=at),
    lambda it, incident, by, at: lifecycle.resolve(incident, by=it.dice.choice([by, None]), now=at),
    lambda _, incident, by, at: lifecycle.reopen(incident, reason="It is back.", by=by, now=at),
)
ACTS = (
    *_USUAL * 4,
    lambda _, incident, by, at: letting_go.unacknowledge(incident, by=by, now=at),
    lambda _, incident, by, at: letting_go.unacknowledge(incident, by=by, now=at),
    lambda it, incident, by, at: changes.assign(incident, to=it.dice.choice([None, *it.people]), by=by, now=at),
    *(_snooze, _still_on_it, _still_on_it) * 2,
    _change_severity, _change_severity, _change_severity, _change_services, _edit, _exclude, _merge,
    _item, _item, _learn, _learn, _learn,
)  # fmt: skip


def _alerts(it: World, incident: Incident) -> None:
    for _ in range(it.dice.choice([0, 0, 1, 2])):
        at = incident.created_at
        group = Group.objects.create(
            integration=it.door, group_key=str(it.dice.random()), incident=incident, opened_at=at, closed_at=at
        )
        Alert.objects.bulk_create(
            Alert(
                integration=it.door, group=group, fingerprint=str(n), title="Alert", severity="high", status="resolved",
                started_at=at, resolved_at=at,
            )
            for n in range(it.dice.randint(0, 4))
        )  # fmt: skip


def _pages(it: World, incident: Incident) -> None:
    """What was to be sent is, or is not; and pages of later steps, some of them by two ways at once."""
    dice = it.dice
    for row in Notification.objects.filter(topic=incident.topic, state="pending"):
        _sent(it, row)
    for _ in range(dice.choice([0, 1, 4])):
        person = dice.choice(it.people)
        at = incident.created_at + timedelta(minutes=dice.choice([0, 20, 60, 600, 3000]), seconds=dice.randint(0, 1800))
        rows = [
            Notification(
                topic=incident.topic, key=str(dice.random()), purpose=dice.choice(["page", "page", "page", "notice"]),
                user=person, recipient="x", channel=channel, address="x", title="x", due_at=at, created_at=at,
            )
            for channel in dice.choice([["email"], ["email", "webhook"]])
        ]  # fmt: skip
        for row in Notification.objects.bulk_create(rows):
            _sent(it, row)


def _sent(it: World, row: Notification) -> None:
    state = it.dice.choice(["sent", "sent", "sent", "kept", "failed", "cancelled", "pending"])
    finished_at = None if state == "pending" else row.due_at
    Notification.objects.filter(pk=row.pk).update(state=state, finished_at=finished_at)


def _end(it: World) -> None:
    while sla.check_due(now=it.now):
        pass


# ---- more of the same -----------------------------------------------------------------------------------------------


def go_on(it: World, *, things: int) -> None:
    """Time goes on, and things happen: to incidents, and to what their figures depend on besides."""
    dice = it.dice
    for _ in range(things):
        incident = dice.choice(it.incidents)
        at = it.now + timedelta(seconds=dice.randint(1, 200_000))
        does = dice.choice([act, act, act, _elsewhere])
        does(it, incident, at)
    it.now += timedelta(days=dice.uniform(3, 9))
    _end(it)


def _elsewhere(it: World, incident: Incident, _at: datetime) -> None:
    dice = it.dice
    what = dice.randrange(9)
    if what == 0:
        Incident.objects.filter(merged_into=incident).update(merged_into=None)
        Incident.objects.filter(pk=incident.pk).delete()
    elif what == 1:
        Service.objects.filter(pk=dice.choice(it.services).pk).update(team=dice.choice([*it.teams, None]))
    elif what == 2:
        User.objects.filter(pk=dice.choice(it.people).pk).update(time_zone=dice.choice(PEOPLE))
    elif what == 3:
        Alert.objects.filter(group__incident=incident).delete()
    elif what == 4:
        Group.objects.filter(incident=incident).update(incident=dice.choice(it.incidents))
    elif what == 5:
        for row in Notification.objects.filter(topic=incident.topic, purpose="page"):
            _sent(it, row)
    elif what == 6:
        ActionItem.objects.filter(incident=incident).update(due_on=it.now.date())
    elif what == 7:
        Postmortem.objects.filter(incident=incident).delete()
    else:
        Incident.objects.filter(pk=incident.pk).update(created_at=incident.created_at - timedelta(days=8))


def move_house(it: World) -> None:
    """The site's zone becomes another one, and postmortems are promised by another day."""
    it.zone = ZONES[(ZONES.index(it.zone) + 1) % len(ZONES)]
    IncidentSettings.objects.update(time_zone=it.zone)
    SeverityPolicy.objects.filter(needs_postmortem=True).update(postmortem_within_days=3)
