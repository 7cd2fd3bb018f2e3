"""The API as alice and bob (responders), charlie (a viewer) and root (an admin) see it."""

from __future__ import annotations

import pytest
from django.db import connection

from accounts.models import AuditEntry
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


@pytest.fixture
def committed(transactional_db):
    """For tests with several connections: what is written is committed, and afterwards everything is emptied.

    The audit log is among it, whose trigger refuses that; it is put aside for the one statement.
    """
    yield
    flush = connection.ops.execute_sql_flush
    table = AuditEntry._meta.db_table

    def flush_all(statements):
        del connection.ops.execute_sql_flush
        flush([f"ALTER TABLE {table} DISABLE TRIGGER USER", *statements, f"ALTER TABLE {table} ENABLE TRIGGER USER"])

    connection.ops.execute_sql_flush = flush_all
