"""The list of incidents takes the page's filters: words, days, mine; and its tabs in pages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from incidents import lifecycle, timeline
from tests import make
from tests.api.caller import fields_of


def titles(api, query):
    return [item["title"] for item in api.get(f"incidents?{query}").json()["items"]]


def test_words_of_title_description_and_notes(api, alice, now):
    incident = make.incident(title="Checkout slow", description="Since the deploy", at=now)
    timeline.add_note(incident, text="Walrus", by=alice, now=now)
    make.incident(title="Other", at=now)
    for text in ("slow", "deploy checkout", "WALRUS", incident.reference, f"%23{incident.pk}", str(incident.pk)):
        assert titles(api, f"q={text}") == ["Checkout slow"], text
    assert titles(api, "q=zebra") == []


@pytest.mark.parametrize("text", ["!!!", "%00", "x" * 201])
def test_a_text_that_is_none_is_a_mistake(api, text):
    answer = api.get(f"incidents?q={text}")
    assert (answer.status_code, fields_of(answer)) == (422, ["q"])


def test_days_of_creation_are_days_of_utc(api):
    for number, title in ((0, "12th"), (1, "13th"), (2, "14th")):
        at = make.NOW.replace(day=12, hour=23, minute=59) + timedelta(days=number)
        make.incident(title=title, at=at)
    assert titles(api, "since=2026-10-13") == ["14th", "13th"]
    assert titles(api, "until=2026-10-13") == ["13th", "12th"]
    assert titles(api, "since=2026-10-13&until=2026-10-13&period=all") == ["13th"]


@pytest.mark.parametrize("query", ["since=yesterday", "until=2026-13-01", "since=1969-12-31", "until=9999-12-31"])
def test_a_day_that_is_none_is_a_mistake(api, query):
    answer = api.get(f"incidents?{query}")
    assert (answer.status_code, fields_of(answer)) == (422, [query.partition("=")[0]])


def test_mine_is_the_callers(api, alice, bob, now):
    kafka = make.service("kafka", team=make.team("storage", alice))
    make.incident(title="assigned", assignee=alice, at=now)
    make.incident(title="of my team", services=[kafka], assignee=bob, at=now + make.MINUTE)
    make.incident(title="his", assignee=bob, at=now)
    assert titles(api, "mine=true") == ["of my team", "assigned"]
    assert len(titles(api, "mine=false")) == 3


def test_recent_ones_come_in_pages_with_the_old_that_are_open(api, alice):
    now = lifecycle.db_now()
    made = [make.incident(title=str(days), at=now - timedelta(days=days)) for days in (40, 30, 20, 10, 5, 1)]
    for incident in made[1::2]:
        lifecycle.resolve(incident, by=alice)
    seen, address = [], "incidents?period=recent&limit=2"
    while address:
        page = api.get(address).json()
        seen += [item["title"] for item in page["items"]]
        address = page["next"] and page["next"].removeprefix("http://testserver")
    assert seen == ["1", "5", "10", "20", "40"]
