"""What programs that others wrote read of a page, at its real addresses: the Statuspage client of npm, readers of feeds
and calendars. What they need is recorded here, from their own code and from the formats' specifications."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from django.test import Client
from icalendar import Calendar

from catalog import maintenance
from incidents import communication
from statuspage import components, publishing, rendering
from statuspage.models import Health, StatusPage
from tests import make
from tests.make import MINUTE

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
ATOM = "{http://www.w3.org/2005/Atom}"

# dist/Endpoints.js of statuspage.io 3.1.1. It has `upcoming.json` for those under way as well, a mistake of its own.
ENDPOINTS = {
    "getSummary": "/api/v2/summary.json",
    "getStatus": "/api/v2/status.json",
    "getComponents": "/api/v2/components.json",
    "incidents.getAll": "/api/v2/incidents.json",
    "incidents.getUnresolved": "/api/v2/incidents/unresolved.json",
    "scheduledMaintenances.getAll": "/api/v2/scheduled-maintenances.json",
    "scheduledMaintenances.getUpcoming": "/api/v2/scheduled-maintenances/upcoming.json",
}

# dist/interfaces/Result.d.ts of the same, and the words that its documentation and enumerations know.
TEXT, MAYBE = str, (str, type(None))
PAGE = {"id": TEXT, "name": TEXT, "time_zone": TEXT, "updated_at": TEXT, "url": TEXT}
COMPONENT = {
    "created_at": TEXT, "description": MAYBE, "group": bool, "group_id": MAYBE, "id": TEXT, "name": TEXT,
    "only_show_if_degraded": bool, "page_id": TEXT, "position": int, "showcase": bool, "start_date": MAYBE,
    "status": {"operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance"},
    "updated_at": TEXT,
}  # fmt: skip
STATUS = {"description": TEXT, "indicator": {"none", "minor", "major", "critical", "maintenance"}}
STAGES = {"investigating", "identified", "monitoring", "resolved", "postmortem"}
STATES = {"scheduled", "in_progress", "verifying", "completed"}
UPDATE = {
    "body": TEXT, "created_at": TEXT, "display_at": TEXT, "id": TEXT, "incident_id": TEXT, "status": STAGES,
    "updated_at": TEXT,
}  # fmt: skip
INCIDENT = {
    "created_at": TEXT, "id": TEXT, "impact": {"none", "minor", "major", "critical"}, "incident_updates": list,
    "monitoring_at": MAYBE, "name": TEXT, "page_id": TEXT, "resolved_at": MAYBE, "shortlink": TEXT, "status": STAGES,
    "updated_at": TEXT,
}  # fmt: skip
MAINTENANCE = INCIDENT | {
    "impact": {"maintenance"}, "scheduled_for": TEXT, "scheduled_until": TEXT, "status": STATES,
}  # fmt: skip
LISTS = {"components": COMPONENT, "incidents": INCIDENT, "scheduled_maintenances": MAINTENANCE}


@pytest.fixture
def page(db, now):
    """A page with something in every state: incidents in each status, maintenance before, during and after."""
    services = [make.service(name) for name in ("shop", "search", "mail", "login")]
    made = make.status_page("acme", *services, at=now - 40 * HOUR, time_zone="Pacific/Auckland")
    group = components.add_group(made, name="Tools & more", by=None)
    make.component(made, name="In a group", group=group, at=now)
    severities = ("critical", "high", "medium", "low")
    for ago, severity, service in zip((30, 20, 10, 1), severities, services, strict=True):
        incident = make.incident(severity=severity, services=[service], at=now - ago * HOUR)
        for minutes, status in enumerate(sorted(STAGES - {"postmortem"})[: 4 if ago > 20 else 2]):
            make.status_update(
                incident, f"So <far> & **no further**: {status}", at=now - ago * HOUR + minutes * MINUTE,
                status=status, visibility="external", title=f"Trouble with {service.name}",
            )  # fmt: skip
    update = incident.status_updates.latest("id")
    publishing.publish_missing(now=now)
    communication.edit(update, message="Said better.", by=None, now=now + MINUTE)
    for title, start in (("Coming", now + HOUR), ("Under way", now + 2 * MINUTE), ("Over", now + MINUTE)):
        window = make.maintenance(services[0], title=title, starts_at=start, at=now, description="Slow <for> a while.")
    maintenance.end_now(window, by=None, now=now + 2 * MINUTE)
    publishing.publish_missing(now=now + 5 * MINUTE)
    rendering.render_due(now=now + 5 * MINUTE)
    return StatusPage.objects.get(pk=made.pk)


def fetch(path):
    answer = Client().get(f"/status/acme{path}")
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, "*"), path
    return answer


def wrong(row, shape):
    """The fields of a row that a client would stumble over."""
    return [
        name for name, kind in shape.items()
        if name not in row or not (row[name] in kind if isinstance(kind, set) else isinstance(row[name], kind))
        or (name.endswith("_at") and row[name] is not None and datetime.fromisoformat(row[name]).tzinfo is None)
    ]  # fmt: skip


@pytest.mark.parametrize("call", ENDPOINTS)
def test_the_client_of_npm_reads_every_answer(page, call):
    answer = fetch(ENDPOINTS[call])
    assert answer["Content-Type"].startswith("application/json")
    body = json.loads(answer.content)
    assert wrong(body["page"], PAGE) == []
    assert "status" not in body or wrong(body["status"], STATUS) == []
    assert set(body) - {"page", "status"} <= set(LISTS)
    for name in set(body) & set(LISTS):
        assert body[name], name
        for row in body[name]:
            assert wrong(row, LISTS[name]) == []
            stages = {"status": STATES} if name == "scheduled_maintenances" else {}
            assert [wrong(each, UPDATE | stages) for each in row.get("incident_updates", [])] == [
                [] for _ in row.get("incident_updates", [])
            ]


def test_what_it_reads_in_every_state_is_there(page):
    """So that the test above has seen them all."""
    read = {call: json.loads(fetch(path).content) for call, path in ENDPOINTS.items()}
    every = read["incidents.getAll"]["incidents"]
    assert {row["impact"] for row in every} == {"critical", "major", "minor", "none"}
    assert {each["status"] for row in every for each in row["incident_updates"]} == STAGES - {"postmortem"}
    states = {row["status"] for row in read["scheduledMaintenances.getAll"]["scheduled_maintenances"]}
    assert states == {"scheduled", "in_progress", "completed"}
    assert {row["group"] for row in read["getComponents"]["components"]} == {True, False}
    assert set(Health.values) <= COMPONENT["status"]


# ---- feeds -------------------------------------------------------------------------------------------------------


def only(parent, name):
    """The text of the one element that has to be there, once."""
    found = parent.findall(name)
    assert len(found) == 1, (name, len(found))
    return found[0].text


def links(parent, relation):
    return [link.get("href") for link in parent.findall(f"{ATOM}link") if link.get("rel") == relation]


def path_of(url):
    return urlsplit(url).path


def test_atom_is_as_rfc_4287_wants_it(page):
    answer = fetch("/history.atom")
    assert answer["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(answer.content)  # noqa: S314 - our own
    entries = feed.findall(f"{ATOM}entry")
    assert feed.tag == f"{ATOM}feed"
    assert len(entries) == 7
    for each in (feed, *entries):
        assert only(each, f"{ATOM}title")
        assert only(each, f"{ATOM}id").startswith("tag:")
        assert len(links(each, "alternate")) == 1
    assert [path_of(url) for url in links(feed, "self")] == ["/status/acme/history.atom"]
    assert only(feed.find(f"{ATOM}author"), f"{ATOM}name") == page.name
    ids = [only(each, f"{ATOM}id") for each in (feed, *entries)]
    assert len(set(ids)) == len(ids)
    updated = [datetime.fromisoformat(only(each, f"{ATOM}updated")) for each in (feed, *entries)]
    assert all(at.tzinfo for at in updated)
    assert updated[0] == updated[1]
    assert updated[1:] == sorted(updated[1:], reverse=True)
    for entry in entries:
        assert datetime.fromisoformat(only(entry, f"{ATOM}published")) <= datetime.fromisoformat(
            only(entry, f"{ATOM}updated")
        )
        assert only(entry, f"{ATOM}content")
        assert entry.find(f"{ATOM}content").get("type") == "html"
        assert Client().get(path_of(links(entry, "alternate")[0])).status_code == 200


def test_rss_is_as_its_specification_and_its_board_want_it(page):
    answer = fetch("/history.rss")
    assert answer["Content-Type"] == "application/rss+xml; charset=utf-8"
    rss = ElementTree.fromstring(answer.content)  # noqa: S314 - our own
    assert (rss.tag, rss.get("version"), len(rss.findall("channel"))) == ("rss", "2.0", 1)
    channel = rss.find("channel")
    for name in ("title", "link", "description", "language"):
        assert only(channel, name)
    assert [path_of(url) for url in links(channel, "self")] == ["/status/acme/history.rss"]
    items = channel.findall("item")
    ids = [only(item, "guid") for item in items]
    assert (len(ids), len(set(ids))) == (7, 7)
    assert {item.find("guid").get("isPermaLink") for item in items} == {"false"}
    times = [only(channel, "lastBuildDate"), *(only(item, "pubDate") for item in items)]
    read = [parsedate_to_datetime(each) for each in times]
    assert [f"{at:%a, %d %b %Y %H:%M:%S %z}" for at in read] == times
    assert read[0] == max(read)
    for item in items:
        assert only(item, "title")
        assert only(item, "description")
        assert Client().get(path_of(only(item, "link"))).status_code == 200


def test_an_entry_keeps_its_id_and_moves_when_it_is_edited(page, now):
    feed = ElementTree.fromstring(fetch("/history.atom").content)  # noqa: S314 - our own
    entry = next(each for each in feed.findall(f"{ATOM}entry") if "Said better" in only(each, f"{ATOM}content"))
    edited, report = only(entry, f"{ATOM}updated"), page.reports.order_by("-created_at").first()
    assert datetime.fromisoformat(edited) == (now + MINUTE).replace(microsecond=0)
    assert only(entry, f"{ATOM}id").endswith(f"incident/{report.public_id}")


# ---- calendar ----------------------------------------------------------------------------------------------------


def test_the_calendar_is_as_rfc_5545_wants_it(page):
    answer = fetch("/maintenance.ics")
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    lines = answer.content.split(b"\r\n")
    assert b"\n" not in b"".join(lines)
    assert max(len(line) for line in lines) <= 75
    calendar = Calendar.from_ical(answer.content)
    assert (calendar["version"], bool(calendar["prodid"])) == ("2.0", True)
    events = calendar.walk("VEVENT")
    assert [str(each["summary"]) for each in events] == ["Over", "Under way", "Coming"]
    assert len({str(each["uid"]) for each in events}) == 3
    for event in events:
        assert event.errors == []
        assert event.decoded("dtstart") < event.decoded("dtend")
        for name in ("dtstamp", "dtstart", "dtend"):
            assert event[name].to_ical().endswith(b"Z")
        assert Client().get(path_of(str(event["url"]))).status_code == 200
