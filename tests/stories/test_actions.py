"""The kill test of actions, short: whatever dies, none happens twice, and Muster says of each what is so.

``script/prove automation`` is the long one.
"""

from __future__ import annotations

import pytest

from bench import automation

pytestmark = [pytest.mark.story, pytest.mark.enable_socket]


def test_no_action_happens_twice_while_its_runner_and_muster_are_killed():
    found = automation.run(count=16, seconds=9, pause=1.2)
    assert (found.twice, found.lies, found.unfinished) == (0, [], 0)
    assert min(found.states["runner done"], found.states["http done"]) >= 3
    assert found.kills["runner"] >= 2
