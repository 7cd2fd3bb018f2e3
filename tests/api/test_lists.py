"""Lists: pages by cursor, the page's filters, and a bounded number of queries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents import lifecycle
from incidents.models import Incident
from notifications.models import Notification
from tests import make
from tests.api.caller import Caller, fields_of


def ids(items) -> list[str]:
    return [item["id"] for item in items]


def test_pages_follow_each_other_without_gap_or_overlap(api):
    made = [make.incident(at=make.NOW + number * make.MINUTE).reference for number in range(7)]
    seen, address, pages = [], "incidents?limit=3", 0
    while address:
        page = api.get(address).json()
        assert set(page) == {"items", "next"}
        seen += ids(page["items"])
        address, pages = page["next"] and page["next"].removeprefix("http://testserver"), pages + 1
    assert (seen, pages) == (made[::-1], 3)


def test_what_comes_in_between_moves_no_page(api):
    made = [make.incident(at=make.NOW + number * make.MINUTE).reference for number in range(4)]
    first = api.get("incidents?limit=2").json()
    make.incident(at=make.NOW + timedelta(hours=1))
    second = api.get(first["next"].removeprefix("http://testserver")).json()
    assert ids(second["items"]) == made[1::-1]


def test_next_keeps_the_filters_and_is_null_on_the_last_page(api):
    for _ in range(3):
        make.incident(severity="low")
    make.incident(severity="high")
    first = api.get("incidents?severity=low&limit=2").json()
    assert "severity=low" in first["next"]
    assert "limit=2" in first["next"]
    last = api.get(first["next"].removeprefix("http://testserver")).json()
    assert (len(last["items"]), last["next"]) == (1, None)


@pytest.mark.parametrize("limit", ["0", "-1", "201", "1e3", "x", "9" * 5000, "NaN", "١٢٣٤"])
def test_a_limit_is_1_to_200(api, limit):
    answer = api.get(f"incidents?limit={limit}")
    assert (answer.status_code, fields_of(answer)) == (422, ["limit"])


def test_200_is_a_limit(api):
    assert api.get("incidents?limit=200").status_code == 200


@pytest.mark.parametrize("cursor", ["x", "WzFd", "W10", "e30", "_", "%00", "9" * 3000, "WyI-IiwiLWlkIiwxXQ"])
@pytest.mark.parametrize("path", ["incidents", "alerts", "users", "services"])
def test_a_cursor_is_followed_and_not_made_up(api, path, cursor):
    answer = api.get(f"{path}?cursor={cursor}")
    assert (answer.status_code, fields_of(answer)) == (422, ["cursor"])


def test_a_misspelt_filter_is_a_mistake(api):
    answer = api.get("incidents?sevrity=high&page=2")
    assert (answer.status_code, fields_of(answer)) == (422, ["page", "sevrity"])


def test_filters_that_a_form_leaves_empty_count_as_left_out(api):
    make.incident()
    assert len(api.items("incidents?severity=&status=&service=&q=&period=")) == 1


def test_incidents_by_what_they_are_and_touch(api, alice, bob):
    core, web = make.team("core", alice), make.team("web")
    kafka, site = make.service("kafka", team=core), make.service("site", team=web)
    first = make.incident(severity="critical", services=[kafka], assignee=alice, title="Kafka is slow").reference
    second = make.incident(severity="low", services=[kafka, site], assignee=bob).reference
    third = make.incident(severity="low", services=[]).reference
    lifecycle.resolve(Incident.objects.get(pk=third.removeprefix("INC-")), by=bob)

    def found(query):
        return sorted(ids(api.items(f"incidents?{query}")), key=lambda reference: int(reference.removeprefix("INC-")))

    assert found("severity=low") == [second, third]
    assert found("status=resolved") == [third]
    assert found("service=kafka") == [first, second]
    assert found("service=site") == [second]
    assert found("team=web") == [second]
    assert found("team=mine") == [first, second]
    assert found("assignee=alice") == [first]
    assert found("assignee=me") == [first]
    assert found("assignee=none") == []
    assert found("assignee=nobody-here") == []
    assert found("q=kafka") == [first]
    assert found(f"q={second}") == [second]
    assert found("severity=low&service=kafka") == [second]


def test_periods_are_those_of_the_page(api, alice):
    now = timezone.now()
    old_and_open = make.incident(at=now - timedelta(days=30)).reference
    ended = make.incident(at=now - timedelta(days=20))
    lifecycle.resolve(ended, by=alice)
    fresh = make.incident(at=now - timedelta(days=1))
    lifecycle.resolve(fresh, by=alice)
    assert ids(api.items("incidents?period=active")) == [old_and_open]
    assert ids(api.items("incidents?period=recent")) == [fresh.reference, old_and_open]
    assert ids(api.items("incidents?period=all")) == ids(api.items("incidents"))
    assert len(api.items("incidents")) == 3
    assert fields_of(api.get("incidents?period=never")) == ["period"]


def test_the_timeline_is_in_order_and_in_pages(api):
    incident = make.incident(severity="low")
    before = [entry["id"] for entry in api.items(f"incidents/{incident.reference}/timeline")]
    late = api.post(f"incidents/{incident.reference}/timeline", {"text": "late"}).json()["id"]
    early = {"text": "early", "at": (make.NOW - timedelta(hours=1)).isoformat()}
    first = api.post(f"incidents/{incident.reference}/timeline", early).json()["id"]
    wanted = [first, *before, late]
    seen, address = [], f"incidents/{incident.reference}/timeline?limit=1"
    while address:
        page = api.get(address).json()
        seen += ids(page["items"])
        address = page["next"] and page["next"].removeprefix("http://testserver")
    assert seen == wanted


@pytest.mark.parametrize(
    "path",
    [
        "incidents", "alerts", "users", "teams", "services", "escalation-policies", "integrations",
        "severity-policies", "incidents/{incident}/timeline", "incidents/{incident}/evidence",
        "incidents/{incident}/notifications", "incidents/{incident}/alerts", "users/{user}/contact-methods",
    ],
)  # fmt: skip
def test_a_list_takes_the_same_few_queries_however_long_it_is(path, charlie):
    api = Caller(charlie, "read")
    api.get("severity-policies")  # the first use of a token is written down
    counts = []
    for size in (2, 8):
        for _ in range(size):
            _grow(charlie)
        incident = Incident.objects.order_by("id").first()
        assert incident is not None
        with CaptureQueriesContext(connection) as queries:
            items = api.items(path.format(incident=incident.reference, user="charlie") + "?limit=200")
        assert len(items) > 1
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 12


def _grow(charlie) -> None:
    """One more of everything."""
    person = make.user()
    team = make.team("", person, managers=(charlie,))
    policy = make.escalation_policy(person, (team, person))
    service = make.service(policy=policy, team=team)
    other = make.service(policy=policy, team=team)
    service.dependencies.create(depends_on=other)
    made, _ = make.integration(service=service)
    incident = make.incident(services=[service, other], assignee=person)
    first = Incident.objects.order_by("id")[0]
    group = made.groups.create(group_key="x", incident=first)
    made.alerts.create(group=group, fingerprint="x", title="x", severity="low", started_at=make.NOW)
    first.evidence.create(url="https://example.com", by=person)
    lifecycle.acknowledge(incident, by=person)
    first.timeline.create(kind="noted", at=make.NOW, by=person, text="x").revisions.create(
        at=make.NOW, replaced_at=make.NOW, replaced_by=person
    )
    Notification.objects.create(
        topic=first.topic, key=person.username, purpose="page", user=person, recipient=str(person), channel="email",
        title="x", state="sent", due_at=make.NOW, finished_at=make.NOW,
    ).attempts.create(number=1, started_at=make.NOW, finished_at=make.NOW, outcome="sent")  # fmt: skip
    make.contact(charlie, "email", f"{person.username}@example.org")
