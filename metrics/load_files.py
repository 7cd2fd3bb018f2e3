"""On-call load as files: by person, by team, and the pages themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from accounts.models import Team, User
from core import pagination
from incidents.export import BYTE_ORDER_MARK, CHUNK, lines
from incidents.messages import absolute
from metrics import loads, paged
from metrics.loads import Burden, Loads
from metrics.tables import Table, cell, moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from metrics.models import Interruption
    from metrics.paged import Row
    from metrics.questions import Question
    from metrics.tables import Value

PAGES = "pages"  # the name of the file of what is behind a number
NOBODY = Burden()
_NUMBERS = (
    "pages", "night_pages (22:00 to 07:00, own clocks)", "pages_outside_working_hours (own clocks)",
    "interrupted_hours", "nights_interrupted",
)  # fmt: skip


def _numbers(burden: Burden) -> tuple[int, ...]:
    return burden.pages, burden.night_pages, burden.off_pages, burden.hours, burden.nights


def _loads(question: Question, user: User) -> Loads:
    return Loads(user, question.period, question.narrowing, off=loads.working_hours()[1])


def people(question: Question, user: User) -> Table:
    """Whoever was paged; of a team, all its members."""
    by_person = _loads(question, user).by_person
    wanted = set(by_person)
    if question.narrowing.team:
        wanted.update(loads.members_by_team().get(question.narrowing.team.pk, []))
    found = User.objects.only("username", "name", "time_zone").in_bulk(wanted).values()
    ordered = sorted(found, key=lambda one: (-by_person.get(one.pk, NOBODY).pages, one.username))
    return Table(
        ("username", "name", "time_zone", *_NUMBERS),
        [(one.username, str(one), one.time_zone, *_numbers(by_person.get(one.pk, NOBODY))) for one in ordered],
    )


def teams(question: Question, user: User) -> Table:
    """Pages to the present members of each team: who is in two teams counts in both."""
    by_person, members = _loads(question, user).by_person, loads.members_by_team()
    chosen = question.narrowing.team
    found = Team.objects.only("slug", "name").in_bulk([chosen.pk] if chosen else list(members))
    rows: list[tuple[Value | None, ...]] = []
    for team in sorted(found.values(), key=lambda one: one.slug):
        own = members.get(team.pk, [])
        burden = sum((by_person.get(member, NOBODY) for member in own), NOBODY)
        fair = loads.fairness(own, by_person)
        even = (f"{fair.share / 100:.6f}", f"{fair.even_share / 100:.6f}", f"{fair.gini:.6f}") if fair else (None,) * 3
        rows.append((team.slug, str(team), len(own), *_numbers(burden), *even))
    return Table(
        ("team_slug", "name", "members", *_NUMBERS, "busiest_share (0 to 1)", "even_share (0 to 1)", "gini"), rows
    )


def page_chunks(rows: QuerySet[Interruption], *, user: User) -> Iterator[bytes]:
    """The pages behind a number, the newest first, ``CHUNK`` at a time; each chunk is a page by keyset."""
    header = [
        "at", "local_time", "time_zone", "username", "name", "is_night", "incident", "url", "title", "severity",
        "services", "is_private", "merged_into",
    ]  # fmt: skip
    yield lines([header], opening=BYTE_ORDER_MARK)
    beside = absolute(reverse("incidents:list"))
    cursor: str | None = None
    while True:
        page = pagination.page(rows, sort=("-at",), cursor=cursor, limit=CHUNK)
        yield lines([[cell(value) for value in _page(row, beside)] for row in paged.as_rows(page.items, user=user)])
        cursor = page.next
        if cursor is None:
            return


def _page(row: Row, beside: str) -> list[Value | None]:
    page, person, incident = row.page, row.user, row.incident
    return [
        moment(page.at),
        f"{row.local:%Y-%m-%dT%H:%M:%S}",
        person.time_zone if person else None,
        person.username if person else None,
        str(person) if person else None,
        "yes" if page.is_night else "no",
        f"INC-{page.incident_id}",
        f"{beside}INC-{page.incident_id}",
        incident.title if incident else None,
        incident.severity if incident else None,
        ", ".join(service.slug for service in row.services),
        "yes" if page.is_private else "no",
        f"INC-{incident.merged_into_id}" if incident and incident.merged_into_id else None,
    ]
