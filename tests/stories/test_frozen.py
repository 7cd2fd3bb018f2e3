"""Acknowledgements race against steps, and a pager is stopped for longer than its leases: both short.

``script/prove acknowledgements`` and ``script/prove frozen`` are the long ones.
"""

from __future__ import annotations

import pytest

from bench import acknowledgements, frozen

pytestmark = [pytest.mark.story, pytest.mark.enable_socket]
IMPATIENT = ("-m", "bench.pagers", "4", "2")  # seconds of a lease, and of the slowest send


def test_no_send_starts_two_seconds_after_an_acknowledgement():
    found = acknowledgements.run(count=60, batch=60)
    assert found.acknowledged == 60
    assert found.sent > 0
    assert [seconds for seconds in found.after if seconds > 2] == []


def test_a_pager_that_was_stopped_for_longer_than_its_leases_repeats_at_most_one_message():
    found = frozen.run(stops=1, stopped=6.0, incidents=30, command=IMPATIENT)
    assert sum(found.duplicates) <= 1
    assert (found.steps_twice, found.incidents_without_a_step) == (0, 0)
