"""What is under way as the demo begins: declared, answered and worked on with the functions that pages use."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from alerts import ledger
from alerts.models import Group
from incidents import action_items, communication, lifecycle, snoozing, timeline
from incidents.lifecycle import Draft
from incidents.models import Incident, Severity, Status
from incidents_site.demo import alarms, history, in_public
from incidents_site.demo.failures_of_change import DEPLOY
from incidents_site.demo.failures_of_load import BACKLOG
from incidents_site.demo.rhythm import Occasion
from incidents_site.demo.story import Words
from notifications.models import Attempt, Notification

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from accounts.models import User
    from incidents_site.demo.company import Company

MINUTE = timedelta(minutes=1)
UNANSWERED_FOR = timedelta(minutes=2, seconds=40)  # before the second step, and before the promise ends

OUTAGE = replace(
    DEPLOY,
    summaries=("34 % of queries fail in every region since {version}",),
    descriptions=(
        "Searches and dashboards answer `503` for about one query in three. The rollout of {version} reached the last "
        "region two minutes before.",
    ),
)
LATE = replace(
    BACKLOG,
    summaries=("consumer group ingest-main is {count} messages behind and falling back",),
    descriptions=("New documents become searchable half an hour late. Nothing is lost. Three brokers are affected.",),
)


def load(company: Company, *, now: datetime) -> list[Incident]:
    """Three incidents that are open: one nobody has answered yet, one in the middle of the work, one that can wait and
    is snoozed. And two that turned out to be the second one, seen from elsewhere; they were merged into it as they
    stood."""
    rng = random.Random(history.SEED)
    waits = _slow_builds(company, now=now)
    late = _late(company, rng, now=now)
    same = [_delayed_documents(company, late, now=now), _old_numbers(company, late, now=now)]
    outage = _outage(company, rng, now=now)
    found = [waits, late, *same, outage]
    numbers = [incident.pk for incident in found]
    Incident.objects.filter(pk__in=numbers).update(is_demo=True)
    Incident.objects.filter(pk__in=[incident.pk for incident in same]).update(merged_into=late)
    return found


def _outage(company: Company, rng: random.Random, *, now: datetime) -> Incident:
    occasion = Occasion(
        at=now - UNANSWERED_FOR, failure=OUTAGE, slug="query-engine", severity=Severity.CRITICAL, by_monitor=True
    )
    return _fires(
        occasion,
        company,
        rng,
        hosts=("query-engine-2", "query-engine-5", "query-engine-6"),
        also=("ai-service", "dashboards"),
        began=MINUTE,
    )


def _late(company: Company, rng: random.Random, *, now: datetime) -> Incident:
    at = now - 34 * MINUTE
    occasion = Occasion(at=at, failure=LATE, slug="kafka", severity=Severity.HIGH, by_monitor=True)
    incident = _fires(
        occasion, company, rng, hosts=("kafka-3", "kafka-5", "kafka-7"), also=("ingest-pipeline",), began=4 * MINUTE
    )
    sam, jonas = company.users["sam"], company.users["jonas"]
    lifecycle.acknowledge(incident, by=sam, now=at + timedelta(minutes=2, seconds=51))
    lifecycle.transition(incident, to=Status.INVESTIGATING, by=sam, now=at + 5 * MINUTE)
    for minutes, author, text in (
        (6, sam, "Consumers are up and idle, so they wait for the brokers. Lag grows on **kafka-3, -5 and -7** only."),
        (
            15,
            jonas,
            "Those three are the ones with the new disks. Flush times, 5 min average:\n\n"
            "| broker | before | now |\n|---|---|---|\n| kafka-3 | 4 ms | 310 ms |\n| kafka-5 | 4 ms | 285 ms |\n"
            "| kafka-7 | 5 ms | 332 ms |\n\nThe other six are unchanged.",
        ),
        (
            27,
            sam,
            "Looks like the write cache is off on the new disks:\n\n```\n$ cat /sys/block/nvme1n1/queue/write_cache\n"
            "write through\n```\n\nNext steps:\n\n1. switch it on at kafka-3, watch for 5 min\n2. then -5 and -7\n"
            "3. if that is not it, move the leaders away",
        ),
    ):
        timeline.add_note(incident, text=text, by=author, now=at + minutes * MINUTE)
    for minutes, kind, caption, url in (
        (8, "metric", "Lag by partition", "https://grafana.finchlight.example/d/kafka/lag?group=ingest-main"),
        (14, "metric", "Flush time by broker", "https://grafana.finchlight.example/d/kafka/disk"),
        (16, "log", "kafka-3: slow flush warnings", "https://logs.finchlight.example/host/kafka-3?q=flush"),
    ):
        timeline.link_evidence(incident, url=url, kind=kind, caption=caption, by=jonas, now=at + minutes * MINUTE)
    _speak_and_promise(incident, by=sam, owner=jonas, at=at)
    _say_in_public(incident, company, now=now)
    return incident


def _speak_and_promise(incident: Incident, *, by: User, owner: User, at: datetime) -> None:
    """What those who wait were told, and what shall be done when it is over."""
    for minutes, status, message in (
        (
            9,
            "investigating",
            "New documents appear in search with a delay of up to half an hour. Nothing is lost. We are looking for "
            "the reason; next word by the half hour.",
        ),
        (
            28,
            "identified",
            "We know why: the new disks of three Kafka brokers write slowly. We are changing their setting one by "
            "one. **Expect the delay to shrink within the hour.**",
        ),
    ):
        communication.post_update(incident, message=message, status=status, by=by, now=at + minutes * MINUTE)
    soon = at.date() + timedelta(days=14)
    for minutes, title, who, due_on in (
        (29, "Check the write cache of every new disk before it takes data", owner, soon),
        (31, "Alert on flush times above 50 ms", None, None),
    ):
        now = at + minutes * MINUTE
        action_items.add(incident, title=title, owner=who, due_on=due_on, by=by, now=now)
    hand_over_pages(incident, random.Random(incident.pk))


def _say_in_public(incident: Incident, company: Company, *, now: datetime) -> None:
    """The same for customers, in their words: the first was corrected, and the next waits for the time that the last
    one names."""
    sam = company.users["sam"]
    part = company.parts[in_public.LATE_PART].public_id
    said: dict[str, Any] = {"visibility": "external", "title": in_public.LATE_TITLE, "by": sam}
    said["affects"] = {part: in_public.LATE_HEALTH}
    (began, looking, first), (found, known, second) = in_public.LATE
    at, soon = now - began * MINUTE, now + (30 - began) * MINUTE
    update = communication.post_update(incident, message=first, status=looking, next_at=soon, now=at, **said)
    at += in_public.LATE_CORRECTED_AFTER
    communication.edit(update, message=in_public.LATE_CORRECTED, by=sam, now=at)
    at = now - found * MINUTE
    promised = at + in_public.NEXT_WORD_AFTER
    communication.post_update(incident, message=second, status=known, next_at=promised, now=at, **said)
    goes_out = promised - in_public.WRITTEN_BEFORE
    communication.post_update(incident, message=in_public.LATE_NEXT, status=known, publish_at=goes_out, now=at, **said)


def _delayed_documents(company: Company, late: Incident, *, now: datetime) -> Incident:
    jonas, at = company.users["jonas"], now - 29 * MINUTE
    incident = _reported(
        company,
        "ingest-pipeline",
        title="Ingest Pipeline: Orchard Retail's documents appear half an hour late",
        description="Reported by support. Their nightly import is complete, but the documents cannot be found yet.",
        at=at,
    )
    lifecycle.transition(incident, to=Status.MITIGATING, by=jonas, now=at + 5 * MINUTE)
    text = "Gave Orchard Retail's import a consumer of its own, so that theirs is searchable first."
    timeline.record_mitigation(incident, kind="scaled", text=text, by=jonas, now=at + 6 * MINUTE)
    note = f"This is {late.reference}: their partition is on kafka-5. Merging, we work on it there."
    timeline.add_note(incident, text=note, by=jonas, now=at + 11 * MINUTE)
    return incident


def _old_numbers(company: Company, late: Incident, *, now: datetime) -> Incident:
    kofi, at = company.users["kofi"], now - 21 * MINUTE
    incident = _reported(
        company,
        "dashboards",
        title="Dashboards show numbers that are 30 minutes old",
        description="Charts load fast, but end half an hour ago. Several customers ask.",
        at=at,
    )
    lifecycle.acknowledge(incident, by=kofi, now=at + 4 * MINUTE)
    note = f"The events are still in Kafka, so this is {late.reference}. Merging; I tell support."
    timeline.add_note(incident, text=note, by=kofi, now=at + 9 * MINUTE)
    return incident


def _slow_builds(company: Company, *, now: datetime) -> Incident:
    tomo, at = company.users["tomo"], now - 52 * MINUTE
    incident = _reported(
        company,
        "ci",
        title="CI: builds wait for a runner, two of ten are out of disk space",
        description="Builds take about twice as long. Nothing fails.",
        at=at,
    )
    lifecycle.acknowledge(incident, by=tomo, now=at + 6 * MINUTE)
    note = "The nightly clean-up frees them. Eight runners are enough until then, so I look again afterwards."
    timeline.add_note(incident, text=note, by=tomo, now=at + 9 * MINUTE)
    return snoozing.snooze(incident, until=now + timedelta(hours=4), by=tomo, now=at + 10 * MINUTE)


def _fires(
    occasion: Occasion,
    company: Company,
    rng: random.Random,
    *,
    hosts: Sequence[str],
    also: Sequence[str],
    began: timedelta,
) -> Incident:
    """Alerts of Prometheus come in and still fire; the first pages have been handed over."""
    service = company.services[occasion.slug]
    words = Words(occasion.failure, rng, service=service.name, slug=occasion.slug)
    alarm = alarms.raised(occasion, words, company, hosts=hosts)
    alarms.event(alarm, alarm.payload, at=occasion.at).save()
    draft = Draft(
        title=alarm.delivery.title,
        description=alarm.delivery.description,
        severity=alarm.delivery.severity,
        services=[service, *(company.services[slug] for slug in also)],
        started_at=occasion.at - began,
        source=str(alarm.integration),
        facts=alarm.delivery.facts,
    )
    incident = lifecycle.declare(draft, now=occasion.at)
    group = Group.objects.create(
        integration=alarm.integration, group_key=alarm.delivery.group_key, incident=incident, opened_at=occasion.at
    )
    ledger.write([(alarm.integration, group, [alarm.delivery])], now=occasion.at)
    hand_over_pages(incident, rng)
    return incident


def _reported(company: Company, slug: str, *, title: str, description: str, at: datetime) -> Incident:
    service = company.services[slug]
    draft = Draft(
        title=title,
        description=description,
        severity=Severity.MEDIUM,
        services=[service],
        started_at=at - 12 * MINUTE,
        by=company.members(service)[0],
    )
    incident = lifecycle.declare(draft, now=at)
    hand_over_pages(incident, random.Random(incident.pk))
    return incident


def hand_over_pages(incident: Incident, rng: random.Random) -> None:
    """What was due at once went out at once, although it is written down only now."""
    rows = list(Notification.objects.pending().filter(topic=incident.topic))
    attempts = history.kept(rows, rng)
    Notification.objects.bulk_update(rows, ["state", "attempt_count", "finished_at"])
    Attempt.objects.bulk_create(attempts)
