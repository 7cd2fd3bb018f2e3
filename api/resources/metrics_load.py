"""On-call load: how often people were paged, on their own clocks, how evenly, and the pages behind each number."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from ninja import Query, Router

from accounts.models import Team, User
from api import lookups, paging
from api.auth import ApiRequest
from api.problems import mistakes
from api.resources.metrics import compared
from api.resources.metrics_question import Asked, ask, monday_of
from api.schemas.metrics import ComparedQuery, iso_week
from api.schemas.metrics_load import (
    BurdenOut,
    FairnessOut,
    HourOfPagesOut,
    OnCallOut,
    PageOut,
    PagesOut,
    PagesQuery,
    PersonLoadOut,
    TeamLoadOut,
    WeekOfPagesOut,
)
from incidents.querysets import seen_by
from metrics import loads, paged
from metrics.loads import Burden, Loads
from metrics.paged import Which

if TYPE_CHECKING:
    from collections.abc import Sequence

router = Router(tags=["metrics"], by_alias=True, exclude_unset=True)

NOBODY = Burden()
DAYS_ONLY = "Pages are counted by the days of whoever was paged: send a day, such as 2026-10-14."


@router.get("/on-call", response=OnCallOut)
def read_metrics_on_call(request: ApiRequest, response: HttpResponse, query: Query[ComparedQuery]) -> OnCallOut:
    """Pages by person and team, in days, nights and weeks of each person's own clocks. `team` narrows to pages to its
    members; severity, service and factor to pages about such incidents."""
    return compared(_of_days(ask(request, query, response)), _on_call)


@router.get("/pages", response=PagesOut)
def list_metrics_pages(request: ApiRequest, response: HttpResponse, query: Query[PagesQuery]) -> PagesOut:
    """The pages behind a number of the on-call load, newest first."""
    asked = _of_days(ask(request, query, response))
    which = Which(
        lookups.anybody(query.person, user=asked.user),
        query.kind or "",
        monday_of(query.week) if query.week is not None else None,
        query.hour,
    )
    rows = which.rows(_loads(asked))
    # No index has this order: the pages are read once, as they are to be counted, and the first are kept.
    shown = rows if asked.user.is_staff else rows.filter(seen_by(asked.user, beside="incident__"))
    pages, address = paging.found(request, shown, query, sort=("-at",))
    totals = paged.totals(rows)
    return PagesOut(
        items=[PageOut.of(row) for row in paged.as_rows(pages, user=asked.user)],
        next=address,
        total=totals.pages,
        incidents=totals.incidents,
        people=totals.people,
        interrupted_hours=totals.hours,
        interrupted_nights=totals.nights,
    )


def _of_days(asked: Asked) -> Asked:
    """Raises the problem 422 for instants, which are no days of anybody's clocks."""
    wrong = [
        (name, DAYS_ONLY) for name, given in (("from", asked.start), ("to", asked.end)) if isinstance(given, datetime)
    ]
    if wrong:
        raise mistakes(wrong)
    return asked


def _loads(asked: Asked) -> Loads:
    return Loads(asked.user, asked.period, asked.narrowing, off=loads.working_hours()[1])


def _on_call(asked: Asked) -> OnCallOut:
    found = _loads(asked)
    team = asked.narrowing.team
    members = loads.members_by_team() if team is None else {team.pk: loads.members_by_team().get(team.pk, [])}
    people = User.objects.only("username", "name").in_bulk(set(found.by_person).union(*members.values()))
    order = sorted(found.by_person, key=lambda user: (-found.by_person[user].pages, user))
    return OnCallOut(
        **asked.told,
        definitions=loads.DEFINITIONS,
        total=BurdenOut(**_burden(asked, found.total)),
        people=[_person(asked, people[user], found.by_person[user]) for user in order if user in people],
        teams=_teams(asked, found, members, people),
        weeks=[
            WeekOfPagesOut(
                week=iso_week(monday),
                pages=week.pages,
                night_pages=week.night_pages,
                pages_url=asked.address("list_metrics_pages", week=iso_week(monday)),
            )
            for monday, week in found.by_week.items()
        ],
        hours=[
            HourOfPagesOut(hour=hour, pages=pages, pages_url=asked.address("list_metrics_pages", hour=hour))
            for hour, pages in enumerate(found.by_hour)
        ],
    )


def _burden(asked: Asked, burden: Burden, **parts: str) -> dict[str, Any]:
    return {
        "pages": burden.pages,
        "night_pages": burden.night_pages,
        "off_hours_pages": burden.off_pages,
        "interrupted_hours": burden.hours,
        "interrupted_nights": burden.nights,
        "pages_url": asked.address("list_metrics_pages", **parts),
        "night_pages_url": asked.address("list_metrics_pages", kind="night", **parts),
        "off_hours_pages_url": asked.address("list_metrics_pages", kind="off_hours", **parts),
    }


def _person(asked: Asked, person: User, burden: Burden) -> PersonLoadOut:
    return PersonLoadOut(username=person.username, name=str(person), **_burden(asked, burden, person=person.username))


def _teams(asked: Asked, found: Loads, members: dict[int, list[int]], people: dict[int, User]) -> list[TeamLoadOut]:
    """Pages to those who are in a team now; somebody in two counts in both."""
    rows = []
    for pk, team in Team.objects.only("slug", "name").in_bulk(members).items():
        sums = sum((found.by_person.get(member, NOBODY) for member in members[pk]), NOBODY)
        fairness = _fairness(members[pk], found, people)
        more = _burden(asked, sums, team=team.slug)
        rows.append(TeamLoadOut(slug=team.slug, name=team.name, members=len(members[pk]), fairness=fairness, **more))
    return sorted(rows, key=lambda row: (-row.pages, row.slug))


def _fairness(members: Sequence[int], found: Loads, people: dict[int, User]) -> FairnessOut | None:
    fair = loads.fairness(members, found.by_person)
    if fair is None:
        return None
    return FairnessOut(
        busiest=people[fair.busiest].username,
        pages=fair.most,
        share=fair.most / fair.pages,
        even_share=1 / fair.members,
        gini=fair.gini,
    )
