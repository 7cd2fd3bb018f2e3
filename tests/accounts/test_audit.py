"""The audit log says what changed, and cannot be changed itself."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from accounts import audit, people, tokens
from accounts.models import AuditEntry, Role
from tests import make

pytestmark = pytest.mark.django_db


def entries():
    return list(AuditEntry.objects.order_by("id").values_list("actor_label", "action", "before", "after"))


def test_a_change_is_recorded_with_before_and_after(admin):
    crew = make.team("crew")
    crew.name = "The crew"
    audit.save(crew, by=admin)
    audit.save(crew, by=admin)
    assert entries() == [("Root (root)", "changed", {"name": "Crew"}, {"name": "The crew"})]


def test_secrets_are_never_written_down(admin):
    dora = people.create_user(username="dora", email="dora@example.com", password="long enough to pass", by=admin)
    tokens.create(admin, name="ci", scope="read", by=admin)
    text = str(entries())
    assert dora.password not in text
    assert text.count("(secret)") == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_auditentry SET action = 'nothing'",
        "DELETE FROM accounts_auditentry",
        "TRUNCATE accounts_auditentry",
    ],
)
def test_the_database_refuses_to_change_it(admin, statement):
    audit.record(by=admin, action="looked", on=admin)
    with connection.cursor() as cursor, pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        cursor.execute(statement)
    assert AuditEntry.objects.count() == 1


def test_the_last_admin_keeps_the_keys(admin, alice):
    with pytest.raises(ValidationError):
        people.update_user(admin, by=admin, role=Role.VIEWER)
    with pytest.raises(ValidationError):
        people.update_user(admin, by=admin, is_active=False)
    people.update_user(alice, by=admin, role=Role.ADMIN)
    people.update_user(admin, by=alice, role=Role.VIEWER)


def test_membership_changes_are_recorded(admin, alice, bob):
    crew = make.team("crew", alice)
    people.set_members(crew, members=[alice, bob], managers=[bob], by=admin)
    assert entries() == [("Root (root)", "changed", {"members": ["alice"]}, {"members": ["alice", "bob (manager)"]})]


def test_the_entry_outlives_its_actor(alice):
    audit.record(by=alice, action="looked", on=alice)
    alice.delete()
    assert AuditEntry.objects.get().actor_label == "Alice (alice)"
