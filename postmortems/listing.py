"""The list of postmortems: what it can be narrowed to, and what its rows say of how far each is.

Postmortems are read newest first by their number, within a state by ``postmortems_by_state``; words by
``postmortems_by_words``. What is missing or overdue is read of the incidents, the last ended first, by
``incidents_ended``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Q

from accounts.models import Team, User
from catalog.models import Service
from core.together import together
from incidents import search
from incidents.models import Incident, Severity, Status
from incidents.models.incident import DONE
from postmortems.models import Factor, Postmortem, Section, due_at
from postmortems.outline import UNWRITTEN_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from django.db.models import QuerySet

    from incidents.models import SeverityPolicy
    from incidents.querysets import IncidentQuerySet
    from postmortems.querysets import PostmortemQuerySet

State = Postmortem.State

ME, NOBODY = "me", "none"
DAY = timedelta(days=1)
MISSED_WITHIN = 366 * DAY  # what ended before and has none is let be
EMPTY_PATTERN = r"\A\s*\Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list is narrowed to; empty is everything. ``owner`` is a username, ``me`` or ``none``; ``service`` and
    ``team`` are slugs, ``factor`` is a name in any case."""

    q: str = ""
    severity: str = ""
    service: str = ""
    team: str = ""
    factor: str = ""
    owner: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is asked for."""
        return any((self.q, self.severity, self.service, self.team, self.factor, self.owner))


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the postmortem of an incident is. ``due_at`` is None where nothing was promised, ``unwritten`` the
    number of required sections that a person still has to write; ``postmortem`` is None where there is none yet."""

    incident: Incident
    postmortem: Postmortem | None
    due_at: datetime | None
    unwritten: int
    now: datetime

    @property
    def is_overdue(self) -> bool:
        """Whether it should be published by now, and is not."""
        return self.due_at is not None and self.due_at < self.now and not self.is_published

    @property
    def is_published(self) -> bool:
        """Whether it is out."""
        return self.postmortem is not None and self.postmortem.is_published

    @property
    def due_words(self) -> str:
        """due in 2 days, due within the hour, overdue by 3 days; nothing where nothing is promised, or it is out."""
        if self.due_at is None or self.is_published:
            return ""
        left = self.due_at - self.now
        return f"overdue by {_length(-left)}" if self.is_overdue else f"due in {_length(left)}"


def _length(span: timedelta) -> str:
    if span >= DAY:
        return f"{span.days} day{'' if span.days == 1 else 's'}"
    hours = span // timedelta(hours=1)
    return "less than an hour" if hours < 1 else f"{hours} hour{'' if hours == 1 else 's'}"


# ---- rows --------------------------------------------------------------------------------------------------------


def narrowed(user: User, filters: Filters, *, state: str = "") -> PostmortemQuerySet:
    """The postmortems that a person may see and that fit."""
    rows: PostmortemQuerySet = Postmortem.objects.visible_to(user)
    if state:
        rows = rows.filter(state=state)
    if filters.q:
        query = search.query_for(filters.q)
        rows = rows.matching(query) if query else rows.none()
    if filters.severity:
        rows = rows.filter(incident__severity=filters.severity)
    if filters.service or filters.team:
        rows = rows.filter(incident__in=_of_services(filters))
    if filters.factor:
        rows = rows.filter(factors__in=Factor.objects.filter(name__iexact=filters.factor))
    if filters.owner:
        rows = rows.filter(_owned(filters.owner, user))
    return rows


def behind(
    user: User, filters: Filters, promised: Mapping[str, SeverityPolicy], *, now: datetime
) -> dict[str, IncidentQuerySet]:
    """Incidents that a person may see, that fit, and whose postmortem is behind, as two sets without a row in common:
    ``late`` is not published by its date, ``missing`` is wanted by the severity and not even begun, of those that ended
    within ``MISSED_WITHIN``. What is missing has no owner, no factors and no words."""
    rows: IncidentQuerySet = Incident.objects.visible_to(user).filter(status__in=DONE, merged_into=None)
    if filters.severity:
        rows = rows.filter(severity=filters.severity)
    if filters.service or filters.team:
        rows = rows.filter(pk__in=_of_services(filters))
    own = Filters(q=filters.q, factor=filters.factor, owner=filters.owner)
    unfinished = narrowed(user, own).unfinished().order_by().values("incident")
    has_own = bool(filters.q or filters.factor or filters.owner not in ("", NOBODY))
    missing = rows.none() if has_own else rows.filter(_missing(promised), resolved_at__gt=now - MISSED_WITHIN)
    return {"late": rows.filter(_late(promised, now=now), pk__in=unfinished), "missing": missing}


def _of_services(filters: Filters) -> QuerySet[Any, Any]:
    fitting = {"affected_services__slug": filters.service, "affected_services__team__slug": filters.team}
    rows: IncidentQuerySet = Incident.objects.order_by()
    for name, value in fitting.items():
        rows = rows.filter(**{name: value}) if value else rows
    return rows.values("pk")


def _owned(owner: str, user: User) -> Q:
    if owner == ME:
        return Q(owner=user)
    return Q(owner=None) if owner == NOBODY else Q(owner__username=owner)


def _late(promised: Mapping[str, SeverityPolicy], *, now: datetime) -> Q:
    """Past the date of its postmortem."""
    late = Q(pk__in=[])
    for severity, policy in promised.items():
        if policy.postmortem_within_days is not None:
            ended = now - timedelta(days=policy.postmortem_within_days)
            late |= Q(severity=severity, resolved_at__lt=ended)
    return late


def _missing(promised: Mapping[str, SeverityPolicy]) -> Q:
    """Wanted, and not there."""
    wanted = [severity for severity, policy in promised.items() if policy.needs_postmortem]
    return Q(postmortem=None) & (Q(severity__in=wanted) | Q(status=Status.POSTMORTEM))


# ---- what rows say -----------------------------------------------------------------------------------------------


def standings(
    incidents: Iterable[Incident], promised: Mapping[str, SeverityPolicy], *, now: datetime
) -> list[Standing]:
    """How far each is; one query. Reads ``postmortem`` of the incidents, which the caller has fetched."""
    rows = list(incidents)
    made = {row.pk: getattr(row, "postmortem", None) for row in rows}
    counts = unwritten_of([one for one in made.values() if one and not one.is_published])
    return [standing(row, made[row.pk], promised, unwritten=counts, now=now) for row in rows]


def standing(
    incident: Incident,
    postmortem: Postmortem | None,
    promised: Mapping[str, SeverityPolicy],
    *,
    unwritten: Mapping[int, int],
    now: datetime,
) -> Standing:
    """How far one is, from what was read already; ``unwritten`` as ``unwritten_of`` gives it."""
    due = due_at(incident, within_days=promised[incident.severity].postmortem_within_days)
    return Standing(incident, postmortem, due, unwritten.get(postmortem.pk, 0) if postmortem else 0, now)


def unwritten_of(postmortems: Iterable[Postmortem]) -> dict[int, int]:
    """How many required sections of each are still to be written, as ``outline.is_unwritten`` says; one query."""
    keys = [row.pk for row in postmortems]
    if not keys:
        return {}
    rows = Section.objects.filter(postmortem__in=keys, is_required=True).order_by()
    gaps = rows.filter(Q(body__regex=EMPTY_PATTERN) | Q(body__iregex=UNWRITTEN_PATTERN))
    return dict(gaps.values("postmortem").annotate(gaps=Count("pk")).values_list("postmortem", "gaps"))


# ---- what one can choose from ------------------------------------------------------------------------------------


def choices(user: User) -> dict[str, list[tuple[str, str]]]:
    """Services, teams and factors that a list can be narrowed to, as (value, label); one query."""
    found = together(
        services=Service.objects.visible_to(user).only("slug", "name").order_by("name", "slug"),
        teams=Team.objects.visible_to(user).only("slug", "name").order_by("name", "slug"),
        factors=Factor.objects.visible_to(user).only("name").order_by("name"),
    )
    return {
        "severity": list(Severity.choices),
        "service": [(row["slug"], row["name"]) for row in found.plain("services")],
        "team": [(row["slug"], row["name"]) for row in found.plain("teams")],
        "factor": [(row["name"], row["name"]) for row in found.plain("factors")],
    }
