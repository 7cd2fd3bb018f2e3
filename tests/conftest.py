"""Fixtures that every test may use; builders are plain functions in ``tests.make``."""

from __future__ import annotations

import os

import pytest
from django.db import connection

from notifications import health
from tests import make
from tests.own_redis import running_redis


def pytest_collection_modifyitems(items):
    """Spread the stories: they wait for real processes, so each worker should have some and much else beside them."""
    stories = [item for item in items if item.get_closest_marker("story")]
    others = [item for item in items if not item.get_closest_marker("story")]
    step = len(others) // (len(stories) + 1) + 1
    spread = [[*stories[i : i + 1], *others[i * step : (i + 1) * step]] for i in range(len(stories) + 1)]
    items[:] = [item for part in spread for item in part]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """Each process's database begins as a copy of the migrated one, where the test session has its own server."""
    if os.environ.get("MUSTER_TEMPLATE"):
        connection.settings_dict["TEST"]["TEMPLATE"] = os.environ["MUSTER_TEMPLATE"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Tests with real transactions empty the tables afterwards, which the audit log refuses; UPDATE and DELETE stay
    refused, and its own test switches this trigger on again."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditentry DISABLE TRIGGER accounts_auditentry_no_truncate")


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


@pytest.fixture(scope="session")
def own_redis(tmp_path_factory):
    """A Redis for this process's tests alone. Whoever stops it launches it again."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server
