"""Action items over the API in the orders, by the ages and with the figures of their page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents import action_items
from incidents.models import ActionItem
from tests import make
from tests.api.caller import Caller, fields_of

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def made(alice, bob):
    """Items by name, of ages and days that differ, after incidents of Alice's team, of another one, and of none."""
    mine, other = make.team("mine-not", managers=(alice,)), make.team("web")
    high = make.incident(services=[make.service("kafka", team=mine)], severity="high")
    low = make.incident(services=[make.service("search", team=other)], severity="low")
    nobodys = make.incident(services=[make.service("old")], severity="critical")
    now, found = timezone.now(), {}
    for name, incident, owner, age, due in [
        ("a", high, alice, 2, 5), ("b", high, None, 10, -3), ("c", low, bob, 40, None), ("d", nobodys, bob, 100, 1),
    ]:  # fmt: skip
        item = action_items.add(incident, title=name, owner=owner, by=alice)
        due_on = None if due is None else (now + due * DAY).date()
        ActionItem.objects.filter(pk=item.pk).update(created_at=now - age * DAY, due_on=due_on)
        found[name] = item
    action_items.set_done(action_items.add(low, title="e", by=alice), by=alice)
    return found


def titles(api, query):
    return "".join(each["title"] for each in api.items(f"action-items?{query}"))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("age=week", "a"), ("age=month", "b"), ("age=quarter", "c"), ("age=older", "d"),
        ("team=none", "d"), ("team=mine", "ba"), ("team=web", "c"),
        ("sort=due", "bdac"), ("sort=-due", "cadb"), ("sort=age", "abcd"), ("sort=-age", "dcba"),
        ("sort=severity", "cbad"), ("sort=-severity", "dbac"), ("sort=severity&team=mine&age=month", "b"),
    ],
)  # fmt: skip
def test_the_list_is_narrowed_and_in_order(api, made, query, expected):
    assert titles(api, f"state=open&{query}") == expected


@pytest.mark.parametrize("sort", ["due", "-due", "age", "-age", "severity", "-severity"])
def test_pages_of_an_order_follow_each_other_and_cost_the_same(api, made, sort):
    whole, seen, address = titles(api, f"state=open&sort={sort}"), "", f"action-items?state=open&sort={sort}&limit=1"
    while address:
        with CaptureQueriesContext(connection) as queries:
            page = api.get(address.removeprefix("http://testserver")).json()
        assert len(queries) <= 6
        seen += "".join(each["title"] for each in page["items"])
        address = page["next"]
    assert seen == whole


@pytest.mark.parametrize(("query", "field"), [("age=x", "age"), ("sort=x", "sort"), ("sort=id", "sort")])
def test_what_cannot_be_is_named(api, query, field):
    answer = api.get(f"action-items?{query}")
    assert (answer.status_code, fields_of(answer)) == (422, [field])


def test_the_figures_are_those_of_the_page(api, made):
    assert api.get("action-items/summary").json() == {
        "open": 4,
        "overdue": 1,
        "unowned": 1,
        "done_in_30_days": 1,
        "median_age_days": 40,
        "ages": [{"age": age, "open": 1} for age in ("week", "month", "quarter", "older")],
        "teams": [
            {"team": "mine-not", "name": "Mine-not", "open": 2, "overdue": 1},
            {"team": "web", "name": "Web", "open": 1, "overdue": 0},
        ],
        "without_team": 1,
    }
    narrowed = api.get("action-items/summary?team=mine&severity=high").json()
    assert (narrowed["open"], narrowed["overdue"], narrowed["without_team"]) == (2, 1, 0)
    answer = api.get("action-items/summary?owner=me")
    assert (answer.status_code, fields_of(answer)) == (422, ["owner"])


def test_a_private_incident_counts_for_those_who_see_it(alice, charlie):
    secret = make.incident(is_private=True, assignee=alice)
    action_items.add(secret, title="x", by=alice)
    assert Caller(alice, "read").get("action-items/summary").json()["open"] == 1
    assert Caller(charlie, "read").get("action-items/summary").json()["open"] == 0
