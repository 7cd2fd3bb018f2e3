"""The page for those who are not responding."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.models import MaintenanceWindow
from home import happening
from incidents import lifecycle
from tests import make
from tests.make import MINUTE

pytestmark = pytest.mark.django_db
HOUR = 60 * MINUTE


@pytest.fixture
def desk(charlie):
    client = Client()
    client.force_login(charlie)
    return client


def window(title, start, end, *services, **fields):
    made = MaintenanceWindow.objects.create(title=title, starts_at=start, ends_at=end, **fields)
    made.services.set(services)
    return made


def words(answer):
    """The text of a page, each run of white space as one space."""
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", text)


def test_the_worst_is_first_with_what_was_said_last(charlie, alice, now):
    kafka = make.service("kafka", health="degraded")
    low = make.incident(severity="low", title="A typo", at=now)
    bad = make.incident(services=[kafka], title="No messages", assignee=alice, at=now)
    make.status_update(bad, "First words.", at=now + MINUTE)
    said = make.status_update(bad, "Last words.", status="identified", at=now + 2 * MINUTE)
    make.status_update(bad, "Still held.", at=now + 3 * MINUTE, published_at=None)
    found = happening.load(charlie, now=now + 10 * MINUTE)
    first, second = found.happening
    assert [(row.incident, row.update) for row in found.happening] == [(bad, said), (low, None)]
    assert (first.stage, first.impact) == ("We know the cause and are working on it", "Platform-wide outage")
    assert (second.stage, second.promise) == ("Nobody has taken it on yet", None)
    assert (first.services, first.incident.assignee) == ([kafka], alice)
    assert first.promise.due_at == now + 30 * MINUTE


def test_without_an_update_it_says_whether_somebody_is_on_it(charlie, alice, now):
    incident = make.incident(at=now)
    lifecycle.acknowledge(incident, by=alice, now=now + MINUTE)
    (row,) = happening.load(charlie, now=now + 2 * MINUTE).happening
    assert row.stage == "Somebody is working on it"


def test_what_is_private_shows_only_to_who_may_see_it(charlie, alice, now):
    make.incident(is_private=True, assignee=alice, at=now)
    ended = make.incident(is_private=True, assignee=alice, at=now)
    lifecycle.resolve(ended, by=alice, now=now + MINUTE)
    strangers, theirs = (happening.load(user, now=now + HOUR) for user in (charlie, alice))
    assert [len(strangers.happening), len(strangers.ended)] == [0, 0]
    assert [len(theirs.happening), len(theirs.ended)] == [1, 1]


def test_what_ended_stays_for_a_day(charlie, alice, now):
    first, second = (make.incident(title=title, at=now) for title in ("First", "Second"))
    lifecycle.resolve(first, by=alice, now=now + HOUR)
    lifecycle.resolve(second, by=alice, now=now + 2 * HOUR)
    found = happening.load(charlie, now=now + 3 * HOUR)
    assert ([row.incident for row in found.ended], found.happening) == ([second, first], [])
    assert [row.incident for row in happening.load(charlie, now=now + 25 * HOUR).ended] == [second]


def test_maintenance_under_way_and_to_come_shows(charlie, now):
    kafka, search = make.service("kafka"), make.service("search")
    running = window("Disks", now - HOUR, now + HOUR, search, kafka)
    soon = window("Brokers", now + 24 * HOUR, now + 26 * HOUR)
    window("Over", now - 2 * HOUR, now - HOUR)
    window("Ended early", now - HOUR, now + HOUR, ended_at=now - 30 * MINUTE)
    window("Called off", now + HOUR, now + 2 * HOUR, cancelled_at=now)
    window("Next year", now + timedelta(days=300), now + timedelta(days=301))
    found = happening.load(charlie, now=now)
    assert (found.under_way, found.coming) == ([running], [soon])
    assert [service.name for service in found.under_way[0].shown_services] == ["Kafka", "Search"]


def test_the_page_speaks_plainly(desk, alice):
    kafka = make.service("kafka", health="major_outage")
    incident = make.incident(title="No messages", services=[kafka], assignee=alice)
    make.status_update(incident, "Brokers **restart**.", status="monitoring")
    text = words(desk.get("/now/"))
    for said in ("No messages", "A fix is in place, and we are watching it.", "restart", "Kafka", "Alice", "was due"):
        assert said in text


def test_when_all_is_well_it_says_so(desk):
    text = words(desk.get("/now/"))
    assert "Everything works, as far as we know." in text
    assert "None under way, and none in the next 14 days." in text


def test_markdown_of_updates_is_made_safe(desk):
    make.status_update(make.incident(), "<script>alert(1)</script> [x](javascript:alert(1))")
    page = desk.get("/now/").content.decode()
    assert "<script>alert" not in page
    assert 'href="javascript:' not in page


def test_it_refreshes_what_has_changed_and_nothing_else(desk, now):
    page = desk.get("/now/").content.decode()
    seen = ",".join(
        f"{name}.{version}" for name, version in re.findall(r'id="(\w+)" data-version="(\w+)"', page)
    )  # fmt: skip
    assert seen.count(",") == 2
    ask = {"headers": {"HX-Request": "true"}}
    assert desk.get(f"/now/?seen={seen}", **ask).status_code == 204
    make.incident(title="No messages")
    answer = desk.get(f"/now/?seen={seen}", **ask).content.decode()
    assert re.findall(r'id="(\w+)" data-version', answer) == ["happening"]


def test_many_take_no_more_queries_than_few(charlie, alice, now):
    def fill():
        incident = make.incident(services=[make.service(), make.service()], assignee=alice, at=now)
        make.status_update(incident, at=now)
        ended = make.incident(services=[make.service()], at=now)
        lifecycle.resolve(ended, by=alice, now=now)
        window("Work", now, now + HOUR, make.service())

    def queries():
        with CaptureQueriesContext(connection) as caught:
            found = happening.load(charlie, now=now + MINUTE)
            assert found.versions
        return len(caught)

    fill()
    assert queries() == 2
    for _ in range(5):
        fill()
    assert queries() == 2
