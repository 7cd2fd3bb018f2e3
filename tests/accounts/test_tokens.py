"""API tokens: scope and role, expiry, and the first admin's link."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import people, tokens
from accounts.models import ApiToken, Role, User
from tests import make

pytestmark = pytest.mark.django_db


def test_only_the_hash_is_stored(alice):
    token, secret = tokens.create(alice, name="ci", scope="read", by=alice)
    assert secret not in str(ApiToken.objects.values())
    assert tokens.find(secret) == token
    assert tokens.find(secret + "x") is None


def test_expired_and_revoked_tokens_and_those_of_inactive_people_are_useless(alice, bob):
    _, late = tokens.create(alice, name="a", scope="read", by=alice, expires_at=timezone.now() - timedelta(seconds=1))
    revoked, secret = tokens.create(alice, name="b", scope="read", by=alice)
    tokens.revoke(revoked, by=alice)
    _, gone = tokens.create(bob, name="c", scope="read", by=bob)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert [tokens.find(each) for each in (late, secret, gone)] == [None, None, None]


@pytest.mark.parametrize(
    ("role", "scope", "allowed"),
    [
        ("admin", "read", ["viewer"]),
        ("admin", "write", ["viewer", "responder", "manager"]),
        ("admin", "admin", ["viewer", "responder", "manager", "admin"]),
        ("responder", "admin", ["viewer", "responder"]),
        ("viewer", "write", ["viewer"]),
    ],
)
def test_rights_are_the_lesser_of_scope_and_role(role, scope, allowed):
    token, _ = tokens.create(make.user("dora", role=role), name="x", scope=scope, by=None)
    assert [each.value for each in Role if tokens.allows(token, each)] == allowed


def test_the_setup_link_works_once():
    link = people.setup_token()
    people.create_first_admin(link, username="first", email="first@example.com", password="a rather long one")
    assert User.objects.admins().get().username == "first"
    with pytest.raises(people.SetupClosed):
        people.create_first_admin(link, username="second", email="", password="a rather long one")
    with pytest.raises(people.SetupClosed):
        people.check_setup("forged")
