"""Integrations on pages: made with a key that is shown once, watched, switched off, given a new key."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from alerts.models import Integration
from core.digests import digest_of
from tests import make

pytestmark = pytest.mark.django_db

FIELDS = {"name": "Prometheus", "format": "alertmanager", "default_severity": "high"}


@pytest.fixture
def at_desk(client):
    client.force_login(make.user("maya", role="manager"))
    return client


def key_on(page: str) -> str:
    found = re.search(r'<code id="routing-key">([^<]+)</code>', page)
    assert found
    return found[1]


def test_a_new_integration_shows_its_key_once_with_text_to_copy(at_desk):
    response = at_desk.post(reverse("alerts:integration_new"), FIELDS)
    page = response.content.decode()
    integration = Integration.objects.get()
    key = key_on(page)
    assert response.status_code == 201
    assert "no-store" in response["Cache-Control"]
    assert (integration.key_digest, integration.key_prefix) == (digest_of(key), key[:6])
    assert f"/integrations/{key}/alertmanager" in page
    assert "send_resolved: true" in page
    later = at_desk.get(reverse("alerts:integration_detail", args=[integration.pk])).content.decode()
    assert key not in later
    assert key[:6] in later


def test_the_generic_webhook_comes_with_a_curl_line_that_works(at_desk, client):
    page = at_desk.post(reverse("alerts:integration_new"), {**FIELDS, "format": "generic"}).content.decode()
    assert f"curl -X POST http://127.0.0.1:8000/integrations/{key_on(page)}/generic" in page
    response = client.post(
        f"/integrations/{key_on(page)}/generic", {"title": "Disk", "dedup_key": "d"}, content_type="application/json"
    )
    assert response.status_code == 202


def test_the_audit_log_has_the_integration_and_not_the_key(at_desk):
    page = at_desk.post(reverse("alerts:integration_new"), FIELDS).content.decode()
    entry = AuditEntry.objects.get(object_type="alerts.integration")
    assert (entry.action, entry.actor.username, entry.after["key_digest"]) == ("created", "maya", "(secret)")
    assert key_on(page) not in str(entry.after)


def test_a_new_key_replaces_the_old_one_at_once(at_desk, client):
    integration, old = make.integration()
    page = at_desk.post(reverse("alerts:integration_rotate", args=[integration.pk]))
    new = key_on(page.content.decode())
    event = {"title": "Disk", "dedup_key": "d"}
    assert client.post(f"/integrations/{old}/generic", event, content_type="application/json").status_code == 404
    assert client.post(f"/integrations/{new}/generic", event, content_type="application/json").status_code == 202


def test_switched_off_it_answers_like_a_wrong_key(at_desk, client):
    integration, key = make.integration()
    address = reverse("alerts:integration_switch", args=[integration.pk])
    assert at_desk.post(address, {"to": "off"}).status_code == 303
    event = {"title": "Disk", "dedup_key": "d"}
    assert client.post(f"/integrations/{key}/generic", event, content_type="application/json").status_code == 404
    at_desk.post(address, {"to": "on"})
    assert client.post(f"/integrations/{key}/generic", event, content_type="application/json").status_code == 202


def test_editing_keeps_format_and_key(at_desk):
    integration, _ = make.integration(name="Old name")
    digest = integration.key_digest
    address = reverse("alerts:integration_edit", args=[integration.pk])
    changed = {"name": "New name", "format": "alertmanager", "default_severity": "low", "is_enabled": "on"}
    assert at_desk.post(address, changed).status_code == 303
    integration.refresh_from_db()
    assert (integration.name, integration.format, integration.default_severity, integration.key_digest) == (
        "New name", "generic", "low", digest,
    )  # fmt: skip
    response = at_desk.post(address, {"name": "", "default_severity": "low"})
    assert response.status_code == 422
    assert "New name" in response.content.decode()


def test_a_manager_sees_why_an_event_could_not_be_used_and_no_body_that_could(at_desk, client):
    integration, key = make.integration()
    client.post(f"/integrations/{key}/generic", "{broken here", content_type="application/json")
    client.post(
        f"/integrations/{key}/generic", {"title": "Classified", "dedup_key": "c"}, content_type="application/json"
    )
    page = at_desk.get(reverse("alerts:integration_detail", args=[integration.pk])).content.decode()
    assert "Unparseable" in page
    assert "{broken here" in page
    assert "Classified" not in page
    client.force_login(make.user("root", role="admin"))
    assert "Classified" in client.get(reverse("alerts:integration_detail", args=[integration.pk])).content.decode()


def test_a_team_manager_has_the_integrations_of_that_team_only(client, alice, bob):
    team = make.team("core", bob, managers=(alice,))
    ours = make.service("ours", team=team)
    theirs, _ = make.integration(name="Theirs", service=make.service("theirs"))
    mine, _ = make.integration(name="Mine", service=ours)
    client.force_login(alice)
    page = client.get(reverse("alerts:integration_list")).content.decode()
    assert "Mine" in page
    assert "Theirs" not in page
    assert client.get(reverse("alerts:integration_detail", args=[mine.pk])).status_code == 200
    assert client.get(reverse("alerts:integration_detail", args=[theirs.pk])).status_code == 403
    without_service = client.post(reverse("alerts:integration_new"), FIELDS)
    assert without_service.status_code == 422
    with_service = client.post(reverse("alerts:integration_new"), {**FIELDS, "service": ours.pk})
    assert with_service.status_code == 201


@pytest.mark.parametrize("role", ["viewer", "responder"])
def test_others_are_kept_out(client, role):
    integration, _ = make.integration()
    client.force_login(make.user(role=role))
    assert client.get(reverse("alerts:integration_list")).status_code == 403
    assert client.get(reverse("alerts:integration_new")).status_code == 403
    for name in ("integration_detail", "integration_edit"):
        assert client.get(reverse(f"alerts:{name}", args=[integration.pk])).status_code == 403
    for name in ("integration_switch", "integration_rotate"):
        assert client.post(reverse(f"alerts:{name}", args=[integration.pk])).status_code == 403
