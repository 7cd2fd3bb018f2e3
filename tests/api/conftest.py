"""The API as alice and bob (responders), charlie (a viewer) and root (an admin) see it."""

from __future__ import annotations

import pytest

from incidents import policy
from tests.api.caller import Caller


@pytest.fixture(autouse=True)
def _defaults(db):
    policy.ensure_defaults()


@pytest.fixture
def api(alice):
    """Alice, with a token that may write."""
    return Caller(alice, "write")


@pytest.fixture
def root(admin):
    """An admin, with a token for everything."""
    return Caller(admin, "admin")
