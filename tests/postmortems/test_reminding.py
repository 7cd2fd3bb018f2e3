"""Reminders of postmortems that are due: a day before, when it is overdue, then every week."""

from __future__ import annotations

from datetime import timedelta

import pytest

from incidents import lifecycle
from incidents.models import SeverityPolicy
from notifications.models import Notification
from postmortems import publishing, reminding
from postmortems.models import Postmortem
from tests import make
from tests.postmortems.told import finished, told

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
ENDED = make.NOW + timedelta(minutes=30)
DUE = ENDED + 5 * DAY  # critical


def sweep(at):
    return reminding.remind_due(now=at)


def test_the_owner_is_reminded_a_day_before_when_overdue_and_every_week(alice):
    postmortem = make.postmortem(by=alice)
    counted = [
        sweep(DUE + shift)
        for shift in (-2 * DAY, -DAY, -DAY / 2, timedelta(), DAY, 6.9 * DAY, 7 * DAY, 13 * DAY, 14 * DAY)
    ]
    assert counted == [0, 1, 0, 1, 0, 0, 1, 0, 1]
    assert told(postmortem) == [
        ("Alice", "Postmortem due tomorrow"),
        ("Alice", "Postmortem overdue"),
        ("Alice", "Postmortem overdue"),
        ("Alice", "Postmortem overdue"),
    ]


def test_after_a_long_silence_there_is_one_reminder(alice):
    make.postmortem(by=alice)
    assert [sweep(DUE + 30 * DAY), sweep(DUE + 30 * DAY)] == [1, 0]


def test_what_is_published_or_not_promised_reminds_nobody(alice):
    publishing.publish(finished(make.postmortem(by=alice)), by=alice, now=ENDED)
    low = lifecycle.resolve(make.incident(severity="medium"), by=alice, now=ENDED)
    make.postmortem(low, by=alice)
    assert sweep(DUE + 30 * DAY) == 0


def test_an_incident_that_is_open_again_has_no_date(alice):
    postmortem = make.postmortem(by=alice)
    lifecycle.reopen(postmortem.incident, reason="Again", by=alice, now=ENDED)
    assert sweep(DUE) == 0
    lifecycle.resolve(postmortem.incident, by=alice, now=ENDED + 2 * DAY)
    assert [sweep(DUE), sweep(DUE + DAY)] == [0, 1]


def test_a_changed_promise_counts_at_once(alice):
    make.postmortem(by=alice)
    assert sweep(ENDED + 2 * DAY) == 0
    SeverityPolicy.objects.filter(severity="critical").update(postmortem_within_days=2)
    assert sweep(ENDED + 2 * DAY) == 1


def test_without_an_owner_the_teams_hear_of_it(bob):
    team = make.team("payments", bob, channel_address="pay@example.com")
    postmortem = make.postmortem(services=[make.service("pay", team=team)])
    assert postmortem.owner is None
    sweep(DUE)
    assert told(postmortem) == [("Payments", "Postmortem overdue")]
    assert "It has no owner." in Notification.objects.latest("pk").body


def test_with_an_owner_who_left_the_teams_hear_that_it_has_one(alice, bob):
    team = make.team("payments", bob, channel_address="pay@example.com")
    postmortem = make.postmortem(by=alice, services=[make.service("pay", team=team)])
    alice.is_active = False
    alice.save()
    sweep(DUE)
    assert told(postmortem) == [("Payments", "Postmortem overdue")]
    assert Notification.objects.latest("pk").body.startswith("Its owner, Alice, cannot be told of it. It was to be")


def test_of_a_private_one_people_hear_who_see_it_and_no_channel(alice, bob, admin):
    team = make.team("payments", bob, channel_address="pay@example.com")
    of_team = make.postmortem(is_private=True, services=[make.service("pay", team=team)])
    of_nobody = make.postmortem(is_private=True)
    sweep(DUE)
    assert told(of_team) == [("Bob", "Postmortem overdue")]
    assert told(of_nobody) == [("Root", "Postmortem overdue")]


def test_many_finished_ones_cost_nothing(alice, django_assert_num_queries):
    for _ in range(3):
        make.postmortem(by=alice)
    Postmortem.objects.update(state="published", published_at=ENDED)
    with django_assert_num_queries(2):
        assert reminding.remind_due(now=DUE + DAY) == 0
