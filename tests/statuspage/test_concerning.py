"""Whom and what an incident concerns in public: the fields of an update, how many would hear, and the panel."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.template import Context, Template
from django.test import RequestFactory

from incidents import subscriptions
from incidents.models import Incident
from incidents.subscriptions import Wish
from statuspage import concerning, publishing
from statuspage.models import Delivery, Health, Mailing, Report
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def kafka(db):
    return make.service("kafka", name="internal-kafka")


@pytest.fixture
def page(kafka):
    page = make.status_page("acme", name="Acme status")
    make.component(page, kafka, name="Search")
    make.component(page, make.service(), name="Sign-in")
    return page


@pytest.fixture
def incident(kafka):
    return make.incident(severity="high", services=[kafka])


def part(name):
    return concerning.Component.objects.get(name=name)


def rendered(tag, incident, **typed):
    request = RequestFactory().post("/", typed)
    template = Template(f"{{% load statuspages %}}{{% {tag} %}}")
    return template.render(Context({"request": request, "incident": incident}))


def told(incident, *, at, **fields):
    make.status_update(incident, at=at, visibility="external", **fields)
    publishing.publish_missing(now=at)


def subscriber(page, address, *parts, **fields):
    made = page.subscribers.create(kind="email", address=address, **{"confirmed_at": make.NOW, **fields})
    made.components.set(parts)
    return made


def test_components_of_its_services_come_first_and_are_as_the_severity_says(page, incident):
    (of_page,) = concerning.choices_for(incident, typed={})
    assert [(row.component.name, row.chosen, row.options[0]) for row in of_page.concerned] == [
        ("Search", "", ("", "As the severity says: partial outage"))
    ]
    assert [(row.component.name, row.options[0]) for row in of_page.others] == [("Sign-in", ("", "Not affected"))]
    assert [value for value, _ in of_page.concerned[0].options[1:]] == [
        Health.OPERATIONAL, Health.DEGRADED, Health.PARTIAL, Health.MAJOR,
    ]  # fmt: skip


def test_what_was_said_stays_chosen_until_the_end(page, incident, now):
    sign_in = part("Sign-in").public_id
    told(incident, at=now, title="Slow", affects={sign_in: "degraded_performance"})
    (of_page,) = concerning.choices_for(incident, typed={})
    row = next(row for row in of_page.concerned if row.component.name == "Sign-in")
    assert (row.chosen, row.is_said, row.options[0][0]) == ("degraded_performance", True, "operational")
    told(incident, at=now + timedelta(minutes=5), status="resolved")
    (of_page,) = concerning.choices_for(incident, typed={})
    assert [row.component.name for row in of_page.others] == ["Sign-in"]


def test_a_form_that_is_shown_again_keeps_what_was_typed(page, incident):
    search = part("Search").public_id
    html = rendered("affects_fields incident", incident, **{f"affects-{search}": "major_outage"})
    assert f'name="affects-{search}"' in html
    assert '<option value="major_outage" selected>Major outage</option>' in html
    assert "kafka" not in html


def test_without_a_page_there_is_nothing_to_choose(incident):
    assert rendered("affects_fields incident", incident).strip() == ""
    assert rendered("public_recipients incident", incident) == "0"


def test_those_are_counted_who_would_hear(page, incident, now):
    search, sign_in = part("Search"), part("Sign-in")
    elsewhere = make.status_page()
    subscriber(page, "all@example.com")
    subscriber(page, "search@example.com", search)
    subscriber(page, "both@example.com", search, sign_in)
    subscriber(page, "other@example.com", sign_in)
    subscriber(page, "waiting@example.com", confirmed_at=None)
    subscriber(page, "gone@example.com", ended_at=now, ended_why="left")
    subscriber(elsewhere, "all@example.com")
    assert rendered("public_recipients incident", incident) == "3"
    typed = {f"affects-{sign_in.public_id}": "degraded_performance", "affects-a\x00b": "x"}
    assert rendered("public_recipients incident", incident, **typed) == "4"
    Incident.objects.filter(pk=incident.pk).update(is_private=True)
    incident.refresh_from_db()
    assert rendered("public_recipients incident", incident) == "0"


def test_whoever_is_told_inside_is_counted_there_and_not_as_a_subscriber(client, page, incident, alice, bob):
    subscriptions.follow(Wish.of(incident), by=bob)
    for address in (bob.email, alice.email, "all@example.com"):
        subscriber(page, address)
    client.force_login(alice)
    said = {"preview": "1", "when": "hold", "status": "investigating", "message": "We look."}
    said |= {"visibility": "external", "title": "Slow"}
    shown = client.post(f"/incidents/{incident.reference}/status-updates/new", said).content.decode()
    assert "Told of it: 1 person who follows it." in shown
    assert "Told of it: 2 subscribers." in shown


def test_the_panel_says_where_it_is_told_or_that_it_is_not(client, alice, page, incident, now):
    client.force_login(alice)
    shown = client.get(incident.get_absolute_url()).content.decode()
    assert "The public has not been told." in shown
    told(incident, at=now, title="Searches are slow")
    report = Report.objects.get()
    shown = client.get(incident.get_absolute_url()).content.decode()
    assert f"/status/acme/incidents/{report.public_id}.html" in shown
    assert "Searches are slow" in shown
    panel = client.get(f"/incidents/{incident.reference}/public")
    assert "Partial outage" in panel.content.decode()
    version = panel.content.decode().partition('data-version="')[2].partition('"')[0]
    assert client.get(f"/incidents/{incident.reference}/public?seen=statuspage-panel.{version}").status_code == 204


def test_the_panel_says_how_many_subscribers_were_told_last(client, admin, alice, page, incident, now):
    told(incident, at=now, title="Searches are slow")
    report, states = Report.objects.get(), ("sent", "kept", "failed", "pending", "cancelled")
    Mailing.objects.all().delete()
    for count in (1, len(states)):
        news = make.mailing(page, report=report, fanned_at=now)
        for state in states[:count]:
            finished = None if state == "pending" else now
            Delivery.objects.create(
                mailing=news, subscriber=make.subscriber(page), state=state, finished_at=finished, due_at=now
            )
    address = f"/incidents/{incident.reference}/public"
    for reader, links in ((alice, 0), (admin, 1)):
        client.force_login(reader)
        for shown in (client.get(address), client.get(incident.get_absolute_url())):
            source = shown.content.decode()
            assert "Told of it: 2 subscribers, others are being told;" in source
            link = f"/admin/statuspage/delivery/?mailing__id__exact={news.pk}&amp;state__exact=failed"
            assert ("1 failed" in source, source.count(link)) == (True, links)
    assert client.get(link.replace("&amp;", "&")).status_code == 200


def test_the_panel_is_hidden_where_no_page_could_tell(client, alice):
    client.force_login(alice)
    incident = make.incident()
    shown = client.get(f"/incidents/{incident.reference}/public").content.decode()
    assert 'aria-labelledby="statuspage-panel-title" hidden>' in shown


def test_a_private_incident_has_no_panel_for_strangers(client, bob):
    client.force_login(bob)
    incident = make.incident(is_private=True)
    assert client.get(f"/incidents/{incident.reference}/public").status_code == 404
