"""Addresses, methods, and the API's description of itself."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from tests import make
from tests.api.caller import declaration

RESOURCES = [
    "absences",
    "action-items",
    "actions",
    "alerts",
    "cover-requests",
    "escalation-policies",
    "executions",
    "incidents",
    "integrations",
    "maintenance",
    "metrics/frequency",
    "metrics/incidents",
    "on-call",
    "overrides",
    "postmortem-factors",
    "postmortem-templates",
    "postmortems",
    "runbooks",
    "runners",
    "runs",
    "saved-views",
    "schedules",
    "search",
    "services",
    "severity-policies",
    "status-pages",
    "subscribers",
    "subscriptions",
    "teams",
    "trackers",
    "update-templates",
    "users",
]


def test_a_post_works_with_and_without_a_slash_and_never_redirects(api):
    for path in ("incidents", "incidents/"):
        made = api.post(path, declaration())
        assert made.status_code == 201
        for end in ("", "/"):
            assert api.post(f"incidents/{made.json()['id']}/acknowledge{end}").status_code == 200
            assert api.get(f"incidents/{made.json()['id']}{end}").status_code == 200


@pytest.mark.parametrize("path", RESOURCES)
def test_lists_work_with_and_without_a_slash(api, path):
    assert api.get(path).status_code == api.get(f"{path}/").status_code == 200


def test_the_next_page_has_the_address_that_was_asked(api):
    make.incident(), make.incident()
    for path in ("/api/v1/incidents", "/api/v1/incidents/"):
        assert api.get(f"{path}?limit=1").json()["next"].startswith(f"http://testserver{path}?")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "incidents", "GET, POST"),
        ("PUT", "incidents/INC-1", "GET, PATCH"),
        ("GET", "incidents/INC-1/acknowledge", "POST"),
        ("DELETE", "alerts/ALR-1", "GET"),
        ("OPTIONS", "users", "GET, POST"),
    ],
)
def test_a_wrong_method_is_answered_with_the_right_ones(api, method, path, allow):
    answer = api.call(method, path)
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
    assert answer["Allow"] == allow


def test_head_is_get_without_a_body(api):
    answer = api.call("HEAD", "incidents")
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_post_to_nowhere_is_not_found_and_no_question_of_csrf(api):
    client = Client(enforce_csrf_checks=True)
    client.force_login(api.user)
    answer = client.post("/api/v1/nothing", {})
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_the_description_is_json_that_lists_every_address(db):
    answer = Client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    document = json.loads(answer.content)
    assert document["openapi"].startswith("3.")
    assert {path.split("/")[3] for path in document["paths"]} == {each.split("/")[0] for each in RESOURCES}
    incident = {path.removeprefix("/api/v1/incidents/{incident_id}") for path in document["paths"] if "{inc" in path}
    assert incident == {
        "", "/acknowledge", "/resolve", "/reopen", "/transition", "/assign", "/severity", "/timeline",
        "/timeline/{entry_id}", "/evidence", "/escalate", "/notifications", "/services", "/mitigations", "/postmortem",
        "/alerts", "/plan", "/ledger", "/status-updates", "/action-items", "/unacknowledge", "/snooze", "/wake",
        "/status-updates/{update_id}", "/status-updates/{update_id}/publish", "/status-updates/{update_id}/withdraw",
    }  # fmt: skip
    operations = [each for path in document["paths"].values() for each in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    assert all(operation["security"] == [{"BearerToken": []}] for operation in operations)
    assert all("application/problem+json" in each["responses"]["default"]["content"] for each in operations)


def test_every_reference_of_the_description_leads_somewhere(db):
    text = Client().get("/api/v1/openapi.json").content.decode()
    document = json.loads(text)
    names = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert names <= set(document["components"]["schemas"])


def test_the_body_that_declares_an_incident_is_described_exactly(db):
    schema = Client().get("/api/v1/openapi.json").json()["components"]["schemas"]["NewIncident"]
    assert set(schema["properties"]) == {
        "title", "description", "severity", "affected_services", "assignee", "related_alerts",
    }  # fmt: skip
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"title", "severity", "affected_services"}


def test_the_page_of_the_description_needs_no_script_of_its_own(db, alice):
    for client in (Client(), Client()):
        answer = client.get("/api/v1/docs")
        assert answer.status_code == 200
        text = answer.content.decode()
        assert "/api/v1/incidents/{incident_id}/acknowledge" in text
        assert "<style" not in text
        assert "style=" not in text.partition("<main")[2]
        assert "cdn" not in text
        client.force_login(alice)
