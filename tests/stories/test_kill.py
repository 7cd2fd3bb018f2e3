"""The kill test, short: processes die while alerts come in, and nothing is lost.

``script/prove chaos`` is the long one.
"""

from __future__ import annotations

import pytest

from bench import chaos

pytestmark = [pytest.mark.story, pytest.mark.enable_socket]


def test_nothing_is_lost_while_processes_are_killed_and_redis_is_flushed():
    found = chaos.run(count=100, per_second=15, pause=1.2)
    assert found.incidents == 100
    assert found.without_page == 0
    assert found.duplicates <= 3
    assert sum(found.kills.values()) >= 3
