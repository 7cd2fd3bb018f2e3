"""The incident list: tabs, orders, filters, pages, and who sees what."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership
from incidents import lifecycle, listing
from incidents.models import Incident
from tests import make

pytestmark = pytest.mark.django_db

MOST_QUERIES = 12


@pytest.fixture
def at_desk(client, alice):
    client.force_login(alice)
    return client


def shown(response) -> list[int]:
    """The numbers of the rows, in order."""
    return [int(number) for number in re.findall(r'id="row-(\d+)"', response.content.decode())]


def listed(client, query: str = "") -> list[int]:
    response = client.get(f"{reverse('incidents:list')}{query}")
    assert response.status_code == 200
    return shown(response)


def resolved(incident: Incident, *, by, after: timedelta) -> Incident:
    return lifecycle.resolve(incident, by=by, now=incident.created_at + after)


def test_strangers_are_sent_to_sign_in(client):
    response = client.get(reverse("incidents:list"))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


def test_viewers_read_and_are_offered_nothing_to_press(client, charlie):
    incident = make.incident(at=timezone.now())
    client.force_login(charlie)
    response = client.get(reverse("incidents:list"))
    assert shown(response) == [incident.pk]
    assert b"formaction" not in response.content
    assert reverse("incidents:declare").encode() not in response.content


def test_the_tabs_show_what_burns_what_was_lately_and_everything(at_desk, alice):
    now = timezone.now()
    old = resolved(make.incident(at=now - timedelta(days=30)), by=alice, after=timedelta(hours=1))
    lately = resolved(make.incident(at=now - timedelta(days=2)), by=alice, after=timedelta(hours=1))
    running = make.incident(at=now - timedelta(days=40))
    assert listed(at_desk) == [running.pk]
    assert listed(at_desk, "?period=active") == [running.pk]
    assert listed(at_desk, "?period=recent") == [lately.pk, running.pk]
    assert listed(at_desk, "?period=all") == [lately.pk, old.pk, running.pk]


def test_every_order_goes_both_ways(at_desk, alice, bob):
    now = timezone.now()
    first = make.incident(title="B", severity="low", at=now - timedelta(hours=3), assignee=bob)
    second = make.incident(title="A", severity="critical", at=now - timedelta(hours=2), assignee=alice)
    third = make.incident(title="C", severity="high", at=now - timedelta(hours=1))
    lifecycle.acknowledge(first, by=bob, now=now)
    resolved(second, by=alice, after=timedelta(minutes=5))
    a, b, c = second.pk, first.pk, third.pk
    ascending = {
        "id": [b, a, c],
        "title": [a, b, c],
        "severity": [b, c, a],
        "status": [c, b, a],
        "assignee": [a, b, c],
        "duration": [a, c, b],
        "created": [b, a, c],
    }
    assert set(ascending) == {sort.removeprefix("-") for sort in listing.SORTS}
    for sort, expected in ascending.items():
        assert listed(at_desk, f"?period=all&sort={sort}") == expected, sort
        assert listed(at_desk, f"?period=all&sort=-{sort}") == expected[::-1], f"-{sort}"


def test_an_unknown_order_or_tab_is_the_default(at_desk):
    now = timezone.now()
    numbers = [make.incident(at=now - timedelta(minutes=minutes)).pk for minutes in (3, 2)]
    assert listed(at_desk, "?sort=password&period=never&cursor=nonsense") == numbers[::-1]


def test_filters_narrow_by_what_the_address_says(at_desk, alice, bob):
    now = timezone.now()
    team = make.team("storage", alice)
    kafka = make.service("kafka", team=team)
    hers = make.incident(title="Kafka lags", severity="high", services=[kafka], assignee=alice, at=now)
    his = make.incident(title="Search is stale", severity="low", assignee=bob, at=now)
    nobodys = make.incident(title="100 % disk", severity="low", at=now)
    lifecycle.acknowledge(his, by=bob, now=now)
    for query, expected in {
        "severity=low": [nobodys, his],
        "status=triggered": [nobodys, hers],
        "status=acknowledged&severity=low": [his],
        "service=kafka": [hers],
        "service=nothing": [],
        "team=storage": [hers],
        "team=mine": [hers],
        "assignee=me": [hers],
        "assignee=bob": [his],
        "assignee=none": [nobodys],
        "q=STALE": [his],
        "q=100+%25": [nobodys],
        f"q=inc-{hers.pk}": [hers],
        f"q={hers.pk}&severity=high": [hers],
        "q=%00": [nobodys, his, hers],
        "severity=enormous": [nobodys, his, hers],
    }.items():
        assert listed(at_desk, f"?sort=-id&{query}") == [incident.pk for incident in expected], query


def test_a_filter_that_is_none_is_named(at_desk):
    response = at_desk.get(f"{reverse('incidents:list')}?severity=enormous")
    assert b"was left out" in response.content


def test_pages_hold_every_row_once_in_every_order_and_lead_back(at_desk, alice, bob):
    now = timezone.now()
    severities = ["critical", "high", "medium", "low"]
    people = [alice, bob, None]
    drafts = [
        lifecycle.Draft(title=f"T{index % 7}", severity=severities[index % 4], assignee=people[index % 3])
        for index in range(listing.PAGE_SIZE + 7)
    ]
    rows = lifecycle.declare_many(drafts, now=now - timedelta(hours=9))
    for row in rows[::5]:
        resolved(row, by=bob, after=timedelta(minutes=row.pk % 11))
    for sort in listing.SORTS:
        response = at_desk.get(f"{reverse('incidents:list')}?period=all&sort={sort}")
        first = shown(response)
        on = re.search(r'rel="next" href="([^"]+)"', response.content.decode())[1].replace("&amp;", "&")
        response = at_desk.get(reverse("incidents:list") + on)
        second = shown(response)
        assert sorted(first + second) == sorted(row.pk for row in rows), sort
        assert (len(first), len(second)) == (listing.PAGE_SIZE, 7), sort
        back = re.search(r'rel="prev" href="([^"]+)"', response.content.decode())[1].replace("&amp;", "&")
        assert listed(at_desk, back) == first, sort


def test_private_incidents_are_listed_for_their_people_only(client, alice, bob, admin):
    team = make.team("security", bob)
    service = make.service("vault", team=team)
    secret = make.incident(title="Leak", is_private=True, services=[service], severity="low", at=timezone.now())
    for person, expected in ((alice, []), (bob, [secret.pk]), (admin, [secret.pk])):
        client.force_login(person)
        assert listed(client) == expected, person
        assert (b">1</span>" in client.get(reverse("incidents:list")).content) == bool(expected)


def test_a_triggered_row_is_acknowledged_from_the_list_and_leads_back_to_it(at_desk, alice):
    incident = make.incident(at=timezone.now())
    address = f"{reverse('incidents:list')}?period=recent"
    page = at_desk.get(address).content.decode()
    action = reverse("incidents:acknowledge", args=[incident.reference])
    assert f'formaction="{action}"' in page
    response = at_desk.post(action, {"next": address})
    assert (response.status_code, response["Location"]) == (303, address)
    incident.refresh_from_db()
    assert (incident.status, incident.assignee) == ("acknowledged", alice)
    assert "formaction" not in at_desk.get(address).content.decode()


def test_acknowledging_never_leads_out_of_muster(at_desk):
    incident = make.incident(at=timezone.now())
    action = reverse("incidents:acknowledge", args=[incident.reference])
    for address in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        assert at_desk.post(action, {"next": address})["Location"] == incident.get_absolute_url()


def test_empty_lists_say_what_to_do_next(at_desk, alice):
    assert b"No incident yet" in at_desk.get(reverse("incidents:list")).content
    resolved(make.incident(at=timezone.now() - timedelta(hours=2)), by=alice, after=timedelta(hours=1))
    assert b"No active incidents" in at_desk.get(reverse("incidents:list")).content
    assert b"No incident fits" in at_desk.get(f"{reverse('incidents:list')}?q=zebra").content
    elsewhere = at_desk.get(f"{reverse('incidents:list')}?q=broken").content
    assert b"No active incident fits" in elsewhere
    assert b"Among all incidents, 1 does." in elsewhere


@pytest.mark.parametrize("sort", listing.SORTS)
@pytest.mark.parametrize("role", ["responder", "admin"])
def test_the_list_costs_the_same_few_queries_at_any_length(client, alice, role, sort):
    alice.role = role
    alice.save()
    client.force_login(alice)
    now = timezone.now()
    team = make.team("storage", alice)
    services = [make.service(f"s{index}", team=team) for index in range(3)]
    address = f"{reverse('incidents:list')}?period=all&sort={sort}&team=storage&assignee=me"

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    make.incident(services=services, assignee=alice, at=now)
    one = cost()
    lifecycle.declare_many(
        [lifecycle.Draft(title="x", severity="high", services=services, assignee=alice) for _ in range(20)], now=now
    )
    assert cost() == one <= MOST_QUERIES


def test_the_list_says_ten_thousand_and_more_instead_of_counting(at_desk, monkeypatch):
    monkeypatch.setattr(listing, "MOST_COUNTED", 2)
    lifecycle.declare_many([lifecycle.Draft(title="x", severity="low") for _ in range(4)], now=timezone.now())
    assert b"2+" in at_desk.get(reverse("incidents:list")).content


def test_members_of_several_teams_see_a_row_once(at_desk, alice):
    team, other = make.team("one", alice), make.team("two")
    Membership.objects.create(team=other, user=alice)
    services = [make.service("a", team=team), make.service("b", team=other)]
    incident = make.incident(services=services, at=timezone.now())
    assert listed(at_desk, "?team=mine") == [incident.pk]


@pytest.mark.parametrize("name", ["service", "team", "assignee", "q", "cursor"])
def test_a_nul_in_the_address_is_no_filter(client, alice, name):
    client.force_login(alice)
    assert client.get(f"/incidents/?{name}=%00").status_code == 200


@pytest.mark.parametrize("name", ["service", "team", "assignee"])
def test_a_name_that_is_longer_than_any_finds_nothing(at_desk, name):
    make.incident(at=timezone.now())
    assert listed(at_desk, f"?{name}={'x' * 500}") == []


# ---- what an open list asks again ----------------------------------------------------------------------------------

HTMX = {"HTTP_HX_REQUEST": "true"}


def version_of(content: bytes) -> str:
    return re.findall(r'id="incidents"[^>]* data-version="([^"]+)"', content.decode())[0]


def test_an_open_list_hears_nothing_until_something_that_it_shows_has_changed(at_desk, alice, bob):
    now = timezone.now()
    incident, other = make.incident(at=now), make.incident(severity="low", at=now)
    address = "/incidents/?severity=critical"
    seen = f"{address}&seen=incidents.{version_of(at_desk.get(address).content)}"
    assert at_desk.get(seen, **HTMX).status_code == 204
    lifecycle.acknowledge(other, by=bob)
    assert at_desk.get(seen, **HTMX).status_code == 204
    lifecycle.acknowledge(incident, by=bob)
    answer = at_desk.get(seen, **HTMX)
    assert answer.status_code == 200
    assert answer["Vary"].startswith("HX-Request, HX-Boosted, Cookie")
    body = answer.content.decode()
    assert "<html" not in body
    assert [f'id="{part}"' in body for part in ("list-summary", "list-tabs", "incidents")] == [True] * 3
    assert at_desk.get(f"{address}&seen=incidents.{version_of(answer.content)}", **HTMX).status_code == 204


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Other"},
        {"severity": "low"},
        {"is_private": True},
        {"is_unanswered": False},
        {"assignee": "bob"},
    ],
)
def test_whatever_a_row_shows_is_part_of_its_version(at_desk, alice, bob, change):
    incident = make.incident(at=timezone.now())
    seen = f"/incidents/?seen=incidents.{version_of(at_desk.get('/incidents/').content)}"
    Incident.objects.filter(pk=incident.pk).update(**{k: bob if v == "bob" else v for k, v in change.items()})
    assert at_desk.get(seen, **HTMX).status_code == 200


def test_what_an_open_list_adds_to_the_address_is_in_no_link(at_desk):
    incident = make.incident(at=timezone.now())
    body = at_desk.get(f"/incidents/?severity=critical&seen=x&shown={incident.pk}", **HTMX).content.decode()
    assert "seen=" not in body
    assert "shown=" not in body
    assert 'href="?severity=critical&amp;sort=title"' in body


def test_a_row_that_left_the_view_says_why_to_whoever_still_shows_it(at_desk, alice, bob):
    now = timezone.now()
    over, running, secret = (make.incident(at=now) for _ in range(3))
    lifecycle.resolve(over, by=bob)
    Incident.objects.filter(pk=secret.pk).update(is_private=True)
    body = at_desk.get(f"/incidents/?shown={over.pk},{running.pk},{secret.pk},99999", **HTMX).content.decode()
    assert shown(at_desk.get("/incidents/")) == [running.pk]
    assert re.findall(r'id="row-(\d+)"', body) == [str(running.pk), str(over.pk)]
    assert f'<tr id="row-{over.pk}"' in body.partition("</section>")[2]


@pytest.mark.parametrize("value", ["", "x", "1,", ",".join(["1"] * 600), "9" * 30, "-1", "1;2", "%00"])
def test_what_is_no_list_of_numbers_is_left_alone(at_desk, value):
    assert at_desk.get(f"/incidents/?seen={value}&shown={value}", **HTMX).status_code == 200


def test_blanks_are_taken_out_of_the_address(at_desk):
    answer = at_desk.get("/incidents/?q=&severity=low&team=&mine=")
    assert (answer.status_code, answer["Location"]) == (302, "/incidents/?severity=low")
    assert at_desk.get("/incidents/?q=")["Location"] == "/incidents/"


def test_the_first_line_says_what_burns_and_how_late(at_desk, alice, bob):
    now = timezone.now()
    assert b"Nothing is on fire" in at_desk.get("/incidents/").content
    late = make.incident(at=now - timedelta(minutes=20))
    make.incident(at=now - timedelta(minutes=1))
    summary = re.compile(r'<p class="mu-summary".*?</p>', re.DOTALL)

    def said(address: str = "/incidents/") -> str:
        text = re.sub(r"<[^>]+>", "", summary.search(at_desk.get(address).content.decode())[0])
        return re.sub(r"\d+:\d\d", "m:ss", text)

    assert said() == "2 active, 2 waiting for an answer overdue m:ss, longest m:ss"
    assert said("/incidents/?period=all&sort=created") == said()
    lifecycle.acknowledge(late, by=bob, now=now)
    assert said() == "2 active, 1 waiting for an answer due in m:ss, longest m:ss"
    for incident in Incident.objects.filter(status="triggered"):
        lifecycle.acknowledge(incident, by=alice)
    assert said() == "2 active, all answered, longest m:ss"


def test_how_late_the_first_is_does_not_depend_on_the_page(at_desk, monkeypatch):
    now = timezone.now()
    make.incident(at=now - timedelta(minutes=20))
    lifecycle.declare_many([lifecycle.Draft(title="x", severity="critical") for _ in range(listing.PAGE_SIZE)], now=now)
    page = at_desk.get("/incidents/").content.decode()
    assert re.search(r'<p class="mu-summary".*?overdue \d+:\d\d', page, re.DOTALL)


def test_the_title_counts_what_waits_for_an_answer(at_desk, bob):
    incident = make.incident(at=timezone.now())
    assert b"<title>(1) Incidents" in at_desk.get("/incidents/").content
    lifecycle.acknowledge(incident, by=bob)
    assert b"<title>Incidents" in at_desk.get("/incidents/").content
