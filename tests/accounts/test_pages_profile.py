"""The own profile: name and zone, API tokens shown once, and times in the reader's zone."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from accounts import people, tokens
from accounts.models import ApiToken, AuditEntry, User
from tests import make

pytestmark = pytest.mark.django_db

PASSWORD = "seven green boats"


@pytest.fixture
def at_desk(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def proven(client, alice):
    client.force_login(people.set_password(alice, password=PASSWORD, by=None))
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


def test_a_person_changes_name_and_zone_and_nothing_else(at_desk, alice):
    response = at_desk.post("/me/", {"name": "Alice A.", "time_zone": "Asia/Tokyo", "role": "admin"})
    assert response.status_code == 303
    alice.refresh_from_db()
    assert (alice.name, alice.time_zone, alice.role) == ("Alice A.", "Asia/Tokyo", "responder")
    assert AuditEntry.objects.get().after == {"name": "Alice A.", "time_zone": "Asia/Tokyo"}


def test_a_zone_that_is_none_comes_back_with_what_was_typed(at_desk, alice):
    response = at_desk.post("/me/", {"name": "Typed before", "time_zone": "Mars/Olympus"})
    assert response.status_code == 422
    assert 'value="Typed before"' in response.content.decode()
    assert User.objects.get(pk=alice.pk).name == "Alice"


def test_times_are_in_the_readers_zone(at_desk, alice):
    User.objects.update(time_zone="Asia/Tokyo")
    assert "All times Asia/Tokyo" in at_desk.get("/me/").content.decode()
    User.objects.update(time_zone="Not/AZone")
    assert "All times UTC" in at_desk.get("/me/").content.decode()


def test_teams_contact_methods_and_links_are_on_the_page(at_desk, alice):
    make.team("core", managers=(alice,))
    page = at_desk.get("/me/").content.decode()
    for words in ("Core", "alice@example.com", reverse("account_change_password"), reverse("mfa_index")):
        assert words in page


def test_a_token_is_shown_once_and_works(proven, alice):
    fields = {"name": "deploy", "scope": "write", "lifetime": "30"}
    response = proven.post(reverse("accounts:token_new"), fields)
    assert response.status_code == 201
    assert "no-store" in response["Cache-Control"]
    secret = re.search(r'<code id="token">(mst_[^<]+)</code>', response.content.decode())[1]
    token = ApiToken.objects.get()
    assert tokens.find(secret) == token
    assert (token.user, token.scope) == (alice, "write")
    assert token.expires_at is not None
    page = proven.get("/me/").content.decode()
    assert secret not in page
    assert token.prefix in page


def test_a_token_needs_a_fresh_proof(client, alice):
    people.set_password(alice, password=PASSWORD, by=None)
    client.post(reverse("account_login"), {"login": "alice", "password": PASSWORD})
    for send in (client.get, client.post):
        response = send(reverse("accounts:token_new"), {"name": "deploy", "scope": "write"})
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("account_reauthenticate"))
    assert not ApiToken.objects.exists()


def test_a_token_without_a_name_comes_back(proven):
    response = proven.post(reverse("accounts:token_new"), {"name": "", "scope": "write"})
    assert response.status_code == 422
    assert not ApiToken.objects.exists()


def test_people_revoke_their_own_tokens_only(at_desk, alice, bob):
    mine, secret = tokens.create(alice, name="mine", scope="read", by=alice)
    theirs, _ = tokens.create(bob, name="theirs", scope="read", by=bob)
    assert at_desk.post(reverse("accounts:token_revoke", args=[theirs.pk])).status_code == 404
    assert at_desk.post(reverse("accounts:token_revoke", args=[mine.pk])).status_code == 303
    assert tokens.find(secret) is None
    assert at_desk.get(reverse("accounts:token_revoke", args=[mine.pk])).status_code == 405
    assert "mine" not in at_desk.get("/me/").context["tokens"].values_list("name", flat=True)


@pytest.mark.parametrize("address", ["/me/", "/me/tokens/new", "/teams/", "/teams/new"])
def test_strangers_sign_in(client, address, db):
    response = client.get(address)
    assert response.status_code == 302
    assert "/accounts/login/" in response["Location"]
