"""My work: what waits for one person, what they work on, what they have promised, what else their teams have open."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.work import db_now
from home import my_work
from incidents import action_items, escalation, lifecycle
from incidents.lifecycle import Draft
from incidents.models import ActionItem
from tests import make
from tests.make import MINUTE

pytestmark = pytest.mark.django_db

ADDRESS = "/my-work/"
MOST_QUERIES = 12


def shown(client, panel: str) -> list[int]:
    """The numbers of a panel's incidents, or the keys of its action items, in order."""
    part = client.get(ADDRESS).content.decode().partition(f'id="{panel}"')[2].partition("</section>")[0]
    pattern = r'id="action-(\d+)"' if panel == "actions" else r'class="mu-title" href="/incidents/INC-(\d+)"'
    return [int(number) for number in re.findall(pattern, part)]


def everything(client) -> dict[str, list[int]]:
    return {panel: shown(client, panel) for panel in ("waiting", "assigned", "teams", "actions")}


@pytest.fixture
def at_desk(client, alice):
    client.force_login(alice)
    return client


def paged(*people, severity="critical", at=None, **fields):
    """An incident that has paged these people."""
    incident = make.incident(steps=[people], severity=severity, at=at or timezone.now(), **fields)
    escalation.advance_due(now=db_now() + timedelta(seconds=1))
    return incident


def test_what_one_was_paged_for_waits_until_somebody_answers(client, alice, bob):
    mild = paged(alice, severity="high")
    bad = paged(alice, bob)
    paged(bob)
    client.force_login(alice)
    assert shown(client, "waiting") == [bad.pk, mild.pk], "the worst first"
    lifecycle.acknowledge(bad, by=bob)
    assert everything(client) == {"waiting": [mild.pk], "assigned": [], "teams": [], "actions": []}
    lifecycle.resolve(mild, by=None)
    assert shown(client, "waiting") == []
    lifecycle.reopen(mild, reason="It is back", by=bob)
    assert shown(client, "waiting") == [mild.pk]


def test_an_incident_stands_in_the_first_part_that_fits(at_desk, alice, bob):
    now = timezone.now()
    service = make.service("kafka", team=make.team("storage", alice, bob), policy=make.escalation_policy(alice))
    waiting = make.incident(services=[service], assignee=alice, at=now)
    escalation.advance_due(now=db_now() + timedelta(seconds=1))
    assigned = make.incident(severity="low", services=[service], assignee=alice, at=now)
    of_team = make.incident(severity="low", services=[service], assignee=bob, at=now)
    of_nobody = make.incident(severity="medium", services=[service, make.service("x", team=service.team)], at=now)
    make.incident(severity="low", services=[make.service("search", team=make.team("search", bob))], at=now)
    lifecycle.resolve(make.incident(services=[service], assignee=alice, at=now), by=bob)
    assert everything(at_desk) == {
        "waiting": [waiting.pk],
        "assigned": [assigned.pk],
        "teams": [of_nobody.pk, of_team.pk],
        "actions": [],
    }


def test_action_items_stand_by_their_day_and_are_ticked_with_one_button(at_desk, alice, bob):
    incident = make.incident(title="Disk full")
    today = timezone.localdate()
    later = action_items.add(incident, title="Later", owner=alice, due_on=today + timedelta(days=9), by=bob)
    undated = action_items.add(incident, title="Some day", owner=alice, by=bob)
    overdue = ActionItem.objects.create(incident=incident, title="Late", owner=alice, due_on=today - timedelta(days=1))
    action_items.add(incident, title="His", owner=bob, due_on=today, by=alice)
    action_items.set_done(action_items.add(incident, title="Done", owner=alice, by=alice), by=alice)
    assert shown(at_desk, "actions") == [overdue.pk, later.pk, undated.pk]
    page = at_desk.get(ADDRESS).content.decode()
    assert "3 to do" in page
    assert "1 overdue" in page
    forms = re.findall(r'<form method="post" action="([^"]+)">', page.partition("<main")[2])
    response = at_desk.post(forms[0], {"next": ADDRESS})
    assert (response.status_code, response["Location"]) == (303, ADDRESS)
    assert shown(at_desk, "actions") == [later.pk, undated.pk]


def test_a_waiting_incident_is_acknowledged_here_and_leads_back_here(at_desk, alice):
    incident = paged(alice)
    page = at_desk.get(ADDRESS).content.decode()
    action = f"/incidents/{incident.reference}/acknowledge"
    assert f'action="{action}"' in page
    response = at_desk.post(action, {"next": ADDRESS})
    assert (response.status_code, response["Location"]) == (303, ADDRESS)
    assert everything(at_desk) == {"waiting": [], "assigned": [incident.pk], "teams": [], "actions": []}


def test_the_navigation_counts_what_waits(at_desk, alice):
    assert "waiting for your answer" not in at_desk.get("/services/").content.decode()
    paged(alice)
    paged(alice)
    assert '2<span class="mu-sr"> waiting for your answer</span>' in at_desk.get("/services/").content.decode()


def test_viewers_see_their_work_and_press_nothing(client, charlie):
    team = make.team("storage", charlie)
    incident = make.incident(services=[make.service("kafka", team=team)])
    item = action_items.add(incident, title="Watch", owner=charlie, by=None)
    client.force_login(charlie)
    assert everything(client) == {"waiting": [], "assigned": [], "teams": [incident.pk], "actions": [item.pk]}
    main = client.get(ADDRESS).content.decode().partition("<main")[2].partition("</main>")[0]
    assert 'method="post"' not in main


def test_private_incidents_and_their_items_are_for_their_people(client, alice, bob, admin):
    team = make.team("storage", alice)
    secret = make.incident(is_private=True, severity="low", at=timezone.now())
    ActionItem.objects.create(incident=secret, title="Rotate the keys", owner=alice)
    client.force_login(alice)
    assert everything(client) == {"waiting": [], "assigned": [], "teams": [], "actions": []}
    assert "Rotate" not in client.get(ADDRESS).content.decode()
    make.incident(is_private=True, services=[make.service("kafka", team=team)], severity="low")
    assert len(shown(client, "teams")) == 1


def test_an_open_page_gets_the_panels_that_differ_and_nothing_else(at_desk, alice):
    make.incident(severity="low", assignee=alice, at=timezone.now())
    page = at_desk.get(ADDRESS).content.decode()
    seen = ",".join(f"{name}.{version}" for name, version in re.findall(r'id="(\w+)" data-version="(\w+)"', page))
    assert seen.count(",") == 4

    def refreshed(seen: str):
        return at_desk.get(ADDRESS, {"seen": seen}, headers={"HX-Request": "true"})

    assert refreshed(seen).status_code == 204
    paged(alice)
    answer = refreshed(seen)
    assert answer["Vary"].count("HX-Request") == 1
    assert re.findall(r'id="(\w+)" data-version', answer.content.decode()) == ["waiting", "work"]
    assert "<html" not in answer.content.decode()
    assert len(re.findall(r'id="(\w+)" data-version', refreshed("").content.decode())) == 5


def test_each_part_ends_somewhere_and_leads_to_the_rest(at_desk, alice, monkeypatch):
    monkeypatch.setattr(my_work, "MOST_SHOWN", 2)
    lifecycle.declare_many([Draft(title="x", severity="low", assignee=alice) for _ in range(4)])
    assert len(shown(at_desk, "assigned")) == 2
    page = unescape(at_desk.get(ADDRESS).content.decode())
    assert "/incidents/?assignee=me&sort=-severity" in page
    assert "2+ assigned" in page


@pytest.mark.parametrize("role", ["viewer", "responder", "admin"])
def test_the_page_costs_the_same_few_queries_at_any_length(client, alice, bob, role):
    alice.role = role
    alice.save()
    client.force_login(alice)
    now = timezone.now()
    team = make.team("storage", alice)
    services = [make.service(f"s{n}", team=team, policy=make.escalation_policy(alice)) for n in range(3)]

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(ADDRESS).status_code == 200
        return len(queries)

    def fill(count: int) -> None:
        same = {"severity": "critical", "services": services}
        made = lifecycle.declare_many([Draft(title="x", **same) for _ in range(count)], now=now - MINUTE)
        escalation.advance_due(now=db_now() + timedelta(seconds=1))
        same["severity"] = "low"
        lifecycle.declare_many([Draft(title="x", assignee=alice, **same) for _ in range(count)], now=now)
        lifecycle.declare_many([Draft(title="x", assignee=bob, **same) for _ in range(count)], now=now)
        for incident in made:
            action_items.add(incident, title="x", owner=alice, by=alice)

    fill(1)
    one = cost()
    fill(9)
    assert cost() == one <= MOST_QUERIES


def test_strangers_are_sent_to_sign_in(client):
    response = client.get(ADDRESS)
    assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/my-work/")
