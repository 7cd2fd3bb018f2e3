"""Fixtures that every test may use; builders are plain functions in ``tests.make``."""

from __future__ import annotations

import gc
import os

import pytest
from django.db import connection
from django.test import TransactionTestCase

from notifications import health
from statuspage import domains, shelf
from tests import emptying, make
from tests.own_redis import running_redis


def pytest_collection_modifyitems(items):
    """Spread the stories: they wait for real processes, so each worker should have some and much else beside them."""
    stories = [item for item in items if item.get_closest_marker("story")]
    others = [item for item in items if not item.get_closest_marker("story")]
    step = len(others) // (len(stories) + 1) + 1
    spread = [[*stories[i : i + 1], *others[i * step : (i + 1) * step]] for i in range(len(stories) + 1)]
    items[:] = [item for part in spread for item in part]


def pytest_collection_finish(session):
    """Look for unreachable objects more rarely, and not among the modules and tests, which stay to the end.

    It is a fifteenth of the processor's time. Tests that measure that time run as Muster does.
    """
    if not any(item.get_closest_marker("quiet") for item in session.items):
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 20)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """Each process's database begins as a copy of the migrated one, where the test session has its own server."""
    if os.environ.get("MUSTER_TEMPLATE"):
        connection.settings_dict["TEST"]["TEMPLATE"] = os.environ["MUSTER_TEMPLATE"]


@pytest.fixture(scope="session", autouse=True)
def _tables_are_emptied_quickly():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: emptying.empty_tables())
        yield


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


@pytest.fixture(autouse=True)
def _nothing_read_before():
    shelf.clear()
    domains.forget()


@pytest.fixture(scope="session")
def own_redis(tmp_path_factory):
    """A Redis for this process's tests alone. Whoever stops it launches it again."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server
