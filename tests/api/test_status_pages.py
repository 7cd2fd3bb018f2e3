"""Status pages over the API, with their groups and components, and incidents as they tell them."""

from __future__ import annotations

import base64
from datetime import timedelta
from io import BytesIO

import pytest
from django.utils import timezone
from PIL import Image

from incidents import communication
from statuspage import publishing
from statuspage.models import Component, StatusPage
from tests import make
from tests.api.caller import Caller, mistakes_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(db):
    return Caller(make.user("mia", role="manager"), "write")


@pytest.fixture
def page(db):
    return make.status_page("acme", make.service("kafka", name="Kafka"), name="Acme status", at=timezone.now())


def picture():
    out = BytesIO()
    Image.new("RGB", (64, 16), "#1d4ed8").save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def test_a_page_is_made_changed_and_deleted(api):
    body = {"slug": "acme", "name": "Acme status", "colour": "#1D4ED8", "logo": picture()}
    made = api.post("status-pages", body)
    assert made.status_code == 201, made.content
    shown = made.json()
    assert {
        name: shown[name] for name in ("slug", "name", "colour", "locale", "time_zone", "is_default", "has_logo")
    } == {
        "slug": "acme",
        "name": "Acme status",
        "colour": "#1d4ed8",
        "locale": "en",
        "time_zone": "UTC",
        "is_default": True,
        "has_logo": True,
    }
    assert (shown["subscribers"], shown["rendered_at"]) == (0, None)
    assert shown["public_url"].endswith("/status/acme/")
    changed = api.patch("status-pages/acme", {"locale": "de", "logo": None})
    assert (changed.json()["locale"], changed.json()["has_logo"]) == ("de", False)
    assert changed.json()["changed_at"] > shown["changed_at"]
    assert [each["slug"] for each in api.items("status-pages")] == ["acme"]
    assert api.delete("status-pages/acme").status_code == 204
    assert api.get("status-pages/acme").status_code == 404


def test_groups_and_components_are_made_moved_and_deleted(api, page):
    group = api.post("status-pages/acme/groups", {"name": "Core"}).json()
    assert (
        api.patch(f"status-pages/acme/groups/{group['id']}", {"name": "Data", "position": 0}).json()["name"] == "Data"
    )
    body = {"name": "Search", "group": group["id"], "services": ["kafka"], "since": "2026-01-31"}
    made = api.post("status-pages/acme/components", body)
    assert made.status_code == 201, made.content
    component = made.json()
    assert component == {
        "id": Component.objects.get(name="Search").public_id,
        "name": "Search",
        "description": "",
        "group": group["id"],
        "services": ["kafka"],
        "since": "2026-01-31",
        "position": 1,
        "health": "operational",
        "updated_at": component["updated_at"],
    }
    address = f"status-pages/acme/components/{component['id']}"
    assert api.patch(address, {"group": None, "position": 0}).json()["position"] == 0
    assert [each["name"] for each in api.items("status-pages/acme/components")] == ["Search", "Kafka"]
    assert api.get(address).json()["group"] is None
    assert api.delete(f"status-pages/acme/groups/{group['id']}").status_code == 204
    assert api.delete(address).status_code == 204
    assert (api.get(address).status_code, api.items("status-pages/acme/groups")) == (404, [])


def test_the_second_of_two_who_change_a_page_or_a_component_is_told(api, page):
    part = page.components.get().public_id
    for at in ("status-pages/acme", f"status-pages/acme/components/{part}"):
        seen = api.get(at).json()["updated_at"]
        assert api.patch(at, {"name": "Newer", "based_on": seen}).status_code == 200
        answer = api.patch(at, {"name": "Newest", "based_on": seen})
        assert (answer.status_code, answer.json()["detail"]) == (409, "Somebody else has changed this meanwhile.")
        assert api.get(at).json()["name"] == "Newer"


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "", {"slug": "x", "name": "y", "logo": "%%"}, "logo"),
        ("POST", "", {"slug": "x", "name": "y", "logo": base64.b64encode(b"<svg/>").decode()}, "logo"),
        ("POST", "", {"slug": "acme", "name": "y"}, "slug"),
        ("POST", "", {"slug": "no slug", "name": "y"}, "slug"),
        ("POST", "", {"slug": "x", "name": "a\x00b"}, "name"),
        ("PATCH", "/acme", {"domain": "no domain"}, "domain"),
        ("PATCH", "/acme", {"time_zone": "Mars/Base"}, "time_zone"),
        ("PATCH", "/acme", {"rendered_at": "2026-01-01T00:00:00Z"}, "rendered_at"),
        ("PATCH", "/acme", {"name": None}, "name"),
        ("POST", "/acme/components", {"name": "x", "services": ["none"]}, "services"),
        ("POST", "/acme/components", {"name": "x", "group": "none"}, "group"),
        ("POST", "/acme/components", {"name": "x", "since": "2999-01-01"}, "since"),
        ("POST", "/acme/components", {"name": "x", "since": "yesterday"}, "since"),
        ("POST", "/acme/groups", {"name": "   "}, "name"),
    ],
)
def test_mistakes_are_named_by_their_field(api, page, method, path, body, field):
    assert [name for name, _ in mistakes_of(api.call(method, f"status-pages{path}", body))] == [field]
    assert StatusPage.objects.count() == 1


def test_readers_read_and_only_managers_write(page, alice):
    reader = Caller(alice, "write")
    assert reader.get("status-pages/acme").status_code == 200
    assert len(reader.items("status-pages/acme/components")) == 1
    assert reader.patch("status-pages/acme", {"name": "x"}).status_code == 403
    assert reader.get("status-pages/acme/components/nothing").status_code == 404


def test_reports_are_what_the_page_tells_of_incidents_that_one_may_see(api, page, alice, bob):
    now = timezone.now()
    incident = make.incident(services=[page.components.get().services.get()], at=now - timedelta(hours=1), by=alice)
    communication.post_update(
        incident, message="We look.", status="investigating", title="Slow", visibility="external", by=None, now=now
    )
    communication.publish_due(now=now)
    publishing.publish_missing(now=now)
    (report,) = api.items("status-pages/acme/reports")
    component = page.components.get()
    assert (report["name"], report["status"], report["incident"], report["resolved_at"]) == (
        "Slow",
        "investigating",
        incident.reference,
        None,
    )
    assert report["components"] == [{"id": component.public_id, "health": "major_outage"}]
    assert report["public_url"].endswith(f"/status/acme/incidents/{report['id']}.html")
    assert api.get(f"status-pages/acme/components/{component.public_id}").json()["health"] == "major_outage"
    type(incident).objects.filter(pk=incident.pk).update(is_private=True)
    assert Caller(bob).items("status-pages/acme/reports") == []
    assert len(Caller(alice).items("status-pages/acme/reports")) == 1
