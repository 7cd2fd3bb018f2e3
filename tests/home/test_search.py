"""Search everywhere: what is found, by whom, and how it is shown."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from home import search
from incidents import lifecycle, timeline
from incidents.lifecycle import Draft
from incidents.models import Incident
from tests import make

pytestmark = pytest.mark.django_db

BOX = {"HX-Request": "true"}


@pytest.fixture
def at_desk(client, alice):
    client.force_login(alice)
    return client


def body(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def page(client, text: str, **more) -> str:
    return body(client.get("/search/", {"q": text, **more}))


def found(client, text: str) -> list[int]:
    """The numbers of the incidents on the page of results, in order."""
    part = page(client, text).partition('id="found"')[2].partition("</section>")[0]
    return [int(number) for number in re.findall(r'href="/incidents/INC-(\d+)"', part)]


def answers(client, text: str) -> list[str]:
    """Where the answers below the box lead, but for the last one, which leads to all of them."""
    part = body(client.get("/search/", {"q": text}, headers=BOX))
    assert "<html" not in part
    return [unescape(href) for href in re.findall(r'role="option"[^>]*href="([^"]+)"', part)][:-1]


def test_words_find_incidents_by_title_summary_and_notes_the_newest_first(at_desk, alice):
    now = timezone.now()
    by_title = make.incident(title="Replica lags on db.primary-3", at=now)
    by_summary = make.incident(title="Slow", description="The primary is overloaded", at=now)
    by_note = make.incident(title="Odd", at=now)
    timeline.add_note(by_note, text="It was the **primary** again", by=alice)
    make.incident(title="Something else", at=now)
    assert found(at_desk, "primary") == [by_note.pk, by_summary.pk, by_title.pk]
    assert found(at_desk, "primary overloaded") == [by_summary.pk]
    assert found(at_desk, "overload") == [by_summary.pk]
    assert found(at_desk, "zebra") == []


def test_the_page_shows_where_it_was_found(at_desk, alice):
    incident = make.incident(title="db.primary-3 is slow", description="See http://kafka.example.com/x, it lags")
    timeline.add_note(incident, text="The disk is **full** again", by=alice)
    assert "db.<mark>primary</mark>-3 is slow" in page(at_desk, "primary")
    assert "http://<mark>kafka</mark>.example.com/x, it lags" in page(at_desk, "kafka")
    assert "The <mark>disk</mark> is **<mark>full</mark>** again" in page(at_desk, "full disk")


def test_nothing_that_people_write_becomes_markup(at_desk, alice):
    evil = '<script>alert(1)</script> <mark>x</mark> \ue000<img src=x onerror=y>\ue001 "quoted" disk'
    incident = make.incident(title=evil[:200], description=evil)
    timeline.add_note(incident, text=evil, by=alice)
    make.service("disk", name="<b>disk</b>")
    for answer in (page(at_desk, "disk"), body(at_desk.get("/search/", {"q": "disk"}, headers=BOX))):
        assert "<mark>disk</mark>" in answer
        for tag in ("<script>alert", "<mark>x", "<img", "<b>disk"):
            assert tag not in answer, tag
    assert "<script>" not in page(at_desk, "<script>alert(1)</script>").partition("<main")[2].partition("</main>")[0]


def test_a_reference_leads_right_there(at_desk):
    incident = make.incident()
    make.incident(title=f"Same as INC-{incident.pk}?")
    for text in (incident.reference, incident.reference.lower(), f"#{incident.pk}", f" {incident.reference} "):
        response = at_desk.get("/search/", {"q": text})
        assert (response.status_code, response["Location"]) == (302, incident.get_absolute_url())
    assert found(at_desk, str(incident.pk))[0] == incident.pk
    assert answers(at_desk, incident.reference)[0] == incident.get_absolute_url()
    assert answers(at_desk, str(incident.pk))[0] == incident.get_absolute_url()
    everything = page(at_desk, incident.reference, all=1)
    assert f"INC-{incident.pk + 1}" in everything
    assert "No incident fits" in page(at_desk, "INC-999999")


def test_prefixes_are_the_filters_of_the_list(at_desk, alice, bob):
    now = timezone.now()
    team = make.team("storage", alice)
    kafka = make.service("kafka", name="Kafka Cluster", team=team)
    hers = make.incident(title="Kafka lags", severity="high", services=[kafka], assignee=alice, at=now)
    his = make.incident(title="Search is stale", severity="low", assignee=bob, at=now)
    old = make.incident(title="Disk full", severity="low", at=now - timedelta(days=30))
    lifecycle.resolve(old, by=bob, now=now)
    for text, expected in {
        "severity:low": [his, old],
        "severity:LOW stale": [his],
        "status:resolved": [old],
        "status:triggered": [his, hers],
        "is:open": [his, hers],
        "is:resolved": [old],
        "is:mine": [hers],
        f"after:{now.date()}": [his, hers],
        "after:yesterday severity:high": [hers],
        f"before:{now.date()}": [old],
        "before:today after:today": [],
        "after:0001-01-01 stale": [his],
        "is:unassigned": [],
        "service:kafka": [hers],
        'service:"kafka cluster"': [hers],
        "service:kaf": [hers],
        "service:nothing": [],
        "team:storage": [hers],
        "team:mine": [hers],
        "assignee:me": [hers],
        "assignee:bob": [his, old],
        "assignee:Bob is:open": [his],
        "assignee:nobody": [],
        "severity:enormous stale": [his],
        "foo:bar": [],
    }.items():
        assert found(at_desk, text) == [incident.pk for incident in expected], text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("severity:enormous", "severity: takes critical, high, medium or low, not “enormous”."),
        ("service:kafka", "No service is called “kafka”."),
        ("assignee:zoe", "Nobody is called “zoe”."),
        ("severity:", "severity: takes critical, high, medium or low."),
        ("after:soon", "after: takes the first day, such as 2026-10-01, today or yesterday, not “soon”."),
        ("foo:bar", "Known are severity: status: is: service: team: assignee: after: before:"),
    ],
)
def test_what_is_no_prefix_or_no_value_is_said(at_desk, text, said):
    assert said in page(at_desk, text)
    assert said in body(at_desk.get("/search/", {"q": text}, headers=BOX))


def test_each_filter_can_be_taken_away_and_the_list_shows_the_same(at_desk):
    make.service("kafka", name="Kafka")
    shown = page(at_desk, 'disk severity:low service:"kafka"')
    links = [unescape(href) for href in re.findall(r'class="mu-tag mu-asked" href="([^"]+)"', shown)]
    assert links == ["?q=disk%20service%3Akafka", "?q=disk%20severity%3Alow"]
    assert 'href="/incidents/?period=all&amp;severity=low&amp;service=kafka&amp;q=disk"' in shown


def test_services_and_people_are_found_by_name_with_a_letter_wrong_too(at_desk, bob):
    team = make.team("storage", name="Storage Crew")
    make.service("kafka", name="Kafka Cluster", team=team)
    maya = make.user("mlindqvist", name="Maya Lindqvist")
    make.user("gone", name="Maya Gone", is_active=False)
    kafka, hers = "/services/kafka", "/incidents/?period=all&assignee=mlindqvist"
    for text, expected in {
        "kafka": [kafka],
        "cluster kaf": [kafka],
        "storage": [kafka],
        "kafak": [kafka],
        "maya": [hers],
        "lindqvist maya": [hers],
        "mlind": [hers],
        "lindqist": [hers],
        "zebra": [],
        "kafka severity:low": [kafka],
        "severity:low": [],
    }.items():
        assert answers(at_desk, text) == expected, text
    assert maya.name in page(at_desk, "maya")


def test_only_admins_see_and_search_e_mail_addresses(client, alice, bob, admin):
    for person, expected in ((alice, False), (admin, True)):
        client.force_login(person)
        assert ("bob@example.com" in page(client, "bob")) == expected
        assert ("bob@example.com" in body(client.get("/search/", {"q": "bob"}, headers=BOX))) == expected
        assert bool(answers(client, "bob@example")) == expected


def test_private_incidents_are_found_by_their_people_only(client, alice, bob, admin):
    service = make.service("vault", team=make.team("security", bob))
    secret = make.incident(title="Leaked credentials", is_private=True, services=[service], severity="low")
    timeline.add_note(secret, text="Credentials of the bastion", by=bob)
    for person, expected in ((alice, []), (bob, [secret.pk]), (admin, [secret.pk])):
        client.force_login(person)
        assert found(client, "credentials") == expected, person
        assert found(client, "bastion") == expected, person
        assert found(client, "severity:low") == expected, person
        assert (answers(client, "leaked") != []) == bool(expected), person
        assert (client.get("/search/", {"q": secret.reference}).status_code == 302) == bool(expected)


def test_while_typing_the_last_word_may_be_a_beginning_and_answers_are_few(at_desk):
    now = timezone.now()
    rows = lifecycle.declare_many([Draft(title=f"Database {n} is down", severity="low") for n in range(12)], now=now)
    make.service("database", name="Database")
    for text in ("datab", "data", "down datab", "database d", "database do", "down "):
        assert answers(at_desk, text)[0] == rows[-1].get_absolute_url(), text
    assert len(answers(at_desk, "database")) == search.MOST_ANSWERS
    assert "Known are" not in body(at_desk.get("/search/", {"q": "database"}, headers=BOX))
    assert answers(at_desk, "") == []
    assert answers(at_desk, "!!! …") == []


def test_pages_of_results_hold_every_incident_once(at_desk):
    drafts = [Draft(title=f"Disk {n}", severity="low") for n in range(search.PAGE_SIZE + 5)]
    rows = lifecycle.declare_many(drafts, now=timezone.now())
    first = page(at_desk, "disk")
    on = unescape(re.search(r'rel="next" href="([^"]+)"', first)[1])
    second = body(at_desk.get("/search/" + on))
    numbers = [int(n) for text in (first, second) for n in re.findall(r'href="/incidents/INC-(\d+)"', text)]
    assert numbers == sorted((row.pk for row in rows), reverse=True)
    assert "No incident fits" not in page(at_desk, "disk", cursor="nonsense")


def test_an_empty_question_explains_what_can_be_typed(at_desk):
    for text in ("", "   "):
        assert "What can be typed" in page(at_desk, text)


@pytest.mark.parametrize(
    "text", ["\x00", "'", "a & b | !c <-> :*", "\\", "%", "é" * 400, "is:" * 100, '"' * 99, "#", "INC-"]
)
def test_odd_texts_find_nothing_and_break_nothing(at_desk, text):
    make.incident()
    assert at_desk.get("/search/", {"q": text}).status_code == 200
    assert at_desk.get("/search/", {"q": text}, headers=BOX).status_code == 200


def test_searching_costs_the_same_few_queries_whatever_is_found(client, alice):
    client.force_login(alice)

    def cost(**options) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/search/", {"q": "disk severity:low"}, **options).status_code == 200
        return len(queries)

    make.incident(title="Disk", severity="low")
    make.service("disk")
    make.user("disk")
    one = cost(), cost(headers=BOX)
    lifecycle.declare_many([Draft(title=f"Disk {n}", severity="low", assignee=alice) for n in range(30)])
    for n in range(9):
        make.service(f"disk{n}", team=make.team())
        make.user(f"disk{n}")
    assert (cost(), cost(headers=BOX)) == one
    assert one[0] <= 10
    assert one[1] <= 8
    assert Incident.objects.count() == 31


def test_strangers_are_sent_to_sign_in(client):
    response = client.get("/search/", {"q": "disk"})
    assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/search/%3Fq%3Ddisk")


def test_extracts_come_from_the_newest_notes_and_their_beginnings(alice):
    incident = make.incident(title="Checkout fails", by=alice)
    timeline.add_note(incident, text="Kafka was first", by=alice)
    for number in range(search.NOTES_READ):
        timeline.add_note(incident, text=f"{number} lorem {'x ' * (search.NOTE_READ // 2)} zebra", by=alice)
    assert [search.found_in([incident], word)[0].where for word in ("kafka", "zebra", "lorem")] == ["", "", "Note"]
