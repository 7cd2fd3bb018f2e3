"""Maintenance windows on pages: read by everybody, changed by responders."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog import maintenance
from catalog.models import MaintenanceWindow
from tests import make

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def at_desk(client, alice):
    alice.time_zone = "Europe/Berlin"
    alice.save()
    client.force_login(alice)
    return client


@pytest.fixture
def kafka():
    return make.service("kafka")


def fields(**changes):
    return {
        "title": "New disks",
        "description": "Short *pauses*.",
        "starts_at": "2031-07-01T22:00",
        "ends_at": "2031-07-02T01:00",
        "services": ["kafka"],
        "is_public": "on",
    } | changes


def coming(kafka, **options):
    now = timezone.now()
    return make.maintenance(kafka, starts_at=now + HOUR, at=now, **options)


def test_a_responder_announces_in_the_time_zone_they_live_in(at_desk, kafka, monkeypatch):
    monkeypatch.setattr(maintenance, "FARTHEST", timedelta(days=3650))
    assert 'value="kafka"' in at_desk.get("/maintenance/new?service=kafka").content.decode()
    answer = at_desk.post("/maintenance/new", fields())
    window = MaintenanceWindow.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/maintenance/{window.public_id}")
    assert window.starts_at.isoformat() == "2031-07-01T20:00:00+00:00"
    page = at_desk.get(answer["Location"]).content.decode()
    for words in ("New disks", "Tue 1 Jul 2031, 22:00 CEST", "<em>pauses</em>", "Kafka", "Alice"):
        assert words in page


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"title": ""}, "This field is required."),
        ({"title": "a\x00b"}, "Null characters are not allowed."),
        ({"title": "x" * 200}, "at most 120 characters"),
        ({"services": []}, "This field is required."),
        ({"services": ["nothing"]}, "nothing is not one of the available choices"),
        ({"services": ["\x00"]}, "services"),
        ({"starts_at": "2020-01-01T10:00"}, "This is in the past."),
        ({"starts_at": "soon"}, "Enter a valid date/time."),
        ({"starts_at": "9999-12-31T23:59"}, "three years ahead"),
        ({"starts_at": "0001-01-01T00:00"}, ""),
    ],
)
def test_a_wrong_announcement_comes_back_with_what_was_typed(at_desk, kafka, wrong, said):
    answer = at_desk.post("/maintenance/new", fields(description="Typed before") | wrong)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert "Typed before" in answer.content.decode()
    assert not MaintenanceWindow.objects.exists()


def test_it_is_edited_started_extended_and_ended(at_desk, kafka):
    window = coming(kafka)
    address = window.get_absolute_url()
    local = timezone.localtime(window.starts_at + HOUR, timezone.zoneinfo.ZoneInfo("Europe/Berlin"))
    sent = fields(
        title="Newer disks", starts_at=f"{local:%Y-%m-%dT%H:%M}", ends_at=f"{local + 3 * HOUR:%Y-%m-%dT%H:%M}"
    )
    assert at_desk.post(f"{address}/edit", sent).status_code == 303
    window.refresh_from_db()
    assert (window.title, window.ends_at - window.starts_at) == ("Newer disks", 3 * HOUR)
    assert at_desk.post(f"{address}/start").status_code == 303
    assert at_desk.post(f"{address}/start").status_code == 409
    assert at_desk.post(f"{address}/cancel").status_code == 409
    assert at_desk.post(f"{address}/extend", {"until": "2020-01-01T10:00"}).status_code == 422
    assert at_desk.post(f"{address}/extend", {"until": ""}).status_code == 422
    until = timezone.localtime(window.ends_at + 5 * HOUR)
    assert at_desk.post(f"{address}/extend", {"until": f"{until:%Y-%m-%dT%H:%M}"}).status_code == 303
    page = at_desk.get(address).content.decode()
    assert "Under way" in page
    assert f'action="{address}/end"' in page
    assert at_desk.get("/services/kafka").content.decode().count("Maintenance</span>") == 2
    assert [each.slug for each in at_desk.get("/services/?health=maintenance").context["services"]] == ["kafka"]
    assert at_desk.post(f"{address}/end").status_code == 303
    assert at_desk.post(f"{address}/extend", {"until": f"{until + HOUR:%Y-%m-%dT%H:%M}"}).status_code == 409
    assert at_desk.post(f"{address}/edit", sent).status_code == 409


def test_a_word_changed_under_way_leaves_the_times_as_they_are(at_desk, client, admin, kafka):
    window = maintenance.start_now(coming(kafka), by=None, now=timezone.now())
    ends = timezone.localtime(window.ends_at, timezone.zoneinfo.ZoneInfo("Europe/Berlin"))
    sent = fields(title="Newer disks", ends_at=f"{ends:%Y-%m-%dT%H:%M}")
    assert at_desk.post(f"{window.get_absolute_url()}/edit", sent).status_code == 303
    after = MaintenanceWindow.objects.get()
    assert (after.title, after.starts_at, after.ends_at) == ("Newer disks", window.starts_at, window.ends_at)
    client.force_login(admin)
    sent = {"title": "Newest disks", "services": [kafka.pk], "is_public": "on"}
    for name in ("starts_at", "ends_at"):
        at = getattr(window, name)
        sent |= {f"{name}_0": f"{at:%Y-%m-%d}", f"{name}_1": f"{at:%H:%M:%S}"}
    assert client.post(f"/admin/catalog/maintenancewindow/{window.pk}/change/", sent).status_code == 302
    after = MaintenanceWindow.objects.get()
    assert (after.title, after.starts_at, after.ends_at) == ("Newest disks", window.starts_at, window.ends_at)


def test_the_list_says_what_is_under_way_to_come_and_past(at_desk, kafka):
    now = timezone.now()
    disk = make.service("disk")
    running = make.maintenance(kafka, starts_at=now, at=now, title="Now on")
    later = make.maintenance(kafka, starts_at=now + 2 * HOUR, at=now, title="Far off")
    sooner = make.maintenance(disk, starts_at=now + HOUR, at=now, title="Near")
    gone = maintenance.cancel(make.maintenance(disk, starts_at=now + HOUR, at=now), by=None)
    context = at_desk.get("/maintenance/").context
    assert (list(context["running"]), list(context["coming"])) == ([running], [sooner, later])
    assert context["page"].items == [gone]
    narrow = at_desk.get("/maintenance/?service=kafka").context
    assert (list(narrow["running"]), list(narrow["coming"]), narrow["page"].items) == ([running], [later], [])
    for odd in ("?service=%00", "?cursor=x", "?service=nothing"):
        assert at_desk.get(f"/maintenance/{odd}").status_code == 200


def test_the_list_asks_the_database_as_often_for_many_as_for_one(at_desk, kafka):
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            at_desk.get("/maintenance/")
        return len(queries)

    now = timezone.now()
    for start in (now, now + HOUR):
        make.maintenance(kafka, starts_at=start, at=now)
    maintenance.cancel(coming(kafka), by=None)
    few = cost()
    for number in range(4):
        for start in (now, now + HOUR):
            make.maintenance(kafka, make.service(), starts_at=start, at=now, by=make.user(f"u{number}-{start.hour}"))
        maintenance.cancel(coming(kafka, by=make.user(f"v{number}")), by=None)
    assert cost() == few
    assert few <= 12


def test_a_viewer_reads_and_changes_nothing(client, charlie, kafka):
    window = coming(kafka)
    client.force_login(charlie)
    page = client.get(window.get_absolute_url()).content.decode()
    assert f"{window.get_absolute_url()}/" not in page
    assert client.get("/maintenance/new").status_code == 403
    for verb in ("edit", "start", "end", "extend", "cancel"):
        assert client.post(f"{window.get_absolute_url()}/{verb}").status_code == 403
        assert client.post(f"/maintenance/nothing/{verb}").status_code == 404
    window.refresh_from_db()
    assert window.cancelled_at is None


def test_admins_change_it_in_django_admin_through_the_same_rules(client, admin, kafka):
    client.force_login(admin)
    window = coming(kafka)
    address = f"/admin/catalog/maintenancewindow/{window.pk}/change/"
    sent = {
        "title": "Changed",
        "description": "",
        "starts_at_0": f"{window.starts_at:%Y-%m-%d}",
        "starts_at_1": f"{window.starts_at:%H:%M:%S}",
        "ends_at_0": f"{window.starts_at + 3 * HOUR:%Y-%m-%d}",
        "ends_at_1": f"{window.starts_at + 3 * HOUR:%H:%M:%S}",
        "services": [kafka.pk],
    }
    assert client.post(address, sent).status_code == 302
    window.refresh_from_db()
    assert (window.title, window.is_public, list(window.services.all())) == ("Changed", False, [kafka])
    assert client.post(address, sent | {"services": []}).status_code == 200
    assert client.post(address, sent | {"title": "a\x00"}).status_code == 200
    assert client.post("/admin/catalog/maintenancewindow/add/", sent | {"title": "Another"}).status_code == 302
    assert MaintenanceWindow.objects.get(title="Another").created_by == admin
    maintenance.cancel(window, by=None)
    assert client.post(address, sent | {"title": "Too late"}).status_code == 200
    window.refresh_from_db()
    assert window.title == "Changed"


def test_the_page_of_an_incident_says_what_is_under_way_on_what_it_touches(at_desk, kafka):
    now = timezone.now()
    incident = make.incident(services=[kafka], at=now)
    address = f"/incidents/{incident.reference}"
    before = at_desk.get(address).content.decode()
    make.maintenance(make.service("disk"), starts_at=now, at=now, title="Elsewhere")
    make.maintenance(kafka, starts_at=now + HOUR, at=now, title="Later")
    window = make.maintenance(kafka, starts_at=now, at=now, title="Brokers are moved")
    page = at_desk.get(address).content.decode()
    assert window.get_absolute_url() not in before
    assert window.get_absolute_url() in page
    assert "Elsewhere" not in page
    assert "Later" not in page


def test_the_second_of_two_editors_reads_both_and_overwrites_nothing_unseen(at_desk, bob, kafka):
    window = coming(kafka)
    seen = {"based_on": window.updated_at.isoformat(), "ends_at": f"{window.ends_at + HOUR:%Y-%m-%dT%H:%M}"}
    seen |= {"starts_at": f"{window.starts_at:%Y-%m-%dT%H:%M}", "title": "Newest disks"}
    maintenance.change(window, title="Bob's disks", by=bob)
    at = f"/maintenance/{window.public_id}/edit"
    answer = at_desk.post(at, fields(**seen))
    source = answer.content.decode()
    assert answer.status_code == 409
    for words in ("Somebody else has changed this maintenance meanwhile.", "Bob&#x27;s disks", 'value="Newest disks"'):
        assert words in source
    window.refresh_from_db()
    assert window.title == "Bob's disks"
    again = window.updated_at.isoformat()
    assert f'name="based_on" value="{again}"' in source
    seen |= {"starts_at": "2027-07-01T22:00", "ends_at": "2027-07-02T01:00"}
    assert at_desk.post(at, fields(**seen | {"based_on": again})).status_code == 303
    for odd in ("x", "2027-01-01", ""):
        assert at_desk.post(at, fields(**seen | {"based_on": odd})).status_code == 303
