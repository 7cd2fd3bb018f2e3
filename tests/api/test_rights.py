"""Who may do what: the token's scope and its owner's role, whichever is less; what one may not see answers 404."""

from __future__ import annotations

import itertools
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import tokens
from accounts.models import Role, Scope
from alerts import linking
from api.app import api as muster_api
from incidents import changes, lifecycle
from incidents.models import Incident
from tests import make
from tests.api.caller import Caller, declaration, fields_of

# What each operation that is no GET needs at least; "write" leaves the owner's rights to the operation.
NEEDS = {
    "create_incident": "responder",
    "change_incident": "responder",
    "acknowledge_incident": "responder",
    "resolve_incident": "responder",
    "reopen_incident": "responder",
    "escalate_incident": "responder",
    "unacknowledge_incident": "responder",
    "snooze_incident": "responder",
    "wake_incident": "responder",
    "move_incident": "responder",
    "assign_incident": "responder",
    "change_incident_severity": "responder",
    "set_incident_services": "responder",
    "start_incident_postmortem": "responder",
    "add_note": "responder",
    "correct_note": "responder",
    "add_evidence": "responder",
    "add_mitigation": "responder",
    "link_incident_alerts": "responder",
    "add_status_update": "responder",
    "edit_status_update": "responder",
    "publish_status_update": "responder",
    "withdraw_status_update": "responder",
    "create_update_template": "write",
    "change_update_template": "write",
    "remove_update_template": "write",
    "add_action_item": "responder",
    "change_action_item": "responder",
    "export_action_item": "responder",
    "retry_ticket": "responder",
    "create_tracker": "admin",
    "change_tracker": "admin",
    "start_postmortem": "responder",
    "change_postmortem": "responder",
    "review_postmortem": "responder",
    "remove_postmortem_reviewer": "responder",
    "approve_postmortem": "write",
    "publish_postmortem": "responder",
    "take_back_postmortem": "responder",
    "add_postmortem_comment": "write",
    "change_postmortem_comment": "write",
    "add_postmortem_event": "responder",
    "change_postmortem_event": "responder",
    "create_postmortem_factor": "responder",
    "create_postmortem_template": "write",
    "change_postmortem_template": "write",
    "create_runbook": "write",
    "change_runbook": "write",
    "start_run": "responder",
    "change_run_step": "responder",
    "create_action": "admin",
    "change_action": "admin",
    "renew_signing_secret": "admin",
    "create_runner": "admin",
    "change_runner": "admin",
    "renew_runner_token": "admin",
    "ask_for_execution": "responder",
    "approve_execution": "responder",
    "refuse_execution": "responder",
    "stop_execution": "responder",
    "save_view": "write",
    "delete_view": "write",
    "create_subscription": "write",
    "delete_subscription": "write",
    "create_user": "admin",
    "change_user": "write",
    "add_contact_method": "write",
    "confirm_contact_method": "admin",
    "remove_contact_method": "write",
    "page_contact_method": "write",
    "create_team": "manager",
    "change_team": "write",
    "create_escalation_policy": "write",
    "change_escalation_policy": "write",
    "create_schedule": "write",
    "change_schedule": "write",
    "delete_schedule": "write",
    "create_override": "write",
    "delete_override": "write",
    "ask_for_cover": "write",
    "take_cover": "write",
    "withdraw_cover": "write",
    "take_shift": "write",
    "swap_shifts": "write",
    "enter_absence": "write",
    "remove_absence": "write",
    "create_service": "write",
    "announce_maintenance": "responder",
    "change_maintenance": "responder",
    "start_maintenance": "responder",
    "end_maintenance": "responder",
    "cancel_maintenance": "responder",
    "change_service": "write",
    "create_integration": "write",
    "change_integration": "write",
    "rotate_integration_key": "write",
    "change_severity_policy": "admin",
    "change_metrics_settings": "admin",
    "change_report_choice": "write",
    "create_subscriber": "admin",
    "take_bounce": "manager",
    "delete_subscriber": "admin",
    "create_status_page": "manager",
    "change_status_page": "manager",
    "delete_status_page": "manager",
    "create_component_group": "manager",
    "change_component_group": "manager",
    "delete_component_group": "manager",
    "create_component": "manager",
    "change_component": "manager",
    "delete_component": "manager",
}
OPERATIONS = [
    (operation["operationId"], method.upper(), path)
    for path, operations in muster_api.get_openapi_schema(path_prefix="/api/v1/")["paths"].items()
    for method, operation in operations.items()
]
# A PDF takes a second of a processor. What is asked for wrongly is refused to those who may ask, and is not made.
DEAR = {"read_metrics_report": "?from=x"}


def is_allowed(need: str, role: Role, scope: str) -> bool:
    """The rule, written down a second time."""
    if need == "viewer":
        return True
    if scope == "read" or (scope == "write" and need == "admin"):
        return False
    return need == "write" or role.rank >= Role(need).rank


def test_every_operation_stands_in_the_table():
    assert sorted(NEEDS) == sorted(name for name, method, _ in OPERATIONS if method != "GET")


@pytest.mark.parametrize(("role", "scope"), list(itertools.product(Role, Scope.values)))
def test_rights_are_the_lesser_of_scope_and_role(role, scope):
    api = Caller(make.user(role=role), scope)
    got, wanted = {}, {}
    for name, method, path in OPERATIONS:
        wanted[name] = is_allowed(NEEDS.get(name, "viewer"), role, scope)
        path = path.replace("{", "").replace("}", "") + DEAR.get(name, "")
        answer = api.call(method, path, None if method == "GET" else b"?")
        granted = {422} if name in DEAR else {200, 400, 404}
        assert answer.status_code in (granted if wanted[name] else {403}), (name, answer.content)
        got[name] = answer.status_code != 403
    assert got == wanted


@pytest.mark.parametrize(("_name", "method", "path"), OPERATIONS)
def test_without_a_token_nothing_is_answered(_name, method, path, alice):
    client = Client()
    client.force_login(alice)  # a session is no token
    answer = client.generic(method, path.replace("{", "").replace("}", ""), b"{}", content_type="application/json")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == 'Bearer realm="Muster"'


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x", "Basic YTpi", "mst_x", "Bearer mst_\x80", "Bearer " + "x" * 10_000]
)
def test_a_header_that_is_no_token_is_refused(header, db):
    answer = Client().get("/api/v1/incidents", headers={"authorization": header})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith('Bearer realm="Muster"')


def test_a_token_that_has_ended_is_refused(alice):
    now = timezone.now()
    _, expired = tokens.create(alice, name="x", scope="read", by=None, expires_at=now - timedelta(seconds=1))
    revoked, text = tokens.create(alice, name="x", scope="read", by=None)
    tokens.revoke(revoked, by=None)
    for secret in (expired, text):
        answer = Client().get("/api/v1/incidents", headers={"authorization": f"Bearer {secret}"})
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == 'Bearer realm="Muster", error="invalid_token"'


def test_the_token_of_somebody_who_left_is_refused(alice):
    api = Caller(alice)
    alice.is_active = False
    alice.save()
    assert api.get("incidents").status_code == 401


PRIVATE: list[tuple[str, str, dict | None]] = [
    ("GET", "", None),
    ("PATCH", "", {"title": "x"}),
    ("POST", "/acknowledge", None),
    ("POST", "/resolve", None),
    ("POST", "/reopen", {"reason": "x"}),
    ("POST", "/escalate", None),
    ("POST", "/unacknowledge", None),
    ("POST", "/snooze", {"until": "2030-01-01T00:00:00Z"}),
    ("POST", "/wake", None),
    ("POST", "/transition", {"status": "resolved"}),
    ("POST", "/assign", {"assignee": "bob"}),
    ("POST", "/severity", {"severity": "low"}),
    ("PUT", "/services", {"affected_services": []}),
    ("POST", "/postmortem", None),
    ("GET", "/timeline", None),
    ("POST", "/timeline", {"text": "x"}),
    ("PATCH", "/timeline/1", {"text": "x"}),
    ("GET", "/evidence", None),
    ("POST", "/evidence", {"url": "https://example.com"}),
    ("POST", "/mitigations", {"kind": "scaled"}),
    ("GET", "/notifications", None),
    ("GET", "/alerts", None),
    ("POST", "/alerts", {"related_alerts": ["ALR-1"]}),
    ("GET", "/plan", None),
    ("GET", "/ledger", None),
    ("GET", "/status-updates", None),
    ("POST", "/status-updates", {"message": "x", "status": "resolved"}),
    ("GET", "/status-updates/1", None),
    ("PATCH", "/status-updates/1", {"message": "x"}),
    ("POST", "/status-updates/1/publish", None),
    ("POST", "/status-updates/1/withdraw", None),
    ("GET", "/action-items", None),
    ("POST", "/action-items", {"title": "x"}),
]


def test_every_address_of_an_incident_is_tried_on_a_private_one():
    ours = {(method, path.split("{incident_id}")[1]) for _, method, path in OPERATIONS if "{incident_id}" in path}
    named = {"/timeline/1": "/timeline/{entry_id}", "/status-updates/1": "/status-updates/{update_id}"}
    assert ours == {
        (method, re.sub(r"^/[a-z-]+/1", lambda found: named[found[0]], path)) for method, path, _ in PRIVATE
    }


@pytest.mark.parametrize(("method", "path", "body"), PRIVATE)
def test_a_private_incident_does_not_exist_for_a_stranger(method, path, body, bob):
    incident = make.incident(is_private=True)
    answer = Caller(bob, "write").call(method, f"incidents/{incident.reference}{path}", body)
    missing = Caller(bob, "write").call(method, f"incidents/INC-{incident.pk + 1}{path}", body)
    assert (answer.status_code, answer.content) == (404, missing.content)
    incident.refresh_from_db()
    assert incident.status == "triggered"


def test_a_private_incident_is_in_no_list_and_no_search(bob, root):
    incident = make.incident(is_private=True, title="Secret")
    stranger = Caller(bob, "write")
    assert stranger.items("incidents") == stranger.items("incidents?q=secret") == []
    assert [each["id"] for each in root.items("incidents")] == [incident.reference]


def test_alerts_of_a_private_incident_are_hidden_with_it(bob, root):
    made, _ = make.integration()
    incident = make.incident(is_private=True)
    group = made.groups.create(group_key="x", incident=incident)
    alert = made.alerts.create(group=group, fingerprint="x", title="x", severity="low", started_at=make.NOW)
    stranger = Caller(bob, "write")
    assert stranger.items("alerts") == stranger.items(f"alerts?incident={incident.reference}") == []
    assert stranger.get(f"alerts/{alert.reference}").status_code == 404
    assert root.get(f"alerts/{alert.reference}").json()["incident"] == incident.reference


def test_whoever_is_concerned_sees_a_private_incident(alice, bob):
    incident = make.incident(is_private=True)
    changes.assign(incident, to=bob, by=None)
    assert Caller(bob, "read").get(f"incidents/{incident.reference}").status_code == 200
    assert Caller(alice, "read").get(f"incidents/{incident.reference}").status_code == 404


def test_whoever_makes_an_incident_private_gets_it_answered_once_more(alice):
    incident = make.incident()
    api = Caller(alice, "write")
    assert api.patch(f"incidents/{incident.reference}", {"is_private": True}).json()["is_private"] is True


def test_a_viewer_reads_and_does_not_act(charlie):
    incident = make.incident()
    api = Caller(charlie, "admin")
    assert api.get(f"incidents/{incident.reference}").status_code == 200
    answer = api.post(f"incidents/{incident.reference}/acknowledge")
    assert (answer.status_code, answer.json()["detail"]) == (
        403, "This needs the role responder; charlie has the role viewer.",
    )  # fmt: skip
    assert answer["WWW-Authenticate"] == 'Bearer realm="Muster", error="insufficient_scope"'
    assert Incident.objects.get().status == "triggered"


def test_a_manager_of_one_team_manages_what_it_owns_and_nothing_else(bob):
    core, web = make.team("core", managers=(bob,)), make.team("web")
    make.service("kafka", team=core), make.service("site", team=web)
    api = Caller(bob, "write")
    mine = make.escalation_policy(bob, team=core)
    theirs = make.escalation_policy(bob, team=web)
    steps = [{"delay_minutes": 0, "targets": [{"type": "user", "id": "bob"}]}]

    def status(method, path, body):
        return api.call(method, path, body).status_code

    assert status("PATCH", "teams/core", {"name": "Core"}) == 200
    assert status("PATCH", "teams/web", {"name": "Web"}) == 403
    assert status("POST", "teams", {"slug": "new-team", "name": "New"}) == 403
    assert status("PATCH", "services/kafka", {"name": "Kafka"}) == 200
    assert status("PATCH", "services/kafka", {"team": "web"}) == 403
    assert status("PATCH", "services/kafka", {"team": None}) == 403
    assert status("PATCH", "services/site", {"name": "Site"}) == 403
    assert status("PATCH", "services/site", {"health": "degraded"}) == 200
    assert status("POST", "services", {"slug": "a", "name": "A", "team": "core"}) == 201
    assert status("POST", "services", {"slug": "b", "name": "B", "team": "web"}) == 403
    assert status("POST", "services", {"slug": "c", "name": "C"}) == 403
    assert status("PATCH", f"escalation-policies/{mine.pk}", {"name": "Mine"}) == 200
    assert status("PATCH", f"escalation-policies/{mine.pk}", {"is_default": True}) == 403
    assert status("PATCH", f"escalation-policies/{theirs.pk}", {"name": "Theirs"}) == 403
    assert status("POST", "escalation-policies", {"name": "P", "steps": steps, "team": "core"}) == 201
    assert status("POST", "escalation-policies", {"name": "P", "steps": steps}) == 403
    assert status("POST", "integrations", {"name": "I", "format": "generic", "service": "kafka"}) == 201
    assert status("POST", "integrations", {"name": "I", "format": "generic", "service": "site"}) == 403
    assert status("POST", "integrations", {"name": "I", "format": "generic"}) == 403


def test_a_viewer_may_not_even_say_how_a_service_is(charlie):
    make.service("kafka")
    assert Caller(charlie, "write").patch("services/kafka", {"health": "degraded"}).status_code == 403


def test_people_change_their_own_name_and_time_zone_and_nothing_else(alice):
    api = Caller(alice, "write")
    assert api.patch("users/alice", {"name": "Alice A.", "time_zone": "Europe/Berlin"}).status_code == 200
    for change in ({"role": "admin"}, {"email": "other@example.com"}, {"is_active": True}):
        assert api.patch("users/alice", change).status_code == 403
    make.user("dora")
    assert api.patch("users/dora", {"name": "D"}).status_code == 403
    alice.refresh_from_db()
    assert (alice.role, alice.email, alice.name) == ("responder", "alice@example.com", "Alice A.")


def test_contact_methods_are_ones_own(charlie, alice, root):
    api = Caller(charlie, "write")
    other = Caller(alice, "write")
    made = api.post("users/charlie/contact-methods", {"kind": "email", "address": "c@example.com"})
    assert (made.status_code, made.json()["verified"]) == (201, False)
    path = f"users/charlie/contact-methods/{made.json()['id']}"
    body = {"kind": "email", "address": "d@example.com", "verified": True}
    assert api.post("users/charlie/contact-methods", body).status_code == 403
    assert api.patch(path, {"verified": True}).status_code == 403
    assert other.get("users/charlie/contact-methods").status_code == 403
    assert other.get(path).status_code == 403
    assert other.delete(path).status_code == 403
    assert other.get(path.replace("charlie", "alice")).status_code == 404
    assert root.patch(path, {"verified": True}).json()["verified"] is True
    assert api.delete(path).status_code == 204
    assert api.items("users/charlie/contact-methods") == []


def test_addresses_of_a_team_are_for_those_who_manage_it(alice, bob):
    make.team("core", managers=(bob,), channel_address="slack+https://hooks.example.com/secret")
    shown = [Caller(who, "read").get("teams/core").json()["channel_address"] for who in (alice, bob)]
    assert shown == [None, "slack+https://hooks.example.com/secret"]
    listed = [Caller(who, "read").items("teams")[0]["channel_address"] for who in (alice, bob)]
    assert listed == shown


def test_what_is_refused_leaves_no_trace(charlie):
    api = Caller(charlie, "write")
    answer = api.post("incidents", declaration(), key="a")
    assert (answer.status_code, fields_of(answer)) == (403, [])
    assert not Incident.objects.exists()


def test_reading_a_finished_incident_needs_nothing_more_than_reading(charlie, bob):
    incident = make.incident()
    lifecycle.resolve(incident, by=bob)
    assert Caller(charlie, "read").get(f"incidents/{incident.reference}/timeline").status_code == 200


def test_which_policy_is_the_default_is_for_managers_of_the_site(alice, bob):
    policy = make.escalation_policy(bob, team=make.team("core", managers=(alice,)), is_default=True)
    api = Caller(alice, "write")
    assert api.patch(f"escalation-policies/{policy.pk}", {"is_default": False}).status_code == 403
    assert api.patch(f"escalation-policies/{policy.pk}", {"is_default": True, "name": "Core"}).status_code == 200


def test_a_private_incident_does_not_show_by_the_alerts_that_were_linked_to_it(charlie, bob):
    made, _ = make.integration()
    group = made.groups.create(group_key="x", incident=make.incident())
    alert = made.alerts.create(group=group, fingerprint="x", title="x", severity="high", started_at=make.NOW)
    secret = make.incident(is_private=True, by=bob)
    linking.link(secret, alerts=[alert], by=bob)
    path = f"alerts?incident={secret.reference}"
    assert [each["id"] for each in Caller(bob, "read").items(path)] == [alert.reference]
    assert Caller(charlie, "read").items(path) == []
