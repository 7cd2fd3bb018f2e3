"""Rows that the database does not take: to see that they keep nothing else from its turn."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def poisoned(table: str, *, column: str, on: str = "INSERT", what: str = "RAISE EXCEPTION 'no';") -> Iterator[None]:
    """The database does something else instead of writing rows that have the word in this column."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF NEW.{column} LIKE '%poison%' THEN {what} END IF; RETURN NEW; END $$"
        )
        cursor.execute(f"CREATE TRIGGER poison BEFORE {on} ON {table} FOR EACH ROW EXECUTE FUNCTION poison()")
    try:
        yield
    finally:
        if not connection.in_atomic_block:
            connection.close()
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION poison() CASCADE")
