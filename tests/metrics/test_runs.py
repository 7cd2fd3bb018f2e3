"""Runs that a process remembers are those of the rows as they are now."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from metrics import runs
from metrics.models import Series
from metrics.samples import Run, packed

pytestmark = pytest.mark.django_db


def kept(*values, week=date(2026, 10, 5)):
    return Series.objects.create(
        kind="all", ref=0, week=week, severity="high", measure="resolve", values=packed(Run("q", values))
    )


def read():
    return [list(run) for *_, run in runs.read(Series.objects.order_by("week"))]


def test_only_what_is_not_known_is_fetched():
    kept(1, 2)
    assert read() == [[1, 2]]
    kept(3, week=date(2026, 10, 12))
    with CaptureQueriesContext(connection) as asked:
        assert read() == [[1, 2], [3]]
    assert len(asked) == 1  # and one in PostgreSQL's binary format, which Django does not see
    assert "values" not in asked[0]["sql"]


def test_a_row_that_changes_is_read_again_also_within_one_transaction():
    row = kept(1, 2)
    for values in ([1], [1, 5], [4, 5]):
        read()
        Series.objects.filter(pk=row.pk).update(values=packed(Run("q", values)))
        assert read() == [values]
    row.delete()
    assert read() == []
    kept(9)
    assert read() == [[9]]


def test_what_was_asked_for_longest_ago_is_forgotten_first():
    memory = runs._Memory(most_bytes=48)
    for key in (1, 2, 3):
        memory.keep(key, "a", Run("q", [key, key]))
    assert memory.recall(1, "a") is not None
    memory.keep(4, "a", Run("q", [4, 4]))
    assert [memory.recall(key, "a") is not None for key in (1, 2, 3, 4)] == [True, False, True, True]
    assert memory.recall(3, "b") is None
    memory.keep(3, "b", Run("q", [3]))
    assert memory.size == 40
