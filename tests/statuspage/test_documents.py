"""What programs read of a page: Statuspage's JSON, feeds, calendar and badge."""

from __future__ import annotations

import json
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from icalendar import Calendar

from statuspage import badges, calendars, feeds, json_documents
from statuspage.picture import Picture, Section, Works
from tests.statuspage import pictures
from tests.statuspage.pictures import AT, MINUTE

ATOM = "{http://www.w3.org/2005/Atom}"
HOUR = timedelta(hours=1)

NASTY = '<script>alert(1)</script> & \x0b \u2028 ]]> "quoted"'


def picture(**fields):
    """A page with two components, one incident that is open and one that is over, and maintenance."""
    payments, search = pictures.part("Payments", "partial_outage"), pictures.part("Search", description="Finds things")
    open_ = pictures.told(
        "open1", fields.pop("name", "Card payments fail"), "monitoring",
        pictures.said("u2", "monitoring", "A fix is in place.", AT, edited_at=AT + MINUTE),
        pictures.said(
            "u1", "investigating", fields.pop("message", "About **one in five** fails."), AT - 10 * MINUTE,
            changes=((payments, "operational", "partial_outage"),),
        ),
        started_at=AT - 20 * MINUTE, parts=((payments, "partial_outage"),), monitoring_at=AT,
    )  # fmt: skip
    over = pictures.told(
        "over1", "Slow search", "resolved", pictures.said("u0", "resolved", "It was slow.", AT - 30 * HOUR),
        started_at=AT - 31 * HOUR, resolved_at=AT - 30 * HOUR, impact="minor",
    )  # fmt: skip
    works = tuple(
        Works(state, fields.get("title", "Upgrade"), "Read-only for **20 minutes**.", state, start, start + HOUR,
              AT - 48 * HOUR, AT - 47 * HOUR, (search,))
        for state, start in (
            ("completed", AT - 24 * HOUR), ("in_progress", AT - MINUTE),
            ("scheduled", AT + HOUR), ("cancelled", AT + 2 * HOUR),
        )
    )  # fmt: skip
    return Picture(
        page=pictures.page(**fields.pop("page", {})),
        at=AT,
        indicator="major",
        sections=(Section("", "", "partial_outage", (payments,)), Section("grp", "Tools", "operational", (search,))),
        told=(open_, over),
        works=works,
        updated_at=AT,
        changes_at=AT + HOUR,
    )


def read(drawn=None):
    found = json_documents.documents(drawn or picture())
    assert {kind for kind, _ in found.values()} == {"application/json; charset=utf-8"}
    return {path: json.loads(body) for path, (_, body) in found.items()}


def test_every_address_of_the_api_is_there(settings):
    found = read()
    assert sorted(found) == [
        "api/v2/components.json",
        "api/v2/incidents.json",
        "api/v2/incidents/unresolved.json",
        "api/v2/scheduled-maintenances.json",
        "api/v2/scheduled-maintenances/active.json",
        "api/v2/scheduled-maintenances/upcoming.json",
        "api/v2/status.json",
        "api/v2/summary.json",
    ]
    page = {
        "id": "acme",
        "name": "Acme status",
        "url": f"{settings.MUSTER.base_url}/status/acme",
        "time_zone": "Europe/Berlin",
        "updated_at": "2026-10-14T03:05:00.000+02:00",
    }
    assert all(body["page"] == page for body in found.values())
    assert found["api/v2/status.json"]["status"] == {
        "indicator": "major",
        "description": "Some systems are partly out of service",
    }
    assert set(found["api/v2/summary.json"]) == {
        "page", "status", "components", "incidents", "scheduled_maintenances"
    }  # fmt: skip


def names(body, key):
    return [each["id"] for each in body[key]]


def test_lists_hold_what_their_names_say():
    found = read()
    assert names(found["api/v2/incidents.json"], "incidents") == ["open1", "over1"]
    assert names(found["api/v2/incidents/unresolved.json"], "incidents") == ["open1"]
    assert names(found["api/v2/summary.json"], "incidents") == ["open1"]
    key = "scheduled_maintenances"
    assert names(found["api/v2/scheduled-maintenances.json"], key) == ["scheduled", "in_progress", "completed"]
    assert names(found["api/v2/scheduled-maintenances/active.json"], key) == ["in_progress"]
    assert names(found["api/v2/scheduled-maintenances/upcoming.json"], key) == ["scheduled"]
    assert names(found["api/v2/summary.json"], key) == ["in_progress", "scheduled"]


# Of a recording of a Statuspage: the keys, and the types that clients were written for.
COMPONENT = {
    "id": str, "name": str, "status": str, "created_at": str, "updated_at": str, "position": int,
    "description": (str, type(None)), "showcase": bool, "start_date": (str, type(None)),
    "group_id": (str, type(None)), "page_id": str, "group": bool, "only_show_if_degraded": bool,
}  # fmt: skip
UPDATE = {
    "id": str, "status": str, "body": str, "incident_id": str, "created_at": str, "updated_at": str, "display_at": str,
    "affected_components": (list, type(None)), "deliver_notifications": bool, "custom_tweet": type(None),
    "tweet_id": type(None),
}  # fmt: skip
INCIDENT = {
    "id": str, "name": str, "status": str, "created_at": str, "updated_at": str, "monitoring_at": (str, type(None)),
    "resolved_at": (str, type(None)), "impact": str, "shortlink": str, "started_at": str, "page_id": str,
    "incident_updates": list, "components": list, "reminder_intervals": type(None),
}  # fmt: skip
MAINTENANCE = {**INCIDENT, "scheduled_for": str, "scheduled_until": str}


def check(row, shape):
    assert set(row) == set(shape)
    assert [key for key, kind in shape.items() if not isinstance(row[key], kind)] == []


def test_rows_have_the_shape_that_clients_were_written_for():
    found = read()
    for component in found["api/v2/components.json"]["components"]:
        check(component, {**COMPONENT, "components": list} if component["group"] else COMPONENT)
    for rows, shape in (("incidents", INCIDENT), ("scheduled_maintenances", MAINTENANCE)):
        for row in found[f"api/v2/{rows.replace('_', '-')}.json"][rows]:
            check(row, shape)
            for update in row["incident_updates"]:
                check(update, UPDATE)
            for component in row["components"]:
                check(component, COMPONENT)


def test_components_follow_their_group():
    rows = read()["api/v2/components.json"]["components"]
    assert [(row["id"], row["group"], row["group_id"], row.get("components")) for row in rows] == [
        ("payments", False, None, None),
        ("grp", True, None, ["search"]),
        ("search", False, None, None),
    ]


def test_an_incident_in_full(settings):
    row = read()["api/v2/incidents.json"]["incidents"][0]
    assert row["shortlink"] == f"{settings.MUSTER.base_url}/status/acme/incidents/open1.html"
    assert (row["status"], row["impact"], row["started_at"], row["monitoring_at"], row["resolved_at"]) == (
        "monitoring", "major", "2026-10-14T02:45:00.000+02:00", "2026-10-14T03:05:00.000+02:00", None,
    )  # fmt: skip
    assert [(each["id"], each["body"], each["updated_at"]) for each in row["incident_updates"]] == [
        ("u2", "A fix is in place.", "2026-10-14T03:06:00.000+02:00"),
        ("u1", "About **one in five** fails.", "2026-10-14T02:55:00.000+02:00"),
    ]
    assert row["incident_updates"][1]["affected_components"] == [
        {"code": "payments", "name": "Payments", "old_status": "operational", "new_status": "partial_outage"}
    ]


def test_json_can_stand_inside_html():
    drawn = picture(name=NASTY, message=NASTY)
    for _, body in json_documents.documents(drawn).values():
        assert not {b"<", b">", b"&"} & {bytes([byte]) for byte in body}
    assert read(drawn)["api/v2/incidents.json"]["incidents"][0]["name"] == NASTY


def test_a_page_with_its_own_domain_is_found_there():
    row = read(picture(page={"domain": "status.acme.example"}))["api/v2/incidents.json"]["incidents"][0]
    assert row["shortlink"] == "http://status.acme.example/incidents/open1.html"


# ---- feeds -------------------------------------------------------------------------------------------------------


def atom(drawn):
    kind, body = feeds.documents(drawn)["history.atom"]
    assert kind == "application/atom+xml; charset=utf-8"
    return ElementTree.fromstring(body)  # noqa: S314 - our own


def test_atom_has_an_entry_for_each_incident_and_maintenance_the_latest_first():
    feed = atom(picture(page={"domain": "status.acme.example"}))
    assert feed.find(f"{ATOM}id").text == "tag:status.acme.example,2026:acme"
    assert feed.find(f"{ATOM}updated").text == "2026-10-14T01:05:00Z"
    assert {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")} == {
        "alternate": "http://status.acme.example/",
        "self": "http://status.acme.example/history.atom",
    }
    entries = feed.findall(f"{ATOM}entry")
    assert [(each.find(f"{ATOM}id").text, each.find(f"{ATOM}title").text) for each in entries][:2] == [
        ("tag:status.acme.example,2026:incident/open1", "Card payments fail"),
        ("tag:status.acme.example,2026:incident/over1", "Slow search"),
    ]
    assert len(entries) == 6
    assert entries[0].find(f"{ATOM}published").text == "2026-10-14T00:45:00Z"
    assert entries[0].find(f"{ATOM}content").get("type") == "html"
    assert entries[0].find(f"{ATOM}content").text == (
        "<p><small>14 Oct 2026, 03:05 CEST</small><br><strong>Monitoring</strong></p><p>A fix is in place.</p>\n"
        "<p><small>14 Oct 2026, 02:55 CEST</small><br><strong>Investigating</strong></p>"
        "<p>About <strong>one in five</strong> fails.</p>\n"
    )


def test_rss_has_the_same():
    kind, body = feeds.documents(picture())["history.rss"]
    assert kind == "application/rss+xml; charset=utf-8"
    channel = ElementTree.fromstring(body).find("channel")  # noqa: S314 - our own
    assert channel.find("lastBuildDate").text == "Wed, 14 Oct 2026 01:05:00 +0000"
    items = channel.findall("item")
    assert (len(items), items[0].find("title").text, items[0].find("pubDate").text) == (
        6, "Card payments fail", "Wed, 14 Oct 2026 01:05:00 +0000",
    )  # fmt: skip
    assert items[0].find("guid").get("isPermaLink") == "false"


def test_a_component_has_feeds_of_what_concerns_it():
    drawn = picture()
    found = feeds.documents(drawn)
    told = {each.public_id: {part.public_id for part, _ in each.parts} for each in drawn.told}
    told |= {each.public_id: {part.public_id for part in each.parts} for each in drawn.works}
    assert len(drawn.parts) > 1
    for part in drawn.parts:
        feed = ElementTree.fromstring(found[f"components/{part.public_id}.atom"][1])  # noqa: S314 - our own
        own = next(link.get("href") for link in feed.findall(f"{ATOM}link") if link.get("rel") == "self")
        assert own.endswith(f"/components/{part.public_id}.atom")
        assert feed.find(f"{ATOM}title").text == f"{drawn.page.name}: {part.name}"
        ids = [each.find(f"{ATOM}id").text.rpartition("/")[2] for each in feed.findall(f"{ATOM}entry")]
        assert sorted(ids) == sorted(each for each, parts in told.items() if part.public_id in parts)
        channel = ElementTree.fromstring(found[f"components/{part.public_id}.rss"][1])[0]  # noqa: S314 - our own
        assert len(channel.findall("item")) == len(ids)
    assert any(len(parts) < len(drawn.parts) for parts in told.values())


def test_feeds_hold_any_text_and_nothing_that_acts():
    entry = atom(picture(name=NASTY, message=NASTY + " [x](javascript:alert(1))")).find(f"{ATOM}entry")
    assert entry.find(f"{ATOM}title").text == NASTY.replace("\x0b", " ")
    content = entry.find(f"{ATOM}content").text
    assert "<script" not in content
    assert "javascript:" not in content.replace("(javascript:alert(1))", "")


def test_a_page_without_news_has_feeds_too(now):
    quiet = Picture(pictures.page(created_at=now), AT, "none", (), (), (), AT, AT)
    assert atom(quiet).find(f"{ATOM}updated").text == "2026-10-14T01:47:08Z"
    assert b"<item>" not in feeds.documents(quiet)["history.rss"][1]


# ---- calendar and badge ------------------------------------------------------------------------------------------


def test_the_calendar_has_every_maintenance_with_a_lasting_uid():
    kind, body = calendars.documents(picture(page={"domain": "status.acme.example"}))["maintenance.ics"]
    assert kind == "text/calendar; charset=utf-8"
    events = Calendar.from_ical(body).walk("VEVENT")
    assert [(str(each["uid"]), str(each["status"]), int(each["sequence"])) for each in events] == [
        ("completed@status.acme.example", "CONFIRMED", 3600),
        ("in_progress@status.acme.example", "CONFIRMED", 3600),
        ("scheduled@status.acme.example", "CONFIRMED", 3600),
        ("cancelled@status.acme.example", "CANCELLED", 3600),
    ]
    coming = events[2]
    assert (coming.decoded("dtstart"), coming.decoded("dtend")) == (AT + HOUR, AT + 2 * HOUR)
    assert str(coming["description"]) == "Read-only for **20 minutes**.\nSearch"
    assert max(len(line) for line in body.split(b"\r\n")) <= 75


def test_a_title_cannot_add_a_line_to_the_calendar():
    body = calendars.documents(picture(title="Upgrade\r\nATTENDEE:mailto:x@example.com"))["maintenance.ics"][1]
    assert b"\nATTENDEE" not in body


@pytest.mark.parametrize("locale", ["en", "de", "fr", "es"])
def test_the_badge_says_how_everything_is(locale):
    kind, body = badges.documents(picture(page={"name": "A & B <i>", "locale": locale}))["badge.svg"]
    assert kind == "image/svg+xml"
    svg = ElementTree.fromstring(body)  # noqa: S314 - our own
    label = svg.get("aria-label")
    assert label.startswith("A & B <i>: ")
    texts = [each.text for each in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert ": ".join(texts) == label == svg.find("{http://www.w3.org/2000/svg}title").text
