"""Services, teams, causes, follow-up and what leadership looks at, over the API: exact, and each with its incidents."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents import action_items, lifecycle
from incidents.models import ActionItem
from metrics import choosing
from postmortems import drafting, factors
from tests import make
from tests.api.caller import Caller, fields_of
from tests.api.test_metrics import OCTOBER, asked, behind, caught_up  # noqa: F401 - a fixture
from tests.make import MINUTE, NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(alice):
    """A critical incident of two services of a team, resolved, reopened and resolved again, with a cause and action
    items, and an open low one of one of them."""
    team = make.team("payments")
    one, two = make.service("checkout", team=team), make.service("search")
    first = make.incident(services=[one, two])
    make.incident(severity="low", services=[two])
    lifecycle.acknowledge(first, by=alice, now=NOW + 2 * MINUTE)
    lifecycle.resolve(first, by=alice, now=NOW + 20 * MINUTE)
    lifecycle.reopen(first, reason="It is back.", by=alice, now=NOW + 30 * MINUTE)
    lifecycle.resolve(first, by=alice, now=NOW + 60 * MINUTE)
    first.refresh_from_db()
    factors.choose(drafting.start(first, by=alice), factors=(), new=["Capacity"], by=alice)
    done, _, late = (action_items.add(first, title=title, by=alice) for title in "abc")
    action_items.set_done(done, by=alice)
    ActionItem.objects.filter(pk=late.pk).update(due_on=timezone.now().date() - timedelta(days=3))
    caught_up()
    caught_up()
    return first


def test_services_with_most_incidents_come_first(asked, made):  # noqa: F811
    caught_up()
    found = asked(f"services?{OCTOBER}")
    assert (set(found), [each["id"] for each in found["items"]]) == ({"from", "to", "items"}, ["search", "checkout"])
    search = found["items"][0]
    assert {name: value for name, value in search.items() if not name.endswith("_url")} == {
        "id": "search", "name": "search", "incidents": 2, "open": 1, "reopened": 1, "alerts": 0,
        "mean_acknowledge_seconds": 120.0, "mean_resolve_seconds": 3600.0, "impact_seconds": 3600.0,
        "response_compliance": 1.0,
    } | {"name": search["name"]}  # fmt: skip
    for each in found["items"]:
        for name in ("incidents", "open", "reopened", "alerts"):
            address = each["incidents_url" if name == "incidents" else f"{name}_incidents_url"]
            assert behind(asked, address)[0] == each[name]
        assert behind(asked, each["impact_incidents_url"])[0] == each["impact_seconds"]
        assert behind(asked, each["acknowledged_incidents_url"])[0] == 1
        assert behind(asked, each["resolved_incidents_url"])[0] == 1


def test_teams_and_causes(asked, made):  # noqa: F811
    for path, name in (("teams", "payments"), ("causes", "Capacity")):
        [row] = asked(f"{path}?{OCTOBER}")["items"]
        assert (row["id"], row["incidents"]) == (name, 1)
        assert behind(asked, row["incidents_url"]) == (1, [made.reference])
    assert [each["id"] for each in asked(f"services?{OCTOBER}&service=checkout")["items"]] == ["checkout"]
    assert [each["id"] for each in asked(f"services?{OCTOBER}&factor=capacity")["items"]] == ["checkout", "search"]
    before = asked(f"teams?{OCTOBER}&compare=previous")["compared"]
    assert (before["from"], before["to"], before["items"]) == ("2026-08-31", "2026-09-30", [])


def test_what_came_of_the_incidents(asked, made):  # noqa: F811
    found = asked(f"follow-up?{OCTOBER}")
    numbers = {each["key"]: each["value"] for each in found["numbers"]}
    assert [numbers[key] for key in ("items", "items_done", "items_on_time", "items_accepted")] == [3, 1, 1, 0]
    assert sum(numbers[key] for key in numbers if key.startswith("learn")) == 1
    for each in found["numbers"]:
        assert behind(asked, each["incidents_url"])[0] == each["value"]
    rates = {each["key"]: (each["value"], each["part"], each["whole"]) for each in found["rates"]}
    assert rates["items_completion"] == (1 / 3, 1, 3)
    overdue = found["overdue"]
    assert (overdue["count"], len(asked(overdue["action_items_url"])["items"])) == (1, 1)
    nothing = asked(f"follow-up?{OCTOBER}&severity=high")
    assert (nothing["overdue"]["count"], {each["value"] for each in nothing["rates"]}) == (0, {None})


def test_every_number_of_the_summary_is_the_total_of_its_incidents(asked, made):  # noqa: F811
    found = asked(f"summary?{OCTOBER}")
    for each in found["numbers"]:
        assert behind(asked, each["incidents_url"])[0] == each["value"], each
    numbers = {each["key"]: each["value"] for each in found["numbers"]}
    assert [numbers[key] for key in ("incidents", "open", "reopened", "was_resolved")] == [2, 1, 1, 1]
    rates = {each["key"]: each["value"] for each in found["rates"]}
    assert (rates["reopen_rate"], rates["alerts_per_incident"], rates["response_compliance"]) == (1.0, None, 1.0)
    assert (found["mtta"]["median"], found["mttr"]["median"], found["cost"], found["target"]) == (120, 3600, None, 0.9)


def test_cost_is_time_down_at_the_rates_of_the_settings(asked, made, admin):  # noqa: F811
    choosing.save_settings(currency="EUR", critical_per_hour=1234, by=admin)
    cost = asked(f"summary?{OCTOBER}")["cost"]
    address = cost.pop("incidents_url")
    assert cost == {"currency": "EUR", "total": "1234.00", "severities": {"critical": "1234.00"}}
    assert behind(asked, address)[0] == 3600.0
    assert asked(f"summary?{OCTOBER}&severity=low")["cost"]["total"] == "0.00"


def test_what_is_private_counts_for_those_who_see_it(asked, made, alice, charlie):  # noqa: F811
    type(made).objects.filter(pk=made.pk).update(is_private=True, assignee=alice)
    caught_up()
    stranger = Caller(charlie, "read")
    assert [each["incidents"] for each in asked(f"services?{OCTOBER}", by=stranger)["items"]] == [1]
    assert asked(f"teams?{OCTOBER}", by=stranger)["items"] == asked(f"causes?{OCTOBER}", by=stranger)["items"] == []
    assert asked(f"follow-up?{OCTOBER}", by=stranger)["overdue"]["count"] == 0
    assert [each["incidents"] for each in asked(f"services?{OCTOBER}")["items"]] == [2, 1]


@pytest.mark.parametrize("path", ["services", "teams", "causes", "follow-up", "summary"])
@pytest.mark.parametrize(
    ("query", "fields"), [("service=nope", ["service"]), ("x=1", ["x"]), ("compare=x", ["compare"])]
)
def test_what_cannot_be_is_named(api, path, query, fields):
    answer = api.get(f"metrics/{path}?{query}")
    assert (answer.status_code, fields_of(answer)) == (422, fields)


@pytest.mark.parametrize("path", ["services", "teams", "causes", "follow-up", "summary"])
def test_an_answer_takes_few_queries(path, made, charlie):
    caller, counts = Caller(charlie, "read"), []
    caller.get("metrics/definitions")
    for _ in range(2):
        for _ in range(3):
            make.incident(severity="low", services=[make.service(team=make.team())])
        caught_up()
        with CaptureQueriesContext(connection) as queries:
            assert caller.get(f"metrics/{path}?{OCTOBER}").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 15
