"""Fire drills: paged as for an incident, answered by the link, measured; and once a month by themselves."""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.exceptions import PermissionDenied

from accounts.models import AuditEntry, User
from core.work import db_now
from home import my_work
from incidents import failed_pages
from incidents_site.config import MailServer
from incidents_site.sweeps import BY_NAME
from notifications import contacts, delivery, drills, outbox
from notifications.breaker import Breaker
from notifications.models import Attempt, Drill, MonthlyDrill, Notification
from tests import make, receivers
from tests.make import MINUTE, SECOND

pytestmark = pytest.mark.django_db

HOUR = 60 * MINUTE
DAY = 24 * HOUR


@pytest.fixture
def mailbox(settings, monkeypatch):
    monkeypatch.setattr(delivery, "_breaker", Breaker())
    with receivers.smtp_server() as (mailbox, port):
        server = MailServer(host="127.0.0.1", port=port, username="", password="", security="none")
        settings.MUSTER = replace(settings.MUSTER, email=server)
        yield mailbox


def rows(drill):
    return list(Notification.objects.filter(topic=drill.topic).order_by("id"))


def hand_over(row, after, *, outcome=Attempt.Outcome.SENT):
    at = row.created_at + after
    Notification.objects.filter(pk=row.pk).update(state=outcome, finished_at=at, attempt_count=1)
    Attempt.objects.create(notification=row, number=1, started_at=at, finished_at=at, outcome=outcome)


def link_of(drill, method):
    return drills.read_answer(drills.answer_url(drill, method).rpartition("/")[2])


def answered(user, now, after=12 * SECOND):
    drill = drills.start(user, by=user, now=now)
    return drills.answer(link_of(drill, user.contact_methods.first()), now=now + after)


# ---- one drill ---------------------------------------------------------------------------------------------------


@pytest.mark.enable_socket
def test_a_drill_from_the_button_to_what_was_measured(client, alice, mailbox):
    client.force_login(alice)
    response = client.post("/me/drills/start")
    drill = Drill.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/me/drills/{drill.pk}")
    assert delivery.deliver_due("email", now=db_now()) == 1
    (mail,) = mailbox.messages
    assert (mail["Subject"], mail["To"]) == ("Fire drill, no incident", "alice@example.com")
    text = mail.get_payload(decode=True).decode()
    assert "nothing is broken" in text
    address = re.search(r"Answer the drill: https?://[^/]+(\S+)", text)[1]
    page = client.get(drill.get_absolute_url()).content.decode()
    assert re.search(r"handed over after [\d.]+ s", page)
    assert str(mail["Message-ID"]).strip("<>") in page
    assert "Waiting for your answer" in page

    client.logout()
    assert client.get(address).content.decode().count("<button") == 1
    assert client.post(address)["Location"] == address
    assert "Answered after" in client.get(address).content.decode()
    (measured,) = drills.measure([Drill.objects.get()])
    (way,) = measured.ways
    assert 0 < way.handed_over_after < way.answered_after == measured.answered_after < 30
    assert client.get(drill.get_absolute_url()).status_code == 302, "it signs nobody in"
    client.force_login(alice)
    page = client.get(drill.get_absolute_url()).content.decode()
    assert re.search(r"handed over after .* s, <b[^>]*>answered after .* s</b> by the link in it", page)


def test_it_pages_by_every_method_that_a_page_would_use_and_by_no_other(alice, now):
    make.contact(alice, "webhook", "https://pager.example.com/alice")
    make.contact(alice, "email", "old@example.com", verified=False)
    drill = drills.start(alice, by=alice, now=now)
    found = [(row.channel, row.address, row.purpose, row.state, row.urgency, row.due_at) for row in rows(drill)]
    assert found == [
        ("email", "alice@example.com", "drill", "pending", "high", now),
        ("webhook", "https://pager.example.com/alice", "drill", "pending", "high", now),
    ]
    links = [row.actions[0]["url"] for row in rows(drill)]
    assert len(set(links)) == 2, "each message has a link of its own"


@pytest.mark.enable_socket
def test_a_receiver_of_webhooks_takes_it_for_a_page(settings, now):
    settings.MUSTER = replace(settings.MUSTER, allow_nets=(ipaddress.ip_network("127.0.0.0/8"),))
    with receivers.webhook_receiver() as hook:
        carol = make.user("carol", email=False, webhook=hook.url)
        drill = drills.start(carol, by=carol)
        delivery.deliver_due("webhook", now=db_now())
    ((_, body),) = hook.requests
    sent = json.loads(body)
    assert sent["type"] == "notification.page"
    assert (sent["data"]["topic"], sent["data"]["title"]) == (drill.topic, "Fire drill, no incident")
    assert sent["data"]["actions"][0]["verb"] == "acknowledge"


def test_the_answer_says_by_which_message_it_came_and_stops_the_others(alice, now):
    hook = make.contact(alice, "webhook", "https://pager.example.com/alice")
    drill = drills.start(alice, by=alice, now=now)
    mail, webhook = rows(drill)
    hand_over(mail, 400 * SECOND / 1000)
    drills.answer(link_of(drill, hook), now=now + 12 * SECOND)
    (measured,) = drills.measure([Drill.objects.get()])
    assert [(way.handed_over_after, way.answered_after) for way in measured.ways] == [(0.4, None), (None, 12.0)]
    assert (measured.handed_over_after, measured.answered_after) == (0.4, 12.0)
    assert measured.drill.answered_through == webhook
    assert [row.state for row in rows(drill)] == ["sent", "cancelled"]


def test_a_second_answer_changes_nothing(alice, now):
    drill = answered(alice, now)
    again = drills.answer(link_of(drill, alice.contact_methods.get()), now=now + MINUTE)
    assert again.answered_at == now + 12 * SECOND
    assert AuditEntry.objects.filter(object_type="notifications.drill", action="answered").count() == 1


def test_it_ends_after_fifteen_minutes_and_what_was_not_handed_over_stays(alice, now):
    drill = drills.start(alice, by=alice, now=now)
    link = link_of(drill, alice.contact_methods.get())
    last = now + 15 * MINUTE
    assert drill.is_running(now=last - SECOND)
    assert not drill.is_running(now=last)
    assert drills.end_due(now=last - SECOND) == 0
    assert [row.state for row in rows(drill)] == ["pending"]
    assert (drills.end_due(now=last), drills.end_due(now=last)) == (1, 0)
    assert [row.state for row in rows(drill)] == ["cancelled"]
    with pytest.raises(drills.DrillOver):
        drills.answer(link, now=last)
    assert Drill.objects.get().answered_at is None


def test_one_at_a_time(alice, bob, now):
    first = drills.start(alice, by=alice, now=now)
    with pytest.raises(drills.StillRunning) as running:
        drills.start(alice, by=alice, now=now + 15 * MINUTE - SECOND)
    assert running.value.drill == first
    drills.start(bob, by=bob, now=now)
    drills.start(alice, by=alice, now=now + 15 * MINUTE)
    assert Drill.objects.filter(user=alice).count() == 2


def test_everybody_drills_themselves_alone(alice, admin, now):
    with pytest.raises(PermissionDenied):
        drills.start(alice, by=admin, now=now)
    with pytest.raises(PermissionDenied):
        drills.set_monthly(alice, is_on=True, by=admin, now=now)
    assert not Drill.objects.exists()
    assert not MonthlyDrill.objects.exists()


def test_nobody_is_drilled_who_cannot_be_paged(charlie, now):
    with pytest.raises(drills.NoMethod):
        drills.start(charlie, by=charlie, now=now)
    assert not Drill.objects.exists()


def test_start_and_answer_are_in_the_audit_log(alice, now):
    answered(alice, now)
    entries = AuditEntry.objects.filter(object_type="notifications.drill").order_by("id")
    assert list(entries.values_list("actor__username", "action", "after")) == [
        ("alice", "started", {"methods": ["E-mail: alice@example.com"]}),
        ("alice", "answered", {"through": "E-mail: alice@example.com"}),
    ]


# ---- nobody takes a drill for an incident ------------------------------------------------------------------------


def test_a_drill_that_fails_is_no_page_that_failed(alice, now):
    """The sweep of failed pages reads an incident's number from each."""
    drill = drills.start(alice, by=alice, now=now)
    (row,) = rows(drill)
    assert failed_pages.follow_up_failed(now=now + 5 * MINUTE) == 0, "pending for long"
    hand_over(row, SECOND, outcome=Attempt.Outcome.FAILED)
    Notification.objects.filter(pk=row.pk).update(state="failed")
    assert failed_pages.follow_up_failed(now=now + 5 * MINUTE) == 0
    incident = make.incident(steps=[alice], at=now)
    Notification.objects.filter(topic=incident.topic, purpose="page").update(state="failed", finished_at=now)
    assert failed_pages.follow_up_failed(now=now + 5 * MINUTE) == 1, "and real ones are followed up as ever"


def test_acknowledging_an_incident_of_the_same_number_cancels_no_drill(alice, now):
    drill = drills.start(alice, by=alice, now=now)
    outbox.cancel(topic=f"incident/{drill.pk}", now=now)
    assert [row.state for row in rows(drill)] == ["pending"]


def test_it_is_no_incident_that_waits_for_an_answer_and_no_first_page(client, alice, now):
    drill = drills.start(alice, by=alice, now=now)
    assert not my_work.waiting_for(alice).exists()
    hand_over(rows(drill)[0], SECOND)
    client.force_login(alice)
    for address in ("/", "/me/work", "/outbox/", f"/outbox/{rows(drill)[0].pk}", "/me/", "/me/drills/"):
        assert client.get(address, follow=True).status_code in {200, 404}, address
    assert "Fire drill, no incident" in client.get("/outbox/").content.decode()


# ---- once a month ------------------------------------------------------------------------------------------------

WEDNESDAY = datetime(2026, 10, 14, 9, 30, tzinfo=UTC)


def monthly(user, at):
    plan, _ = MonthlyDrill.objects.update_or_create(user=user, defaults={"next_drill_at": at})
    return plan


def test_a_year_of_monthly_drills(alice):
    User.objects.filter(pk=alice.pk).update(time_zone="America/New_York")
    alice.refresh_from_db()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    drills.set_monthly(alice, is_on=True, by=alice, now=at)
    while (at := MonthlyDrill.objects.get().next_drill_at) < datetime(2027, 1, 1, tzinfo=UTC):
        assert drills.start_drills_due(now=at - SECOND) == 0
        assert drills.start_drills_due(now=at) == 1
    held = [drill.started_at for drill in Drill.objects.order_by("id")]
    assert [moment.month for moment in held] == list(range(1, 13))
    local = [moment.astimezone(ZoneInfo("America/New_York")) for moment in held]
    assert [moment for moment in local if moment.weekday() > 4 or not 10 <= moment.hour < 16] == []
    assert set(Drill.objects.values_list("is_monthly", flat=True)) == {True}


def test_real_pages_come_first(alice):
    at = WEDNESDAY + HOUR
    plan = monthly(alice, at)
    make.incident(steps=[alice], at=at - 50 * MINUTE)
    assert drills.start_drills_due(now=at) == 1
    plan.refresh_from_db()
    assert (Drill.objects.count(), plan.next_drill_at) == (0, at + HOUR)
    drills.start_drills_due(now=at + HOUR)
    assert Drill.objects.count() == 0, "the page is still on its way"
    Notification.objects.update(state="sent", finished_at=at)
    drills.start_drills_due(now=at + 2 * HOUR)
    assert Drill.objects.count() == 1


def test_one_that_is_late_waits_for_office_hours(alice):
    saturday = WEDNESDAY + 3 * DAY
    plan = monthly(alice, WEDNESDAY)
    drills.start_drills_due(now=saturday)
    plan.refresh_from_db()
    monday = datetime(2026, 10, 19, 10, tzinfo=UTC)
    assert (Drill.objects.count(), plan.next_drill_at) == (0, monday)
    drills.start_drills_due(now=monday)
    plan.refresh_from_db()
    assert (Drill.objects.count(), plan.next_drill_at.month) == (1, 11)


def test_who_cannot_be_paged_or_has_gone_is_looked_at_again_next_month(charlie, bob):
    User.objects.filter(pk=bob.pk).update(is_active=False)
    plans = [monthly(user, WEDNESDAY) for user in (charlie, bob)]
    assert drills.start_drills_due(now=WEDNESDAY + HOUR) == 2
    for plan in plans:
        plan.refresh_from_db()
        assert plan.next_drill_at.month == 11
    assert not Drill.objects.exists()


def test_asking_twice_is_asking_once_and_turning_it_off_ends_it(alice, now):
    for is_on in (True, True, False, False):
        drills.set_monthly(alice, is_on=is_on, by=alice, now=now)
    entries = AuditEntry.objects.filter(object_type="notifications.monthlydrill").order_by("id")
    assert list(entries.values_list("action", flat=True)) == ["created", "deleted"]
    assert not MonthlyDrill.objects.exists()


def test_both_sweeps_are_run_by_the_pager_and_by_beat():
    assert BY_NAME["notifications.start_drills_due"].run is drills.start_drills_due
    assert BY_NAME["notifications.end_drills_due"].run is drills.end_due


# ---- readiness ---------------------------------------------------------------------------------------------------


def test_who_has_not_shown_that_a_page_reaches_them(alice, bob, charlie, admin, now):
    answered(alice, now - 44 * DAY)
    answered(bob, now - 46 * DAY)
    drills.start(admin, by=admin, now=now - DAY)
    found = {user.username: (user.drilled_at, user.drill_answered_at) for user in drills.undrilled(now=now)}
    assert found == {
        "bob": (now - 46 * DAY, now - 46 * DAY + 12 * SECOND),
        "charlie": (None, None),
        "root": (now - DAY, None),
    }
    answered(bob, now - HOUR)
    drills.start(alice, by=alice, now=now - MINUTE)
    names = {user.username for user in drills.undrilled(now=now)}
    assert names == {"charlie", "root"}, "a drill that runs says nothing yet"
    names = {user.username for user in drills.undrilled(now=now + 20 * MINUTE)}
    assert names == {"alice", "charlie", "root"}


def test_who_may_not_sign_in_needs_no_drill(bob, now):
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert not drills.undrilled(now=now).exists()


def test_measuring_costs_two_queries_whatever_the_number(alice, now, django_assert_num_queries):
    for number in range(5):
        answered(alice, now + number * HOUR)
    with django_assert_num_queries(2 + 1):  # and the drills themselves
        assert len(drills.measure(Drill.objects.select_related("user"))) == 5


def test_a_link_is_for_one_person_and_one_drill_and_works_for_a_day(alice, bob, now):
    with time_machine.travel(now, tick=False):
        drill = drills.start(alice, by=alice, now=now)
        token = drills.answer_url(drill, alice.contact_methods.get()).rpartition("/")[2]
    with time_machine.travel(now + DAY - SECOND, tick=False):
        assert drills.read_answer(token).drill == drill
    Drill.objects.filter(pk=drill.pk).update(user=bob)
    with time_machine.travel(now + MINUTE, tick=False), pytest.raises(contacts.LinkInvalid):
        drills.read_answer(token)


def test_messages_say_why(alice, now):
    drill = drills.start(alice, by=alice, is_monthly=True, now=now)
    assert [row.reason for row in rows(drill)] == ["Your monthly fire drill"]
