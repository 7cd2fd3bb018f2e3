"""Reminders: owners before and after the day, managers when nobody does it; at nine in the morning where they live.

The sweep looks once in a quarter of an hour, at what is open and at nothing else. Who is reminded of what is written
down beside the messages, in a transaction a batch, so each reminder goes out once.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q

from accounts.models import Membership, User
from core.time_zones import zone
from core.work import each, give_back_when_frozen
from followups import wording
from followups.calendar import DAY, manager_reasons, morning_of, owner_reason, quarter_of
from followups.models import FollowUpSettings, Reminder
from incidents.consequences import Consequences
from incidents.models import ActionItem, Incident
from incidents.policy import policies
from incidents.querysets import UNLISTED
from incidents.telling import Reach
from notifications import health, outbox
from notifications.models import Notification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date, datetime

    from followups.calendar import Reason
    from incidents.models import SeverityPolicy
    from incidents.models.communication import ActionItemQuerySet

log = structlog.get_logger(__name__)

MARK = "followups.reminders"
BATCH = 500
MOST_MESSAGES = 5  # to one person at once; more come as one
EARLIEST_DAY = timedelta(hours=14)  # so far ahead of UTC is the first zone to begin a day


def remind_due(*, now: datetime) -> int:
    """Remind everybody whose morning it is; returns how many reminders went out.

    Each batch is a transaction of its own, and the turn is over after the last: who takes up what another has left in
    the midst finds what was told written down.
    """
    since = quarter_of(now)
    with transaction.atomic():
        if not health.is_turn(MARK, now=now, since=since):
            return 0
    mornings, told = _mornings(now), 0
    if mornings:
        settings = FollowUpSettings.objects.filter(pk=1).first() or FollowUpSettings(pk=1)
        numbers = list(_candidates(settings, now=now).values_list("pk", flat=True))
        work = partial(_remind, settings=settings, mornings=mornings, now=now)
        told = sum(_batch(numbers[at : at + BATCH], work, now=now) for at in range(0, len(numbers), BATCH))
    health.take_turn(MARK, now=now, since=since)
    return told


def _batch(numbers: list[int], work: Callable[[list[int]], int], *, now: datetime) -> int:
    """Remind of a batch of items, all or nothing. One that the database does not take is done by halves, until what
    cannot be written is alone: it keeps no other from its turn."""
    try:
        with transaction.atomic():
            if not health.is_turn(MARK, now=now, since=quarter_of(now)):
                return 0
            give_back_when_frozen()
            return work(numbers)
    except (InterfaceError, OperationalError):
        raise  # the database is away: that is no item's fault
    except Exception:
        if len(numbers) == 1:
            log.exception("a reminder failed", item=numbers[0])
            return 0
    middle = len(numbers) // 2
    return sum(_batch(half, work, now=now) for half in (numbers[:middle], numbers[middle:]))


def _mornings(now: datetime) -> dict[str, date]:
    """The zones of people in which it is morning, each with its day."""
    zones = User.objects.active().order_by().values_list("time_zone", flat=True).distinct()
    found = {name: morning_of(now, zone(name)) for name in zones}
    return {name: day for name, day in found.items() if day}


def _candidates(settings: FollowUpSettings, *, now: datetime) -> ActionItemQuerySet:
    """Open items that anybody could be reminded of; along indexes that hold nothing else."""
    last = (now + EARLIEST_DAY).date() + settings.remind_before_days * DAY
    nobodys = Q(owner=None) | Q(owner__is_active=False)
    return ActionItem.objects.undone().filter(Q(due_on__lte=last) | Q(due_on=None) | nobodys).order_by("created_at")


@dataclass(frozen=True, slots=True)
class _Round:
    """Everything that decides about one batch of items. ``managers`` are by team; ``known`` is what was told.

    Nobody real hears of the demo's items.
    """

    settings: FollowUpSettings
    mornings: Mapping[str, date]
    policies: Mapping[str, SeverityPolicy]
    managers: Mapping[int, list[User]]
    known: frozenset[tuple[int, str, date, int]]
    reach: Reach
    out: Consequences

    def concerned(self, item: ActionItem) -> Iterator[tuple[User, list[Reason], date | None]]:
        """Whoever may have to be reminded and is having their morning, why, and when it is due for them."""
        owner = item.owner if item.owner and item.owner.is_active else None
        people = [owner, *self._managers_of(item, owner)] if owner else self._managers_of(item, None)
        for person in people:
            today = self.mornings.get(person.time_zone)
            if today is None or (item.incident.is_demo and not person.is_demo):
                continue
            written = item.created_at.astimezone(zone(person.time_zone)).date()
            due = self.due_of(item, written=written)
            if person == owner:
                reason = owner_reason(due, written=written, today=today, settings=self.settings)
                reasons = [reason] if reason else []
            else:
                reasons = manager_reasons(
                    due, written=written, today=today, is_owned=owner is not None, settings=self.settings
                )
            yield person, [why for why in reasons if self.is_new(item, why, person)], due

    def is_new(self, item: ActionItem, why: Reason, person: User) -> bool:
        """Whether they were not reminded for this reason yet."""
        return (item.pk, why.kind.value, why.day, person.pk) not in self.known

    def due_of(self, item: ActionItem, *, written: date) -> date | None:
        """Its day; by policy where it has none."""
        days = self.policies[item.incident.severity].follow_up_within_days
        return item.due_on or (written + days * DAY if days else None)

    def _managers_of(self, item: ActionItem, owner: User | None) -> list[User]:
        """Managers of the teams of its services other than the owner, or else every admin."""
        teams = self.reach.teams_of(item.incident)
        found = {user.pk: user for team in teams for user in self.managers.get(team.pk, []) if user != owner}
        return list(found.values()) or [user for user in self.reach.admins() if user != owner]


@dataclass(frozen=True, slots=True)
class _Due:
    """That a person is to be reminded of an item, why, the weightiest first, and when it is due for them."""

    item: ActionItem
    person: User
    reasons: list[Reason]
    due: date | None


def _remind(numbers: list[int], *, settings: FollowUpSettings, mornings: Mapping[str, date], now: datetime) -> int:
    """Remind everybody concerned of a batch of items; returns how many reminders went out."""
    found = ActionItem.objects.undone().filter(pk__in=numbers).select_related("incident", "owner")
    items = list(found.defer(*(f"incident__{name}" for name in UNLISTED)).order_by("pk"))
    reach = Reach.of([item.incident for item in items], now=now)
    managers = _managers({team.pk for item in items for team in reach.teams_of(item.incident)})
    reach.learn(people=[*(item.owner for item in items), *(user for users in managers.values() for user in users)])
    told = Reminder.objects.filter(action_item__in=numbers).values_list("action_item", "kind", "for_day", "user")
    work = _Round(settings, mornings, policies(), managers, frozenset(told), reach, Consequences(now))
    due = [one for found in each(items, partial(_due_of, work=work)) for one in found]
    written = [row for rows in each(_by_message(due), partial(_tell, work=work)) for row in rows]
    Reminder.objects.bulk_create(written, ignore_conflicts=True)
    work.out.write()
    return len({(row.action_item_id, row.user_id) for row in written if row.sent_at})


def _managers(teams: set[int]) -> dict[int, list[User]]:
    """The active managers of teams."""
    found: dict[int, list[User]] = defaultdict(list)
    links = Membership.objects.filter(team__in=teams, is_manager=True, user__is_active=True).select_related("user")
    for link in links.order_by("user_id"):
        found[link.team_id].append(link.user)
    return found


def _due_of(item: ActionItem, *, work: _Round) -> list[_Due]:
    """Whom one item has to remind; nobody hears of a private incident that they do not see."""
    found = [_Due(item, person, reasons, due) for person, reasons, due in work.concerned(item) if reasons]
    return [one for one in found if _sees(one.person, item.incident)]


def _by_message(found: list[_Due]) -> list[list[_Due]]:
    """What comes in one message: where a person has many at once, all that others may read too, and else each."""
    mine: dict[int, list[_Due]] = defaultdict(list)
    for one in found:
        if not (one.item.incident.is_private or one.item.incident.is_demo):
            mine[one.person.pk].append(one)
    together = [ones for ones in mine.values() if len(ones) > MOST_MESSAGES]
    taken = {id(one) for ones in together for one in ones}
    return [*([one] for one in found if id(one) not in taken), *together]


def _tell(found: list[_Due], *, work: _Round) -> list[Reminder]:
    """One message, and the rows that say that it was sent."""
    out = Consequences(work.out.now)
    is_told = _tell_of(found[0], out, work=work) if len(found) == 1 else _tell_digest(found, out, work=work)
    sent_at = out.now if is_told else None
    work.out.notify(out.notifications)
    return [
        Reminder(action_item=one.item, user=one.person, kind=why.kind, for_day=why.day, sent_at=sent_at)
        for one in found
        for why in one.reasons
    ]


def _tell_of(one: _Due, out: Consequences, *, work: _Round) -> bool:
    """For several reasons at once a person gets one message, about the weightiest."""
    item, why = one.item, one.reasons[0]
    today, services = work.mornings[one.person.time_zone], work.reach.services_of(item.incident)
    return work.reach.tell_user(
        item.incident,
        one.person,
        wording.reminder(item, why, due=one.due, today=today, services=services),
        key=f"follow-up/{item.pk}/{why.kind}/{why.day}",
        purpose=Notification.Purpose.NOTICE,
        reason=wording.reason(why),
        out=out,
    )


def _tell_digest(found: list[_Due], out: Consequences, *, work: _Round) -> bool:
    """Many items in one message, what has waited longest first."""
    person = found[0].person
    today = work.mornings[person.time_zone]
    found = sorted(found, key=lambda one: (one.due or today, one.item.pk))
    methods = work.reach.methods(person)
    lines = [wording.digest_line(one.item, due=one.due, today=today) for one in found]
    first, why = found[0].item, found[0].reasons[0]
    out.notify(
        outbox.to_user(
            person,
            methods,
            wording.digest(lines),
            topic=MARK,
            key=f"{MARK}/follow-up/{first.pk}/{why.kind}/{why.day}/and-others",
            purpose=Notification.Purpose.NOTICE,
            now=out.now,
            reason="Action items, several at once",
        )
    )
    return bool(methods)


def _sees(person: User, incident: Incident) -> bool:
    """Told of a private incident, a person would see it from then on: they must see it already."""
    return not incident.is_private or Incident.objects.visible_to(person).filter(pk=incident.pk).exists()
