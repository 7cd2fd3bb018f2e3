"""People do anything at any time, and the promises hold: somebody is asked, or somebody is on it."""

from __future__ import annotations

import contextlib
import random

import pytest

from incidents import escalation, failed_pages, letting_go, lifecycle, quiet, repair, snoozing, timeline
from incidents.models.incident import NotAllowedNow
from notifications.models import Notification
from tests import make
from tests.make import MINUTE, pages
from tests.profile import share

pytestmark = pytest.mark.django_db

SWEEPS = (
    snoozing.wake_due, quiet.remind_due, escalation.advance_due, failed_pages.follow_up_failed, repair.repair_missing,
    repair.watch_missing,
)  # fmt: skip


def _snooze(incident, by, now, dice):
    snoozing.snooze(incident, until=now + dice.choice((5, 30, 200)) * MINUTE, by=by, now=now)


ACTS = (
    lambda incident, by, now, dice: lifecycle.acknowledge(incident, by=by, now=now),
    lambda incident, by, now, dice: letting_go.unacknowledge(incident, by=by, now=now),
    _snooze,
    lambda incident, by, now, dice: snoozing.wake(incident, by=by, now=now),
    lambda incident, by, now, dice: timeline.add_note(incident, text="Looking", by=by, now=now),
    lambda incident, by, now, dice: lifecycle.transition(incident, to="mitigating", by=by, now=now),
    lambda incident, by, now, dice: lifecycle.resolve(incident, by=by, now=now),
    lambda incident, by, now, dice: lifecycle.reopen(incident, reason="Back", by=None, now=now),
    lambda *_: None,
    lambda *_: None,
)


@pytest.mark.parametrize("seed", share(range(12), one_of=2))
def test_whatever_people_do_somebody_is_asked_or_on_it(seed, alice, bob, admin, now):
    dice = random.Random(seed)  # noqa: S311
    incident = make.incident(steps=[alice, bob], at=now)
    for _ in range(40):
        now += dice.choice((1, 3, 10, 35)) * MINUTE
        was_snoozed, before = incident.snoozed_until, len(pages(incident))
        for sweep in SWEEPS:
            sweep(now=now)
        if was_snoozed and was_snoozed > now:
            assert len(pages(incident)) == before
        with contextlib.suppress(NotAllowedNow):
            dice.choice(ACTS)(incident, dice.choice((alice, bob)), now, dice)
        _check(incident, now)


def _check(incident, now):
    incident.refresh_from_db()
    states = set(incident.escalations.values_list("state", flat=True))
    clocks = incident.clocks.filter(kind="response", state__in=["running", "breached"], met_at=None)
    pending = Notification.objects.filter(topic=incident.topic, state="pending", purpose="page").exists()
    if incident.status == "triggered":
        assert states <= {"running", "exhausted"}
        assert clocks.count() >= 1
        assert (incident.acknowledged_at, incident.snoozed_until, incident.quiet_due_at) == (None, None, None)
    elif incident.is_answered:
        assert clocks.count() == 0
        assert (incident.snoozed_until is None) == (incident.quiet_due_at is not None)
        assert not (incident.snoozed_until and (pending or "running" in states))
        assert (incident.quiet_due_at or incident.snoozed_until) > now
    else:
        assert not pending
        assert "running" not in states
        assert (incident.snoozed_until, incident.quiet_due_at, incident.reminded_at) == (None, None, None)
