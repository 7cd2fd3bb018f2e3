"""On-call load over the API: each number of pages leads to exactly these pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incidents.models import Incident
from notifications.models import Notification
from tests import make
from tests.api.caller import Caller, fields_of
from tests.api.test_metrics import OCTOBER, asked, caught_up  # noqa: F401 - a fixture
from tests.make import MINUTE, NOW

pytestmark = pytest.mark.django_db


def paged(incident, user, at):
    """A page that reached somebody by two methods at once."""
    rows = [
        Notification.objects.create(
            topic=incident.topic, key=f"{user.username}/{at}/{channel}", purpose="page", user=user, channel=channel,
            recipient=user.username, title="x", state="sent", due_at=at, finished_at=at,
        )
        for channel in ("email", "webhook")
    ]  # fmt: skip
    Notification.objects.filter(pk__in=[row.pk for row in rows]).update(created_at=at)


@pytest.fixture
def nights(alice, bob):
    """Alice is paged six times, five of them in one night hour, Bob once by day, about a private incident."""
    make.team("payments", alice, make.user("dora"))
    alice.time_zone = "Europe/Berlin"
    alice.save()
    incident = make.incident(severity="low", services=[make.service("checkout")])
    secret = make.incident(severity="low", is_private=True, assignee=bob)
    for n in range(5):
        paged(incident, alice, NOW + n * MINUTE)
    paged(incident, alice, NOW + timedelta(hours=8))
    paged(secret, bob, NOW + timedelta(hours=10))
    caught_up()
    caught_up()
    return incident, secret


def listed(asked, address, **options):  # noqa: F811
    """The total that is said of some pages, which must be as many as there are."""
    count, page = 0, None
    while address:
        page = asked(address, **options)
        count, address = count + len(page["items"]), page["next"]
    assert page["total"] == count
    return page


def test_pages_by_person_and_team(asked, nights):  # noqa: F811
    found = asked(f"on-call?{OCTOBER}")
    names = ("pages", "night_pages", "off_hours_pages", "interrupted_hours", "interrupted_nights")
    assert [each["username"] for each in found["people"]] == ["alice"]
    [alice], team = found["people"], found["teams"][0]
    for each in (found["total"], alice, team):
        assert [each[name] for name in names] == [6, 5, 5, 2, 1]
        page = listed(asked, each["pages_url"])
        assert (page["total"], page["interrupted_hours"], page["interrupted_nights"]) == (6, 2, 1)
        assert listed(asked, each["night_pages_url"])["total"] == 5
        assert listed(asked, each["off_hours_pages_url"])["total"] == 5
        assert asked(f"pages?{OCTOBER}&kind=day")["total"] == each["pages"] - each["night_pages"]
    assert (team["slug"], team["members"]) == ("payments", 2)
    assert team["fairness"] == {"busiest": "alice", "pages": 6, "share": 1.0, "even_share": 0.5, "gini": 0.5}
    for each in found["weeks"] + [hour for hour in found["hours"] if hour["pages"]]:
        assert listed(asked, each["pages_url"])["total"] == each["pages"]
    assert {each["hour"]: each["pages"] for each in found["hours"] if each["pages"]} == {51: 5, 59: 1}
    assert "night_pages" in found["definitions"]


def test_a_page_says_whom_it_reached_and_when_there(asked, nights):  # noqa: F811
    first = asked(f"pages?{OCTOBER}&limit=1")["items"][0]
    url = first.pop("url")
    assert first == {
        "person": "alice", "at": "2026-10-14T09:47:08Z", "local_time": "2026-10-14T11:47:08+02:00", "is_night": False,
        "incident": nights[0].reference, "title": "It is broken", "severity": "low", "services": ["checkout"],
    }  # fmt: skip
    assert url.endswith(nights[0].get_absolute_url())


def test_pages_about_what_is_private_count_for_those_who_see_it(asked, nights, bob, charlie):  # noqa: F811
    for user, count in ((bob, 7), (charlie, 6)):
        caller = Caller(user, "read")
        found = asked(f"on-call?{OCTOBER}", by=caller)
        assert found["total"]["pages"] == listed(asked, found["total"]["pages_url"], by=caller)["total"] == count
    Incident.objects.filter(pk=nights[0].pk).update(is_private=True)  # not in the figures yet
    assert asked(f"pages?{OCTOBER}", by=Caller(charlie, "read"))["items"] == []


def test_it_is_narrowed_and_compared(asked, nights):  # noqa: F811
    assert asked(f"on-call?{OCTOBER}&team=payments")["total"]["pages"] == 6
    assert asked(f"on-call?{OCTOBER}&severity=high")["total"]["pages"] == 0
    assert asked(f"on-call?{OCTOBER}&service=checkout")["total"]["pages"] == 6
    after = asked("on-call?from=2026-10-15&to=2026-10-15&compare=previous")
    assert (after["total"]["pages"], after["compared"]["total"]["pages"]) == (0, 6)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("from=2026-10-14T00:00:00Z&to=2026-10-15", ["from"]), ("from=2026-10-14&to=2026-10-15T00:00:00Z", ["to"]),
        ("team=nope", ["team"]), ("x=1", ["x"]), ("zone=x", ["zone"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["on-call", "pages"])
def test_what_cannot_be_is_named(api, path, query, fields):
    answer = api.get(f"metrics/{path}?{query}")
    assert (answer.status_code, fields_of(answer)) == (422, fields)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("person=nobody", "person"), ("kind=dusk", "kind"), ("week=2026-10-13", "week"), ("week=x", "week"),
        ("week=2026-W54", "week"), ("hour=168", "hour"), ("cursor=x", "cursor"), ("limit=0", "limit"),
    ],
)  # fmt: skip
def test_what_cannot_be_behind_pages_is_named(api, query, field):
    answer = api.get(f"metrics/pages?{query}")
    assert (answer.status_code, fields_of(answer)) == (422, [field])


@pytest.mark.parametrize("path", ["on-call", "pages"])
def test_an_answer_takes_few_queries(path, nights, charlie):
    caller, counts = Caller(charlie, "read"), []
    caller.get("metrics/definitions")
    for size in (2, 4):
        for n in range(size):
            person = make.user()
            make.team("", person)
            paged(make.incident(severity="low", services=[make.service()]), person, NOW + n * MINUTE)
        caught_up()
        with CaptureQueriesContext(connection) as queries:
            assert caller.get(f"metrics/{path}?{OCTOBER}").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 14
