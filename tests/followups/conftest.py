"""What tests of follow-ups share."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import pytest

from followups import tickets
from incidents import action_items
from notifications import signing
from tests import make
from tests.followups.fakes import FAKES, TOKEN, running
from tests.followups.looks import send


@pytest.fixture
def at_desk(client, alice):
    """Alice, signed in."""
    client.force_login(alice)
    return client


@pytest.fixture
def kind():
    """Which tracker; a module that means others has a parameter of this name."""
    return "github"


@pytest.fixture
def fake(settings, kind):
    """A tracker on loopback."""
    settings.MUSTER = replace(settings.MUSTER, allow_nets=(ipaddress.ip_network("127.0.0.0/8"),))
    with running(FAKES[kind]()) as server:
        yield server


@pytest.fixture
def tracker(db, kind, fake):
    """It, as Muster knows it."""
    secret = signing.new_secret() if kind == "webhook" else TOKEN
    return make.tracker(kind, base_url=fake.url, secret=secret)


@pytest.fixture
def incident(db):
    """What left something to do."""
    return make.incident(title="Kafka is down")


@pytest.fixture
def item(incident, alice):
    """It."""
    return action_items.add(incident, title="Alert on lag", owner=alice, by=alice)


@pytest.fixture
def ticket(item, tracker, alice):
    """What it is to become."""
    return tickets.export(item, tracker=tracker, by=alice)


@pytest.fixture
def exported(ticket):
    """What it became."""
    return send(ticket)
