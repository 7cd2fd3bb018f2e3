"""Every order of the list, in every tab: each row once, as a plain sort would have them, there and back again."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import pagination
from core.counting import Count
from core.pagination import BadCursor
from incidents import by_assignee, lifecycle, listing
from incidents.models import AffectedService, Incident, Severity, Status
from incidents.querysets import OPEN_STATUSES
from tests import make
from tests.make import MINUTE

pytestmark = pytest.mark.django_db

COUNT = 90
LAST = "\U0010ffff"  # sorts behind every name


@pytest.fixture(params=["gathered", "walked"])
def few(request, monkeypatch):
    """Whether rows are sorted as if they were few, or people walked as if they were many."""
    monkeypatch.setattr(by_assignee, "FEW", by_assignee.FEW if request.param == "gathered" else 0)


@pytest.fixture
def rows(now):
    """Incidents of half a year with everything that repeats: titles, moments, durations, people of one name."""
    chance = random.Random(7)
    people = [make.user(f"u{number}", name=name) for number, name in enumerate(["Ann", "ann", "", "Zoe", "Ben", "Ben"])]
    made = []
    for number in range(COUNT):
        status = chance.choice(list(Status))
        created = now - timedelta(days=chance.choice([0, 1, 5, 13, 14, 15, 40, 180]), minutes=chance.randint(0, 3))
        took = timedelta(minutes=chance.choice([1, 5, 5, 60, 3000]))
        is_over = status in (Status.RESOLVED, Status.POSTMORTEM)
        made.append(
            Incident(
                title=chance.choice(["Disk full", "disk full", "Kafka lags", f"Number {number % 7}"]),
                severity=chance.choice(Severity.values),
                status=status,
                created_at=created,
                started_at=created,
                acknowledged_at=None if status == Status.TRIGGERED else created,
                resolved_at=created + took if is_over else None,
                assignee=chance.choice([*people, None]),
                is_private=chance.random() < 0.1,
            )
        )
    Incident.objects.bulk_create(made)
    return Incident.objects.all()


def key_of(sort, now):
    """What a plain sort would compare; for the descending orders it is turned around."""

    def newest_first(row):
        return (-row.created_at.timestamp(), -row.pk)

    return {
        "id": lambda row: row.pk,
        "created": lambda row: (row.created_at, row.pk),
        "title": lambda row: (row.title, -row.pk),
        "severity": lambda row: (-Severity.values.index(row.severity), row.created_at, row.pk),
        "status": lambda row: (Status.values.index(row.status), *newest_first(row)),
        "duration": lambda row: (row.duration(now=now), row.pk),
        "assignee": lambda row: (
            (str(row.assignee).lower(), row.assignee_id) if row.assignee else (LAST, 0),
            *newest_first(row),
        ),
    }[sort.removeprefix("-")]


def in_tab(period, rows, now):
    """The rows of a tab, found by looking at each."""
    since = now - timedelta(days=14)
    fits = {
        "active": lambda row: row.status in OPEN_STATUSES,
        "recent": lambda row: row.status in OPEN_STATUSES or row.created_at >= since,
        "all": lambda row: True,
    }[period]
    return [row for row in rows.select_related("assignee") if fits(row)]


def all_pages(rows, *, sort, now, limit):
    pages, cursor = [], None
    while True:
        page = listing.page(rows, sort=sort, cursor=cursor, limit=limit, now=now)
        pages.append([row.pk for row in page.items])
        if page.next is None:
            return pages, page
        cursor = page.next


@pytest.mark.parametrize("period", listing.PERIODS)
@pytest.mark.parametrize("sort", listing.SORTS)
def test_pages_are_a_plain_sort_cut_into_pieces(rows, few, period, sort, now):
    expected = sorted(in_tab(period, rows, now), key=key_of(sort, now), reverse=sort.startswith("-"))
    tab = listing.rows_of(period, rows, now=now)
    pages, last = all_pages(tab, sort=sort, now=now, limit=7)
    assert [pk for page in pages for pk in page] == [row.pk for row in expected]
    assert {len(page) for page in pages[:-1]} == {7}
    back, cursor = [pages[-1]], last.previous
    while cursor:
        page = listing.page(tab, sort=sort, cursor=cursor, limit=7, now=now)
        back.append([row.pk for row in page.items])
        cursor = page.previous
    assert [pk for page in reversed(back) for pk in page] == [row.pk for row in expected]


@pytest.mark.parametrize("sort", listing.SORTS)
def test_filters_and_what_a_person_may_see_narrow_every_order(rows, few, sort, now, charlie):
    visible = Incident.objects.visible_to(charlie).filter(severity__in=["high", "low"])
    expected = [row for row in in_tab("recent", rows, now) if not row.is_private and row.severity in ("high", "low")]
    expected.sort(key=key_of(sort, now), reverse=sort.startswith("-"))
    pages, _ = all_pages(listing.rows_of("recent", visible, now=now), sort=sort, now=now, limit=4)
    assert [pk for page in pages for pk in page] == [row.pk for row in expected]


@pytest.mark.parametrize("sort", listing.SORTS)
def test_nothing_has_one_empty_page(few, sort, now):
    for rows in (Incident.objects.all(), Incident.objects.none()):
        for period in listing.PERIODS:
            page = listing.page(listing.rows_of(period, rows, now=now), sort=sort, cursor=None)
            assert (page.items, page.next, page.previous) == ([], None, None)


@pytest.mark.parametrize("sort", ["assignee", "-assignee"])
@pytest.mark.parametrize("assignee", ["one person", "nobody"])
def test_everything_may_belong_to_one(few, alice, bob, sort, assignee, now):
    whose = alice if assignee == "one person" else None
    times = [now - number * MINUTE for number in range(20)]
    drafts = [Incident(title="x", severity="low", created_at=at, started_at=at, assignee=whose) for at in times]
    newest_first = [row.pk for row in Incident.objects.bulk_create(drafts)]
    pages, _ = all_pages(Incident.objects.all(), sort=sort, now=now, limit=6)
    assert [pk for page in pages for pk in page] == (newest_first if sort == "assignee" else newest_first[::-1])


def test_durations_are_those_of_the_first_page(now):
    """Two minutes pass between two pages: what runs is longer now than what took five minutes, and stays in place."""
    made = {}
    for title, age, took in (("over", 60, 5), ("runs", 4, None), ("short", 50, 2), ("long", 40, 9)):
        incident = make.incident(title=title, at=now - age * MINUTE)
        if took:
            lifecycle.resolve(incident, by=None, now=incident.created_at + took * MINUTE)
        made[incident.pk] = title

    def titles(page):
        return [made[row.pk] for row in page.items]

    rows = Incident.objects.all()
    first = listing.page(rows, sort="-duration", cursor=None, limit=2, now=now)
    second = listing.page(rows, sort="-duration", cursor=first.next, limit=2, now=now + 2 * MINUTE)
    assert (titles(first), titles(second)) == (["long", "over"], ["runs", "short"])
    assert titles(listing.page(rows, sort="-duration", cursor=None, now=now + 2 * MINUTE)) == [
        "long",
        "runs",
        "over",
        "short",
    ]


def test_names_are_those_people_see(now):
    """By name without regard to capitals, by username where there is no name, nobody at the end."""
    people = {"zed": "adam", "anna": "", "bob": "Zoe"}
    for username, name in people.items():
        make.incident(title=username, assignee=make.user(username, name=name), at=now)
    make.incident(title="nobody", at=now)
    page = listing.page(Incident.objects.all(), sort="assignee", cursor=None)
    assert [row.title for row in page.items] == ["zed", "anna", "bob", "nobody"]


@pytest.mark.parametrize("sort", listing.SORTS)
def test_cursors_of_other_orders_are_refused(rows, sort, now):
    for other in listing.SORTS:
        cursor = listing.page(rows, sort=other, cursor=None, limit=3, now=now).next
        if other != sort:
            with pytest.raises(BadCursor):
                listing.page(rows, sort=sort, cursor=cursor, limit=3, now=now)


@pytest.mark.parametrize(
    "values",
    [
        [">", "assignee", "ann", None, make.NOW, 1],
        [">", "assignee", None, 1, make.NOW, 1],
        [">", "assignee", "ann", True, make.NOW, 1],
        [">", "assignee", "ann", 2**63, make.NOW, 1],
        [">", "assignee", "ann", 1, make.NOW, 2**63],
        [">", "assignee", "ann", 1, "soon", 1],
        ["?", "assignee", "ann", 1, make.NOW, 1],
        [">", "assignee", "alice", 1, make.NOW, True],
        [">", "assignee", None, None, make.NOW, True],
        [make.NOW, "not a cursor"],
        [make.NOW, 7],
        ["now", "x"],
    ],
)
def test_made_up_cursors_are_refused(rows, values):
    cursor = pagination.encode(values)
    for sort in ("assignee", "duration"):
        with pytest.raises(BadCursor):
            listing.page(rows, sort=sort, cursor=cursor)


@pytest.mark.parametrize("sort", listing.SORTS)
def test_a_page_with_everything_its_rows_show_costs_at_most_three_queries(rows, few, sort, now):
    kafka, search = make.service("kafka"), make.service("search", name="A search")
    links = [AffectedService(incident=row, service=service) for row in rows for service in (kafka, search)]
    AffectedService.objects.bulk_create(links)
    with CaptureQueriesContext(connection) as queries:
        page = listing.page(listing.rows_of("recent", rows, now=now), sort=sort, cursor=None, limit=20, now=now)
        for row in page.items:
            assert [service.name for service in row.affected_services.all()] == ["A search", "Kafka"]
            assert (row.assignee_id is None) == (row.assignee is None)
            assert list(row.clocks.all()) == []
    assert len(queries) == (3 if sort.endswith("assignee") else 2)


def test_clocks_come_with_the_page(now):
    incident = make.incident(severity="critical", at=now)
    (row,) = listing.page(Incident.objects.all(), sort="id", cursor=None).items
    with CaptureQueriesContext(connection) as queries:
        clock = listing.urgent_clock(row)
    assert (clock, len(queries)) == (incident.clocks.get(kind="response"), 0)


# ---- counts ------------------------------------------------------------------------------------------------------


def test_counts_are_those_of_the_tabs(rows, now):
    found = listing.counts(rows, now=now)
    tabs = {period: in_tab(period, rows, now) for period in listing.PERIODS}
    assert (found.active, found.recent, found.all) == tuple(len(tabs[period]) for period in listing.PERIODS)
    assert found.waiting == sum(row.status == Status.TRIGGERED for row in tabs["active"])
    assert found.oldest == min(row.created_at for row in tabs["active"])
    assert [str(count) for count in (found.all, Count(1284, 10_000))] == [str(COUNT), "1,284"]


def test_counts_stop_where_they_are_no_longer_said(rows, now, monkeypatch):
    monkeypatch.setattr(listing, "MOST_COUNTED", 20)
    with CaptureQueriesContext(connection) as queries:
        found = listing.counts(rows, now=now)
    assert [str(count) for count in (found.active, found.recent, found.all)] == ["20+", "20+", "20+"]
    assert (found.all, len(queries)) == (21, 1)


def test_recent_ones_that_are_few_do_not_hide_how_many_there_are(now, monkeypatch):
    monkeypatch.setattr(listing, "MOST_COUNTED", 5)
    for days in (1, 30, 31, 32):
        lifecycle.resolve(make.incident(at=now - timedelta(days=days)), by=None, now=now - timedelta(days=days))
    found = listing.counts(Incident.objects.all(), now=now)
    assert (found.active, found.recent, found.all, found.waiting, found.oldest) == (0, 1, 4, 0, None)


def test_nothing_counts_as_nothing(now):
    for rows in (Incident.objects.all(), Incident.objects.none()):
        found = listing.counts(rows, now=now)
        assert (found.active, found.recent, found.all, found.waiting, found.oldest) == (0, 0, 0, 0, None)
