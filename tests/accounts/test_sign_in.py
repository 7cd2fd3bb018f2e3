"""The form to sign in: where the keyboard is when it opens, and after a mistake."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from tests import make

FOCUSED = re.compile(r"<(\w+)(?=[^>]* autofocus)[^>]*?(?: name=\"(\w+)\"| role=\"(\w+)\")")


@pytest.mark.django_db
def test_one_may_type_at_once_and_hears_of_a_mistake_first(client):
    make.user("alice", password="seven green boats")
    address = reverse("account_login")
    assert FOCUSED.findall(client.get(address).content.decode()) == [("input", "login", "")]
    answer = client.post(address, {"login": "alice", "password": "eight green boats"})
    assert FOCUSED.findall(answer.content.decode()) == [("div", "", "alert")]
