"""What keeps an open incident page current: its panels by version, its small forms for htmx, and who looks at it."""

from __future__ import annotations

import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from incidents import changes, detail, lifecycle, timeline
from incidents.models import Incident
from tests import make

HTMX = {"HX-Request": "true"}


@pytest.fixture
def at_desk(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def incident(alice, bob):
    return make.incident(steps=[alice, bob], at=timezone.now())


def url(name: str, incident: Incident, *args) -> str:
    return reverse(f"incidents:{name}", args=[incident.reference, *args])


def versions(html: str) -> dict[str, str]:
    """The panels of an answer with their versions."""
    return dict(re.findall(r'id="([a-z]+)"(?: class="[^"]*")? data-version="([^"]+)"', html))


def seen(client, incident: Incident) -> str:
    page = client.get(incident.get_absolute_url()).content.decode()
    return ",".join(f"{name}.{version}" for name, version in versions(page).items())


def fresh(client, incident: Incident, shown: str) -> list[str]:
    """The panels that differ from what is shown."""
    response = client.get(url("panels", incident), {"seen": shown}, headers=HTMX)
    assert response.status_code in (200, 204)
    return list(versions(response.content.decode()))


def test_a_page_that_is_current_gets_nothing(at_desk, incident):
    shown = seen(at_desk, incident)
    response = at_desk.get(url("panels", incident), {"seen": shown}, headers=HTMX)
    assert (response.status_code, response.content) == (204, b"")


def test_a_note_refreshes_the_timeline_alone(at_desk, bob, incident):
    shown = seen(at_desk, incident)
    timeline.add_note(incident, text="Seen **it**", by=bob)
    assert fresh(at_desk, incident, shown) == ["timeline"]


def test_an_answer_refreshes_what_it_changes_and_not_the_rest(at_desk, bob, incident):
    shown = seen(at_desk, incident)
    lifecycle.acknowledge(incident, by=bob)
    assert fresh(at_desk, incident, shown) == ["header", "summary", "timeline", "plan", "told"]


def test_services_and_evidence_refresh_their_own_panels(at_desk, bob, incident):
    shown = seen(at_desk, incident)
    timeline.link_evidence(incident, url="https://example.com/graph", by=bob)
    assert fresh(at_desk, incident, shown) == ["timeline", "evidence"]
    shown = seen(at_desk, incident)
    changes.change_services(incident, services=[make.service("kafka")], by=bob)
    assert "services" in fresh(at_desk, incident, shown)


def test_without_versions_every_panel_comes(at_desk, incident):
    page = at_desk.get(incident.get_absolute_url()).content.decode()
    assert (
        set(fresh(at_desk, incident, ""))
        == set(versions(page)) - {"alerts-panel", "runbooks-panel"}
        == set(detail.PANELS)
    )


def test_a_look_that_finds_nothing_is_cheap(at_desk, incident):
    shown = seen(at_desk, incident)
    with CaptureQueriesContext(connection) as queries:
        fresh(at_desk, incident, shown)
    assert len(queries) == 5


def test_a_narrowed_timeline_stays_narrow(at_desk, bob, incident):
    timeline.add_note(incident, text="The note", by=bob)
    page = at_desk.get(incident.get_absolute_url(), {"show": "notes"}).content.decode()
    entries = page.split('id="timeline"')[1].split("</ol>")[0]
    assert ("The note" in entries, "declared it" in entries, "Triggered" in entries) == (True, False, False)
    assert f'data-live="{url("panels", incident)}?show=notes"' in page
    assert at_desk.get(incident.get_absolute_url(), {"show": "nonsense"}).status_code == 200


def test_a_small_form_is_a_sheet_to_htmx_and_a_page_to_everybody_else(at_desk, incident):
    sheet = at_desk.get(url("resolve", incident), headers=HTMX).content.decode()
    page = at_desk.get(url("resolve", incident)).content.decode()
    assert ("<html" in sheet, "<html" in page) == (False, True)
    assert 'class="mu-sheet"' in sheet
    assert sheet.strip().splitlines()[0] in page


def test_what_was_done_says_so_to_htmx_and_redirects_everybody_else(at_desk, incident):
    response = at_desk.post(url("acknowledge", incident), headers=HTMX)
    said = json.loads(response["HX-Trigger"])["muster:done"]["said"]
    assert (response.status_code, said) == (
        204,
        f"{incident.reference} is yours: acknowledged, and nobody else is paged.",
    )
    assert at_desk.post(url("add_note", incident), {"text": "x"}).status_code == 303


def test_what_is_not_accepted_comes_back_as_a_sheet(at_desk, incident):
    response = at_desk.post(url("add_note", incident), {"text": " "}, headers=HTMX)
    assert (response.status_code, "<html" in response.content.decode()) == (422, False)
    assert "Write something first." in response.content.decode()


def test_who_comes_second_is_told_in_the_sheet_and_keeps_the_text(at_desk, bob, incident):
    lifecycle.resolve(incident, by=bob)
    response = at_desk.post(url("resolve", incident), {"root_cause": "My own <theory>"}, headers=HTMX)
    said = response.content.decode()
    assert (response.status_code, "<html" in said) == (409, False)
    assert "is resolved by now: Bob, resolved" in said
    assert "<pre>My own &lt;theory&gt;</pre>" in said


def test_who_hides_an_incident_from_himself_is_led_away(at_desk, bob):
    incident = make.incident(by=bob, at=timezone.now())
    data = {"title": incident.title, "started_at": "2026-01-01T00:00:00", "is_private": "on"}
    response = at_desk.post(url("edit", incident), data, headers=HTMX)
    assert (response.status_code, response["HX-Redirect"]) == (204, reverse("incidents:list"))


def test_strangers_and_those_who_may_not_see_it_get_nothing_of_it(client, bob, incident):
    private = make.incident(is_private=True, at=timezone.now())
    for name in ("panels", "presence"):
        assert client.get(url(name, incident)).status_code == 302
    client.force_login(make.user("eve"))
    for name in ("panels", "presence"):
        assert client.get(url(name, private)).status_code == 404


def test_nobody_is_shown_as_looking_while_that_is_unknown(at_desk, incident):
    response = at_desk.get(url("presence", incident), headers=HTMX)
    assert (response.status_code, "is looking" in response.content.decode()) == (200, False)
    assert at_desk.get(url("presence", incident), {"seen": "presence.nobody"}, headers=HTMX).status_code == 204
