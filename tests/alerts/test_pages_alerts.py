"""Alerts on pages: the list, one alert, the panel of an incident, and linking by hand."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from alerts import grouping, intake
from alerts.models import Alert, AlertLink
from core.work import db_now
from incidents.models import Incident
from tests import make

pytestmark = pytest.mark.django_db


def fire(key: str, *names: str, **fields: object) -> None:
    """One alert a name, each its own matter, as the generic webhook sends it."""
    for name in names:
        body = {"title": name, "dedup_key": name, "severity": "high", "labels": {"host": name}, **fields}
        intake.store(key=key, format="generic", body=json.dumps(body).encode())
    grouping.apply_due(now=db_now())


@pytest.fixture
def key(admin):
    _, key = make.integration(name="Prometheus")
    return key


@pytest.fixture
def at_desk(client, alice):
    client.force_login(alice)
    return client


def test_the_list_shows_what_fires_and_all_shows_what_is_over_too(at_desk, key):
    fire(key, "disk full", "cpu hot")
    fire(key, "cpu hot", status="resolved")
    firing = at_desk.get(reverse("alerts:list")).content.decode()
    assert "disk full" in firing
    assert "cpu hot" not in firing
    everything = at_desk.get(reverse("alerts:list") + "?show=all").content.decode()
    assert "disk full" in everything
    assert "cpu hot" in everything
    assert everything.index("cpu hot") < everything.index("disk full")


def test_the_list_goes_on_with_a_cursor_and_refuses_a_made_up_one(at_desk, key, monkeypatch):
    monkeypatch.setattr("alerts.views.ROWS", 2)
    fire(key, "one", "two", "three")
    page = at_desk.get(reverse("alerts:list"))
    older = page.context["page"].next
    assert [alert.title for alert in page.context["page"].items] == ["three", "two"]
    page = at_desk.get(reverse("alerts:list") + f"?cursor={older}")
    assert [alert.title for alert in page.context["page"].items] == ["one"]
    assert at_desk.get(reverse("alerts:list") + "?cursor=nonsense").status_code == 404


def test_the_list_asks_the_database_as_often_for_twenty_alerts_as_for_one(at_desk, key):
    fire(key, "first")
    with CaptureQueriesContext(
        connection,
    ) as few:
        at_desk.get(reverse("alerts:list"))
    fire(key, *(f"alert {number}" for number in range(20)))
    with CaptureQueriesContext(connection) as many:
        at_desk.get(reverse("alerts:list"))
    assert len(many) == len(few) <= 9


def test_filters_by_integration_and_by_incident_are_in_the_address(at_desk, key):
    other, other_key = make.integration(name="Nagios")
    fire(key, "ours")
    fire(other_key, "theirs")
    by_integration = at_desk.get(reverse("alerts:list") + f"?integration={other.pk}")
    assert [alert.title for alert in by_integration.context["page"].items] == ["theirs"]
    incident = Alert.objects.get(title="ours").group.incident
    by_incident = at_desk.get(reverse("alerts:list") + f"?incident={incident.reference}")
    assert [alert.title for alert in by_incident.context["page"].items] == ["ours"]


def test_an_empty_list_says_what_to_do_next(client, admin, alice):
    client.force_login(admin)
    assert "Add an integration" in client.get(reverse("alerts:list")).content.decode()
    client.force_login(alice)
    assert "A manager can add an integration" in client.get(reverse("alerts:list")).content.decode()


def test_an_alert_shows_what_it_said_and_where_it_belongs(at_desk, key):
    fire(key, "disk full", link="https://grafana.example.com/d/1")
    alert = Alert.objects.get()
    page = at_desk.get(reverse("alerts:detail", args=[alert.reference])).content.decode()
    for words in ("disk full", "https://grafana.example.com/d/1", "host", alert.group.incident.reference, "Prometheus"):
        assert words in page
    assert at_desk.get(reverse("alerts:detail", args=["ALR-999"])).status_code == 404
    assert at_desk.get("/alerts/nonsense").status_code == 404


def test_the_alert_of_a_private_incident_is_not_there_for_a_stranger(client, key, charlie):
    fire(key, "secret project down")
    alert = Alert.objects.get()
    Incident.objects.update(is_private=True)
    client.force_login(charlie)
    assert client.get(reverse("alerts:detail", args=[alert.reference])).status_code == 404
    assert client.get(reverse("alerts:incident_panel", args=[alert.group.incident.reference])).status_code == 404
    assert "secret project" not in client.get(reverse("alerts:list") + "?show=all").content.decode()


def test_the_panel_shows_firing_alerts_first_and_counts_the_rest(at_desk, key):
    incident = make.incident()
    fire(key, *(f"alert {number}" for number in range(15)))
    fire(key, "alert 14", status="resolved")
    AlertLink.objects.bulk_create(AlertLink(alert=alert, incident=incident) for alert in Alert.objects.all())
    page = at_desk.get(reverse("alerts:incident_panel", args=[incident.reference]))
    panel = page.context["panel"]
    assert (panel.total, panel.firing, panel.hidden) == (15, 14, 11)
    assert panel.alerts[0].title == "alert 13"
    assert page.content.decode().strip().count('id="alerts-panel"') == 1


def test_a_responder_links_an_alert_by_its_id(at_desk, key, alice):
    fire(key, "disk full")
    incident = make.incident()
    alert = Alert.objects.get()
    address = reverse("alerts:link_alerts", args=[incident.reference])
    response = at_desk.post(address, {"references": f" {alert.reference.lower()} "})
    assert (response.status_code, response["Location"]) == (303, incident.get_absolute_url())
    assert [(link.alert, link.by) for link in incident.alert_links.all()] == [(alert, alice)]
    panel = at_desk.get(reverse("alerts:incident_panel", args=[incident.reference])).content.decode()
    assert "disk full" in panel
    assert make.happened(incident)[-1] == "alert_added"


def test_a_responder_links_alerts_by_ticking_recent_ones(at_desk, key):
    fire(key, "one", "two")
    incident = make.incident()
    address = reverse("alerts:link_alerts", args=[incident.reference])
    assert "one" in at_desk.get(address).content.decode()
    at_desk.post(address, {"recent": [alert.reference for alert in Alert.objects.all()]})
    assert incident.alert_links.count() == 2


@pytest.mark.parametrize("typed", ["", "ALR-999", "nonsense", "ALR-99999999999999999999"])
def test_what_names_no_alert_comes_back_with_what_was_typed(at_desk, key, typed):
    incident = make.incident()
    address = reverse("alerts:link_alerts", args=[incident.reference])
    response = at_desk.post(address, {"references": typed})
    assert response.status_code == 422
    assert typed in response.content.decode()
    fragment = at_desk.post(address, {"references": typed}, headers={"HX-Request": "true"})
    assert fragment.status_code == 422
    assert fragment.content.decode().lstrip().startswith("<section")


def test_a_viewer_sees_the_panel_but_links_nothing(client, charlie, key):
    fire(key, "disk full")
    incident = make.incident()
    client.force_login(charlie)
    panel = client.get(reverse("alerts:incident_panel", args=[incident.reference]))
    assert panel.status_code == 200
    assert "<form" not in panel.content.decode()
    address = reverse("alerts:link_alerts", args=[incident.reference])
    assert client.post(address, {"references": Alert.objects.get().reference}).status_code == 403
    assert not AlertLink.objects.exists()


@pytest.mark.parametrize("address", ["/alerts/", "/alerts/ALR-1", "/incidents/INC-1/alerts", "/settings/integrations/"])
def test_nobody_sees_alerts_without_signing_in(client, address, db):
    response = client.get(address)
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login")
