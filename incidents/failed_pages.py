"""Pages that could not be handed over: the next step follows at once where nobody else of theirs was reached."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from core.work import claim, nudge
from incidents.consequences import Consequences, Kind
from incidents.escalation import BATCH
from incidents.models import Escalation, Incident
from incidents.models.incident import topic_of
from notifications.models import Notification

if TYPE_CHECKING:
    from datetime import datetime


def follow_up_failed(*, now: datetime, patience: timedelta = timedelta(seconds=30)) -> int:
    """Pages that failed, or could not be handed over for half a minute: when nobody else was reached in their step,
    the next step fires at once. A page that is still pending goes on being tried."""
    waiting = Notification.objects.to_follow_up(now=now, patience=patience)
    numbers = {_parse_origin(topic)[0] for topic in waiting.values_list("topic", flat=True)[:BATCH]}
    if not numbers:
        return 0
    gone = numbers - set(Incident.objects.filter(pk__in=numbers).values_list("pk", flat=True))
    waiting.filter(topic__in=[topic_of(number) for number in gone]).update(is_followed_up=True)
    with transaction.atomic():
        incidents = {row.pk: row for row in claim(Incident.objects.filter(pk__in=numbers).order_by("id"), limit=BATCH)}
        pages = claim(waiting.filter(topic__in=[row.topic for row in incidents.values()]), limit=BATCH)
        Notification.objects.filter(pk__in=[page.pk for page in pages]).update(is_followed_up=True)
        by_origin: dict[str, list[Notification]] = defaultdict(list)
        for page in pages:
            by_origin[page.origin or page.topic].append(page)
        reached = set(
            Notification.objects.filter(origin__in=by_origin, is_followed_up=False).values_list("origin", flat=True)
        )
        out = Consequences(now)
        for origin, failed in by_origin.items():
            _record_failures(incidents[_parse_origin(origin)[0]], failed, out)
            if origin not in reached:
                _hasten(origin, now=now)
        out.write()
    nudge("incidents.advance_due")
    return len(pages)


def _record_failures(incident: Incident, failed: list[Notification], out: Consequences) -> None:
    for page in failed:
        out.record(
            incident,
            Kind.PAGE_FAILED,
            person=page.recipient,
            channel=page.channel,
            why=page.error or "not handed over yet",
            still_trying=page.state == Notification.State.PENDING,
        )


def _hasten(origin: str, *, now: datetime) -> None:
    """Fire the step after ``origin`` now, unless the escalation has moved on by itself."""
    number, target, round_, step = _parse_origin(origin)
    Escalation.objects.filter(
        incident=number, target=target, round=round_, next_step=step + 1, state=Escalation.State.RUNNING, due_at__gt=now
    ).update(due_at=now)


def _parse_origin(origin: str) -> tuple[int, str, int, int]:
    """The parts of ``escalation.origin_of``: incident, target, round, step. The last resort has no step."""
    _, number, *rest = origin.split("/")
    if len(rest) < 3:
        return int(number), "", 0, 0
    *target, round_, step = rest
    return int(number), "/".join(target), int(round_), int(step)
