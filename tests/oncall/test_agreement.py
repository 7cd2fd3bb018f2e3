"""Everybody who says who is on call says the same: pager, pages, feed and API (bench.agreement has the full count)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench import agreement_inside
from tests import make


@pytest.fixture
def people(db):
    return [make.user(name, name=name, email=False) for name in agreement_inside.NAMES]


@settings(max_examples=5, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_at_every_instant_all_say_the_same_and_weeks_are_whole(people, seed):
    found = agreement_inside.check(seed, people, instants=10)
    assert found.wrong == []
    assert found.counts["instants"] == 10
    assert found.counts["near"] >= 5
