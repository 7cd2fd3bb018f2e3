"""Owners are reminded before and after the day, managers when nobody does it: once, and in their own morning."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from followups import reminding
from followups.models import FollowUpSettings, Reminder
from incidents import action_items
from incidents.models import ActionItem, Incident, SeverityPolicy
from notifications.models import Notification, SweepRun
from tests import make

DAY = timedelta(days=1)
WRITTEN = datetime(2026, 10, 1, 10, 0, tzinfo=UTC)  # a Thursday
DUE = date(2026, 10, 12)


@pytest.fixture(autouse=True)
def _running(db):
    """The sweep has run before."""
    SweepRun.objects.create(name=reminding.MARK, last_run_at=WRITTEN - DAY)


@pytest.fixture
def incident(db):
    """After something that touched two teams, each with a manager; Theo manages both, and Nina has gone."""
    theo, gone = make.user("theo"), make.user("nina", is_active=False)
    core, web = make.team("core", managers=(make.user("mia"), theo, gone)), make.team("web", managers=(theo,))
    services = [make.service("kafka", team=core), make.service("search", team=web)]
    return make.incident(services=services, severity="critical", title="Kafka is down")


def at(day: date | str, clock: str = "09:00", zone: int = 0) -> datetime:
    """A time of day, ``zone`` hours ahead of UTC."""
    return datetime.fromisoformat(f"{day}T{clock}:00+00:00") - timedelta(hours=zone)


def add(incident, *, owner=None, due=DUE, title="Alert on lag", written=WRITTEN):
    item = action_items.add(incident, title=title, owner=owner, by=owner, now=written)
    ActionItem.objects.filter(pk=item.pk).update(due_on=due)
    return item


def told() -> list[tuple[str, str]]:
    """(to whom, why) of each reminder's message, in order; each is forgotten once it was looked at."""
    rows = Notification.objects.filter(reason__startswith="Action item", key__contains="/follow-up/")
    found = [
        (row.user.username if row.user else "", row.reason.removeprefix("Action item ")) for row in rows.order_by("id")
    ]
    rows.delete()
    return found


def through(first: date, last: date, clock: str = "09:00") -> dict[str, list[tuple[str, str]]]:
    """What goes out each morning."""
    found = {}
    while first <= last:
        reminding.remind_due(now=at(first, clock))
        if said := told():
            found[first.isoformat()] = said
        first += DAY
    return found


# ---- on which days -------------------------------------------------------------------------------------------------


def test_an_owner_is_reminded_before_on_and_after_the_day_and_managers_when_it_is_long_overdue(incident, alice):
    add(incident, owner=alice)
    managers = [("theo", "long overdue"), ("mia", "long overdue")]
    assert through(date(2026, 10, 2), date(2026, 11, 4)) == {
        "2026-10-09": [("alice", "due soon")],
        "2026-10-12": [("alice", "due today")],
        "2026-10-19": [("alice", "overdue"), *managers],
        "2026-10-26": [("alice", "overdue")],
        "2026-11-02": [("alice", "overdue"), *managers],
    }


def test_what_nobody_owns_is_told_to_the_managers_once_and_again_when_it_is_long_overdue(incident):
    add(incident)
    assert through(date(2026, 10, 1), date(2026, 10, 20)) == {
        "2026-10-03": [("theo", "without an owner"), ("mia", "without an owner")],
        "2026-10-19": [("theo", "long overdue"), ("mia", "long overdue")],
    }


def test_without_a_day_it_is_due_by_policy(incident, alice):
    add(incident, owner=alice, due=None)  # 14 days for what was critical
    assert list(through(date(2026, 10, 2), date(2026, 10, 20))) == ["2026-10-12", "2026-10-15"]
    SeverityPolicy.objects.update(follow_up_within_days=None)
    assert through(date(2026, 10, 21), date(2026, 10, 30)) == {}


def test_where_no_team_has_a_manager_every_admin_is_told(admin):
    add(make.incident(services=[make.service("kafka", team=make.team("core"))]))
    assert through(date(2026, 10, 2), date(2026, 10, 4)) == {"2026-10-03": [("root", "without an owner")]}


def test_an_owner_who_manages_the_team_hears_of_it_once_and_the_others_as_managers(incident):
    mia = next(user for user in incident.affected_services.get(slug="kafka").team.members.all() if str(user) == "Mia")
    add(incident, owner=mia)
    assert through(date(2026, 10, 19), date(2026, 10, 19)) == {
        "2026-10-19": [("mia", "overdue"), ("theo", "long overdue")]
    }


def test_an_owner_who_has_left_owns_nothing(incident, alice):
    add(incident, owner=alice)
    alice.is_active = False
    alice.save()
    assert list(through(date(2026, 10, 1), date(2026, 10, 12))) == ["2026-10-03"]


@pytest.mark.parametrize("end", ["done", "accepted"])
def test_what_has_ended_is_let_alone_and_goes_on_when_it_is_reopened(incident, alice, end):
    item = add(incident, owner=alice)
    if end == "done":
        action_items.set_done(item, by=alice)
    else:
        action_items.accept_risk(item, reason="It goes.", by=alice)
    assert through(date(2026, 10, 9), date(2026, 10, 12)) == {}
    action_items.reopen(item, by=alice)
    assert through(date(2026, 10, 13), date(2026, 10, 14)) == {"2026-10-13": [("alice", "due today")]}


def test_the_numbers_are_settings(incident, alice):
    FollowUpSettings.objects.create(
        pk=1, remind_before_days=1, remind_every_days=3, escalate_after_days=5, escalate_every_days=2,
        unowned_after_days=1,
    )  # fmt: skip
    add(incident, owner=alice)
    assert {day: len(said) for day, said in through(date(2026, 10, 2), date(2026, 10, 19)).items()} == {
        "2026-10-11": 1, "2026-10-12": 1, "2026-10-15": 1, "2026-10-17": 2, "2026-10-18": 1, "2026-10-19": 2,
    }  # fmt: skip


def test_nobody_is_reminded_of_what_was_written_down_or_is_due_the_same_day(incident, alice):
    add(incident, owner=alice, due=WRITTEN.date())
    add(incident, owner=alice, due=WRITTEN.date() + DAY, title="tomorrow")
    assert through(date(2026, 10, 1), date(2026, 10, 3)) == {"2026-10-02": [("alice", "due today")]}


# ---- at what time --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "due", "begins"),
    [
        ("UTC", date(2026, 10, 12), "2026-10-12T09:00Z"),
        ("America/New_York", date(2026, 10, 12), "2026-10-12T13:00Z"),
        ("Asia/Kathmandu", date(2026, 10, 12), "2026-10-12T03:15Z"),
        ("Pacific/Auckland", date(2026, 10, 12), "2026-10-11T20:00Z"),
        ("Pacific/Kiritimati", date(2026, 10, 12), "2026-10-11T19:00Z"),
        ("Europe/Berlin", date(2026, 10, 24), "2026-10-24T07:00Z"),
        ("Europe/Berlin", date(2026, 10, 25), "2026-10-25T08:00Z"),  # the clocks went back at night
        ("Europe/Berlin", date(2027, 3, 28), "2027-03-28T07:00Z"),  # and forward
    ],
)
def test_it_is_told_at_nine_where_the_person_lives_until_noon(incident, zone, due, begins):
    alice = make.user("zoe", time_zone=zone)
    item = add(incident, owner=alice, due=due)
    Reminder.objects.create(action_item=item, user=alice, kind="soon", for_day=due - 3 * DAY)
    nine = datetime.fromisoformat(begins)
    for before in (nine - 6 * timedelta(hours=1), nine - timedelta(minutes=15), nine - timedelta(seconds=1)):
        reminding.remind_due(now=before)
    assert ("zoe", "due today") not in told()
    assert reminding.remind_due(now=nine + timedelta(minutes=1)) == 1
    assert told() == [("zoe", "due today")]
    assert Reminder.objects.get(kind="today").for_day == due
    for after in (nine + timedelta(minutes=20), nine + timedelta(hours=3), nine + timedelta(hours=8)):
        reminding.remind_due(now=after)
    assert told() == []


def test_a_morning_that_nobody_looked_on_is_made_up_for_on_the_next(incident, alice):
    add(incident, owner=alice)
    for clock in ("08:59", "12:00", "18:00", "23:59"):
        reminding.remind_due(now=at("2026-10-12", clock))
    assert told() == []
    reminding.remind_due(now=at("2026-10-13"))
    assert told() == [("alice", "due today")]
    title = Reminder.objects.get()
    assert (title.kind, title.for_day, title.sent_at) == ("today", DUE, at("2026-10-13"))


def test_the_next_reason_takes_the_place_of_one_that_was_missed(incident, alice):
    add(incident, owner=alice)
    reminding.remind_due(now=at("2026-10-28"))
    assert told()[0] == ("alice", "overdue")
    assert Reminder.objects.get(user=alice).for_day == date(2026, 10, 26)


# ---- once ----------------------------------------------------------------------------------------------------------


def test_a_reminder_goes_out_once_whoever_looks_and_how_often(incident, alice):
    add(incident, owner=alice)
    now = at("2026-10-12")
    assert [reminding.remind_due(now=now + minutes * timedelta(minutes=1)) for minutes in (0, 1, 15, 60)] == [
        1,
        0,
        0,
        0,
    ]
    Reminder.objects.all().delete()  # as if the rows were lost: the messages' own keys hold
    SweepRun.objects.update(last_run_at=now - DAY)
    reminding.remind_due(now=now + timedelta(minutes=90))
    assert told() == [("alice", "due today")]


def test_a_new_owner_is_reminded_of_the_reason_that_holds(incident, alice, bob):
    item = add(incident, owner=alice)
    reminding.remind_due(now=at("2026-10-12"))
    action_items.change(item, owner=bob, by=alice)
    assert told() == [("alice", "due today")]
    reminding.remind_due(now=at("2026-10-13"))
    assert told() == [("bob", "due today")]


def test_a_day_that_is_moved_brings_its_own_reminders(incident, alice):
    item = add(incident, owner=alice)
    assert list(through(date(2026, 10, 9), date(2026, 10, 10))) == ["2026-10-09"]
    ActionItem.objects.filter(pk=item.pk).update(due_on=date(2026, 10, 20))
    assert list(through(date(2026, 10, 11), date(2026, 10, 20))) == ["2026-10-17", "2026-10-20"]


def test_who_cannot_be_reached_is_written_down_as_such(incident):
    add(incident, owner=make.user("silent", email=False))
    assert reminding.remind_due(now=at("2026-10-12")) == 0
    assert Reminder.objects.get().sent_at is None


# ---- what it says, and to whom not ---------------------------------------------------------------------------------


def test_a_reminder_says_what_when_and_where(incident, alice):
    item = add(incident, owner=alice, due=None)
    reminding.remind_due(now=at("2026-10-13"))
    row = Notification.objects.get(key__contains="/follow-up/")
    assert row.title == f"{incident.reference} follow-up, due in 2 days: Alert on lag"
    assert "Due: Thu 15 Oct 2026 (by policy, as nobody has named a day), due in 2 days" in row.body
    assert "Services: Kafka, Search" in row.body
    assert row.url.endswith(f"/incidents/{incident.reference}#action-{item.pk}")
    assert (row.topic, row.urgency, row.purpose) == (incident.topic, "low", "notice")


def test_nobody_hears_of_a_private_incident_that_they_do_not_see(alice, bob, admin):
    """Told of it, they would see it from then on."""
    secret = make.incident(is_private=True, assignee=alice)
    add(secret, owner=alice, title="mine")
    item = add(secret, title="nobody's")
    ActionItem.objects.filter(pk=item.pk).update(owner=bob)  # however that came about
    reminding.remind_due(now=at("2026-10-19"))
    assert told() == [("alice", "overdue"), ("root", "long overdue"), ("root", "long overdue")]
    assert not Reminder.objects.filter(user=bob).exists()


def test_of_the_demo_only_its_own_people_are_reminded(admin):
    demo = make.user("demo", is_demo=True)
    incident = make.incident()
    Incident.objects.filter(pk=incident.pk).update(is_demo=True)
    add(incident, owner=demo)
    add(incident, title="nobody's")
    reminding.remind_due(now=at("2026-10-19"))
    assert told() == [("demo", "overdue")]


def test_what_was_done_long_ago_costs_nothing_and_many_cost_few_queries(incident, alice):
    def cost() -> int:
        SweepRun.objects.update(last_run_at=WRITTEN)
        Reminder.objects.all().delete()
        with CaptureQueriesContext(connection) as queries:
            reminding.remind_due(now=at("2026-10-19"))
        return len(queries)

    add(incident, owner=alice)
    few = cost()
    for number in range(20):
        add(incident, owner=make.user(f"owner{number}"), title=f"n{number}")
    old = {"incident": incident, "done_at": WRITTEN, "due_on": DUE, "owner": alice}
    ActionItem.objects.bulk_create([ActionItem(title=f"old {number}", **old) for number in range(3_000)])
    assert cost() == few
    assert few <= 24
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE incidents_actionitem")
    plan = reminding._candidates(FollowUpSettings(), now=at("2026-10-19")).explain()
    assert "incidents_actions_by_" in plan or "incidents_actions_open" in plan
