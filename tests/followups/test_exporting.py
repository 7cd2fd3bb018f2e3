"""Items become tickets, once, whatever is killed or lost on the way."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.work import db_now
from followups import checking, defining, exporting, tickets, trackers
from followups.models import Ticket
from incidents import action_items
from incidents.models import ActionItem
from incidents.models.incident import NotAllowedNow
from tests import make
from tests.followups.fakes import FAKES, TOKEN
from tests.followups.looks import due, send
from tests.make import MINUTE

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]

each_kind = pytest.mark.parametrize("kind", list(FAKES))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@each_kind
def test_it_is_sent_within_one_look(fake, ticket):
    send(ticket)
    assert (ticket.state, ticket.error, ticket.attempts, ticket.lease_token) == ("open", "", 1, None)
    assert ticket.key
    assert len(fake.requests) == len(fake.tickets) == 1
    assert due(ticket) == 600
    assert send(ticket, after=DAY).attempts == 1


@each_kind
def test_a_process_that_is_killed_between_making_and_marking_leaves_no_second_ticket(fake, ticket, kind):
    (claim,) = exporting.take(now=db_now())
    trackers.of(kind).create(tickets.account_of(claim.ticket.tracker), tickets.draft_of(claim.ticket))
    # it is gone: nobody marks anything
    lease = exporting.LEASE + trackers.of(kind).LAG
    assert send(ticket, after=lease - MINUTE).state == "sending"
    assert send(ticket, after=lease + MINUTE).state == "open"
    assert len(fake.tickets) == 1


@each_kind
def test_a_process_that_is_killed_before_making_leaves_one_that_is_made(fake, ticket):
    exporting.take(now=db_now())
    assert send(ticket, after=10 * MINUTE).state == "open"
    assert len(fake.tickets) == 1


@each_kind
def test_an_answer_that_is_lost_leaves_no_second_ticket(fake, ticket):
    fake.breaks = True
    send(ticket)
    assert (ticket.state, ticket.may_exist, ticket.key) == ("queued", True, "")
    assert ticket.error.endswith("It may have arrived: Muster looks before it tries again.")
    send(ticket, after=3 * MINUTE)
    assert (ticket.state, ticket.error, len(fake.tickets)) == ("open", "", 1)


@pytest.mark.parametrize("kind", ["jira"])
def test_a_search_that_lags_is_waited_for(fake, ticket):
    fake.breaks, fake.is_indexed = True, False
    send(ticket)
    assert due(ticket) == 120
    assert send(ticket, after=MINUTE).attempts == 1
    fake.is_indexed = True
    assert send(ticket, after=3 * MINUTE).key == "OPS-1"
    assert len(fake.tickets) == 1


def test_where_the_look_fails_nothing_is_made(fake, ticket):
    fake.breaks = True
    send(ticket)
    fake.canned.append((503, {}, ""))
    send(ticket, after=3 * MINUTE)
    assert (ticket.state, ticket.may_exist, len(fake.tickets)) == ("queued", True, 1)
    assert send(ticket, after=HOUR).key == "octo/repo#1"
    assert len(fake.tickets) == 1


def test_of_two_processes_only_the_one_that_holds_it_marks_it(fake, ticket):
    (slow,) = exporting.take(now=db_now())
    Ticket.objects.filter(pk=ticket.pk).update(due_at=db_now() - MINUTE)  # its lease is over
    (quick,) = exporting.take(now=db_now())
    exporting._send(quick)
    exporting._send(slow)  # it wakes up, and sends nothing that is marked
    ticket.refresh_from_db()
    assert (ticket.state, ticket.key) == ("open", "octo/repo#1")


def test_whoever_stood_still_for_so_long_that_another_may_send_it_sends_nothing(fake, ticket):
    Ticket.objects.update(due_at=db_now() - HOUR)
    (claim,) = exporting.take(now=db_now() - 30 * MINUTE)
    exporting._send(claim)
    ticket.refresh_from_db()
    assert (fake.tickets, ticket.state, ticket.may_exist) == ([], "queued", False)
    assert send(ticket, after=2 * MINUTE).state == "open"


@each_kind
def test_a_limit_is_waited_for_as_long_as_the_tracker_says(fake, ticket):
    fake.canned.append(fake.limited)
    send(ticket)
    assert (ticket.state, ticket.may_exist, due(ticket)) == ("queued", False, 90)
    assert send(ticket, after=MINUTE).attempts == 1
    fake.requests.clear()
    assert send(ticket, after=2 * MINUTE).state == "open"
    assert len(fake.requests) == 1  # nothing was made, so nothing is looked for


def test_what_is_refused_waits_for_somebody_who_tries_again(fake, ticket, tracker, alice):
    defining.change(tracker, by=None, secret="wrong")
    send(ticket)
    assert (ticket.state, ticket.due_at) == ("failed", None)
    assert ticket.error == "GitHub does not accept the token (HTTP 401): Bad credentials"
    assert send(ticket, after=DAY).attempts == 1
    defining.change(tracker, by=None, secret=TOKEN)
    again = tickets.retry(ticket, by=alice)
    assert (again.state, again.error) == ("queued", "")
    assert send(ticket).state == "open"


def test_it_is_given_up_after_many_tries_which_come_less_and_less_often(fake, ticket):
    waits = []
    for _ in range(exporting.MOST_ATTEMPTS):
        fake.canned.append((503, {}, ""))
        send(ticket, after=DAY)
        waits.append(ticket.due_at and due(ticket))
    assert waits[:5] == [60, 120, 240, 480, 960]
    assert waits[-2:] == [6 * 3600, None]
    assert (ticket.state, ticket.may_exist) == ("failed", True)


def test_a_failed_one_may_go_elsewhere_unless_it_may_have_arrived(fake, item, ticket, alice):
    other = make.tracker("gitlab")
    Ticket.objects.update(state="failed", due_at=None, may_exist=True)
    with pytest.raises(NotAllowedNow, match="may have arrived in"):
        tickets.export(item, tracker=other, by=alice)
    Ticket.objects.update(may_exist=False)
    assert tickets.export(item, tracker=other, by=alice).pk == ticket.pk
    ticket.refresh_from_db()
    assert (ticket.tracker, ticket.state) == (other, "queued")


def test_a_tracker_that_is_off_is_sent_nothing(fake, ticket, tracker):
    defining.change(tracker, by=None, is_active=False)
    assert send(ticket, after=DAY).state == "queued"
    assert fake.requests == []
    defining.change(tracker, by=None, is_active=True)
    assert send(ticket).state == "open"


def test_what_has_ended_before_it_was_sent_is_not_sent(fake, ticket, item, alice):
    action_items.set_done(item, by=alice)
    send(ticket)
    assert (ticket.state, ticket.error) == ("failed", "It is done here already. Nothing was sent.")
    assert fake.requests == []
    with pytest.raises(NotAllowedNow):
        tickets.retry(ticket, by=alice)
    action_items.reopen(item, by=alice)
    assert tickets.retry(ticket, by=alice).state == "queued"


def test_a_fault_of_ours_leaves_a_doubt_and_no_second_ticket(fake, ticket):
    fake.canned.append((201, {}, {"unexpected": True}))
    send(ticket)
    assert (ticket.state, ticket.may_exist) == ("queued", True)
    assert ticket.error == "Muster failed while it sent this. The log has the reason."


def test_what_was_sent_long_ago_costs_nothing(exported, incident, tracker, alice):
    items = ActionItem.objects.bulk_create(ActionItem(incident=incident, title=f"n{n}") for n in range(300))
    Ticket.objects.bulk_create(
        Ticket(action_item=each, tracker=tracker, marker=f"m{each.pk}", state="closed", key=f"octo/repo#{each.pk}")
        for each in items
    )
    with CaptureQueriesContext(connection) as queries:
        assert exporting.export_due(now=db_now()) == 0
        assert checking.check_due(now=db_now()) == 0
    assert len(queries) == 8  # the clock, and a transaction around each look


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_look_at_the_same_time_make_one_of_each(fake, tracker, incident, alice):
    for number in range(6):
        tickets.export(action_items.add(incident, title=f"n{number}", by=alice), tracker=tracker, by=alice)

    def look():
        try:
            while exporting.export_due(now=db_now()):
                pass
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(row["title"] for row in fake.tickets) == [f"n{number}" for number in range(6)]
    assert set(Ticket.objects.values_list("state", flat=True)) == {"open"}


# ---- what ends while it is on its way -------------------------------------------------------------------------------


def end(item, how, alice):
    if how == "done":
        action_items.set_done(item, by=alice)
    else:
        action_items.accept_risk(item, reason="It goes.", by=alice)


@pytest.mark.parametrize("how", ["done", "accepted"])
@pytest.mark.parametrize("kind", ["github", "gitlab", "jira"])
def test_what_was_not_made_and_has_ended_since_then_is_not_made(fake, ticket, item, alice, how):
    exporting.take(now=db_now())  # and its process is killed before it sends
    end(item, how, alice)
    send(ticket, after=10 * MINUTE)
    assert (ticket.state, ticket.due_at, ticket.may_exist, fake.tickets) == ("failed", None, False, [])
    assert ticket.error == f"It is {how} here already. Nothing was sent."
    action_items.reopen(item, by=alice)
    tickets.retry(ticket, by=alice)
    assert send(ticket).state == "open"
    assert len(fake.tickets) == 1


@each_kind
def test_what_ends_between_the_claim_and_the_request_is_not_made(fake, ticket, item, alice):
    (claim,) = exporting.take(now=db_now())
    end(item, "done", alice)
    exporting._send(claim)
    ticket.refresh_from_db()
    assert (ticket.state, ticket.error) == ("failed", "It is done here already. Nothing was sent.")
    assert (ticket.may_exist, fake.requests) == (False, [])


@pytest.mark.parametrize("kind", ["webhook"])
def test_where_nobody_can_be_asked_the_doubt_stays(fake, ticket, item, alice):
    fake.breaks = True
    send(ticket)
    end(item, "done", alice)
    send(ticket, after=3 * MINUTE)
    assert (ticket.state, ticket.may_exist, len(fake.requests)) == ("failed", True, 1)
    assert ticket.error == "It is done here already, so it was not sent again. The first time may have arrived."


@pytest.mark.parametrize("kind", ["github", "gitlab", "jira"])
def test_what_was_made_before_its_item_ended_is_found(fake, ticket, item, alice):
    fake.breaks = True
    send(ticket)
    end(item, "done", alice)
    assert send(ticket, after=3 * MINUTE).state == "open"
    assert len(fake.tickets) == 1
