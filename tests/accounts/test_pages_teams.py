"""Teams on pages: listed, shown, made and changed by who may."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry, Team
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def at_desk(client):
    client.force_login(make.user("maya", role="manager"))
    return client


def test_the_list_asks_the_database_as_often_for_many_as_for_one(at_desk, alice, bob):
    make.team("one", alice)
    with CaptureQueriesContext(connection) as few:
        at_desk.get(reverse("accounts:team_list"))
    for number in range(6):
        make.team(f"team-{number}", alice, bob)
    with CaptureQueriesContext(connection) as many:
        at_desk.get(reverse("accounts:team_list"))
    assert len(many) == len(few) <= 9


def test_a_page_shows_people_services_policies_and_where_the_team_is_told(at_desk, alice, bob):
    team = make.team("core", bob, managers=(alice,), channel_address="slack+https://chat.example.com/hooks/secret")
    make.service("kafka", name="Kafka", team=team)
    make.escalation_policy(alice, name="Core first", team=team)
    page = at_desk.get(reverse("accounts:team_detail", args=["core"])).content.decode()
    for words in ("Alice", "Bob", "Kafka", "Core first", "chat webhook", "the team&#x27;s inbox page"):
        assert words in page


def test_the_address_of_a_channel_is_for_managers_eyes(client, alice, bob):
    make.team("core", bob, managers=(alice,), channel_address="slack+https://chat.example.com/hooks/secret")
    address = reverse("accounts:team_detail", args=["core"])
    client.force_login(alice)
    assert "hooks/secret" in client.get(address).content.decode()
    client.force_login(bob)
    assert "hooks/secret" not in client.get(address).content.decode()


def test_a_manager_adds_a_team_whose_managers_are_members_too(at_desk, alice, bob):
    fields = {"name": "Core", "slug": "core", "members": [bob.pk], "managers": [alice.pk]}
    response = at_desk.post(reverse("accounts:team_new"), fields)
    assert (response.status_code, response["Location"]) == (303, "/teams/core")
    assert AuditEntry.objects.latest("id").after == {"members": ["alice (manager)", "bob"]}
    assert alice.manages(Team.objects.get())


def test_a_change_of_people_is_audited(at_desk, alice, bob):
    make.team("core", alice, bob, name="Core")
    fields = {"name": "Core", "slug": "core", "members": [alice.pk]}
    assert at_desk.post(reverse("accounts:team_edit", args=["core"]), fields).status_code == 303
    entry = AuditEntry.objects.get()
    assert (entry.before, entry.after) == ({"members": ["alice", "bob"]}, {"members": ["alice"]})


@pytest.mark.parametrize("slug", ["new", "taken", "not a slug", ""])
def test_a_wrong_slug_comes_back_with_what_was_typed(at_desk, slug):
    make.team("taken")
    response = at_desk.post(reverse("accounts:team_new"), {"name": "Typed before", "slug": slug})
    assert response.status_code == 422
    assert 'value="Typed before"' in response.content.decode()
    assert Team.objects.count() == 1


def test_who_was_switched_off_stays_until_taken_out(at_desk, alice, bob):
    make.team("core", alice, bob, name="Core")
    bob.is_active = False
    bob.save()
    fields = {"name": "Core", "slug": "core", "members": [alice.pk, bob.pk]}
    assert at_desk.post(reverse("accounts:team_edit", args=["core"]), fields).status_code == 303
    assert Team.objects.get().members.count() == 2


def test_a_team_manager_changes_the_own_team_only(client, alice):
    make.team("core", managers=(alice,))
    make.team("other")
    client.force_login(alice)
    assert client.get(reverse("accounts:team_edit", args=["core"])).status_code == 200
    assert client.get(reverse("accounts:team_edit", args=["other"])).status_code == 403
    assert client.get(reverse("accounts:team_new")).status_code == 403
    assert client.get(reverse("accounts:team_detail", args=["nothing"])).status_code == 404


def test_others_read(client, charlie):
    make.team("core")
    client.force_login(charlie)
    assert client.get(reverse("accounts:team_list")).status_code == 200
    assert "/edit" not in client.get(reverse("accounts:team_detail", args=["core"])).content.decode()
    assert client.post(reverse("accounts:team_edit", args=["core"]), {"name": "x", "slug": "x"}).status_code == 403
