"""The figures above the list of follow-ups, each of them the number of rows that a link shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Aggregate, Count, DateTimeField, Q

from core.counting import counted
from followups import listing
from followups.listing import AGES, created_within

if TYPE_CHECKING:
    from datetime import date, datetime

    from incidents.models.communication import ActionItemQuerySet

MOST_COUNTED = 10_000
MOST_TEAMS = 12


class _Middle(Aggregate):
    """The middle one of all values in their order; the earlier of two."""

    function = "percentile_disc"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DateTimeField()


@dataclass(frozen=True, slots=True)
class Age:
    """How many open items are so old; ``share`` is in per cent of the most that any age has."""

    key: str
    label: str
    open: int
    share: int


@dataclass(frozen=True, slots=True)
class Team:
    """How many open items a team has; an item of two teams counts for both."""

    slug: str
    name: str
    open: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Summary:
    """How it stands. ``teamless`` is open after incidents of no team; ``median_days`` is the age of the middle item in
    whole days, None where nothing is open."""

    open: int
    overdue: int
    unowned: int
    done_lately: int
    median_days: int | None
    ages: list[Age]
    teams: list[Team]
    teamless: int


def of(rows: ActionItemQuerySet, *, now: datetime, today: date) -> Summary:
    """The figures of some items in three statements; ``today`` is the reader's day."""
    undone = rows.undone()
    late = Q(due_on__lt=today)
    by_age = {key: Count("pk", filter=Q(**created_within(key, now=now))) for key in AGES}
    figures = undone.aggregate(
        open=Count("pk"),
        overdue=Count("pk", filter=late),
        unowned=Count("pk", filter=Q(owner=None)),
        middle=_Middle("created_at"),
        **by_age,
    )
    few = counted(MOST_COUNTED, lately=listing.done_lately(rows, now=now), teamless=undone.without_team())
    middle = figures["middle"]
    return Summary(
        open=figures["open"],
        overdue=figures["overdue"],
        unowned=figures["unowned"],
        done_lately=few["lately"],
        median_days=(now - middle).days if middle else None,
        ages=_ages(figures),
        teams=_teams(undone, late),
        teamless=few["teamless"],
    )


def _ages(figures: dict[str, Any]) -> list[Age]:
    most = max(figures[key] for key in AGES) or 1
    return [Age(key, label, figures[key], 100 * figures[key] // most) for key, (label, _, _) in AGES.items()]


def _teams(undone: ActionItemQuerySet, late: Q) -> list[Team]:
    """Those with the most that is overdue first."""
    team = "incident__affected_services__team"
    keys = (f"{team}__slug", f"{team}__name")
    found = (
        undone.order_by()
        .filter(**{f"{team}__isnull": False})
        .values_list(*keys)
        .annotate(open=Count("pk", distinct=True), overdue=Count("pk", filter=late, distinct=True))
        .order_by("-overdue", "-open", *keys[::-1])
    )
    return [Team(*row) for row in found[:MOST_TEAMS]]
