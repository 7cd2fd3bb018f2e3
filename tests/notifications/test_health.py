"""The self-check and the dead-man's switch."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from datetime import timedelta

import pytest

from incidents_site import paging_health
from notifications import health
from notifications.models import SweepRun
from tests import make, receivers
from tests.make import MINUTE, SECOND

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]


def swept(now, *, except_for=()):
    for name in set(paging_health.WATCHED) - set(except_for):
        SweepRun.objects.update_or_create(name=name, defaults={"last_run_at": now})


def test_all_is_well_while_every_sweep_runs_and_nothing_is_late(now):
    swept(now)
    state = paging_health.check(now=now + SECOND)
    assert (state.is_well, state.oldest_overdue, state.last_sweep) == (True, 0.0, 1.0)


def test_a_sweep_that_stopped_is_named(now):
    swept(now - 2 * MINUTE)
    swept(now, except_for=["incidents.advance_due"])
    state = paging_health.check(now=now)
    assert (state.is_well, state.stale) == (False, ("incidents.advance_due",))


def test_a_page_that_nobody_sends_is_overdue(alice, now):
    make.incident(steps=[alice], at=now)
    swept(now + 61 * SECOND)
    state = paging_health.check(now=now + 61 * SECOND)
    assert (state.is_well, state.oldest_overdue) == (False, 61.0)


def test_before_the_first_sweep_nothing_is_known(now):
    assert not paging_health.check(now=now).is_well


def test_the_switch_is_told_about_once_a_minute_and_only_while_all_is_well(now, settings):
    with receivers.webhook_receiver() as hook:
        nets = (ipaddress.ip_network("127.0.0.0/8"),)
        settings.MUSTER = replace(settings.MUSTER, deadman_url=hook.url, allow_nets=nets)
        swept(now)
        for seconds in (0, 15, 30, 45, 60, 75):
            at = now + timedelta(seconds=seconds)
            swept(at)
            health.ping_deadman(paging_health.check(now=at), now=at)
        assert len(hook.requests) == 2
        sick = paging_health.check(now=now + 10 * MINUTE)
        assert health.ping_deadman(sick, now=now + 10 * MINUTE) == 0
        assert len(hook.requests) == 2
