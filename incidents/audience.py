"""Who inside hears of a status update: those who follow what it touches, leadership, and the teams' channels.

Nobody hears of one update twice: a person who follows it is not told again as one of leadership, and one address gets
it once, whoever it belongs to. What they are told is about a topic of its own, so that having heard of an incident is
no right to see it once it is private (``incidents_concerns`` asks for the incident's topic).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import CharField, Count, OuterRef, Q, Subquery, Value
from django.db.models.functions import Concat, JSONObject

from accounts.models import User
from incidents import seeing, update_messages
from incidents.models import Subscription
from incidents.models.incident import topic_of as incident_topic_of
from incidents.policy import policies, site_settings
from incidents.telling import Reach
from notifications import outbox
from notifications.addresses import channel_of
from notifications.models import Channel, Notification

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from accounts.models import Team
    from incidents.consequences import Consequences
    from incidents.models import Incident, StatusUpdate
    from incidents.models.updates import StatusUpdateQuerySet
    from notifications.message import Message
    from notifications.models import ContactMethod

Purpose, State = Notification.Purpose, Notification.State
_ORIGIN = "update/"  # and its number: what obliged us to tell somebody of an update
LEADERSHIP = "you are in the leadership team"


@dataclass(frozen=True, slots=True)
class Way:
    """One message to be written: to whom, at which of their addresses, and why to them. Without ``method`` it goes to
    the address of the account, or, for a team, where its channel is. Leadership reads a short form."""

    why: str
    user: User | None = None
    team: Team | None = None
    method: ContactMethod | None = None
    is_short: bool = False

    @property
    def address(self) -> tuple[str, str]:
        """Channel and address: what may get an update once. Mailboxes do not tell capitals from small letters."""
        channel, address = str(Channel.EMAIL), self.user.email if self.user else ""
        if self.team:
            named = self.team.channel_address
            channel, address = channel_of(named) if named else (str(Channel.INBOX), str(self.team.pk))
        elif self.method:
            channel, address = self.method.kind, self.method.address
        return channel, address.lower() if channel == Channel.EMAIL else address


@dataclass(frozen=True, slots=True)
class Audience:
    """Everybody inside who would hear of an update of an incident now, each address once."""

    ways: list[Way] = field(default_factory=list)
    services: str = ""

    @property
    def followers(self) -> int:
        """How many people hear of it because they follow it."""
        return len({way.user for way in self.ways if way.user and not way.is_short})

    @property
    def leaders(self) -> int:
        """How many people read the short form."""
        return len({way.user for way in self.ways if way.user and way.is_short})

    @property
    def teams(self) -> int:
        """How many teams hear of it at their channel."""
        return sum(way.team is not None for way in self.ways)

    @property
    def people(self) -> int:
        """How many people hear of it."""
        return self.followers + self.leaders

    @property
    def emails(self) -> set[str]:
        """The e-mail addresses at which somebody hears of it, in small letters."""
        return {address for channel, address in (way.address for way in self.ways) if channel == Channel.EMAIL}

    @property
    def words(self) -> str:
        """Who hears of it, such as "4 people who follow it, 2 of leadership and 1 team"."""
        parts = [
            f"{self.followers} {'person who follows' if self.followers == 1 else 'people who follow'} it",
            f"{self.leaders} of leadership",
            f"{self.teams} team{'' if self.teams == 1 else 's'}",
        ]
        counts = (self.followers, self.leaders, self.teams)
        said = [part for part, count in zip(parts, counts, strict=True) if count]
        return " and ".join([", ".join(said[:-1]), said[-1]] if said[1:] else said) or "nobody"


def topic_of(number: int) -> str:
    """The topic of what stakeholders are told about an incident."""
    return f"{incident_topic_of(number)}/updates"


def of(incident: Incident, *, by: User | None, now: datetime) -> Audience:
    """Who would hear of an update of the incident that ``by`` writes, who is not told. Of a private incident, only
    those who may see it."""
    reach = Reach.of([incident], now=now)
    policy = policies()[incident.severity]
    ways = [*_followers(incident, reach)]
    if policy.notify_leadership and incident.created_at + timedelta(minutes=policy.leadership_after_minutes) <= now:
        ways += _leadership(reach)
    people = {way.user.pk for way in ways if way.user and way.user.is_active} - {by.pk if by else 0}
    if incident.is_private:
        people = set(seeing.people_of(incident).filter(pk__in=people).values_list("pk", flat=True))
    ways = [way for way in ways if way.user and way.user.pk in people]
    if policy.notify_channel:
        ways += [Way(why=f"{team} owns what it touches", team=team) for team in reach.teams_of(incident)]
    return Audience(list(_once(ways)), reach.services_of(incident))


def tell(update: StatusUpdate, *, out: Consequences) -> Audience:
    """Oblige us to tell everybody inside of an update that goes out. The caller holds the incident's lock and writes
    ``out``."""
    incident = update.incident
    audience = of(incident, by=update.by, now=out.now)
    for way in audience.ways:
        out.notify(_rows(update, way, update_messages.update(update, way, services=audience.services), out.now))
    return audience


def keep_unsent(incident: Incident, *, now: datetime) -> int:
    """The incident is private from now on: what is still on its way to people who may not see it is taken back; returns
    how many messages."""
    seers = Q(user__in=seeing.people_of(incident))
    return outbox.cancel(topic=topic_of(incident.pk), purposes=(Purpose.NOTICE,), now=now, but=seers)


def _rows(update: StatusUpdate, way: Way, message: Message, now: datetime) -> list[Notification]:
    told: dict[str, Any] = {"topic": topic_of(update.incident_id), "now": now, "reason": "Status update"}
    key = _origin(update)
    if way.team:
        row = outbox.to_team(way.team, message, key=f"{key}/team/{way.team.pk}", purpose=Purpose.CHANNEL, **told)
        rows = [row]
    elif way.user and way.method:
        rows = outbox.to_user(way.user, [way.method], message, key=key, purpose=Purpose.NOTICE, **told)
    elif way.user:
        rows = [outbox.to_account(way.user, message, key=f"{key}/account", purpose=Purpose.NOTICE, **told)]
    else:
        rows = []
    for row in rows:
        row.origin = _origin(update)
    return rows


def addresses(update: StatusUpdate) -> set[str]:
    """The e-mail addresses, in small letters, at which somebody inside was told of an update."""
    rows = Notification.objects.filter(origin=_origin(update), channel=Channel.EMAIL)
    return {address.lower() for address in rows.values_list("address", flat=True)}


def with_told(updates: StatusUpdateQuerySet) -> StatusUpdateQuerySet:
    """Updates, each with how many inside were told of it as ``told``: ``people``, ``teams``, and messages that
    ``failed``; None where nobody was. A part of the statement that reads them (``notifications_origin``)."""
    origin = Concat(Value(_ORIGIN), OuterRef("pk"), output_field=CharField())
    rows = Notification.objects.filter(origin=origin).exclude(origin="").exclude(state=State.CANCELLED)
    counts = JSONObject(
        people=Count("user", distinct=True),
        teams=Count("team", distinct=True),
        failed=Count("pk", filter=Q(state=State.FAILED)),
    )
    told = rows.order_by().values("origin").annotate(told=counts).values("told")
    found: StatusUpdateQuerySet = updates.annotate(told=Subquery(told))
    return found


def _origin(update: StatusUpdate) -> str:
    return f"{_ORIGIN}{update.pk}"


def _followers(incident: Incident, reach: Reach) -> Iterator[Way]:
    """Those who have subscribed to the incident or to something that it touches."""
    services = reach.services_by_key(incident)
    teams = {team.pk: team for team in reach.teams_of(incident)}
    rows = Subscription.objects.filter(
        Q(incident=incident)
        | Q(service__in=services.keys())
        | Q(team__in=teams.keys())
        | Q(severity=incident.severity)
    ).select_related("user", "contact_method")  # fmt: skip
    for row in rows.order_by("id"):
        if row.incident_id:
            why = f"you follow {incident.reference}"
        elif row.service_id:
            why = f"you follow the service {services[row.service_id]}"
        elif row.team_id:
            why = f"you follow the team {teams[row.team_id]}"
        else:
            why = f"you follow {incident.get_severity_display().lower()} incidents"
        yield Way(why=why, user=row.user, method=row.contact_method)


def _leadership(reach: Reach) -> Iterator[Way]:
    """The members of the leadership team, if there is one: as they are paged, or at their account's address."""
    team = site_settings().leadership
    members = reach.members(team) if team else []
    reach.learn(people=members)
    for user in members:
        methods: list[ContactMethod | None] = [*reach.methods(user)]
        for method in methods or [None]:
            yield Way(why=LEADERSHIP, user=user, method=method, is_short=True)


def _once(ways: Iterable[Way]) -> Iterator[Way]:
    """Each address once, and nobody as one of leadership who follows it; those who cannot be reached left out."""
    taken: set[tuple[str, str]] = set()
    following: set[User] = set()
    for way in ways:
        if way.user and way.is_short and way.user in following:
            continue
        if not way.address[1]:
            continue
        if way.user and not way.is_short:
            following.add(way.user)
        if way.address not in taken:
            taken.add(way.address)
            yield way
