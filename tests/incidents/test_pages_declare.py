"""Declaring an incident in the browser."""

from __future__ import annotations

import html
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from incidents.models import Incident, IncidentSettings, SeverityPolicy
from tests import make

pytestmark = pytest.mark.django_db

MOST_QUERIES = 12


HTMX = {"HX-Request": "true"}


def words(response):
    """What a page says, without its tags."""
    text = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", response.content.decode(), flags=re.S)
    return html.unescape(re.sub(r"\s+", " ", text)).replace(" ,", ",")


def hidden(response):
    """The hidden fields of the page's form."""
    form = response.content.decode().split('<form class="mu-form"')[1]
    return {
        name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    }


def ticket_in(response):
    return re.search(r'name="ticket" value="([^"]+)"', response.content.decode())[1]


@pytest.fixture
def at_desk(client, alice):
    make.policy.ensure_defaults()
    client.force_login(alice)
    return client


@pytest.fixture
def address():
    return reverse("incidents:declare")


def test_strangers_sign_in_first_and_keep_what_the_address_said(client, address):
    response = client.get(f"{address}?title=Kafka")
    assert response["Location"] == f"{reverse('account_login')}?next=/incidents/new%3Ftitle%3DKafka"


def test_viewers_do_not_declare(client, charlie, address):
    client.force_login(charlie)
    assert client.get(address).status_code == 403
    assert client.post(address, {"title": "X", "severity": "low"}).status_code == 403
    assert not Incident.objects.exists()


def test_each_severity_says_what_it_promises(at_desk, address):
    SeverityPolicy.objects.filter(severity="low").update(impact="Barely felt", respond_within_minutes=180)
    page = re.sub(r"\s+", " ", re.sub(r"<svg.*?</svg>|<[^>]+>", " ", at_desk.get(address).content.decode()))
    assert "Critical Immediate Platform-wide outage Page on-call, notify leadership" in page
    assert "Low 3 hours Barely felt Team ticket" in page


def test_it_is_declared_with_everything_the_form_says(at_desk, alice, bob, address):
    kafka = make.service("kafka")
    make.service("search")
    data = {
        "title": "Kafka lags",
        "severity": "high",
        "services": ["kafka"],
        "description": "Since the **deploy**\r\nof noon",
        "assignee": "bob",
        "started_at": "2026-01-02T03:04",
        "is_private": "on",
    }
    response = at_desk.post(address, data)
    incident = Incident.objects.get()
    assert (response.status_code, response["Location"]) == (303, incident.get_absolute_url())
    assert (incident.title, incident.severity, incident.status) == ("Kafka lags", "high", "triggered")
    assert incident.description == "Since the **deploy**\nof noon"
    assert (incident.created_by, incident.assignee, incident.is_private) == (alice, bob, True)
    assert incident.started_at.isoformat() == "2026-01-02T03:04:00+00:00"
    assert list(incident.affected_services.all()) == [kafka]


def test_title_and_severity_are_enough(at_desk, address):
    assert at_desk.post(address, {"title": "Odd", "severity": "low"}).status_code == 303
    incident = Incident.objects.get()
    assert (incident.started_at, incident.assignee, incident.is_private) == (incident.created_at, None, False)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"severity": "low"}, "Say in a few words what is wrong."),
        ({"title": "   ", "severity": "low"}, "Say in a few words what is wrong."),
        ({"title": "\u2028", "severity": "low"}, "Say in a few words what is wrong."),
        ({"title": "Kafka"}, "Choose how bad it is"),
        ({"title": "Kafka", "severity": "enormous"}, "enormous"),
        ({"title": "Kafka", "severity": "low", "services": "no-such"}, "no-such"),
        ({"title": "Kafka", "severity": "low", "assignee": "no-such"}, "valid choice"),
        ({"title": "Kafka", "severity": "low", "started_at": "2999-01-01T00:00"}, "in the future"),
        ({"title": "x" * 256, "severity": "low"}, "at most 255"),
        ({"title": "a\x00b", "severity": "low"}, "Null characters"),
    ],
)
def test_mistakes_are_shown_and_nothing_typed_is_lost(at_desk, address, data, message):
    response = at_desk.post(address, {"description": "typed words", **data})
    assert response.status_code == 422
    page = html.unescape(response.content.decode())
    assert message in page
    assert "typed words</textarea>" in page
    assert not Incident.objects.exists()


def test_the_address_fills_the_form(at_desk, address):
    for slug in ("kafka", "search", "storage"):
        make.service(slug)
    page = at_desk.get(
        f"{address}?title=Kafka+lags&severity=medium&service=kafka&service=search&color=red"
    ).content.decode()
    form = page.split('name="title"')[1].split("</form>")[0]
    chosen = re.findall(r'<input type="(?:radio|checkbox)"[^>]*value="([a-z]+)"[^>]*checked', form)
    assert form.lstrip().startswith('value="Kafka lags"')
    assert chosen == ["medium", "kafka", "search"]


def test_people_who_left_cannot_be_assigned(at_desk, bob, address):
    bob.is_active = False
    bob.save()
    assert at_desk.post(address, {"title": "X", "severity": "low", "assignee": "bob"}).status_code == 422


def test_the_form_costs_few_queries(at_desk, address):
    for index in range(10):
        make.service()
        make.user(f"more{index}")
    with CaptureQueriesContext(connection) as queries:
        at_desk.get(address)
    assert len(queries) <= MOST_QUERIES


def test_a_second_press_of_the_button_declares_nothing_more(at_desk, address):
    ticket = ticket_in(at_desk.get(address))
    said = {"title": "Kafka is slow", "severity": "low", "ticket": ticket}
    first, second = (at_desk.post(address, said)["Location"] for _ in range(2))
    assert first == second
    assert Incident.objects.count() == 1


def test_the_form_taken_back_and_changed_is_another_incident(at_desk, address):
    for title in ("Kafka is slow", "Search is down"):
        assert at_desk.post(address, {"title": title, "severity": "low", "ticket": "t"}).status_code == 303
    assert Incident.objects.count() == 2


# ---- who will be paged, before it is declared ----------------------------------------------------------------------


def test_the_form_says_who_will_be_paged(at_desk, bob, address):
    make.service("kafka", policy=make.escalation_policy(bob, name="Kafka on-call"))
    page = words(at_desk.get(f"{address}?severity=critical&service=kafka"))
    assert "Bob is paged Step 1 of Kafka on-call at once" in page
    assert "Response time: immediate." in page
    assert "Choose how bad it is: here stands who is paged" in words(at_desk.get(f"{address}?service=kafka"))


def test_htmx_asks_for_the_plan_alone(at_desk, bob):
    make.service("kafka", policy=make.escalation_policy(bob, name="Kafka on-call"))
    plan = reverse("incidents:declare_plan")
    for asked in ("severity=high&services=kafka&assignee=bob", "severity=high&service=kafka&assignee=bob"):
        answer = at_desk.get(f"{plan}?{asked}", headers=HTMX)
        assert answer.content.lstrip().startswith(b'<section class="mu-card" id="forecast"')
        assert "Bob is paged Step 1 of Kafka on-call at once" in words(answer)
        assert "Bob is told that it is theirs Assignee at once" in words(answer)
    for wrong in ("", "severity=enormous", "severity=high&services=no-such&assignee=no-such"):
        assert at_desk.get(f"{plan}?{wrong}", headers=HTMX).status_code == 200


def test_without_htmx_the_fragments_are_the_form(at_desk, address):
    for name in ("declare_plan", "similar"):
        answer = at_desk.get(reverse(f"incidents:{name}"), {"title": "a b", "severity": "low"})
        assert (answer.status_code, answer["Location"]) == (303, f"{address}?title=a+b&severity=low")


def test_the_fragments_are_for_those_who_declare(client, charlie):
    client.force_login(charlie)
    for name in ("declare_plan", "similar"):
        assert client.get(reverse(f"incidents:{name}"), headers=HTMX).status_code == 403


# ---- is it one of these? -------------------------------------------------------------------------------------------


@pytest.fixture
def known(at_desk, bob):
    return make.incident(title="Checkout failing: card payments return 502", assignee=bob)


def test_similar_incidents_are_offered_while_typing(at_desk, known):
    answer = at_desk.get(reverse("incidents:similar"), {"title": "checkout 502 errors"}, headers=HTMX)
    page = words(answer)
    assert "1 similar open incident" in page
    assert f"{known.reference} Critical Triggered {known.title} Bob, since" in page
    assert "similar words: checkout, 502" in page
    assert f'href="{known.get_absolute_url()}"' in answer.content.decode()
    assert f'name="seen" value="{known.number}"' in answer.content.decode()
    answer = at_desk.get(reverse("incidents:similar"), {"title": "Search is slow"}, headers=HTMX)
    assert "<a" not in answer.content.decode()


def test_without_a_script_the_form_asks_once(at_desk, known, address):
    said = {"title": "Checkout gives 502", "severity": "high", "description": "Since\nnoon", "ticket": "t"}
    asked = at_desk.post(address, said)
    assert asked.status_code == 200
    assert "Is it one of these?" in words(asked)
    assert Incident.objects.count() == 1

    carried = hidden(asked)
    assert {name: carried[name] for name in said} == said
    assert at_desk.post(address, carried | {"anyway": "on"}).status_code == 303
    assert list(Incident.objects.order_by("id").values_list("title", "description"))[1:] == [
        ("Checkout gives 502", "Since\nnoon")
    ]


def test_the_question_says_who_will_be_paged(at_desk, known, bob, address):
    make.service("kafka", policy=make.escalation_policy(bob, name="Kafka on-call"))
    asked = at_desk.post(address, {"title": "Checkout gives 502", "severity": "high", "services": ["kafka"]})
    assert "Bob is paged Step 1 of Kafka on-call at once" in words(asked)


def test_back_to_the_form_loses_nothing(at_desk, known, bob, address):
    for slug in ("kafka", "search"):
        make.service(slug)
    said = {
        "title": "Checkout gives 502",
        "severity": "high",
        "services": ["kafka", "search"],
        "description": "typed words",
        "assignee": "bob",
        "started_at": "2026-01-02T03:04",
        "is_private": "on",
        "ticket": "t",
    }
    at_desk.post(address, said)
    page = at_desk.post(address, said | {"back": "on"})
    assert page.status_code == 200
    assert page.context["form"].errors == {}
    assert ticket_in(page) == "t"
    html = page.content.decode()
    assert 'value="Checkout gives 502"' in html
    assert "typed words</textarea>" in html
    assert re.findall(
        r'<input type="(?:radio|checkbox)"[^>]*value="([a-z]+)"[^>]*checked', html.split('"title"')[1]
    ) == [
        "high",
        "kafka",
        "search",
        "on",
    ]
    assert '<option value="bob" selected>' in html
    assert 'value="2026-01-02T03:04' in html


def test_whoever_has_seen_them_beside_the_form_is_not_asked(at_desk, known, address):
    said = {"title": "Checkout gives 502", "severity": "low"}
    assert at_desk.post(address, said | {"seen": "7 8"}).status_code == 200
    assert at_desk.post(address, said | {"seen": f"{known.number} 8"}).status_code == 303


def test_a_second_press_is_not_asked_about_the_first(at_desk, address):
    said = {"title": "Kafka is slow", "severity": "low", "ticket": "t"}
    assert [at_desk.post(address, said).status_code for _ in range(2)] == [303, 303]


def test_many_services_come_with_a_box_to_filter_them(at_desk, address):
    for number in range(13):
        make.service(f"service-{number:02}")
    page = at_desk.get(f"{address}?service=service-07").content.decode()
    assert "Filter 13 services" in page
    boxes = re.findall(r'name="services" value="([a-z0-9-]+)"', page)
    assert boxes[:2] == ["service-07", "service-00"]
    assert len(boxes) == 13


def test_the_form_filled_with_everything_costs_few_queries_too(at_desk, address, alice, bob, admin):
    leaders, owners = make.team("leaders", bob), make.team("owners", alice, bob)
    IncidentSettings.objects.update_or_create(pk=1, defaults={"leadership": leaders, "last_resort": leaders})
    for index in range(4):
        paging = make.escalation_policy(alice, (bob, owners), name=f"Policy {index}", delays=(0, 5))
        make.service(f"service-{index}", policy=paging, team=owners)
    make.service("loose")
    make.incident(title="Kafka lags badly", by=bob)
    said = "&".join(f"service={slug}" for slug in (*(f"service-{index}" for index in range(4)), "loose"))
    with CaptureQueriesContext(connection) as queries:
        page = at_desk.get(f"{address}?title=Kafka+lags&severity=critical&assignee=bob&{said}").content.decode()
    assert "Step 2 of Policy 3" in page
    assert "Kafka lags badly" in page
    assert len(queries) <= MOST_QUERIES, "\n".join(query["sql"][:300] for query in queries)
