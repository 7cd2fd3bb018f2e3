"""What the tests of pages begin with: alice at her desk, and an incident of kafka with two actions.

A module that needs others has fixtures of the same names.
"""

from __future__ import annotations

import pytest

from tests import make
from tests.automation.pages import GROUP


@pytest.fixture
def at_desk(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def kafka():
    return make.service("kafka")


@pytest.fixture
def incident(kafka):
    return make.incident(title="Late", services=[kafka], facts={"consumer_group": "orders"})


@pytest.fixture
def lag(kafka):
    return make.action("lag", GROUP, name="Show lag", is_read_only=True, services=(kafka,))


@pytest.fixture
def restart(kafka):
    return make.action("restart", name="Restart", is_destructive=True, has_dry_run=True, kind="fix", services=(kafka,))
