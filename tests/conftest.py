"""Fixtures that every test may use; builders are plain functions in ``tests.make``."""

from __future__ import annotations

import pytest

from notifications import health
from tests import make


@pytest.fixture
def now():
    """A fixed moment: Wednesday 14 October 2026, 01:47:08 UTC."""
    return make.NOW


@pytest.fixture
def alice(db):
    return make.user("alice")


@pytest.fixture
def bob(db):
    return make.user("bob")


@pytest.fixture
def charlie(db):
    """May read, and knows nobody."""
    return make.user("charlie", role="viewer", email=False)


@pytest.fixture
def admin(db):
    return make.user("root", role="admin")


@pytest.fixture(autouse=True)
def _fresh_sweep_marks():
    health._recorded.clear()
