"""The clock of the next status update: how it runs, whom it warns, and how it ends."""

from __future__ import annotations

from functools import partial

import pytest
from django.utils import timezone

from incidents import cadence, changes, letting_go, lifecycle, sla, subscriptions
from incidents.consequences import Consequences
from incidents.models import SeverityPolicy, SlaClock, StatusUpdate
from incidents.snoozing import snooze, wake
from notifications.models import Notification
from tests import make
from tests.api.caller import Caller
from tests.make import MINUTE, SECOND

pytestmark = pytest.mark.django_db
WARNED, MISSED = "Next update clock at 80 %", "Next update clock breached"


def clocks(incident):
    """(state, from, until, met at) of each, as minutes after the incident began."""

    def minutes(at):
        return (at - incident.created_at) / MINUTE if at else None

    rows = incident.clocks.filter(kind="update").order_by("id")
    return [(row.state, minutes(row.started_at), minutes(row.due_at), minutes(row.met_at)) for row in rows]


def say(incident, at, **fields):
    """An update goes out."""
    incident.refresh_from_db()
    update = make.status_update(incident, at=at, **fields)
    out = Consequences(at)
    cadence.follow(update, out=out)
    out.write()


def told(reason):
    return sorted(Notification.objects.filter(reason=reason).values_list("recipient", flat=True))


@pytest.mark.parametrize(("severity", "minutes"), [("critical", 30), ("high", 60), ("medium", None), ("low", None)])
def test_it_begins_with_the_incident_where_its_severity_promises_updates(severity, minutes, now):
    incident = make.incident(severity=severity, at=now)
    assert clocks(incident) == ([("running", 0, minutes, None)] if minutes else [])


@pytest.mark.parametrize("visibility", ["internal", "external"])
def test_an_update_in_time_moves_it_on(visibility, now):
    incident = make.incident(at=now)
    say(incident, now + 10 * MINUTE, visibility=visibility)
    assert clocks(incident) == [("running", 10, 40, None)]
    say(incident, now + 39 * MINUTE, visibility=visibility)
    assert clocks(incident) == [("running", 39, 69, None)]
    assert make.happened(incident).count("clock_breached") == 0


def test_an_update_may_say_when_the_next_one_comes(now):
    incident = make.incident(at=now)
    say(incident, now + 10 * MINUTE, next_at=now + 130 * MINUTE)
    assert clocks(incident) == [("running", 10, 130, None)]
    say(incident, now + 20 * MINUTE, next_at=now + 15 * MINUTE)  # it was scheduled, and that time has passed
    assert clocks(incident) == [("running", 20, 50, None)]


def test_a_promise_in_an_update_counts_where_the_severity_promises_nothing(now):
    incident = make.incident(severity="low", at=now)
    say(incident, now + MINUTE)
    assert clocks(incident) == []
    say(incident, now + 2 * MINUTE, next_at=now + 62 * MINUTE)
    assert clocks(incident) == [("running", 2, 62, None)]
    say(incident, now + 50 * MINUTE)
    assert clocks(incident) == [("met", 2, 62, 50)]


def test_it_warns_the_assignee_at_eighty_per_cent_and_when_it_is_missed_once_each(alice, bob, now):
    incident = make.incident(severity="high", steps=[alice], assignee=bob, at=now)
    lifecycle.acknowledge(incident, by=bob, now=now + MINUTE)
    for seconds in (48 * 60 - 1, 48 * 60, 48 * 60 + 2, 60 * 60 - 1, 60 * 60, 60 * 60 + 2, 90 * 60):
        sla.check_due(now=now + seconds * SECOND)
    assert [told(WARNED), told(MISSED)] == [["Bob"], ["Bob"]]
    warned, missed = Notification.objects.filter(reason__in=[WARNED, MISSED]).order_by("id")
    assert warned.body.startswith("The next status update is due at 02:47 UTC. Say how it stands.")
    assert missed.body.startswith(
        "A status update was due at 02:47 UTC. Those who wait have heard nothing since 01:47 UTC."
    )
    assert clocks(incident) == [("breached", 0, 60, None)]


def test_a_late_update_is_noted_on_the_clock_that_was_missed_and_the_next_one_begins(bob, now):
    incident = make.incident(assignee=bob, at=now)
    sla.check_due(now=now + 31 * MINUTE)
    say(incident, now + 40 * MINUTE)
    assert clocks(incident) == [("breached", 0, 30, 40), ("running", 40, 70, None)]
    sla.check_due(now=now + 64 * MINUTE)
    assert told(WARNED) == ["Bob"]
    assert told(MISSED) == ["Bob"]


def test_it_is_missed_even_before_the_sweep_and_who_has_just_written_is_not_told(bob, now):
    incident = make.incident(assignee=bob, at=now)
    say(incident, now + 31 * MINUTE)
    assert clocks(incident) == [("breached", 0, 30, 31), ("running", 31, 61, None)]
    assert make.happened(incident).count("clock_breached") == 1
    assert told(MISSED) == []


def test_without_assignee_whoever_is_on_call_is_warned(alice, bob, now):
    make.incident(severity="high", steps=[alice, bob], at=now)
    sla.check_due(now=now + 48 * MINUTE)
    assert told(WARNED) == ["Alice"]


def test_without_assignee_whoever_answered_last_is_warned(alice, bob, now):
    incident = make.incident(severity="high", steps=[alice], at=now)
    incident = lifecycle.acknowledge(incident, by=bob, now=now + MINUTE)
    changes.assign(incident, to=None, by=bob, now=now + 2 * MINUTE)
    sla.check_due(now=now + 48 * MINUTE)
    assert told(WARNED) == ["Bob"]


def test_where_nobody_of_them_can_be_reached_the_team_is_told(now):
    mute = make.user("mute", email=False)
    crew = make.team("crew", mute)
    service = make.service(team=crew, policy=make.escalation_policy(mute))
    make.incident(severity="high", services=[service], at=now)
    sla.check_due(now=now + 48 * MINUTE)
    assert told(WARNED) == ["Crew"]


def test_it_ends_with_the_incident_and_begins_anew_when_that_is_reopened(alice, now):
    incident = make.incident(at=now)
    lifecycle.resolve(incident, by=alice, now=now + 10 * MINUTE)
    assert clocks(incident) == [("cancelled", 0, 30, None)]
    say(incident, now + 12 * MINUTE, status="resolved")
    assert clocks(incident) == [("cancelled", 0, 30, None)]
    lifecycle.reopen(incident, reason="It is back", by=alice, now=now + 20 * MINUTE)
    assert clocks(incident) == [("cancelled", 0, 30, None), ("running", 20, 50, None)]


def test_one_that_was_missed_stays_missed_at_the_end(alice, now):
    incident = make.incident(at=now)
    sla.check_due(now=now + 31 * MINUTE)
    lifecycle.resolve(incident, by=alice, now=now + 40 * MINUTE)
    assert clocks(incident) == [("breached", 0, 30, None)]


def test_a_higher_severity_tightens_it_and_a_lower_one_takes_nothing_back(alice, now):
    incident = make.incident(severity="high", at=now)
    incident = changes.change_severity(incident, to="critical", by=alice, now=now + 10 * MINUTE)
    assert clocks(incident) == [("running", 0, 40, None)]
    incident = changes.change_severity(incident, to="low", by=alice, now=now + 11 * MINUTE)
    assert clocks(incident) == [("running", 0, 40, None)]
    say(incident, now + 12 * MINUTE)
    assert clocks(incident) == [("met", 0, 40, 12)]
    changes.change_severity(incident, to="high", by=alice, now=now + 20 * MINUTE)
    assert clocks(incident) == [("met", 0, 40, 12), ("running", 20, 80, None)]


def test_raising_does_not_begin_another_one_while_one_is_overdue(alice, now):
    incident = make.incident(severity="high", at=now)
    sla.check_due(now=now + 61 * MINUTE)
    changes.change_severity(incident, to="critical", by=alice, now=now + 62 * MINUTE)
    assert clocks(incident) == [("breached", 0, 60, None)]


def test_a_site_that_promises_nothing_has_no_such_clock(now):
    make.incident(at=now)
    SeverityPolicy.objects.update(update_every_minutes=None)
    assert clocks(make.incident(at=now)) == []


def test_the_other_clocks_run_as_they_did(alice, now):
    incident = make.incident(steps=[alice], at=now)
    say(incident, now + MINUTE)
    lifecycle.acknowledge(incident, by=alice, now=now + 2 * MINUTE)
    assert list(incident.clocks.order_by("id").values_list("kind", "state")) == [
        ("response", "met"),
        ("update", "running"),
    ]
    assert StatusUpdate.objects.count() == 1
    assert SlaClock.objects.filter(kind="update").count() == 1


def test_a_snooze_rests_it_and_its_time_counts_from_the_end(alice, now):
    incident = make.incident(steps=[alice], at=now)
    snooze(incident, until=now + 240 * MINUTE, by=alice, now=now + 10 * MINUTE)
    assert clocks(incident) == [("running", 0, 270, None)]
    for minutes in (30, 200, 240, 263):
        sla.check_due(now=now + minutes * MINUTE)
    assert told(WARNED) == []
    sla.check_due(now=now + 264 * MINUTE)
    assert told(WARNED) == ["Alice"]


def test_another_snooze_and_waking_early_count_it_anew(alice, now):
    incident = make.incident(severity="high", at=now)
    snooze(incident, until=now + 240 * MINUTE, by=alice, now=now + MINUTE)
    snooze(incident, until=now + 120 * MINUTE, by=alice, now=now + 2 * MINUTE)
    assert clocks(incident) == [("running", 0, 180, None)]
    wake(incident, by=alice, now=now + 20 * MINUTE)
    assert clocks(incident) == [("running", 0, 80, None)]


@pytest.mark.parametrize("act", [partial(lifecycle.transition, to="mitigating"), letting_go.unacknowledge])
def test_whatever_else_ends_a_snooze_counts_it_anew(alice, act, now):
    incident = make.incident(at=now)
    snooze(incident, until=now + 240 * MINUTE, by=alice, now=now + MINUTE)
    act(incident, by=alice, now=now + 20 * MINUTE)
    assert clocks(incident) == [("running", 0, 50, None)]


def test_what_readers_were_told_stands_while_it_is_snoozed(alice, now):
    incident = make.incident(at=now)
    say(incident, now + MINUTE, next_at=now + 61 * MINUTE)
    snooze(incident, until=now + 240 * MINUTE, by=alice, now=now + 2 * MINUTE)
    assert clocks(incident) == [("running", 1, 61, None)]
    say(incident, now + 20 * MINUTE)
    assert clocks(incident) == [("running", 20, 270, None)]
    assert incident.clocks.get(kind="update").warn_at == now + 264 * MINUTE


def test_what_is_missed_already_stays_missed_when_it_is_snoozed(alice, now):
    incident = make.incident(at=now)
    snooze(incident, until=now + 240 * MINUTE, by=alice, now=now + 31 * MINUTE)
    assert clocks(incident) == [("running", 0, 30, None)]
    sla.check_due(now=now + 32 * MINUTE)
    assert clocks(incident) == [("breached", 0, 30, None)]


def test_a_severity_that_is_raised_in_its_sleep_counts_from_the_end_of_the_snooze(alice, now):
    incident = make.incident(severity="high", at=now)
    snooze(incident, until=now + 240 * MINUTE, by=alice, now=now + MINUTE)
    incident.refresh_from_db()
    changes.change_severity(incident, to="critical", by=alice, now=now + 2 * MINUTE)
    assert clocks(incident) == [("running", 0, 270, None)]


# ---- on the page -----------------------------------------------------------------------------------------------------


def test_the_page_shows_by_when_the_next_update_is_due(client, alice):
    incident = make.incident(assignee=alice, at=timezone.now())
    lifecycle.acknowledge(incident, by=alice)
    client.force_login(alice)
    page = client.get(f"/incidents/{incident.reference}").content.decode()
    due = incident.clocks.get(kind="update").due_at
    assert page.count("Next update</dt>") == 1
    assert page.count(f'data-due="{due:%Y-%m-%dT%H:%M:%S}') == 3  # in the head, the plan and the panel
    assert f'href="/incidents/{incident.reference}/status-updates/new"' in head_of(page)
    client.force_login(make.user("charlie", role="viewer"))
    page = client.get(f"/incidents/{incident.reference}").content.decode()
    assert "status-updates/new" not in head_of(page)
    lifecycle.resolve(incident, by=alice)
    page = client.get(f"/incidents/{incident.reference}").content.decode()
    assert "Next update</dt>" not in page


def head_of(page: str) -> str:
    """What the head says of the next update."""
    return page.partition("<dt>Next update</dt>")[2].partition("</dd>")[0]


def test_the_head_names_it_only_where_it_is_due_first(client, alice, now):
    incident = make.incident(at=timezone.now())
    client.force_login(alice)
    assert "Next update</dt>" not in client.get(f"/incidents/{incident.reference}").content.decode()


def test_an_update_over_the_api_keeps_the_promise_and_tells_those_who_follow(alice, charlie):
    incident = make.incident(at=timezone.now() - 10 * MINUTE)
    subscriptions.follow(subscriptions.Wish.of(incident), by=charlie)
    body = {"message": "We know more.", "status": "identified"}
    assert Caller(alice, "write").post(f"incidents/{incident.reference}/status-updates", body).status_code == 201
    (clock,) = incident.clocks.filter(kind="update")
    assert (clock.state, clock.started_at > incident.created_at) == ("running", True)
    assert Notification.objects.get(reason="Status update").recipient == "Charlie"
