"""Readiness: what may keep somebody from being paged, on a page and once a day by a notice."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents import readiness
from incidents.models import IncidentSettings
from notifications.models import Drill, Notification, SweepRun
from oncall import rotas
from oncall.models import Schedule
from oncall.shifts import gaps, shifts, uncovered
from oncall.windows import of_json
from tests import make
from tests.make import MINUTE, NOW

pytestmark = pytest.mark.django_db

MOST_QUERIES = 12
DAY = timedelta(days=1)
MORNING = NOW.replace(hour=8, minute=0, second=0)


def texts(group="", now=NOW):
    """What is found, by group."""
    return [each.text for each in readiness.find(now=now) if group in ("", each.group)]


def switch_off(user):
    user.is_active = False
    user.save()


@pytest.fixture
def all_ready(admin, alice, bob):
    """A company in which everybody can be reached."""
    days = make.schedule("Days", make.layer(alice, bob))
    policy = make.escalation_policy(days, make.team("crew", bob), admin, name="Primary", is_default=True)
    make.service("kafka", policy=policy)
    make.service("search")
    return days


def test_everything_is_ready(client, all_ready, charlie):
    assert texts() == []
    client.force_login(charlie)
    answer = client.get("/on-call/readiness")
    assert (answer.status_code, "Everything is ready" in answer.content.decode()) == (200, True)


def test_whoever_has_no_confirmed_contact_method_is_found_with_the_places_that_name_them(all_ready, alice):
    ghost, dana, idle = (make.user(name, email=False) for name in ("ghost", "dana", "idle"))
    make.contact(dana, "email", "dana@example.com", verified=False)
    make.schedule("Nights", make.layer(ghost, alice))
    make.escalation_policy((make.team("crew2", dana, ghost), alice), name="Secondary")
    assert texts() == [
        "Dana has not confirmed any contact method; named by Secondary.",
        "Ghost has no contact method; named by Nights and Secondary.",
    ]
    assert str(idle) == "Idle"


def test_switched_off_accounts_that_are_still_named_are_found(all_ready, alice, bob):
    switch_off(alice)
    gone = make.user("gone")
    make.schedule("Past", make.layer(bob), make.layer(gone, ends_on=NOW.date() - 2 * DAY))
    switch_off(gone)
    assert texts("accounts") == ["Alice is switched off and is not paged, but is named by Days."]


def test_gaps_of_the_next_thirty_days_are_told_once_a_schedule(all_ready, alice):
    two_days = [make.layer(alice, starts_on=(NOW + DAY).date(), ends_on=(NOW + 2 * DAY).date())]
    make.schedule("Empty")
    make.schedule("Later", make.layer(alice, starts_on=(NOW + DAY).date()))
    make.schedule("Short", *two_days)
    assert texts("gaps") == [
        "Nobody is on call for Empty at any time in the next 30 days.",
        "Nobody is on call for Later from Wed 14 Oct 01:47 until Thu 15 Oct 00:00.",
        "Nobody is on call for Short at 2 times, 28 d in all; first from Wed 14 Oct 01:47 until Thu 15 Oct 00:00.",
    ]


def test_a_gap_beyond_the_thirty_days_is_not_told(all_ready, alice):
    make.schedule("Long", make.layer(alice, ends_on=(NOW + 31 * DAY).date()))
    assert texts() == []


def test_a_layer_that_is_restricted_leaves_gaps_where_a_whole_one_below_does_not(all_ready, alice, bob):
    days = [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "09:00", "to": "21:00"}]
    by_day = make.layer(alice, windows=of_json(days))
    make.schedule("Half", by_day)
    make.schedule("Whole", make.layer(bob), by_day)
    assert texts("gaps") == [
        "Nobody is on call for Half at 31 times, 15 d in all; first from Wed 14 Oct 01:47 until Wed 14 Oct 09:00."
    ]


def test_a_gap_that_is_covered_is_gone(all_ready, alice):
    later = make.schedule("Later", make.layer(alice, starts_on=(NOW + DAY).date()))
    make.override(later, alice, NOW - DAY, NOW + DAY)
    assert texts() == []


def test_policies_that_reach_nobody_are_found(all_ready, admin, alice):
    ghost = make.user("ghost", email=False)
    off = make.user("off")
    switch_off(off)
    make.escalation_policy(name="Nothing")
    make.escalation_policy((), (ghost, make.team("void")), off, (ghost, alice), name="Weak")
    assert texts("policies") == [
        "Nothing has no steps: it pages nobody, and the last resort follows at once.",
        "Step 1 of Weak reaches nobody: it has no targets.",
        "Step 2 of Weak reaches nobody: no contact method: Ghost; nobody is in the team Void.",
        "Step 3 of Weak reaches nobody: Off is switched off.",
    ]


def test_services_without_a_policy_count_where_the_site_has_no_default(admin, alice):
    make.service("kafka", policy=make.escalation_policy(alice))
    make.service("search")
    assert texts() == ["Search names no escalation policy, and the site has no default: every admin is paged."]


def test_the_last_resort_has_to_be_reached(alice):
    make.user("root", role="admin", email=False)
    make.policy.ensure_defaults()
    IncidentSettings.objects.update(last_resort=make.team("night", name="Night watch"))
    assert texts() == [
        "No admin has a contact method: where nobody else is reached, nobody is.",
        "Nobody in Night watch, the site's last resort, has a contact method: every admin is paged instead.",
    ]


def test_a_channel_that_fails_over_and_over_is_found(all_ready, alice):
    make.incident(steps=[alice])
    Notification.objects.filter(channel="email", purpose="page").update(attempt_count=5)
    assert texts() == ["E-mail: 1 message waits after 5 failed tries, and Muster goes on trying."]


def test_the_page_leads_each_reader_to_where_it_is_mended(client, admin, charlie, alice):
    ghost = make.user("ghost", email=False)
    schedule = make.schedule("Days", make.layer(ghost), team=None)
    links = {}
    for reader in (ghost, charlie, admin):
        client.force_login(reader)
        page = client.get("/on-call/readiness").content.decode().split("<main")[1].split("</main")[0]
        links[reader.username] = html.unescape(
            re.findall(r'mu-push mu-small"><a class="mu-link" href="([^"]+)"', page)[0]
        )
    assert links == {
        "ghost": "/me/",
        "charlie": f"/on-call/{schedule.pk}",
        "root": f"/admin/notifications/contactmethod/?user__id__exact={ghost.pk}",
    }
    assert client.get(links["root"]).status_code == 200
    client.force_login(alice)
    assert "/on-call/readiness" in client.get("/on-call/").content.decode()


def test_every_finding_leads_to_a_page(client, admin, alice):
    ghost = make.user("ghost", email=False)
    switch_off(make.user("off"))
    make.service("search")
    make.schedule("Empty")
    make.escalation_policy((), ghost)
    make.incident(steps=[alice])
    Notification.objects.update(attempt_count=9)
    client.force_login(admin)
    found = readiness.find(now=timezone.now())
    assert {each.group for each in found} == {"people", "gaps", "policies", "services", "channels"}
    assert [client.get(each.url).status_code for each in found] == [200] * len(found)


def test_the_page_asks_few_questions_whatever_there_is(client, all_ready, alice, bob):
    for number in range(5):
        ghost = make.user(email=False)
        crew = make.team("", ghost, bob)
        schedule = make.schedule("", make.layer(ghost, bob), make.layer(alice), team=crew)
        make.service(policy=make.escalation_policy(schedule, (crew, ghost), (), name=f"P{number}"), team=crew)
    client.force_login(alice)
    client.get("/on-call/readiness")
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/on-call/readiness").status_code == 200
    assert len(queries) <= MOST_QUERIES


# ---- once a day ----------------------------------------------------------------------------------------------------


def told(day=None):
    """(who, title) of every notice."""
    return [
        (row.recipient, row.title)
        for row in Notification.objects.filter(topic="readiness").order_by("id")
        if day is None or f"/{day}/" in row.key
    ]


@pytest.fixture
def not_ready(admin, alice, bob):
    """The crew's schedule has nobody, which concerns Alice; and the site has a service without a policy."""
    crew = make.team("crew", bob, managers=(alice,))
    make.schedule("Empty", team=crew)
    make.service("search")
    assert readiness.tell_due(now=MORNING - DAY) == 0, "on its first day it only begins to count"


def test_managers_of_the_teams_and_else_admins_are_told_once_a_day(not_ready):
    assert readiness.tell_due(now=MORNING) == 2
    assert readiness.tell_due(now=MORNING + timedelta(hours=1)) == 0
    assert told() == [
        ("Alice", "On-call is not ready: 1 thing to mend"),
        ("Root", "On-call is not ready: 1 thing to mend"),
    ]
    to_alice = Notification.objects.get(topic="readiness", recipient="Alice")
    assert (to_alice.purpose, to_alice.urgency, "Nobody is on call for Empty" in to_alice.body) == (
        "notice",
        "low",
        True,
    )
    assert to_alice.url.endswith("/on-call/readiness")


def test_the_next_day_tells_again(not_ready):
    assert [readiness.tell_due(now=MORNING + days * DAY) for days in range(3)] == [2, 2, 2]
    assert len(told("2026-10-15")) == 2


def test_it_waits_for_the_morning_in_the_sites_zone(not_ready):
    make.policy.ensure_defaults()
    IncidentSettings.objects.update(time_zone="America/New_York")
    hours = [-21, -20, 0, 2, 3]  # from 04:00 there, and from the day before at 07:00
    assert [readiness.tell_due(now=MORNING + hour * timedelta(hours=1)) for hour in hours] == [2, 0, 0, 0, 2]


def test_a_day_that_is_told_again_reaches_nobody_twice(not_ready):
    readiness.tell_due(now=MORNING)
    SweepRun.objects.filter(name="readiness").update(last_run_at=MORNING - DAY)
    readiness.tell_due(now=MORNING)
    assert len(told()) == 2


def test_nobody_is_told_while_everything_is_ready(all_ready):
    assert [readiness.tell_due(now=MORNING + days * DAY) for days in range(3)] == [0, 0, 0]
    assert told() == []


# ---- away, steps at times, and the last resort ---------------------------------------------------------------------


def test_whoever_is_away_while_on_call_is_found_once_a_schedule(all_ready, alice, bob):
    midnight = NOW.replace(hour=0, minute=0, second=0)
    turns = make.schedule("Turns", make.layer(alice, bob, starts_on=NOW.date()))
    alice.absences.create(starts_at=midnight + 2 * DAY, ends_at=midnight + 5 * DAY)
    alice.absences.create(starts_at=midnight + 40 * DAY, ends_at=midnight + 50 * DAY)
    make.override(turns, bob, midnight + 2 * DAY, midnight + 2 * DAY + DAY / 2)
    make.override(all_ready, bob, midnight, midnight + 9 * DAY)
    found = [each for each in readiness.find(now=NOW) if each.group == "away"]
    assert [(each.text, each.url) for each in found] == [
        (
            "Alice is away while on call for Turns at 2 times, 1 d 12 h in all; first from Fri 16 Oct 12:00 until "
            "Sat 17 Oct 00:00.",
            f"/on-call/{turns.pk}?on=2026-10-16",
        )
    ]


def test_conflicts_are_shown_to_the_person_and_on_the_schedule(client, alice, bob, admin, time_machine):
    time_machine.move_to(NOW, tick=False)
    crew = make.team("crew", alice, managers=(bob,))
    turns = make.schedule("Turns", make.layer(alice), team=crew)
    alice.absences.create(starts_at=NOW + DAY, ends_at=NOW + 2 * DAY)
    client.force_login(alice)
    assert ["Turns" in client.get(path).content.decode().split("<main")[1] for path in ("/on-call/away/", "/me/")] == [
        True,
        True,
    ]
    client.force_login(bob)
    assert "Away while on call" in client.get(f"/on-call/{turns.pk}").content.decode()
    assert "Alice is away while on call for Turns" in client.get("/on-call/readiness").content.decode()


def test_a_step_that_reaches_nobody_at_times_is_found(all_ready, alice, bob):
    ghost = make.user("ghost", email=False)
    first = make.schedule("First", make.layer(alice, ends_on=(NOW + 2 * DAY).date()))
    second = make.schedule("Second", make.layer(bob, ghost, unit="week", starts_on=NOW.date()))
    make.escalation_policy(first, (first, second), (first, second, bob), name="Weak")
    assert texts("policies") == [
        "Step 1 of Weak reaches nobody from Sat 17 Oct 00:00 on.",
        "Step 2 of Weak reaches nobody at 2 times, 14 d in all; first from Wed 21 Oct 00:00 until Wed 28 Oct 00:00.",
    ]


def test_failures_of_several_messages_count_together(all_ready, alice):
    make.incident(steps=[(alice, make.user("dora"), make.user("eve"))])
    rows = Notification.objects.filter(channel="email", purpose="page")
    rows.update(attempt_count=1)
    assert texts("channels") == []
    rows.update(attempt_count=2)
    assert texts("channels") == ["E-mail: 3 messages wait after 6 failed tries, and Muster goes on trying."]


def test_the_team_that_is_the_last_resort_stays_and_says_so(client, admin, alice):
    make.policy.ensure_defaults()
    night = make.team("night", alice, name="Night watch")
    IncidentSettings.objects.update(last_resort=night)
    client.force_login(admin)
    page = client.get(f"/admin/accounts/team/{night.pk}/delete/").content.decode()
    assert "Night watch is the site's last resort and cannot be deleted." in html.unescape(page)
    client.post(f"/admin/accounts/team/{night.pk}/delete/", {"post": "yes"})
    client.post("/admin/accounts/team/", {"action": "delete_selected", "_selected_action": [night.pk], "post": "yes"})
    with pytest.raises(ProtectedError):
        night.delete()
    assert "This team is the site's last resort" in html.unescape(client.get("/teams/night").content.decode())
    night.memberships.all().delete()
    emptied = html.unescape(client.get("/teams/night").content.decode())
    assert "Nobody in Night watch, the site's last resort, has a contact method" in emptied


def test_gaps_far_ahead_are_those_of_the_shifts(alice, bob):
    nights = of_json([{"days": ["mon", "wed", "sun"], "from": "22:00", "to": "06:00"}])
    days = of_json([{"days": ["sat", "tue"], "from": "08:00", "to": "20:00"}])
    for zone in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe"):
        layers = [
            make.layer(alice, windows=nights),
            make.layer(alice, bob, windows=days, unit="hour", length=7),
            make.layer(bob, starts_on=(NOW + 20 * DAY).date(), ends_on=(NOW + 22 * DAY).date()),
        ]
        made = make.schedule("", *layers, zone=zone)
        make.override(made, bob, NOW + DAY, NOW + 2 * DAY)
        rota = rotas.read(Schedule.objects.filter(pk=made.pk), start=NOW)[0][made.pk]
        slow = [(gap.start, gap.end) for gap in gaps(shifts(rota, NOW, NOW + 30 * DAY))]
        assert (uncovered(rota, NOW, NOW + 30 * DAY), len(slow) > 10) == (slow, True)


def test_who_takes_turns_without_a_fire_drill_is_named(client, all_ready, alice, bob):
    Drill.objects.create(user=bob, started_at=timezone.now() - MINUTE, answered_at=timezone.now())
    client.force_login(bob)
    page = client.get("/on-call/readiness").content.decode()
    assert "No answered fire drill in the last 45 days: Alice." in page
