"""Django admin: every page opens for an admin and for nobody else, and every change is in the audit log."""

from __future__ import annotations

import json

import pytest
from django.contrib import admin as django_admin
from django.urls import reverse

from accounts import audit, people, tokens
from accounts.models import AuditEntry, Membership, Team, User
from alerts import grouping, intake
from alerts.models import Integration
from automation import asking
from automation.asking import Wish
from catalog.models import Service
from core.work import db_now
from incidents import action_items, communication
from incidents.models import Holiday, IncidentSettings, SeverityPolicy
from notifications.models import ContactMethod, SweepRun
from runbooks import running
from tests import make

pytestmark = pytest.mark.django_db

MODELS = sorted(django_admin.site._registry, key=lambda model: model._meta.label)


def address(model, page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def at_desk(client, admin):
    client.force_login(admin)
    return client


@pytest.fixture
def something_of_everything(admin, alice, bob):
    """At least one row of most models."""
    team = make.team("core", bob, managers=(alice,))
    service = make.service("db", team=team, policy=make.escalation_policy(alice, team))
    service.dependencies.create(depends_on=make.service("disk"))
    _, key = make.integration(service=service)
    body = json.dumps({"title": "It burns", "dedup_key": "x", "severity": "critical"}).encode()
    intake.store(key=key, format="generic", body=body)
    grouping.apply_due(now=db_now())
    tokens.create(alice, name="script", scope="read", by=alice)
    Holiday.objects.create(date="2026-12-25", name="Christmas")
    SweepRun.objects.create(name="x", last_run_at=db_now())
    incident = make.incident()
    communication.post_update(incident, message="x", status="investigating", by=alice)
    action_items.add(incident, title="x", by=alice)
    running.start(incident, make.runbook("look"), by=alice)
    asking.ask(make.action(), incident, Wish({}), by=alice)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_page_opens_for_an_admin(at_desk, something_of_everything, model):
    registered = django_admin.site._registry[model]
    assert at_desk.get(address(model, "changelist")).status_code == 200
    assert at_desk.get(address(model, "changelist") + "?q=1").status_code == 200
    row = model._default_manager.first()
    if row is not None:
        assert at_desk.get(address(model, "change", row.pk)).status_code == 200
        assert at_desk.get(address(model, "history", row.pk)).status_code == 200
        delete = at_desk.get(address(model, "delete", row.pk)).status_code
        assert delete in {200, 403}
    add = at_desk.get(address(model, "add"))
    assert add.status_code in ({200, 303} if registered.has_add_permission(add.wsgi_request) else {403})


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
@pytest.mark.parametrize("role", ["", "viewer", "responder", "manager"])
def test_nobody_else_gets_in(client, model, role):
    if role:
        client.force_login(make.user(role=role))
    for page in ("changelist", "add"):
        response = client.get(address(model, page), follow=bool(role))
        assert response.status_code == (403 if role else 302)


def test_strangers_sign_in_where_everybody_does(client, db):
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain[-1][0].startswith("/accounts/login/")


@pytest.mark.parametrize(
    "label",
    [
        "accounts.auditentry", "accounts.apitoken", "notifications.notification", "notifications.sweeprun",
        "incidents.incident", "incidents.timelineentry", "incidents.statusupdate", "incidents.actionitem",
        "alerts.event", "alerts.alert", "alerts.group",
    ],
)  # fmt: skip
def test_what_only_muster_writes_cannot_be_changed(at_desk, something_of_everything, label):
    model = next(model for model in MODELS if model._meta.label_lower == label)
    row = model._default_manager.first()
    assert at_desk.get(address(model, "add")).status_code == 403
    assert at_desk.post(address(model, "change", row.pk), {"title": "x"}).status_code == 403
    assert at_desk.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_secrets_are_on_no_page(at_desk, something_of_everything, alice):
    method = make.contact(alice, "webhook", "https://hooks.example.com/x")
    token = alice.api_tokens.get()
    integration = Integration.objects.get()
    pages = [(ContactMethod, method), (type(token), token), (Integration, integration), (User, alice)]
    text = "".join(
        at_desk.get(address(model, page, *args)).content.decode()
        for model, row in pages
        for page, args in (("changelist", ()), ("change", (row.pk,)), ("history", (row.pk,)))
    )
    for secret in (method.signing_secret, token.digest, integration.key_digest, alice.password):
        assert secret not in text


# ---- people ------------------------------------------------------------------------------------------------


def test_an_admin_makes_a_person_who_can_sign_in(at_desk, client):
    data = {
        "username": "dora",
        "name": "Dora",
        "email": "dora@example.com",
        "role": "manager",
        "time_zone": "Asia/Tokyo",
    }
    passwords = {"usable_password": "true", "password1": "seven green boats", "password2": "seven green boats"}
    assert at_desk.post(address(User, "add"), data | passwords).status_code == 302
    dora = User.objects.get(username="dora")
    assert (dora.role, dora.time_zone, dora.check_password("seven green boats")) == ("manager", "Asia/Tokyo", True)
    entry = AuditEntry.objects.get(object_type="accounts.user")
    assert (entry.action, entry.actor.username, entry.after["password"]) == ("created", "root", "(secret)")
    client.logout()
    client.post("/accounts/login/", {"login": "dora", "password": "seven green boats"})
    assert client.get("/me/").status_code == 200


def test_a_person_without_a_password_cannot_sign_in_yet(at_desk):
    data = {"username": "dora", "role": "viewer", "time_zone": "UTC", "usable_password": "false"}
    assert at_desk.post(address(User, "add"), data).status_code == 302
    assert not User.objects.get(username="dora").has_usable_password()


def test_a_weak_password_is_refused(at_desk):
    data = {"username": "dora", "role": "viewer", "time_zone": "UTC", "usable_password": "true"}
    response = at_desk.post(address(User, "add"), data | {"password1": "dora1", "password2": "dora1"})
    assert response.status_code == 200
    assert not User.objects.filter(username="dora").exists()


def person_data(person: User, **changes: object) -> dict[str, object]:
    names = ("username", "name", "email", "role", "time_zone")
    return {name: getattr(person, name) for name in names} | {"is_active": "on"} | changes


def test_a_role_changes_with_an_entry_that_says_from_what(at_desk, alice):
    assert at_desk.post(address(User, "change", alice.pk), person_data(alice, role="manager")).status_code == 302
    alice.refresh_from_db()
    assert alice.role == "manager"
    entry = AuditEntry.objects.latest("id")
    assert (entry.before, entry.after) == ({"role": "responder"}, {"role": "manager"})
    history = at_desk.get(address(User, "history", alice.pk)).content.decode()
    assert "responder" in history
    assert "root" in history.lower()


def test_the_only_admin_stays_one(at_desk, admin):
    response = at_desk.post(address(User, "change", admin.pk), person_data(admin, role="viewer"))
    assert response.status_code == 200
    assert "This is the only admin" in response.content.decode()
    admin.refresh_from_db()
    assert admin.role == "admin"


def test_a_password_is_set_and_ends_the_sessions(at_desk, alice):
    page = reverse("admin:auth_user_password_change", args=[alice.pk])
    assert at_desk.get(page).status_code == 200
    new = {"password1": "seven green boats", "password2": "seven green boats", "usable_password": "true"}
    assert at_desk.post(page, new).status_code == 303
    alice.refresh_from_db()
    assert alice.check_password("seven green boats")
    assert AuditEntry.objects.latest("id").action == "password set"
    refused = at_desk.post(page, new | {"password2": "something else here"})
    assert refused.status_code == 200


def test_people_are_never_deleted(at_desk, alice):
    assert at_desk.post(address(User, "delete", alice.pk), {"post": "yes"}).status_code == 403


# ---- configuration ------------------------------------------------------------------------------------------


def inline(prefix: str, *rows: dict[str, object], initial: int = 0) -> dict[str, object]:
    data: dict[str, object] = {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": initial}
    for number, row in enumerate(rows):
        data |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return data


def test_a_team_is_made_with_its_people(at_desk, alice, bob):
    rows = inline("memberships", {"user": alice.pk, "is_manager": "on"}, {"user": bob.pk})
    assert at_desk.post(address(Team, "add"), {"name": "Core", "slug": "core", **rows}).status_code == 302
    team = Team.objects.get()
    assert alice.manages(team)
    assert not bob.manages(team)
    entry = AuditEntry.objects.latest("id")
    assert entry.after == {"members": ["alice (manager)", "bob"]}


def test_a_member_is_taken_out(at_desk, alice, bob):
    team = make.team("core", alice, bob)
    members = list(Membership.objects.order_by("user__username"))
    rows = [{"id": row.pk, "team": team.pk, "user": row.user_id} for row in members]
    rows[0]["DELETE"] = "on"
    data = {"name": "Core", "slug": "core", **inline("memberships", *rows, initial=2)}
    assert at_desk.post(address(Team, "change", team.pk), data).status_code == 302
    assert list(team.members.all()) == [bob]


SERVICE = {"name": "Kafka", "slug": "kafka", "tier": 1, "health": "operational"}


def test_a_service_is_made_changed_and_deleted(at_desk):
    disk = make.service("disk")
    data = SERVICE | inline("dependencies", {"depends_on": disk.pk})
    assert at_desk.post(address(Service, "add"), data).status_code == 302
    kafka = Service.objects.get(slug="kafka")
    assert list(kafka.depends_on.all()) == [disk]
    link = kafka.dependencies.get()
    row = {"id": link.pk, "service": kafka.pk, "depends_on": disk.pk, "DELETE": "on"}
    data = SERVICE | {"health": "degraded"} | inline("dependencies", row, initial=1)
    assert at_desk.post(address(Service, "change", kafka.pk), data).status_code == 302
    kafka.refresh_from_db()
    assert (kafka.health, kafka.depends_on.count()) == ("degraded", 0)
    assert at_desk.post(address(Service, "delete", kafka.pk), {"post": "yes"}).status_code == 302
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["created", "changed", "changed", "changed", "deleted"]


def test_deleting_several_writes_an_entry_for_each(at_desk):
    pks = [make.service().pk for _ in range(3)]
    data = {"action": "delete_selected", "_selected_action": pks, "post": "yes"}
    assert at_desk.post(address(Service, "changelist"), data).status_code == 302
    assert not Service.objects.exists()
    assert AuditEntry.objects.filter(action="deleted").count() == 3


def test_a_contact_method_is_added_as_its_channel_needs_it(at_desk, alice):
    data = {"user": alice.pk, "kind": "webhook", "address": "https://hooks.example.com/x", "is_confirmed": "on"}
    assert at_desk.post(address(ContactMethod, "add"), data).status_code == 302
    method = alice.contact_methods.get(kind="webhook")
    assert method.is_verified
    assert method.signing_secret.startswith("whsec_")
    refused = at_desk.post(address(ContactMethod, "add"), data | {"kind": "email"})
    assert refused.status_code == 200
    assert "not an address for" in refused.content.decode()


def test_the_severity_policy_is_edited_and_its_rows_stay(at_desk):
    make.incident()
    policy = SeverityPolicy.objects.get(severity="high")
    data = {"impact": "A lot", "respond_within_minutes": 10, "page_on_call": "on", "leadership_after_minutes": 0}
    assert at_desk.post(address(SeverityPolicy, "change", policy.pk), data).status_code == 302
    policy.refresh_from_db()
    assert (policy.impact, policy.respond_within_minutes, policy.severity) == ("A lot", 10, "high")
    assert at_desk.get(address(SeverityPolicy, "add")).status_code == 403
    assert at_desk.post(address(SeverityPolicy, "delete", policy.pk), {"post": "yes"}).status_code == 403


def test_the_business_calendar_is_set(at_desk):
    make.incident()
    data = {"time_zone": "Europe/Berlin", "opens_at": "08:00", "closes_at": "16:00", "weekdays": ["1", "2"]}
    assert at_desk.post(address(IncidentSettings, "change", 1), data).status_code == 302
    settings = IncidentSettings.objects.get()
    assert (settings.time_zone, settings.weekdays) == ("Europe/Berlin", [1, 2])
    refused = at_desk.post(address(IncidentSettings, "change", 1), data | {"closes_at": "07:00"})
    assert refused.status_code == 200


def test_a_token_is_revoked_from_the_list(at_desk, alice):
    token, _ = tokens.create(alice, name="script", scope="read", by=alice)
    at_desk.post(address(type(token), "changelist"), {"action": "revoke", "_selected_action": [token.pk]})
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_the_second_step_is_taken_away_from_who_lost_the_phone(at_desk, alice):
    authenticator = alice.authenticator_set.create(type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    model = type(authenticator)
    assert "JBSWY3DPEHPK3PXP" not in at_desk.get(address(model, "change", authenticator.pk)).content.decode()
    assert at_desk.post(address(model, "delete", authenticator.pk), {"post": "yes"}).status_code == 302
    assert not model.objects.exists()
    assert AuditEntry.objects.latest("id").object_label == "Alice"


def test_a_history_goes_on_on_further_pages(at_desk, alice, admin):
    for number in range(105):
        audit.record(by=admin, action=f"poked {number}", on=alice)
    page = at_desk.get(address(User, "history", alice.pk)).content.decode()
    assert "poked 104" in page
    assert "poked 3<" not in page
    assert "poked 3<" in at_desk.get(address(User, "history", alice.pk) + "?p=2").content.decode()


def test_nothing_goes_into_djangos_own_log(at_desk, alice):
    people.update_user(alice, by=None, name="Alice A.")
    at_desk.post(address(User, "change", alice.pk), person_data(alice, role="manager"))
    from django.contrib.admin.models import LogEntry  # noqa: PLC0415

    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("year", ["0", "10000", "9223372036854775807", "9" * 40, "-1", "x", "\x00"])
def test_no_filter_of_an_address_breaks_a_list(at_desk, year):
    for model in (Team, SeverityPolicy):
        answer = at_desk.get(address(model, "changelist"), {"created_at__year": year})
        assert answer.status_code in {200, 302, 400}, (model, answer.status_code)


def test_an_empty_field_in_the_address_is_the_primary_key(at_desk):
    team = make.team("core")
    assert at_desk.get(address(Team, "change", team.pk) + "?_to_field=").status_code == 200


@pytest.mark.parametrize("wrong", ["x", "1e999", "²", "a\x00b", "9" * 40, "-1"])
def test_a_key_that_is_none_comes_back_as_a_mistake(at_desk, wrong):
    forms = {Service: {"team": wrong}, Team: {"memberships-TOTAL_FORMS": 1, "memberships-0-user": wrong}}
    for model, fields in forms.items():
        inlines = {"dependencies-TOTAL_FORMS": 0, "dependencies-INITIAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
        answer = at_desk.post(address(model, "add"), {"name": "X", "slug": "x", **inlines, **fields})
        assert answer.status_code == 200, model
        assert not model.objects.exists()
