"""A tracker that hangs holds two seats, and no other tracker waits for it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.work import db_now
from followups import checking, exporting, tickets
from followups.models import Ticket
from incidents import action_items
from tests import make
from tests.followups.fakes import FAKES, TOKEN, running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.enable_socket]


@pytest.fixture
def quick(fake):
    """Another tracker, which answers at once."""
    with running(FAKES["gitlab"]()) as server:
        yield make.tracker("gitlab", base_url=server.url, secret=TOKEN)


@pytest.fixture
def waiting(incident, tracker, quick, alice):
    """Six tickets for the one that hangs, and after them three for the other."""
    for where in [tracker] * 6 + [quick] * 3:
        tickets.export(action_items.add(incident, title="x", by=alice), tracker=where, by=alice)


def test_what_is_for_other_trackers_is_sent_while_one_hangs(fake, tracker, quick, waiting):
    fake.hangs = 1.0
    assert exporting.export_due(now=db_now()) == 9
    slow, others = (Ticket.objects.filter(tracker=each).order_by("exported_at") for each in (tracker, quick))
    assert max(others.values_list("exported_at", flat=True)) < slow[0].exported_at
    times = list(slow.values_list("exported_at", flat=True))
    assert times[2] - times[1] > timedelta(seconds=0.5)  # two at a time
    assert set(Ticket.objects.values_list("state", flat=True)) == {"open"}


def test_what_is_in_other_trackers_is_asked_about_while_one_hangs(fake, tracker, quick, waiting):
    exporting.export_due(now=db_now())
    fake.hangs = 1.0
    Ticket.objects.update(due_at=db_now())
    assert checking.check_due(now=db_now()) == 9
    slow, others = (Ticket.objects.filter(tracker=each).order_by("checked_at") for each in (tracker, quick))
    assert max(others.values_list("checked_at", flat=True)) < slow[0].checked_at
