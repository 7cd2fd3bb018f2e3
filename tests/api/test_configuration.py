"""People, teams, services, policies and integrations through the API."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry, Team, User
from alerts import grouping
from alerts.models import Alert, Integration
from core.work import db_now
from incidents.models import SeverityPolicy
from notifications.models import ContactMethod, Notification
from tests import make
from tests.api.caller import Caller, fields_of, mistakes_of


def audited() -> list[tuple[str, str, str]]:
    """(who, what, on what), oldest first, without the tokens of the test itself."""
    rows = AuditEntry.objects.exclude(object_type="accounts.apitoken").order_by("id")
    return [(row.actor.username if row.actor else "", row.action, row.object_type) for row in rows]


# ---- people ------------------------------------------------------------------------------------------------------


def test_a_person_is_added_without_a_password(root):
    body = {"username": "dora", "email": "dora@example.com", "name": "Dora", "role": "manager"}
    answer = root.post("users", body)
    assert answer.status_code == 201
    made = answer.json()
    assert made == body | {"time_zone": "UTC", "is_active": True, "teams": [], "created_at": made["created_at"]}
    assert root.get("users/dora").json() == made
    assert not User.objects.get(username="dora").has_usable_password()
    assert not ContactMethod.objects.filter(user__username="dora").exists()
    assert audited() == [("root", "created", "accounts.user")]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"username": "root"}, "username"),
        ({"username": "a b"}, "username"),
        ({"username": ""}, "username"),
        ({"email": "no address"}, "email"),
        ({"role": "god"}, "role"),
        ({"password": "secret-secret"}, "password"),
        ({"name": "x" * 151}, "name"),
    ],
)
def test_a_person_that_cannot_be_added(root, fields, field):
    body = {"username": "dora", "email": "dora@example.com", "name": "Dora", "role": "viewer", **fields}
    answer = root.post("users", body)
    assert (answer.status_code, fields_of(answer)) == (422, [field])
    assert User.objects.count() == 1


def test_a_person_is_changed_and_switched_off(root, alice):
    answer = root.patch("users/alice", {"role": "manager", "is_active": False})
    assert (answer.json()["role"], answer.json()["is_active"]) == ("manager", False)
    assert root.delete("users/alice").status_code == 405


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "", "../../etc/passwd", "x" * 65, "/UTC"])
def test_a_time_zone_exists(root, zone):
    assert fields_of(root.patch("users/root", {"time_zone": zone})) == ["time_zone"]


def test_the_last_admin_stays_admin(root):
    assert mistakes_of(root.patch("users/root", {"role": "viewer"})) == [
        ("role", "This is the only admin. Make somebody else an admin first.")
    ]


def test_people_by_team_and_role(api, bob, alice):
    make.team("core", bob)
    assert [each["username"] for each in api.items("users?team=core")] == ["bob"]
    assert [each["username"] for each in api.items("users?role=responder")] == ["bob", "alice"]


# ---- contact methods ---------------------------------------------------------------------------------------------


def test_a_contact_method_is_added_once(root, alice):
    body = {"kind": "email", "address": "Alice@Home.example", "verified": True}
    first = root.post("users/alice/contact-methods", body)
    again = root.post("users/alice/contact-methods", body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert (first.json()["verified"], first.json()["signing_secret"]) == (True, None)
    assert ContactMethod.objects.filter(user=alice).count() == 2


def test_a_webhook_shows_its_secret_once(root):
    body = {"kind": "webhook", "address": "https://hooks.example.com/1"}
    first = root.post("users/root/contact-methods", body)
    again = root.post("users/root/contact-methods", body)
    method = ContactMethod.objects.get(kind="webhook")
    assert (first.status_code, first.json()["signing_secret"]) == (201, method.signing_secret)
    assert method.signing_secret.startswith("whsec_")
    assert (again.status_code, again.json()["signing_secret"]) == (200, None)
    assert "signing_secret" not in root.items("users/root/contact-methods")[0]
    assert "signing_secret" not in root.get(f"users/root/contact-methods/{method.pk}").json()


def test_a_chat_is_kept_as_its_channel_writes_to_it(api):
    made = api.post("users/alice/contact-methods", {"kind": "chat", "address": "https://discord.com/api/webhooks/1/x"})
    assert (made.status_code, made.json()["signing_secret"]) == (201, None)
    assert (made.json()["kind"], made.json()["address"]) == ("chat", "https://discord.com/api/webhooks/1/x/slack")
    prefixed = {"kind": "chat", "address": "slack+https://discord.com/api/webhooks/1/x/slack"}
    assert api.post("users/alice/contact-methods", prefixed).status_code == 200


def test_adding_again_as_verified_confirms(root, api):
    body = {"kind": "email", "address": "a@example.org"}
    assert api.post("users/alice/contact-methods", body).json()["verified"] is False
    again = root.post("users/alice/contact-methods", body | {"verified": True})
    assert (again.status_code, again.json()["verified"]) == (200, True)


@pytest.mark.parametrize(
    ("kind", "address", "field"),
    [
        ("email", "nobody", "address"),
        ("email", "https://example.com", "address"),
        ("webhook", "ftp://example.com", "address"),
        ("webhook", "https://user:secret@example.com", "address"),
        ("webhook", "https://", "address"),
        ("webhook", "https://hooks.slack.com/services/T0/B0/x", "address"),
        ("chat", "a@example.com", "address"),
        ("chat", "https://user:secret@example.com", "address"),
        ("pigeon", "a@example.com", "kind"),
        ("inbox", "a@example.com", "kind"),
    ],
)
def test_an_address_that_cannot_work_is_named(api, kind, address, field):
    answer = api.post("users/alice/contact-methods", {"kind": kind, "address": address})
    assert (answer.status_code, fields_of(answer)) == (422, [field])


def test_a_test_page_is_sent(api):
    (method,) = api.items("users/alice/contact-methods")
    answer = api.post(f"users/alice/contact-methods/{method['id']}/test")
    assert answer.status_code == 202
    assert Notification.objects.get().address == "alice@example.com"


# ---- teams -------------------------------------------------------------------------------------------------------


def test_a_team_is_made_and_changed(root, alice, bob):
    body = {
        "slug": "core",
        "name": "Core",
        "members": ["bob", "alice"],
        "ticket_address": "tickets@example.com",
        "channel_address": "slack+https://hooks.slack.com/services/1",
    }
    answer = root.post("teams", body)
    assert answer.status_code == 201
    assert answer.json() == body | {"managers": [], "description": ""}
    changed = root.patch("teams/core", {"members": ["alice"], "managers": ["bob"], "ticket_address": ""})
    assert changed.json() == body | {
        "members": ["bob", "alice"], "managers": ["bob"], "description": "", "ticket_address": "",
    }  # fmt: skip
    assert root.patch("teams/core", {"members": ["bob"]}).json()["managers"] == ["bob"]
    assert root.get("teams/core").json()["members"] == ["bob"]


def test_a_signed_channel_gets_its_secret(root):
    root.post("teams", {"slug": "core", "name": "Core", "members": [], "channel_address": "https://example.com/in"})
    assert Team.objects.get().signing_secret.startswith("whsec_")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"channel_address": "nowhere"}, "channel_address"),
        ({"ticket_address": "ftp://example.com"}, "ticket_address"),
        ({"members": ["nobody"]}, "members"),
        ({"managers": ["nobody"]}, "managers"),
        ({"slug": "no slug"}, "slug"),
        ({"slug": "core"}, "slug"),
        ({"slug": "new"}, "slug"),
        ({"owner": "x"}, "owner"),
    ],
)
def test_a_team_that_cannot_be_made(root, fields, field):
    make.team("core")
    answer = root.post("teams", {"slug": "web", "name": "Web", "members": [], **fields})
    assert (answer.status_code, fields_of(answer)) == (422, [field])
    assert Team.objects.count() == 1


# ---- services ----------------------------------------------------------------------------------------------------


def test_a_service_is_made_and_changed(root, bob):
    make.team("core")
    make.service("postgresql")
    policy = make.escalation_policy(bob)
    body = {
        "slug": "kafka",
        "name": "Kafka",
        "team": "core",
        "tier": 1,
        "escalation_policy": policy.pk,
        "depends_on": ["postgresql"],
    }
    answer = root.post("services", body)
    assert answer.status_code == 201
    made = answer.json()
    assert made == body | {
        "description": "", "health": "operational", "dashboard_url": "", "logs_url": "", "repo_url": "",
        "url": "http://127.0.0.1:8000/services/kafka", "warnings": [],
    }  # fmt: skip
    assert root.get("services/kafka").json() | {"warnings": []} == made
    change = {"depends_on": [], "team": None, "dashboard_url": "https://grafana.example.com", "health": "degraded"}
    assert root.patch("services/kafka", change).json() == made | change


def test_a_responder_says_how_a_service_is(api):
    make.service("kafka")
    assert api.patch("services/kafka", {"health": "major_outage"}).json()["health"] == "major_outage"
    assert [each["slug"] for each in api.items("services?health=major_outage")] == ["kafka"]
    assert api.items("services?health=degraded") == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"slug": "kafka"}, "slug"),
        ({"slug": "a b"}, "slug"),
        ({"team": "nobody"}, "team"),
        ({"tier": 5}, "tier"),
        ({"tier": "1"}, "tier"),
        ({"escalation_policy": 999_999}, "escalation_policy"),
        ({"escalation_policy": 10**17}, "escalation_policy"),
        ({"depends_on": ["nothing"]}, "depends_on"),
        ({"health": "fine"}, "health"),
        ({"logs_url": "javascript:alert(1)"}, "logs_url"),
    ],
)
def test_a_service_that_cannot_be_made(root, fields, field):
    make.service("kafka")
    answer = root.post("services", {"slug": "web", "name": "Web", **fields})
    assert (answer.status_code, fields_of(answer)) == (422, [field])


def test_a_service_does_not_depend_on_itself(root):
    make.service("kafka")
    assert fields_of(root.patch("services/kafka", {"depends_on": ["kafka"]})) == ["depends_on"]


# ---- escalation policies -----------------------------------------------------------------------------------------


def steps(*targets, delay=0):
    """One step a target; a target is (type, id)."""
    plain = {"delay_minutes": delay, "takes_turns": False, "acknowledgements": 1}
    return [plain | {"targets": [{"type": kind, "id": name}]} for kind, name in targets]


def test_a_policy_is_made_and_changed(root, alice, bob):
    make.team("core", bob)
    body = {
        "name": "Core",
        "repeat": 2,
        "repeat_after_minutes": 10,
        "steps": [
            {
                "delay_minutes": 0,
                "targets": [{"type": "user", "id": "alice"}],
                "takes_turns": True,
                "acknowledgements": 2,
            },
            *steps(("team", "core"), ("user", "alice"), delay=15),
        ],
    }
    answer = root.post("escalation-policies", body)
    assert answer.status_code == 201
    made = answer.json()
    assert made == body | {"id": made["id"], "team": None, "is_default": False, "warnings": []}
    assert isinstance(made["id"], int)
    made.pop("warnings")
    assert root.get(f"escalation-policies/{made['id']}").json() == made
    renamed = root.patch(f"escalation-policies/{made['id']}", {"name": "Core on-call", "is_default": True})
    assert renamed.json() == made | {"name": "Core on-call", "is_default": True, "warnings": []}
    shorter = root.patch(f"escalation-policies/{made['id']}", {"steps": steps(("user", "bob"))})
    assert shorter.json()["steps"] == steps(("user", "bob"))


def test_repeating_may_be_left_out(root, alice):
    made = root.post("escalation-policies", {"name": "Core", "steps": steps(("user", "alice"))}).json()
    assert (made["repeat"], made["repeat_after_minutes"]) == (0, 5)


def test_what_keeps_a_policy_from_reaching_somebody_is_a_warning(root, charlie):
    make.team("empty")
    dora = make.user("dora", email=False)
    make.contact(dora, "email", "dora@example.com", verified=False)
    body = {"name": "Weak", "steps": steps(("user", "charlie"), ("team", "empty"), ("user", "dora"))}
    answer = root.post("escalation-policies", body)
    assert answer.status_code == 201
    assert answer.json()["warnings"] == [
        "Charlie has no contact method; named by Weak.",
        "Dora has not confirmed any contact method; named by Weak.",
        "Step 1 of Weak reaches nobody: no contact method: Charlie.",
        "Step 2 of Weak reaches nobody: nobody is in the team Empty.",
    ]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"steps": steps(("schedule", "primary"))}, "steps.0.targets.0.id"),
        ({"steps": steps(("schedule", 7))}, "steps.0.targets.0.id"),
        ({"steps": steps(("user", "alice"), ("user", "nobody"))}, "steps.1.targets.0.id"),
        ({"steps": steps(("user", 7))}, "steps.0.targets.0.id"),
        ({"steps": steps(("team", "alice"))}, "steps.0.targets.0.id"),
        ({"steps": []}, "steps"),
        ({"steps": [{"delay_minutes": 0, "targets": []}]}, "steps.0.targets"),
        ({"steps": steps(("user", "alice"), delay=-1)}, "steps.0.delay_minutes"),
        ({"steps": steps(("user", "alice"), delay=1441)}, "steps.0.delay_minutes"),
        ({"steps": steps(("user", "alice"), delay=1.5)}, "steps.0.delay_minutes"),
        ({"steps": steps(*[("user", "alice")] * 21)}, "steps"),
        ({"repeat": 21}, "repeat"),
        ({"repeat": True}, "repeat"),
        ({"repeat_after_minutes": 0}, "repeat_after_minutes"),
        ({"team": "nobody"}, "team"),
    ],
)
def test_a_policy_that_cannot_be_made(root, alice, fields, field):
    answer = root.post("escalation-policies", {"name": "P", "repeat": 0, "steps": steps(("user", "alice")), **fields})
    assert (answer.status_code, fields_of(answer)) == (422, [field])


# ---- integrations and alerts -------------------------------------------------------------------------------------


def test_an_integration_answers_its_key_once_and_the_address_works(root, client):
    make.service("kafka")
    body = {"name": "Prometheus", "format": "generic", "service": "kafka"}
    answer = root.post("integrations", body)
    assert answer.status_code == 201
    made = answer.json()
    key = made.pop("routing_key")
    assert made.pop("url") == f"http://127.0.0.1:8000/integrations/{key}/generic"
    assert made == body | {
        "id": Integration.objects.get().pk, "default_severity": "medium", "is_enabled": True, "key_prefix": key[:6],
        "created_at": made["created_at"],
    }  # fmt: skip
    assert root.get(f"integrations/{made['id']}").json() == made
    assert root.items("integrations") == [made]
    event = {"title": "Disk full", "dedup_key": "disk", "severity": "high", "status": "firing"}
    sent = client.post(f"/integrations/{key}/generic", event, content_type="application/json")
    assert sent.status_code == 202
    grouping.apply_due(now=db_now())
    (alert,) = root.items("alerts")
    assert root.get(f"alerts/{alert['id']}").json() == alert
    assert alert | {
        "id": Alert.objects.get().reference, "title": "Disk full", "severity": "high", "status": "firing",
        "service": "kafka", "integration": made["id"],
    } == alert  # fmt: skip
    assert root.get(f"incidents/{alert['incident']}").json()["affected_services"] == ["kafka"]


def test_a_new_key_replaces_the_old_one(root, client):
    made = root.post("integrations", {"name": "P", "format": "generic"}).json()
    fresh = root.post(f"integrations/{made['id']}/rotate-key").json()
    assert fresh["routing_key"] != made["routing_key"]
    sent = [
        client.post(f"/integrations/{each['routing_key']}/generic", b'{"title": "x"}', content_type="application/json")
        for each in (made, fresh)
    ]
    assert [answer.status_code for answer in sent] == [404, 202]


def test_an_integration_is_switched_off_and_keeps_its_format(root):
    made = root.post("integrations", {"name": "P", "format": "generic"}).json()
    path = f"integrations/{made['id']}"
    assert root.patch(path, {"is_enabled": False, "default_severity": "low"}).json()["is_enabled"] is False
    assert fields_of(root.patch(path, {"format": "alertmanager"})) == ["format"]
    assert root.delete(path).status_code == 405
    assert fields_of(root.post("integrations", {"name": "P", "format": "smoke signals"})) == ["format"]
    assert fields_of(root.post("integrations", {"name": "P", "format": "generic", "service": "x"})) == ["service"]


def test_alerts_by_what_they_are(api, alice):
    core = make.team("core")
    kafka, _ = make.integration(service=make.service("kafka", team=core))
    other, _ = make.integration()
    first, second = make.incident(), make.incident()

    def alert(integration, incident, **fields):
        group = integration.groups.create(group_key=str(incident.pk), incident=incident, closed_at=make.NOW)
        values = {"fingerprint": "x", "title": "x", "severity": "low", "started_at": make.NOW, **fields}
        return integration.alerts.create(group=group, **values).reference

    firing = alert(kafka, first)
    ended = alert(other, second, severity="high", status="resolved", resolved_at=make.NOW, received_at=make.NOW)

    def found(query):
        return [each["id"] for each in api.items(f"alerts?{query}")]

    assert found("") == [ended, firing]
    assert found("status=firing") == found("period=active") == [firing]
    assert found("period=recent") == [firing]
    assert found("severity=high") == [ended]
    assert found("service=kafka") == found("team=core") == found(f"integration={kafka.pk}") == [firing]
    assert found(f"incident={second.reference}") == [ended]
    api.post(f"incidents/{second.reference}/alerts", {"related_alerts": [firing]})
    assert found(f"incident={second.reference}") == [ended, firing]


# ---- severity policies -------------------------------------------------------------------------------------------


def test_everybody_reads_the_four_promises(charlie):
    listed = Caller(charlie, "read").get("severity-policies").json()
    assert [(each["severity"], each["respond_within_minutes"]) for each in listed["items"]] == [
        ("critical", 5), ("high", 15), ("medium", 60), ("low", None),
    ]  # fmt: skip
    assert listed["next"] is None
    assert Caller(charlie, "read").get("severity-policies/low").json() == listed["items"][3]


def test_an_admin_changes_a_promise(root):
    before = root.get("severity-policies/medium").json()
    change = {"respond_within_minutes": 45, "resolve_within_minutes": 240, "page_on_call": True}
    change |= {"needs_postmortem": True, "postmortem_within_days": 7, "follow_up_within_days": None}
    assert root.patch("severity-policies/medium", change).json() == before | change
    assert SeverityPolicy.objects.get(severity="medium").respond_within_minutes == 45
    assert audited() == [("root", "changed", "incidents.severitypolicy")]


def test_an_installation_without_rows_has_the_defaults_and_keeps_what_is_changed(root):
    SeverityPolicy.objects.all().delete()
    assert root.get("severity-policies/high").json()["respond_within_minutes"] == 15
    assert root.patch("severity-policies/high", {"impact": "Bad"}).json()["impact"] == "Bad"
    assert list(SeverityPolicy.objects.values_list("severity", "impact")) == [("high", "Bad")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"respond_within_minutes": 0}, "respond_within_minutes"),
        ({"respond_within_minutes": 10**12}, "respond_within_minutes"),
        ({"follow_up_within_days": 0}, "follow_up_within_days"),
        ({"postmortem_within_days": 3651}, "postmortem_within_days"),
        ({"needs_postmortem": 1}, "needs_postmortem"),
        ({"impact": ""}, "impact"),
        ({"severity": "high"}, "severity"),
        ({"page_on_call": None}, "page_on_call"),
    ],
)
def test_a_promise_that_cannot_be_made(root, change, field):
    answer = root.patch("severity-policies/medium", change)
    assert (answer.status_code, fields_of(answer)) == (422, [field])
