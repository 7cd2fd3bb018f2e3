"""How tickets stand: what is done there is done here."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.work import db_now
from followups import checking, tickets
from followups.models import Ticket
from incidents import action_items
from tests.followups.fakes import FAKES
from tests.followups.looks import check, due, send
from tests.make import MINUTE, happened

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]

each_kind = pytest.mark.parametrize("kind", list(FAKES))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


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
