"""Working an incident through the API, to its end and back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from incidents.models import Incident
from tests import make
from tests.api.caller import Caller, declaration, fields_of, mistakes_of


@pytest.fixture
def incident(bob):
    return make.incident(severity="high", steps=[bob], at=timezone.now() - timedelta(minutes=10))


def do(api, incident, action, body=None):
    """The status code, and the incident's status and assignee."""
    answer = api.post(f"incidents/{incident.reference}/{action}", body)
    assert answer.status_code == 200, answer.content
    return answer.json()["status"], answer.json()["assignee"]


def test_from_the_page_to_the_postmortem_and_back(api, incident):
    assert do(api, incident, "acknowledge") == ("acknowledged", "alice")
    assert do(api, incident, "transition", {"status": "investigating"}) == ("investigating", "alice")
    assert do(api, incident, "transition", {"status": "mitigating"}) == ("mitigating", "alice")
    assert do(api, incident, "resolve", {"root_cause": "A full disk"}) == ("resolved", "alice")
    assert do(api, incident, "postmortem", {}) == ("postmortem", "alice")
    assert do(api, incident, "reopen", {"reason": "It is full again"}) == ("investigating", "alice")
    incident.refresh_from_db()
    assert incident.root_cause == "A full disk"
    assert make.happened(incident) == [
        "triggered", "paged", "acknowledged", "moved", "moved", "resolved", "postmortem_drafted", "postmortem_started",
        "reopened",
    ]  # fmt: skip


def test_given_back_it_pages_again_and_nobody_has_it(api, incident):
    do(api, incident, "acknowledge")
    assert do(api, incident, "unacknowledge", {"reason": "My train leaves"}) == ("triggered", None)
    assert api.get(f"incidents/{incident.reference}").json()["acknowledged_at"] is None
    assert [who for who, _ in make.pages(incident)] == ["bob", "bob"]
    assert api.post(f"incidents/{incident.reference}/unacknowledge").status_code == 409


def test_snoozed_until_a_time_and_woken(api, incident):
    until = (timezone.now() + timedelta(hours=2)).replace(microsecond=0)
    moment = until.isoformat().replace("+00:00", "Z")
    assert do(api, incident, "snooze", {"until": moment}) == ("acknowledged", "alice")
    assert api.get(f"incidents/{incident.reference}").json()["snoozed_until"] == moment
    assert [row["snoozed_until"] for row in api.items("incidents")] == [moment]
    assert do(api, incident, "wake") == ("acknowledged", "alice")
    assert api.post(f"incidents/{incident.reference}/wake").status_code == 409
    too_far = (until + timedelta(days=8)).isoformat()
    assert fields_of(api.post(f"incidents/{incident.reference}/snooze", {"until": too_far})) == ["until"]


def test_acknowledging_stops_the_pages_that_were_not_sent(api, incident):
    do(api, incident, "acknowledge", {})
    rows = api.items(f"incidents/{incident.reference}/notifications")
    assert [(row["user"], row["channel"], row["purpose"], row["state"]) for row in rows] == [
        ("bob", "email", "page", "cancelled")
    ]
    assert "address" not in rows[0]


def test_a_transition_may_skip_ahead_and_end_it(api, incident):
    assert do(api, incident, "transition", {"status": "resolved"}) == ("resolved", "alice")
    assert do(api, incident, "transition", {"status": "postmortem"}) == ("postmortem", "alice")


@pytest.mark.parametrize(
    ("status", "action", "body", "detail"),
    [
        ("triggered", "postmortem", None, "INC-{0} is triggered; its postmortem begins when it is resolved."),
        ("triggered", "reopen", {"reason": "why"}, "INC-{0} is triggered; only a resolved incident can be reopened."),
        ("acknowledged", "transition", {"status": "triggered"}, "INC-{0} is acknowledged and cannot become triggered;"),
        ("resolved", "resolve", None, "INC-{0} is resolved and cannot become resolved;"),
        ("resolved", "transition", {"status": "mitigating"}, "INC-{0} is resolved and cannot become mitigating;"),
        ("resolved", "acknowledge", None, "INC-{0} is resolved; from here it can go to:"),
    ],
)
def test_an_illegal_move_is_a_conflict_that_says_what_is_legal(api, incident, status, action, body, detail):
    if status != "triggered":
        do(api, incident, "transition", {"status": status})
    answer = api.post(f"incidents/{incident.reference}/{action}", body)
    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"].startswith(detail.format(incident.pk))
    incident.refresh_from_db()
    assert incident.status == status


def test_reopening_needs_a_reason(api, incident):
    do(api, incident, "resolve")
    answer = api.post(f"incidents/{incident.reference}/reopen", {"reason": " "})
    assert mistakes_of(answer) == [("reason", "Say why it is open again.")]


def test_an_unknown_status_and_an_unknown_field_are_mistakes(api, incident):
    path = f"incidents/{incident.reference}"
    assert fields_of(api.post(f"{path}/transition", {"status": "closed"})) == ["status"]
    assert fields_of(api.post(f"{path}/acknowledge", {"comment": "hello"})) == ["comment"]
    assert fields_of(api.post(f"{path}/resolve", {"reason": "hello"})) == ["reason"]


def test_assigning_is_no_acknowledgement(api, incident):
    assert do(api, incident, "assign", {"assignee": "bob"}) == ("triggered", "bob")
    assert do(api, incident, "assign", {"assignee": None}) == ("triggered", None)
    answer = api.post(f"incidents/{incident.reference}/assign", {"assignee": "nobody"})
    assert mistakes_of(answer) == [("assignee", "There is no active user 'nobody'.")]


def test_raising_the_severity_applies_the_difference(api, bob):
    made = make.incident(severity="low", steps=[bob])
    answer = api.post(f"incidents/{made.reference}/severity", {"severity": "critical", "reason": "Everybody"})
    assert (answer.status_code, answer.json()["severity"]) == (200, "critical")
    assert [name for name, _ in make.pages(made)] == ["bob"]


def test_services_are_set_as_a_whole(api):
    made = make.incident(services=[make.service("kafka"), make.service("query-engine")])
    make.service("postgresql")
    answer = api.put(f"incidents/{made.reference}/services", {"affected_services": ["query-engine", "postgresql"]})
    assert answer.json()["affected_services"] == ["query-engine", "postgresql"]
    assert fields_of(api.put(f"incidents/{made.reference}/services", {"affected_services": ["nope"]})) == [
        "affected_services"
    ]


def test_a_change_changes_only_what_it_names(api, bob):
    make.service("kafka")
    made = make.incident(description="Before", title="Before")
    before = api.get(f"incidents/{made.reference}").json()
    changes = {
        "title": "After",
        "started_at": "2026-10-14T02:30:00+02:00",
        "is_private": True,
        "excluded_from_metrics": True,
        "affected_services": ["kafka"],
        "severity": "low",
        "assignee": "alice",
    }
    answer = api.patch(f"incidents/{made.reference}", changes)
    assert answer.status_code == 200
    after = answer.json()
    before |= changes | {"started_at": "2026-10-14T00:30:00Z"}
    before |= {"excluded_by": "alice", "excluded_at": Incident.objects.get().excluded_at.isoformat()[:-6] + "Z"}
    after.pop("duration_seconds"), before.pop("duration_seconds")
    assert after == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"created_at": "2026-10-14T00:30:00Z"}, "created_at"),
        ({"status": "resolved"}, "status"),
        ({"title": None}, "title"),
        ({"title": ""}, "title"),
        ({"is_private": 1}, "is_private"),
        ({"is_private": "yes"}, "is_private"),
        ({"started_at": "2999-01-01T00:00:00Z"}, "started_at"),
        ({"started_at": "2026-10-14T00:30:00"}, "started_at"),
        ({"started_at": "2026-10-14"}, "started_at"),
        ({"started_at": "0001-01-01T00:00:00+14:00"}, "started_at"),
        ({"started_at": "0001-01-01T00:00:00Z"}, "started_at"),
        ({"started_at": "9999-12-31T23:59:59-14:00"}, "started_at"),
        ({"started_at": 1700000000}, "started_at"),
        ({"started_at": "9" * 5000}, "started_at"),
        ({"severity": None}, "severity"),
        ({"affected_services": None}, "affected_services"),
    ],
)
def test_a_change_that_cannot_be_made_is_named_and_nothing_changes(api, change, field):
    made = make.incident(title="Before")
    answer = api.patch(f"incidents/{made.reference}", {"description": "After", **change})
    assert (answer.status_code, fields_of(answer)) == (422, [field])
    made.refresh_from_db()
    assert made.description == ""


def test_a_mistake_in_the_last_of_several_changes_takes_the_first_back(api):
    made = make.incident(title="Before")
    answer = api.patch(f"incidents/{made.reference}", {"title": "After", "assignee": "nobody"})
    assert fields_of(answer) == ["assignee"]
    made.refresh_from_db()
    assert made.title == "Before"
    assert make.happened(made)[-1] != "details_changed"


def test_a_note_is_written_and_corrected(api, incident):
    path = f"incidents/{incident.reference}/timeline"
    note = api.post(path, {"text": "It was the **disk**", "at": incident.created_at.isoformat()})
    assert note.status_code == 201
    assert (note.json()["kind"], note.json()["by"], note.json()["text"]) == ("noted", "alice", "It was the **disk**")
    corrected = api.patch(f"{path}/{note.json()['id']}", {"text": "It was the cable"}).json()
    assert (corrected["text"], corrected["at"]) == ("It was the cable", note.json()["at"])
    assert [each["text"] for each in corrected["revisions"]] == ["It was the **disk**"]
    assert [each["kind"] for each in api.items(path)] == ["triggered", "paged", "noted"]


def test_only_notes_can_be_corrected(api, incident):
    path = f"incidents/{incident.reference}/timeline"
    triggered = api.items(path)[0]
    assert api.patch(f"{path}/{triggered['id']}", {"text": "No"}).status_code == 404


def test_evidence_and_mitigations_are_kept(api, incident):
    path = f"incidents/{incident.reference}"
    linked = api.post(
        f"{path}/evidence", {"url": "https://grafana.example.com/d/1", "kind": "metric", "caption": "Load"}
    )
    assert linked.status_code == 201
    assert api.items(f"{path}/evidence") == [linked.json()]
    assert (linked.json()["kind"], linked.json()["caption"], linked.json()["by"]) == ("metric", "Load", "alice")
    assert fields_of(api.post(f"{path}/evidence", {"url": "javascript:alert(1)"})) == ["url"]
    done = api.post(f"{path}/mitigations", {"kind": "rolled_back", "text": "To 1.2"})
    assert (done.status_code, done.json()["kind"], done.json()["data"]) == (
        201, "mitigated", {"mitigation": "rolled_back"},
    )  # fmt: skip


def test_the_plan_shows_what_was_promised(api, incident):
    plan = api.get(f"incidents/{incident.reference}/plan").json()
    assert [(action["kind"], action["state"]) for action in plan["actions"]] == [
        ("page_on_call", "done"),
    ]
    assert [(clock["kind"], clock["state"]) for clock in plan["clocks"]] == [
        ("response", "running"),
        ("update", "running"),
    ]


def test_the_id_is_understood_in_small_letters_and_nothing_else_is(api, incident):
    assert api.get(f"incidents/inc-{incident.pk}").status_code == 200
    for wrong in (str(incident.pk), f"INC-0{incident.pk}", "INC-", "INC-x", "INC-99999999", f"ALR-{incident.pk}"):
        assert api.get(f"incidents/{wrong}").status_code == 404


def test_a_merged_incident_names_the_other(api):
    first, second = make.incident(), make.incident()
    Incident.objects.filter(pk=second.pk).update(merged_into=first)
    assert api.get(f"incidents/{second.reference}").json()["merged_into"] == first.reference


def test_the_duration_of_a_resolved_incident_stands_still(api, alice, now):
    made = make.incident(at=now)
    Incident.objects.filter(pk=made.pk).update(
        status="resolved", acknowledged_at=now, resolved_at=now + timedelta(minutes=7)
    )
    assert api.get(f"incidents/{made.reference}").json()["duration_seconds"] == 420


def test_everything_is_written_down_as_the_owner_of_the_token(alice):
    api = Caller(alice, "write")
    made = api.post("incidents", declaration()).json()
    assert api.items(f"incidents/{made['id']}/timeline")[0]["by"] == "alice"
