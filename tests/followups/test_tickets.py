"""Items become tickets, once, whatever is killed or lost on the way; and what is done there is done here."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.work import db_now
from followups import checking, defining, exporting, tickets, trackers
from followups.models import Ticket, Tracker
from incidents import action_items
from incidents.models import ActionItem
from incidents.models.incident import NotAllowedNow
from tests import make
from tests.followups.fakes import FAKES, TOKEN
from tests.make import MINUTE, happened

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]

each_kind = pytest.mark.parametrize("kind", list(FAKES))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def incident(db):
    return make.incident(title="Kafka is down")


@pytest.fixture
def item(incident, alice):
    return action_items.add(incident, title="Alert on lag", owner=alice, by=alice)


@pytest.fixture
def ticket(item, tracker, alice):
    return tickets.export(item, tracker=tracker, by=alice)


def send(ticket: Ticket, *, after: timedelta = timedelta(0)) -> Ticket:
    """Look for what is due, a while later."""
    exporting.export_due(now=db_now() + after)
    ticket.refresh_from_db()
    return ticket


def check(ticket: Ticket, *, after: timedelta = timedelta(0)) -> Ticket:
    checking.check_due(now=db_now() + after)
    ticket.refresh_from_db()
    return ticket


def due(ticket: Ticket) -> float:
    """In how many seconds a sweep looks at it."""
    assert ticket.due_at
    return round((ticket.due_at - timezone.now()).total_seconds(), -1)


@pytest.fixture
def exported(ticket):
    return send(ticket)


# ---- asking --------------------------------------------------------------------------------------------------------


def test_an_item_is_exported_once(item, tracker, alice, ticket):
    assert (ticket.state, ticket.asked_by, ticket.may_exist) == ("queued", alice, False)
    with pytest.raises(NotAllowedNow, match="has a ticket already"):
        tickets.export(item, tracker=make.tracker(), by=alice)


@pytest.mark.parametrize("end", ["done", "accepted"])
def test_what_has_ended_is_not_exported(item, tracker, alice, end):
    if end == "done":
        action_items.set_done(item, by=alice)
    else:
        action_items.accept_risk(item, reason="It goes.", by=alice)
    with pytest.raises(NotAllowedNow, match=f"is {end}; reopen it to export it."):
        tickets.export(item, tracker=tracker, by=alice)


def test_a_tracker_takes_what_its_team_is_concerned_by(alice, tracker):
    core, web = make.team("core"), make.team("web")
    ours = make.incident(services=[make.service("kafka", team=core), make.service("topics", team=core)])
    defining.change(tracker, by=None, team=core)
    mine = action_items.add(ours, title="x", by=alice)
    others = action_items.add(make.incident(services=[make.service("search", team=web)]), title="y", by=alice)
    assert tickets.export(mine, tracker=tracker, by=alice).state == "queued"
    with pytest.raises(ValidationError, match="takes nothing from this incident"):
        tickets.export(others, tracker=tracker, by=alice)
    for_all = make.tracker()
    assert list(Tracker.objects.on().taking(ours)) == [tracker, for_all]
    defining.change(for_all, by=None, is_active=False)
    assert list(Tracker.objects.on().taking(others.incident)) == []


# ---- sending -------------------------------------------------------------------------------------------------------


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


# ---- how it stands -------------------------------------------------------------------------------------------------


@each_kind
def test_what_is_closed_there_is_done_here_and_what_is_reopened_is_open_again(fake, exported, item, incident, kind):
    assert check(exported).checked_at is None  # not yet
    fake.turn("closed")
    check(exported, after=11 * MINUTE)
    item.refresh_from_db()
    assert (exported.state, item.state, item.done_by, due(exported)) == ("closed", "done", None, 3600)
    entry = incident.timeline.get(kind="action_done")
    words = {"github": "GitHub octo/repo#1", "gitlab": "GitLab octo/ops#1", "jira": "Jira OPS-1"}
    assert entry.actor == words.get(kind, f"{exported.tracker.name} T-1")
    fake.turn("open")
    check(exported, after=2 * HOUR)
    item.refresh_from_db()
    assert (exported.state, item.state, due(exported)) == ("open", "open", 600)
    assert happened(incident)[-2:] == ["action_done", "action_reopened"]


def test_only_a_change_there_changes_anything_here(fake, exported, item, incident, alice):
    fake.turn("closed")
    check(exported, after=11 * MINUTE)
    action_items.reopen(item, by=alice)
    check(exported, after=3 * HOUR)
    item.refresh_from_db()
    assert (exported.state, item.state) == ("closed", "open")
    action_items.accept_risk(item, reason="We live with it.", by=alice)
    check(exported, after=5 * HOUR)
    item.refresh_from_db()
    assert item.state == "accepted"


def test_an_item_that_is_done_here_stays_done_while_its_ticket_is_open(exported, item, alice):
    action_items.set_done(item, by=alice)
    check(exported, after=11 * MINUTE)
    item.refresh_from_db()
    assert (exported.state, item.state) == ("open", "done")


def test_errors_are_shown_and_asked_about_less_and_less_often(fake, exported, alice):
    waits = []
    for _ in range(12):
        fake.canned.append((404, {}, fake.errors[404]))
        check(exported, after=DAY)
        waits.append(due(exported))
    assert waits == [600, 600, 600, 600, 960, 1920, 3840, 7680, 15360, 21600, 21600, 21600]
    assert exported.error == "octo/repo#1 is not there any more, or the token does not see it."
    assert exported.state == "open"
    tickets.retry(exported, by=alice)
    check(exported)
    assert (exported.error, exported.misses, due(exported)) == ("", 0, 600)


def test_a_limit_is_kept_while_asking_too(fake, exported):
    fake.canned.append((429, {"Retry-After": "600"}, ""))
    assert due(check(exported, after=DAY)) == 600
    assert exported.error == "GitHub asks us to slow down (HTTP 429)."


def test_what_is_closed_for_a_quarter_is_asked_about_no_more(fake, exported):
    fake.turn("closed")
    check(exported, after=DAY)
    Ticket.objects.update(closed_at=timezone.now() - 91 * DAY)
    assert check(exported, after=DAY).due_at is None


@pytest.mark.parametrize("kind", ["webhook"])
def test_a_webhook_that_says_no_state_is_not_asked_for_one(fake, ticket):
    fake.says = {"key": "T-7"}
    send(ticket)
    assert (ticket.state, ticket.key, ticket.url, ticket.due_at) == ("open", "T-7", "", None)


def test_two_that_look_at_once_ask_once_each(fake, exported, incident, tracker, alice):
    """A claim is a lease: what one process asks about, another leaves alone."""
    now = db_now() + DAY
    (held,) = checking._take(now=now)
    assert checking.check_due(now=now) == 0
    checking._check(held)
    assert len(fake.requests) == 2


# ---- trackers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fields", "field"),
    [
        ("github", {"project": "octo"}, "project"),
        ("github", {"project": "https://github.com/octo/repo"}, "project"),
        ("gitlab", {"project": "ops"}, "project"),
        ("jira", {"project": "ops"}, "project"),
        ("jira", {"username": " "}, "username"),
        ("github", {"base_url": "ftp://x"}, "base_url"),
        ("github", {"base_url": "https://"}, "base_url"),
        ("github", {"base_url": "https://a b"}, "base_url"),
        ("github", {"base_url": "https://u:p@x.example"}, "base_url"),
        ("github", {"base_url": "https://[x"}, "base_url"),
        ("github", {"secret": " "}, "secret"),
        ("github", {"secret": "pässword"}, "secret"),
        ("webhook", {"secret": "short"}, "secret"),
        ("github", {"owner": "x"}, "owner"),
    ],
)
def test_a_tracker_that_cannot_be_says_why(kind, fields, field):
    with pytest.raises(ValidationError) as error:
        make.tracker(kind, **fields)
    assert list(error.value.message_dict) == [field]


def test_a_secret_does_not_follow_to_another_host(db):
    tracker = make.tracker("jira")
    defining.change(tracker, by=None, base_url="https://octo.atlassian.net/")
    with pytest.raises(ValidationError, match="The address is on another host now"):
        defining.change(tracker, by=None, base_url="https://evil.example.com")
    defining.change(tracker, by=None, base_url="https://other.atlassian.net", secret="new")
    tracker.refresh_from_db()
    assert tracker.secret == "new"


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
