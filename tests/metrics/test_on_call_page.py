"""The page of on-call load: each of its numbers leads to exactly the pages that it counts."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from incidents.models import Incident
from metrics import catching_up
from tests import make

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 10, 14, 12, tzinfo=UTC)
LINK = re.compile(r'<a class="mu-num[^"]*" href="(/metrics/pages[^"]*)"[^>]*>([\d %]+)</a>')
BAR = re.compile(r'<a href="(/metrics/pages[^"]*)" aria-label="([^"]*)"')
PART = re.compile(r'<a href="(/metrics/pages[^"]*)" tabindex="-1" aria-hidden="true"><title>[^<]*: (\d+) (?:at|by)')


def caught_up():
    while catching_up.catch_up(now=NOW):
        pass


def page_of(incident, person, at, n=0):
    row = {"topic": incident.topic, "key": f"{incident.pk}/{person.pk}/{at}/{n}", "purpose": "page", "user": person}
    times = {"created_at": at, "due_at": at, "finished_at": at}
    return make.Notification(**row, **times, recipient="x", channel="email", state="sent")


@pytest.fixture
def paged(alice, bob, charlie):
    """Fifty pages of five weeks to alice and bob, who are a team with dora; every tenth is about a private incident."""
    make.policy.ensure_defaults()
    caught_up()
    User.objects.filter(pk=bob.pk).update(time_zone="Asia/Tokyo")
    make.team("crew", alice, bob, make.user("dora"))
    make.team("lone", charlie)
    incidents = [make.incident(severity=("high", "low")[n % 2], at=NOW, services=[make.service()]) for n in range(10)]
    Incident.objects.filter(pk=incidents[0].pk).update(is_private=True, assignee=bob)
    Incident.objects.filter(pk=incidents[2].pk).update(merged_into=incidents[3].pk)
    rows = [
        page_of(incidents[n % 10], alice if n % 3 else bob, NOW - timedelta(hours=n * 17 % 840, minutes=n))
        for n in range(50)
    ]
    make.Notification.objects.bulk_create(
        [*rows, page_of(incidents[1], alice, rows[1].created_at + timedelta(minutes=1))]
    )
    caught_up()
    return incidents


@pytest.fixture
def read(client):
    def get(person, address):
        client.force_login(person)
        with time_machine.travel(NOW, tick=False):
            answer = client.get(address)
        assert answer.status_code == 200, address
        return unescape(answer.content.decode())

    return get


def total(text):
    """(pages, people, hours, nights) as the page of pages says them."""
    (pages,) = re.findall(r'<h2 id="total"[^>]*>(\d+) pages?</h2>', text)
    said = re.search(r"to (\d+) (?:person|people), in (\d+) interrupted hours?(?: and (\d+) nights?)?", text)
    assert said
    return [int(pages), *(int(part or 0) for part in said.groups())]


# Which of the totals of the pages behind it a number in a column is.
COLUMNS = {"Pages": 0, "Before": 0, "At night": 0, "Nights": 3, "Off hours": 0, "Hours": 2}
CELL = re.compile(r'data-label="([^"]+)"><a class="mu-num" href="([^"]+)">(\d+)</a>')


@pytest.mark.parametrize(
    ("who", "query"), [("bob", ""), ("charlie", "?period=30d"), ("bob", "?team=crew&severity=high&compare=none")]
)
def test_every_number_is_that_of_the_pages_it_leads_to(paged, read, who, query):
    person = User.objects.get(username=who)
    text = read(person, f"/metrics/on-call{query}")
    totals = {address: total(read(person, address)) for address in {address for address, _ in LINK.findall(text)}}
    cells = CELL.findall(text)
    assert len(cells) > 10
    assert [(label, address, int(shown)) for label, address, shown in cells] == [
        (label, address, totals[address][COLUMNS[label]]) for label, address, _ in cells
    ]
    others = [(address, shown) for address, shown in LINK.findall(text) if "%" not in shown]
    assert [shown for address, shown in others if int(shown) not in totals[address]] == []


def test_every_bar_and_every_hour_says_how_many_pages_it_leads_to(paged, read, bob):
    text = read(bob, "/metrics/on-call")
    bars = BAR.findall(text)
    assert len(bars) > 20
    for address, words in bars:
        assert total(read(bob, address))[0] == int(re.search(r": (\d+) page", words)[1])
    parts = PART.findall(text)
    assert sum(int(count) for _, count in parts) == int(re.search(r'mu-num mu-big" href="[^"]*">(\d+)<', text)[1])
    assert [(address, int(count)) for address, count in parts] == [
        (address, total(read(bob, address))[0]) for address, _ in parts
    ]


def test_the_numbers_are_in_their_columns(paged, read, alice, bob):
    text = read(bob, "/metrics/on-call?from=2026-09-01&to=2026-10-31&compare=none")
    row = text.partition('mu-name">Alice<')[2].partition("</tr>")[0]
    cells = dict(re.findall(r'data-label="([^"]+)">(?:<a[^>]*>)?(\d+)', row))
    pages = [at for who, at in walls() if who == "alice"]
    night = [at for at in pages if at.hour >= 22 or at.hour < 7]
    assert {name: int(number) for name, number in cells.items()} == {
        "Pages": len(pages),
        "At night": len(night),
        "Nights": len({(at + timedelta(hours=2)).date() for at in night}),
        "Off hours": len([at for at in pages if at.weekday() > 4 or not 9 <= at.hour < 17]),
        "Hours": len({(at.date(), at.hour) for at in pages}),
    }


def walls():
    rows = make.Notification.objects.filter(purpose="page", state="sent").select_related("user")
    return [(row.user.username, row.created_at) for row in rows]


def test_fairness_is_said_with_the_even_share_and_members_who_got_none(paged, read, bob):
    text = read(bob, "/metrics/on-call?from=2026-09-01&to=2026-10-31")
    assert re.search(r"Alice <a[^>]*>67 %</a> of 51; even would be 33\s%", text)
    assert "One member" in text
    assert "2 members of teams were not paged" in text
    team = read(bob, "/metrics/on-call?team=crew")
    assert "Dora" in team
    assert "Charlie" not in team.partition('id="people"')[2]


def test_a_private_incident_is_neither_counted_nor_listed_for_a_stranger(paged, read, bob, charlie):
    days = "from=2026-09-01&to=2026-10-31"
    assert total(read(bob, f"/metrics/pages?{days}"))[0] == 51
    text = read(charlie, f"/metrics/pages?{days}")
    assert total(text)[0] == 46
    assert f'/incidents/INC-{paged[0].pk}"' not in text
    assert (
        total(read(charlie, f"/metrics/pages?{days}&person=bob"))[0]
        < total(read(bob, f"/metrics/pages?{days}&person=bob"))[0]
    )


def test_what_was_made_private_a_moment_ago_is_not_named_to_others(paged, read, client, bob, charlie):
    Incident.objects.filter(pk=paged[1].pk).update(is_private=True, assignee=bob, title="Secret takeover")
    days = "from=2026-09-01&to=2026-10-31"
    for user, is_there in ((charlie, False), (bob, True)):
        assert ("Secret takeover" in read(user, f"/metrics/pages?{days}")) is is_there
        assert ("Secret takeover" in b"".join(client.get(f"/metrics/csv/pages?{days}")).decode()) is is_there


def test_the_newest_come_first_and_pages_follow_each_other(paged, read, bob):
    first = read(bob, "/metrics/pages?from=2026-09-01&to=2026-10-31")
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first)
    second = read(bob, f"/metrics/pages{older}")
    times = re.findall(r'<time datetime="([^"]+)" title="[^"]+ UTC">', first + second)
    assert len(times) == 51
    assert times == sorted(times, reverse=True)
    assert total(second)[0] == 51
    assert f"Merged into INC-{paged[3].pk}" in first + second
    assert re.search(r"Wed 14 Oct 2026, 21:00 JST", first)  # bob's own clocks


@pytest.mark.parametrize(
    "query",
    [
        "person=nobody", "kind=dawn", "hour=168", "hour=x", "week=2026-10-13", "week=soon",
        "from=2026-10-14&to=2026-10-1", "team=nobody", "person=alice%00", "hour=-1", "severity=urgent",
    ],
)  # fmt: skip
def test_what_there_is_not_is_said_and_nothing_is_shown(paged, read, bob, query):
    text = read(bob, f"/metrics/pages?{query}")
    assert "No pages are shown" in text
    assert 'id="total"' not in text


def test_a_wrong_question_shows_no_figures(paged, read, bob):
    text = read(bob, "/metrics/on-call?team=nobody")
    assert "No figures: the address asks for what there is not." in text
    assert "mu-kpi" not in text


def test_a_broken_cursor_is_the_first_page(paged, read, bob):
    assert total(read(bob, "/metrics/pages?from=2026-09-01&to=2026-10-31&cursor=x"))[0] == 51


def test_nobody_was_paged(read, alice):
    make.policy.ensure_defaults()
    assert "Nobody was paged in this period" in read(alice, "/metrics/on-call")
    assert "No pages." in read(alice, "/metrics/pages")


def test_strangers_are_asked_to_sign_in(client, db):
    for address in ("/metrics/on-call", "/metrics/pages", "/metrics/csv/on-call-people"):
        assert client.get(address).status_code == 302


def test_few_pages_are_said_to_be_few(read, alice, bob):
    make.policy.ensure_defaults()
    caught_up()
    make.team("crew", alice, bob)
    make.Notification.objects.bulk_create(
        [page_of(make.incident(at=NOW), alice, NOW - timedelta(hours=n)) for n in (1, 5)]
    )
    caught_up()
    text = read(bob, "/metrics/on-call")
    assert "to 1 person, only 2" in text
    assert "Only 2: too few to say" in text


def test_files_say_the_same(paged, read, client, alice, bob):
    days = "from=2026-09-01&to=2026-10-31"
    people = table(read(bob, f"/metrics/csv/on-call-people?{days}"))
    assert [(row["username"], row["pages"]) for row in people] == [("alice", "34"), ("bob", "17")]
    teams = {row["team_slug"]: row for row in table(read(bob, f"/metrics/csv/on-call-teams?{days}"))}
    assert (teams["crew"]["members"], teams["crew"]["pages"]) == ("3", "51")
    assert (teams["crew"]["busiest_share (0 to 1)"], teams["crew"]["even_share (0 to 1)"]) == ("0.666667", "0.333333")
    assert (teams["lone"]["pages"], teams["lone"]["gini"]) == ("0", "")
    client.force_login(bob)
    with time_machine.travel(NOW, tick=False):
        answer = client.get(f"/metrics/csv/pages?{days}&person=alice&kind=night")
    rows = table(b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode())
    assert len(rows) == total(read(bob, f"/metrics/pages?{days}&person=alice&kind=night"))[0]
    assert {row["username"] for row in rows} == {"alice"}


def table(text):
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))


def test_the_number_of_queries_does_not_grow(paged, read, bob):
    def queries(address):
        read(bob, address)
        with CaptureQueriesContext(
            connection,
        ) as found:
            read(bob, address)
        return len(found)

    before = queries("/metrics/on-call"), queries("/metrics/pages")
    more = [make.user() for _ in range(10)]
    make.team("more", *more)
    make.Notification.objects.bulk_create([page_of(paged[4], one, NOW - timedelta(hours=3)) for one in more])
    caught_up()
    assert (queries("/metrics/on-call"), queries("/metrics/pages")) == before
    assert before[0] <= 24
    assert before[1] <= 16
