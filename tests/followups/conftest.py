"""What tests of follow-ups share."""

from __future__ import annotations

import pytest


@pytest.fixture
def at_desk(client, alice):
    """Alice, signed in."""
    client.force_login(alice)
    return client
