"""A postmortem with events, the address of its page, and somebody who writes: for tests of its pages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from incidents import lifecycle, timeline
from tests import make

MINUTE = timedelta(minutes=1)


@pytest.fixture
def postmortem(alice):
    incident = make.incident(steps=[alice], title="Checkout fails")
    lifecycle.acknowledge(incident, by=alice, now=make.NOW + MINUTE)
    timeline.add_note(incident, text="The disk is full", by=alice, now=make.NOW + 2 * MINUTE)
    return make.postmortem(lifecycle.resolve(incident, by=alice, now=make.NOW + 30 * MINUTE))


@pytest.fixture
def page(postmortem):
    return f"/postmortems/{postmortem.incident.reference}"


@pytest.fixture
def at_desk(client, bob):
    client.force_login(bob)
    return client
