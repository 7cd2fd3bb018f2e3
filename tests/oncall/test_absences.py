"""When people are away: who enters it, and which shifts it concerns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from accounts.models import AuditEntry, Role
from oncall import absences
from oncall.models import Absence
from tests import make
from tests.make import MINUTE, NOW

pytestmark = pytest.mark.django_db

HOUR = 60 * MINUTE
DAY = timedelta(days=1)
TODAY = datetime(2026, 10, 14, tzinfo=UTC)  # Alice's day; the next one is Bob's


@pytest.fixture(autouse=True)
def _at_night(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def schedule(alice, bob):
    """Alice today, Bob tomorrow, and so on."""
    return make.schedule("Platform primary", make.layer(alice, bob, name="Days", starts_on=NOW.date()))


def enter(person, start, end, by=None, **options):
    return absences.enter(person, start=start, end=end, by=by or person, now=NOW, **options)


def page(client, person, path):
    client.force_login(person)
    return client.get(path).content.decode()


# ---- entering ------------------------------------------------------------------------------------------------------


def test_oneself_and_ones_managers_enter_it_and_the_audit_log_knows(alice, bob, admin):
    meg, ted = make.user("meg", role=Role.MANAGER), make.user("ted")
    make.team("crew", alice, managers=(ted,))
    for number, by in enumerate((alice, meg, ted, admin)):
        row = enter(alice, NOW + number * HOUR, NOW + (number + 1) * HOUR, by=by, note=" Holiday\n")
        assert (row.user, row.note) == (alice, "Holiday")
    with pytest.raises(PermissionDenied):
        enter(alice, NOW, NOW + HOUR, by=bob)
    with pytest.raises(PermissionDenied):
        enter(bob, NOW, NOW + HOUR, by=ted)
    entries = AuditEntry.objects.filter(object_type="oncall.absence").order_by("id")
    assert [entry.actor for entry in entries] == [alice, meg, ted, admin]


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        (NOW + HOUR, NOW + HOUR, "ends after it begins"),
        (NOW - 2 * HOUR, NOW - HOUR, "has passed"),
        (NOW, NOW + 367 * DAY, "at most 366 days"),
    ],
)
def test_an_absence_lies_ahead_and_is_no_life(alice, start, end, says):
    with pytest.raises(ValidationError, match=says):
        enter(alice, start, end)


def test_it_is_removed_by_the_same_people(client, alice, bob):
    row = enter(alice, NOW, NOW + DAY)
    client.force_login(bob)
    assert client.post(f"/on-call/away/{row.pk}/remove").status_code == 403
    client.force_login(alice)
    assert client.post(f"/on-call/away/{row.pk}/remove")["Location"] == "/me/"
    assert not Absence.objects.exists()


# ---- conflicts -----------------------------------------------------------------------------------------------------


def found(*rows, now=NOW):
    return [
        (each.absence.user.username, each.schedule.name, each.start, each.end)
        for each in absences.conflicts(rows, now=now)
    ]


def test_conflicts_are_the_parts_of_the_shifts_in_which_one_is_away(schedule, alice, bob):
    one = enter(alice, TODAY - DAY, TODAY + 2 * DAY + 6 * HOUR)
    other = enter(bob, TODAY + 2 * DAY, TODAY + 3 * DAY)
    assert found(one, other) == [
        ("alice", "Platform primary", NOW, TODAY + DAY),
        ("alice", "Platform primary", TODAY + 2 * DAY, TODAY + 2 * DAY + 6 * HOUR),
    ]
    assert found(other) == []


def test_what_is_covered_is_no_conflict_and_what_one_took_is(schedule, alice, bob):
    row = enter(alice, TODAY + 2 * DAY, TODAY + 4 * DAY)
    make.override(schedule, bob, TODAY + 2 * DAY, TODAY + 3 * DAY)
    make.override(schedule, alice, TODAY + 3 * DAY, TODAY + 3 * DAY + HOUR)
    assert found(row) == [("alice", "Platform primary", TODAY + 3 * DAY, TODAY + 3 * DAY + HOUR)]


def test_every_schedule_counts_with_few_queries(schedule, alice, bob, django_assert_num_queries):
    make.schedule("Second", make.layer(alice))
    make.schedule("Others", make.layer(bob))
    rows = [enter(alice, TODAY + 2 * DAY, TODAY + 3 * DAY)]
    with django_assert_num_queries(2):
        names = [each.schedule.name for each in absences.conflicts(rows, now=NOW)]
    assert names == ["Platform primary", "Second"]


def test_nothing_is_asked_where_nobody_is_away(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert absences.conflicts([], now=NOW) == []


# ---- pages ---------------------------------------------------------------------------------------------------------


def test_the_profile_shows_when_one_is_away_and_what_that_concerns(client, schedule, alice):
    assert "Say when you are away" in page(client, alice, "/me/")
    sent = {"user": "alice", "start": "2026-10-16T00:00", "end": "2026-10-17T00:00", "note": "Holiday"}
    assert client.post("/on-call/away/new", sent)["Location"] == "/me/"
    shown = page(client, alice, "/me/")
    card = shown.split('id="away"')[1].split("</section>")[0]
    assert [word in card for word in ("Holiday", "Platform primary", "ask for cover")] == [True, True, True]
    assert "You are still on call in that time: Platform primary." in shown


def test_the_schedule_shows_it_to_everybody_without_the_reason(client, schedule, alice, bob, charlie):
    enter(alice, TODAY + 2 * DAY, TODAY + 3 * DAY, note="Operation")
    enter(bob, TODAY + 2 * DAY, TODAY + 3 * DAY)
    for person, link in ((alice, "Ask for cover"), (bob, "Stand in"), (charlie, "")):
        shown = page(client, person, f"/on-call/{schedule.pk}")
        card = shown.split('id="h-away"')[1].split("</section>")[0]
        assert [word in card for word in ("1 conflict<", "Alice", "is away", ">Bob<")] == [True, True, True, False]
        assert [word for word in ("Ask for cover", "Stand in") if word in card] == [word for word in (link,) if word]
        assert "Operation" not in shown
    assert "h-away" not in page(client, alice, f"/on-call/{schedule.pk}?on=2026-12-01")


def test_the_list_shows_everybody_and_the_reason_to_managers(client, schedule, alice, bob):
    enter(alice, TODAY + 2 * DAY, TODAY + 3 * DAY, note="Operation")
    meg = make.user("meg", role=Role.MANAGER)
    assert [word in page(client, meg, "/on-call/away/") for word in ("Operation", "Remove", "Platform")] == [True] * 3
    assert [word in page(client, bob, "/on-call/away/") for word in ("Alice", "Operation", "Remove")] == [
        True,
        False,
        False,
    ]


def test_a_manager_enters_it_for_somebody_and_a_responder_only_for_oneself(client, schedule, alice, bob):
    sent = {"user": "bob", "start": "2026-10-15T00:00", "end": "2026-10-16T00:00", "note": ""}
    client.force_login(alice)
    assert client.post("/on-call/away/new", sent).status_code == 422
    client.force_login(make.user("meg", role=Role.MANAGER))
    assert client.post("/on-call/away/new", sent)["Location"] == "/on-call/away/"
    assert client.post("/on-call/away/new", sent | {"end": "2026-10-14T23:00"}).status_code == 422
    assert [(row.user, row.starts_at) for row in Absence.objects.all()] == [(bob, TODAY + DAY)]


def test_an_override_that_puts_somebody_on_call_while_away_warns(client, schedule, alice, bob):
    enter(alice, TODAY + DAY, TODAY + 2 * DAY)
    client.force_login(alice)
    sent = {"user": "alice", "start": "2026-10-15T08:00", "end": "2026-10-15T20:00", "reason": ""}
    client.post(f"/on-call/{schedule.pk}/override", sent)
    said = [str(each) for each in client.get(f"/on-call/{schedule.pk}").context["messages"]]
    assert said[1:] == ["Alice is away from Thu 15 Oct 00:00 to Fri 16 Oct 00:00."]
