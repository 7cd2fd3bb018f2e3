"""Layers whose turns are the events of a calendar that others keep."""

from __future__ import annotations

import ipaddress
import threading
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Role
from incidents import detail
from oncall import imports, schedule_changes, who
from oncall.ical_events import Happening
from oncall.models import CalendarSource, Schedule
from tests import make
from tests.make import MINUTE, NOW
from tests.warned import save_anyway

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]

HOUR = 60 * MINUTE
TEXT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n"
    "BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261014T010000Z\r\nDTEND:20261014T030000Z\r\n"
    "SUMMARY:Nights: Bob\r\nEND:VEVENT\r\n"
    "BEGIN:VEVENT\r\nUID:2\r\nDTSTART:20261015T010000Z\r\nDTEND:20261015T030000Z\r\nSUMMARY:Zed\r\nEND:VEVENT\r\n"
    "END:VCALENDAR\r\n"
)


@pytest.fixture
def page(settings):
    """A calendar on loopback: what it answers, and its address."""
    settings.MUSTER = replace(settings.MUSTER, allow_nets=(ipaddress.ip_network("127.0.0.0/8"),))
    answer = {"status": 200, "text": TEXT}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802
            self.send_response(answer["status"])
            self.end_headers()
            self.wfile.write(answer["text"].encode())

        def log_message(self, *args):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    answer["url"] = f"http://127.0.0.1:{server.server_port}/secret.ics"
    yield answer
    server.shutdown()
    server.server_close()


def imported(url: str, *below) -> Schedule:
    drafts = [*below, schedule_changes.Draft("Calendar", NOW.date(), (), calendar_url=url)]
    schedule = make.schedule("Desk", *drafts)
    CalendarSource.objects.update(due_at=NOW)
    return schedule


def on_call(at=NOW) -> list[tuple[str, str]]:
    return [(str(row.user), row.layer) for row in who.at(Schedule.objects.all(), at)]


def test_an_event_puts_the_person_it_names_on_call_and_a_lower_layer_shows_beside_it(page, alice, bob):
    imported(page["url"], make.layer(alice, name="Days"))
    assert on_call() == [("Alice", "Days")]
    assert [imports.read_due(now=NOW), imports.read_due(now=NOW)] == [1, 0]
    assert [on_call(), on_call(NOW + 2 * HOUR)] == [[("Bob", "Calendar")], [("Alice", "Days")]]
    source = CalendarSource.objects.get()
    assert (source.read_at, source.due_at) == (NOW, NOW + HOUR)
    assert source.problem == "1 of 2 events name nobody whom Muster knows."


def test_what_was_read_stays_while_the_calendar_cannot_be_read(page, bob):
    imported(page["url"])
    imports.read_due(now=NOW)
    page["status"] = 500
    imports.read_due(now=NOW + HOUR)
    assert CalendarSource.objects.get().problem == "The address answers with status 500."
    page |= {"status": 200, "text": "<html>"}
    imports.read_due(now=NOW + 2 * HOUR)
    assert CalendarSource.objects.get().problem == "The address does not answer with a calendar."
    assert on_call() == [("Bob", "Calendar")]


def test_an_address_inside_is_refused(page, settings, bob):
    settings.MUSTER = replace(settings.MUSTER, allow_nets=())
    imported(page["url"])
    imports.read_due(now=NOW)
    assert "not a public address" in CalendarSource.objects.get().problem


def test_a_calendar_that_no_layer_names_is_forgotten_and_one_that_stays_is_kept(page, alice, bob):
    schedule = imported(page["url"])
    imports.read_due(now=NOW)
    same = schedule_changes.Draft("Renamed", NOW.date(), (), calendar_url=page["url"])
    schedule_changes.save_schedule(schedule, layers=[same], by=None)
    assert on_call() == [("Bob", "Renamed")]
    schedule_changes.save_schedule(schedule, layers=[make.layer(alice, name="Days")], by=None)
    assert (CalendarSource.objects.count(), on_call()) == (0, [("Alice", "Days")])


def test_people_and_a_calendar_in_one_layer_are_refused(alice):
    both = schedule_changes.Draft("Both", NOW.date(), (alice,), calendar_url="https://example.com/a.ics")
    with pytest.raises(ValidationError):
        make.schedule("Desk", both)
    with pytest.raises(ValidationError):
        make.schedule("Desk", schedule_changes.Draft("x", NOW.date(), (), calendar_url="file:///etc/passwd"))


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("bob@example.com", "Alice"), "Bob"),
        (("stranger@example.com", "alice and bob"), "Alice"),
        (("On call: BOB",), "Bob"),
        (("bobby",), None),
        (("alice@elsewhere.example",), None),
        ((), None),
    ],
)
def test_whom_an_event_names(words, name, alice, bob):
    at = datetime(2026, 10, 14, tzinfo=UTC)
    found = imports.whose(Happening(at, at + HOUR, words), imports.known_words())
    assert (str(found) if found else None) == name


def test_the_form_takes_a_calendar_and_the_page_says_how_it_is(client, page, bob):
    client.force_login(make.user("meg", role=Role.MANAGER))
    form = {
        "name": "Desk", "time_zone": "UTC", "layers-TOTAL_FORMS": "1", "layers-INITIAL_FORMS": "0",
        "layers-0-name": "Theirs", "layers-0-calendar_url": page["url"],
    }  # fmt: skip
    assert save_anyway(client, "/on-call/new", form).status_code == 303, "nobody is on call until it is read"
    schedule = Schedule.objects.get()
    shown = f"/on-call/{schedule.pk}"
    assert "not read yet" in client.get(shown).content.decode()
    CalendarSource.objects.update(due_at=NOW)
    imports.read_due(now=NOW)
    text = client.get(shown).content.decode()
    assert "1 of 2 events name nobody whom Muster knows." in text
    assert page["url"] not in text
    assert page["url"] in client.get(f"{shown}/edit").content.decode()


def test_whoever_the_calendar_names_is_paged_and_the_page_of_the_incident_says_so(page, bob):
    schedule = imported(page["url"])
    imports.read_due(now=NOW)
    incident = make.incident(steps=[schedule, schedule], delays=(0, 5), at=NOW)
    assert make.pages(incident) == [("bob", NOW)]
    assert incident.timeline.get(kind="paged").data["via"] == ["Desk, Calendar"]
    assert detail.load(incident, now=NOW).next_page.whom == "Bob"
