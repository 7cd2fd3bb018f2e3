"""The one-time link that creates the first admin."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts import people
from accounts.models import User
from notifications.models import ContactMethod
from tests import make

pytestmark = pytest.mark.django_db

FIELDS = {
    "username": "root", "name": "Root", "email": "root@example.com", "password1": "seven green boats",
    "password2": "seven green boats",
}  # fmt: skip


@pytest.fixture
def link():
    return reverse("accounts:setup", args=[people.setup_token()])


def test_it_makes_an_admin_who_is_signed_in_and_can_be_paged(client, link):
    assert client.get(link).status_code == 200
    response = client.post(link, FIELDS)
    assert (response.status_code, response["Location"]) == (303, "/me/")
    admin = User.objects.get()
    assert (admin.role, admin.check_password("seven green boats")) == ("admin", True)
    method = ContactMethod.objects.get()
    assert (method.user, method.address, method.is_verified) == (admin, "root@example.com", True)
    assert client.get("/admin/").status_code == 200


def test_it_works_once(client, link):
    client.post(link, FIELDS)
    client.logout()
    assert client.get(link).status_code == 404
    assert client.post(link, FIELDS | {"username": "second"}).status_code == 404
    assert User.objects.count() == 1


def test_a_made_up_link_does_not_work(client):
    assert client.get(reverse("accounts:setup", args=["nonsense"])).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"password2": "something else"},
        {"password1": "short", "password2": "short"},
        {"email": "x"},
        {"username": "taken"},
    ],
)
def test_mistakes_come_back_with_what_was_typed_and_no_password(client, link, wrong):
    make.user("taken")
    response = client.post(link, FIELDS | wrong)
    assert response.status_code == 422
    assert 'value="Root"' in response.content.decode()
    assert "seven green boats" not in response.content.decode()
    assert User.objects.count() == 1
