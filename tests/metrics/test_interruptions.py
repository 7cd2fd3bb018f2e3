"""What counts as a page to a person, and which hour of their clocks it falls into."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import User
from incidents import changes, escalation, lifecycle
from incidents.models import Incident
from metrics import catching_up
from metrics.cells import hours_of, week_of
from metrics.models import Interruption, Load
from notifications import drills
from notifications.models import Notification
from tests import make
from tests.make import MINUTE, NOW

pytestmark = pytest.mark.django_db


def caught_up(now=NOW):
    while catching_up.catch_up(now=now):
        pass


@pytest.fixture(autouse=True)
def settings_of_the_site():
    make.policy.ensure_defaults()
    caught_up()


def end(state, **narrowed):
    """What becomes of the pages."""
    Notification.objects.filter(purpose="page", **narrowed).update(state=state, finished_at=NOW)


def paged(state="sent", *, to, at=NOW, **fields):
    """An incident that paged a person."""
    incident = make.incident(steps=[to], at=at, **fields)
    end(state, topic=incident.topic)
    return incident


def interruptions():
    caught_up()
    return [(row.user.username, row.at) for row in Interruption.objects.order_by("at", "user__username")]


def clock(person):
    """The local hours of a person's interruptions as they read them, and whether it was night."""
    caught_up()
    rows = Interruption.objects.filter(user=person).order_by("at")
    return [(f"{datetime(1970, 1, 1) + timedelta(hours=row.local_hour):%a %d %b %H}", row.is_night) for row in rows]  # noqa: DTZ001


def test_contact_methods_of_one_moment_are_one_page(alice):
    make.contact(alice, "webhook", "https://hooks.example.com/alice")
    paged(to=alice)
    assert Notification.objects.filter(purpose="page").count() == 2
    assert interruptions() == [("alice", NOW)]


def test_a_page_that_one_of_two_methods_delivered_is_one(alice):
    make.contact(alice, "webhook", "https://hooks.example.com/alice")
    paged(to=alice)
    end("failed", channel="webhook")
    assert interruptions() == [("alice", NOW)]
    end("failed", channel="email")
    assert interruptions() == []


@pytest.mark.parametrize(
    ("state", "count"), [("sent", 1), ("kept", 1), ("failed", 0), ("cancelled", 0), ("pending", 0)]
)
def test_only_a_page_that_went_out_is_one(alice, state, count):
    incident = make.incident(steps=[alice])
    Notification.objects.filter(topic=incident.topic).update(
        state=state, finished_at=None if state == "pending" else NOW
    )
    assert len(interruptions()) == count


def test_a_page_that_is_cancelled_by_the_acknowledgement_is_none(alice, bob):
    incident = make.incident(steps=[(alice, bob)])
    end("sent", user=alice)
    lifecycle.acknowledge(incident, by=alice, now=NOW + MINUTE)
    assert interruptions() == [("alice", NOW)]


def test_a_second_step_and_a_repeat_are_pages_of_their_own(alice, bob):
    service = make.service(policy=make.escalation_policy(alice, bob, repeat=1, repeat_after=5))
    make.incident(services=[service])
    for minutes in range(1, 20):
        escalation.advance_due(now=NOW + minutes * MINUTE)
    end("sent")
    assert interruptions() == [
        ("alice", NOW),
        ("bob", NOW + 5 * MINUTE),
        ("alice", NOW + 10 * MINUTE),
        ("bob", NOW + 15 * MINUTE),
    ]


def test_drills_notices_and_what_is_about_no_incident_are_none(alice, bob):
    make.policy.IncidentSettings.objects.update(leadership=make.team("board", bob))
    paged(to=alice)
    drills.start(bob, by=bob, now=NOW)
    lifecycle.declare(lifecycle.Draft(title="It is broken", severity="critical", services=[]), now=NOW)
    Notification.objects.exclude(purpose="page").filter(state="pending").update(state="sent", finished_at=NOW)
    page = Notification.objects.filter(user=alice, purpose="page").first()
    page.pk, page.topic, page.key = None, "schedule/7", "schedule/7/1"
    page.save(force_insert=True)
    assert set(Notification.objects.values_list("purpose", flat=True)) >= {"page", "drill", "notice"}
    assert interruptions() == [("alice", NOW)]


def test_another_zone_of_the_person_moves_the_hour(alice):
    paged(to=alice, at=datetime(2026, 10, 14, 20, 30, tzinfo=UTC))
    assert clock(alice) == [("Wed 14 Oct 20", False)]
    assert Load.objects.get().hours == [68]
    User.objects.filter(pk=alice.pk).update(time_zone="Europe/Berlin")
    assert clock(alice) == [("Wed 14 Oct 22", True)]
    User.objects.filter(pk=alice.pk).update(time_zone="Asia/Kolkata")
    assert clock(alice) == [("Thu 15 Oct 02", True)]
    User.objects.filter(pk=alice.pk).update(time_zone="Pacific/Apia")
    assert clock(alice) == [("Thu 15 Oct 09", False)]
    assert [(row.week, row.hours, row.night_pages) for row in Load.objects.all()] == [(date(2026, 10, 12), [81], 0)]


@pytest.mark.parametrize(
    ("at", "hour", "is_night"),
    [
        (datetime(2026, 10, 14, 21, 59, tzinfo=UTC), "Wed 14 Oct 21", False),
        (datetime(2026, 10, 14, 22, 0, tzinfo=UTC), "Wed 14 Oct 22", True),
        (datetime(2026, 10, 15, 6, 59, 59, tzinfo=UTC), "Thu 15 Oct 06", True),
        (datetime(2026, 10, 15, 7, 0, tzinfo=UTC), "Thu 15 Oct 07", False),
    ],
)
def test_the_night_is_from_ten_to_seven(alice, at, hour, is_night):
    paged(to=alice, at=at)
    assert clock(alice) == [(hour, is_night)]


def test_the_hour_that_comes_twice_is_interrupted_once(alice):
    User.objects.filter(pk=alice.pk).update(time_zone="Europe/Berlin")
    for hour in (0, 1):  # both are 02:xx on 25 October
        paged(to=alice, at=datetime(2026, 10, 25, hour, 15, tzinfo=UTC))
    assert clock(alice) == [("Sun 25 Oct 02", True), ("Sun 25 Oct 02", True)]
    assert [(row.pages, row.interrupted_hours, row.hours) for row in Load.objects.all()] == [(2, 1, [146, 146])]


def test_around_the_hour_that_is_skipped(alice):
    User.objects.filter(pk=alice.pk).update(time_zone="Europe/Berlin")
    for minute in (30, 90):  # 01:30, and then 03:30 on 29 March
        paged(to=alice, at=datetime(2026, 3, 29, 0, tzinfo=UTC) + minute * MINUTE)
    assert clock(alice) == [("Sun 29 Mar 01", True), ("Sun 29 Mar 03", True)]


def test_an_incident_that_is_left_out_or_private_and_a_duplicate(alice):
    out, private, duplicate, first = (paged(to=alice, at=NOW + n * timedelta(hours=1)) for n in range(4))
    changes.edit(out, by=alice, excluded_from_metrics=True)
    Incident.objects.filter(pk=private.pk).update(is_private=True)
    Incident.objects.filter(pk=duplicate.pk).update(merged_into=first)
    caught_up()
    rows = Interruption.objects.order_by("at").values_list("incident_id", "is_counted", "is_private")
    assert list(rows) == [
        (out.pk, False, False),
        (private.pk, True, True),
        (duplicate.pk, True, False),
        (first.pk, True, False),
    ]
    assert [(row.pages, row.interrupted_hours) for row in Load.objects.all()] == [(2, 2)]


def test_a_page_whose_person_is_gone_is_no_interruption(alice):
    paged(to=alice)
    assert interruptions() == [("alice", NOW)]
    Notification.objects.update(user=None)
    assert interruptions() == []
    assert not Load.objects.exists()


def test_an_incident_that_is_deleted_takes_its_interruptions_along(alice):
    incident = paged(to=alice)
    assert len(interruptions()) == 1
    Incident.objects.filter(pk=incident.pk).delete()
    assert interruptions() == []
    assert not Load.objects.exists()


def test_sums_by_week_are_those_of_a_rebuild(alice, bob):
    User.objects.filter(pk=bob.pk).update(time_zone="America/Los_Angeles")
    for n in range(40):
        paged(to=(alice, bob)[n % 2], at=NOW - n * timedelta(hours=17, minutes=13))
    caught_up()
    names = ("user_id", "week", "pages", "night_pages", "interrupted_hours", "hours")
    kept = list(Load.objects.order_by("user_id", "week").values_list(*names))
    catching_up.rebuild()
    assert list(Load.objects.order_by("user_id", "week").values_list(*names)) == kept
    assert sum(row[2] for row in kept) == 40


def test_local_hours_and_their_weeks():
    monday, sunday = date(2026, 10, 12), date(2026, 10, 18)
    hours = hours_of(monday, sunday)
    assert hours["local_hour__lt"] - hours["local_hour__gte"] == 168
    assert week_of(hours["local_hour__gte"]) == week_of(hours["local_hour__lt"] - 1) == monday
    assert week_of(hours["local_hour__gte"] - 1) == monday - timedelta(days=7)


def test_a_page_of_an_odd_topic_is_kept_and_counts_nowhere(alice):
    incident = paged(to=alice)
    for odd in (f"incident/{incident.pk}/again", "incident/INC-7", "incident/", f"incident/{10**19}"):
        Notification.objects.update(purpose="notice")
        Notification.objects.update(purpose="page", topic=odd)
        caught_up()
        assert not Interruption.objects.exists()
