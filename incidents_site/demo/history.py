"""The last six months: every past incident, acted out in memory and written with one statement a table."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING

from django.db.models import F
from django.db.models.functions import Coalesce

from incidents import escalation, plan, sla
from incidents.models import (
    AffectedService,
    Evidence,
    Incident,
    NoteRevision,
    PlannedAction,
    Severity,
    SlaClock,
    TimelineEntry,
)
from incidents.models.obligations import Escalation
from incidents.telling import Reach
from incidents_site.demo import aftermath, alarms, course, in_public, rhythm, stall, write_ups
from incidents_site.demo.aftermath import Aftermath
from incidents_site.demo.replay import Replay, World
from incidents_site.demo.story import Words
from notifications.models import Attempt, Notification

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from incidents_site.demo.company import Company
    from incidents_site.demo.rhythm import Occasion

SEED = 20_240_229
KEPT = "Demo data: kept in the outbox."
ALSO_AFFECTED = {Severity.CRITICAL: 0.6, Severity.HIGH: 0.35, Severity.MEDIUM: 0.12, Severity.LOW: 0.04}

State = SlaClock.State


def load(company: Company, *, now: datetime, seed: int = SEED) -> int:
    """Write the whole history; returns the number of incidents. The same seed and ``now`` give the same history."""
    rng = random.Random(seed)
    replays = [_begin(occasion, company, rng, now=now) for occasion in rhythm.occasions(rng, now=now)]
    write_ups.arrange(replays, now=now)
    replays.append(stall.begin(company, now=now))
    replays.sort(key=lambda replay: replay.course.created_at)
    Incident.objects.bulk_create([replay.incident for replay in replays])
    AffectedService.objects.bulk_create(
        AffectedService(incident=replay.incident, service=service) for replay in replays for service in replay.services
    )
    world = _world(company, replays, now=now)
    for replay in replays:
        replay.clocks = _clocks(replay, world.compiler)
    SlaClock.objects.bulk_create(chain.from_iterable(replay.clocks for replay in replays))
    rows = alarms.AlarmRows()
    for replay in replays:
        replay.run(world)
        _add_alarm(rows, replay, now=now)
    _write(replays)
    rows.write()
    return len(replays)


def _begin(occasion: Occasion, company: Company, rng: random.Random, *, now: datetime) -> Replay:
    """The incident as it was declared, and what will come of it."""
    service = company.services[occasion.slug]
    words = Words(occasion.failure, rng, service=service.name, slug=occasion.slug)
    team, drawn = company.members(service), course.of(occasion, rng, now=now)
    alarm = alarms.raised(occasion, words, company) if occasion.by_monitor else None
    incident = Incident(
        title=alarm.delivery.title if alarm else words.pick(occasion.failure.reports),
        description=alarm.delivery.description if alarm else words.pick(occasion.failure.descriptions),
        severity=occasion.severity.value,
        created_at=drawn.created_at,
        started_at=drawn.started_at,
        created_by=None if alarm else rng.choice(team),
        source=str(alarm.integration) if alarm else "",
        facts=alarm.delivery.facts if alarm else {},
        is_demo=True,
    )
    late_at = drawn.created_at + 0.3 * ((drawn.acknowledged_at or drawn.resolved_at) - drawn.created_at)
    others = rhythm.NEIGHBOURS.get(occasion.slug, ())
    also = rng.sample(others, k=rng.randint(1, 2)) if others and rng.random() < ALSO_AFFECTED[occasion.severity] else []
    services = [service, *(company.services[slug] for slug in also)]
    slugs = [occasion.slug, *also]
    voice = in_public.voice_of(incident, company, slugs, now=now)
    after = Aftermath(now, random.Random(words.values["number"] + incident.title), voice)
    chance = random.Random(f"{incident.title}/{words.values['number']}")
    written = write_ups.of(drawn, occasion.severity, chance, now=now)
    return Replay(incident, drawn, words, team, services, after, written, alarm=alarm, late_at=late_at)


def _world(company: Company, replays: Sequence[Replay], *, now: datetime) -> World:
    reach = Reach({replay.incident.pk: replay.services for replay in replays}, now=now)
    reach.learn(people=company.users.values())
    compiler = plan.Compiler()
    policies = [*company.policies.values(), reach.default_policy()]
    plans = escalation.plans_for([escalation.start(Incident(), each, now=now) for each in policies], reach)
    return World(reach, compiler, plans)


def _clocks(replay: Replay, compiler: plan.Compiler) -> list[SlaClock]:
    """The promises of the incident, as they ended."""
    incident, course = replay.incident, replay.course
    policy = compiler.policies[incident.severity]
    clocks = sla.clocks_for(incident, policy, compiler.settings, now=incident.created_at)
    for clock in clocks:
        if clock.kind == SlaClock.Kind.RESPONSE:
            _settle(clock, at=course.acknowledged_at or course.resolved_at, is_kept=course.acknowledged_at is not None)
        else:
            _settle(clock, at=course.ended_first_at or course.resolved_at, is_kept=True)
    if course.reopened_at:
        again = sla.resolution_clock_for(incident, policy, now=course.reopened_at)
        for clock in again:
            _settle(clock, at=course.resolved_at, is_kept=True)
        clocks += again
    return clocks


def _settle(clock: SlaClock, *, at: datetime, is_kept: bool) -> None:
    """How a clock ended that was stopped at ``at``."""
    if at > clock.warn_at:
        clock.warned_at = clock.warn_at
    if at > clock.due_at:
        clock.state, clock.breached_at, clock.met_at = State.BREACHED, clock.due_at, at if is_kept else None
    elif is_kept:
        clock.state, clock.met_at = State.MET, at
    else:
        clock.state, clock.cancelled_at = State.CANCELLED, at


def _add_alarm(rows: alarms.AlarmRows, replay: Replay, *, now: datetime) -> None:
    if replay.alarm is None:
        return
    end, seconds = replay.course.resolved_at, replay.rng.uniform(60, 1500)
    if not replay.course.monitor_ended_it:  # people were faster than the monitor
        end = min(end + timedelta(seconds=seconds), now - timedelta(minutes=30))
    alarms.add_rows(rows, replay.alarm, replay.incident, late_at=replay.late_at, end=end)


def _write(replays: Sequence[Replay]) -> None:
    incidents = [replay.incident for replay in replays]
    fields = ["severity", "status", "assignee", "acknowledged_at", "resolved_at", "root_cause", "is_unanswered"]
    Incident.objects.bulk_update(incidents, fields, batch_size=100)
    Incident.objects.filter(is_demo=True).update(updated_at=Coalesce(F("resolved_at"), F("created_at")))
    PlannedAction.objects.bulk_create(chain.from_iterable(replay.actions for replay in replays))
    Escalation.objects.bulk_create(chain.from_iterable(replay.escalations for replay in replays))
    aftermath.write(replay.aftermath for replay in replays)
    evidence = list(chain.from_iterable(replay.evidence for replay in replays))
    Evidence.objects.bulk_create([found for found, _ in evidence])
    for found, entry in evidence:
        entry.data["evidence"] = found.pk
    TimelineEntry.objects.bulk_create(chain.from_iterable(replay.entries for replay in replays))
    write_ups.write(replays)
    NoteRevision.objects.bulk_create(chain.from_iterable(replay.revisions for replay in replays))
    rows = list(chain.from_iterable(replay.notifications.values() for replay in replays))
    for row in rows:
        row.actions = []  # the buttons of past pages have had their day
    attempts = kept(rows, replays[0].rng)
    Notification.objects.bulk_create(rows)
    Attempt.objects.bulk_create(attempts)


def kept(rows: Sequence[Notification], rng: random.Random) -> list[Attempt]:
    """Finish what is pending as the delivery engine does for demo people: kept, after one try. Nothing is saved."""
    attempts = []
    for row in rows:
        if row.state != Notification.State.PENDING:
            continue
        begun = row.due_at + timedelta(seconds=rng.uniform(0.05, 0.6))
        row.state, row.attempt_count = Notification.State.KEPT, 1
        row.finished_at = begun + timedelta(seconds=rng.uniform(0.05, 0.7))
        attempts.append(
            Attempt(
                notification=row,
                number=1,
                started_at=begun,
                finished_at=row.finished_at,
                outcome=Attempt.Outcome.KEPT,
                detail=KEPT,
            )
        )
    return attempts
