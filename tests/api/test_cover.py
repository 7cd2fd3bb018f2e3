"""Cover, the shift that runs, swaps and absences over the API."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Role
from oncall import absences, cover
from oncall.models import Absence, CoverRequest, Override
from tests import make
from tests.api.caller import Caller, fields_of, mistakes_of
from tests.make import MINUTE, NOW

pytestmark = pytest.mark.django_db

HOUR = 60 * MINUTE
TODAY = "2026-10-14T00:00:00Z"
TOMORROW, AFTER = "2026-10-15T00:00:00Z", "2026-10-16T00:00:00Z"


@pytest.fixture(autouse=True)
def _at_night(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def schedule(alice, bob):
    """Alice today, Bob tomorrow, and so on."""
    return make.schedule("Platform", make.layer(alice, bob, name="Days", starts_on=NOW.date()))


@pytest.fixture
def manager(db):
    return Caller(make.user("meg", role=Role.MANAGER), "write")


def asked(caller, schedule, **more):
    body = {"schedule": schedule.pk, "start": TODAY, "end": TOMORROW, **more}
    answer = caller.post("cover-requests", body)
    assert answer.status_code == 201, answer.content
    return answer.json()


# ---- cover ---------------------------------------------------------------------------------------------------------


def test_cover_is_asked_for_and_taken_by_one_alone(api, bob, schedule):
    made = asked(api, schedule, note="Dentist")
    assert made == {
        "id": made["id"],
        "schedule": schedule.pk,
        "user": "alice",
        "start": "2026-10-14T01:47:08Z",  # what has passed cannot be covered
        "end": TOMORROW,
        "note": "Dentist",
        "created_at": "2026-10-14T01:47:08Z",
        "taken_by": None,
        "taken_at": None,
        "withdrawn_at": None,
    }
    assert api.items("cover-requests") == [made] == [api.get(f"cover-requests/{made['id']}").json()]
    taker = Caller(bob, "write")
    taken = taker.post(f"cover-requests/{made['id']}/take")
    row = Override.objects.get()
    assert (taken.status_code, taken.json()) == (
        201,
        {
            "id": row.pk,
            "schedule": schedule.pk,
            "user": "bob",
            "start": "2026-10-14T01:47:08Z",
            "end": TOMORROW,
            "reason": "Cover for Alice",
            "created_by": "bob",
            "warnings": [],
        },
    )
    assert taker.get(f"on-call?schedule={schedule.pk}").json()[0]["user"] == "bob"
    again = taker.post(f"cover-requests/{made['id']}/take")
    assert (again.status_code, fields_of(again)) == (409, [])
    assert again.json()["detail"] == "Bob has taken it already."
    assert api.items("cover-requests") == []
    assert [each["taken_by"] for each in api.items("cover-requests?state=all")] == ["bob"]


def test_cover_is_for_ones_own_shifts_once(api, bob, schedule):
    wrong = Caller(bob, "write").post("cover-requests", {"schedule": schedule.pk, "start": TODAY, "end": TOMORROW})
    assert [field for field, _ in mistakes_of(wrong)] == [""]
    asked(api, schedule)
    twice = api.post("cover-requests", {"schedule": schedule.pk, "start": TODAY, "end": TOMORROW})
    assert mistakes_of(twice) == [("", "You have asked for cover of this time already.")]
    assert CoverRequest.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"schedule": 999_999}, "schedule"),
        ({"end": TODAY}, "end"),
        ({"start": "9998-01-01T00:00:00Z", "end": "9998-01-02T00:00:00Z"}, "start"),
        ({"user": "bob"}, "user"),
        ({"note": "x" * 201}, "note"),
        ({"start": "2026-10-14"}, "start"),
    ],
)
def test_what_is_wrong_with_a_request_for_cover_is_named(api, schedule, change, where):
    answer = api.post("cover-requests", {"schedule": schedule.pk, "start": TODAY, "end": TOMORROW} | change)
    assert where in [field for field, _ in mistakes_of(answer)]


def test_the_asker_and_managers_withdraw_it(api, bob, schedule, manager):
    first = asked(api, schedule)["id"]
    assert Caller(bob, "write").post(f"cover-requests/{first}/withdraw").status_code == 403
    assert api.post(f"cover-requests/{first}/withdraw").json()["withdrawn_at"] == "2026-10-14T01:47:08Z"
    second = asked(api, schedule)["id"]
    assert manager.post(f"cover-requests/{second}/withdraw").status_code == 200
    gone = Caller(bob, "write").post(f"cover-requests/{second}/take")
    assert (gone.status_code, gone.json()["detail"]) == (409, "Alice needs no cover any more.")


def test_a_viewer_takes_nothing(api, charlie, schedule):
    made = asked(api, schedule)
    viewer = Caller(charlie, "write")
    for path in (f"cover-requests/{made['id']}/take", f"schedules/{schedule.pk}/take"):
        assert viewer.post(path).status_code == 403
    assert not Override.objects.exists()


def test_requests_are_narrowed_to_a_schedule(api, alice, schedule):
    other = make.schedule("Other", make.layer(alice))
    mine = asked(api, other)
    asked(api, schedule)
    assert api.items(f"cover-requests?schedule={other.pk}") == [mine]
    assert api.get("cover-requests?schedule=999999").status_code == 422
    assert api.get("cover-requests?x=1").status_code == 422
    assert api.get("cover-requests/999999").status_code == 404


# ---- the shift that runs, and swaps --------------------------------------------------------------------------------


def test_the_shift_that_runs_is_taken_at_once(bob, schedule):
    absences.enter(bob, start=NOW, end=NOW + HOUR, by=bob)
    caller = Caller(bob, "write")
    taken = caller.post(f"schedules/{schedule.pk}/take", key="once")
    assert (taken.status_code, taken.json()["end"]) == (201, TOMORROW)
    assert taken.json()["warnings"] == ["Bob is away from 2026-10-14T01:47:08Z to 2026-10-14T02:47:08Z."]
    again = caller.post(f"schedules/{schedule.pk}/take", key="once")
    assert (again.json(), Override.objects.count()) == (taken.json(), 1)
    assert mistakes_of(caller.post(f"schedules/{schedule.pk}/take")) == [("", "You are on call already.")]
    assert caller.post("schedules/999999/take").status_code == 404


def test_a_manager_swaps_two_people(manager, api, schedule):
    body = {"first": TOMORROW, "second": AFTER}
    assert api.post(f"schedules/{schedule.pk}/swap", body).status_code == 403
    made = manager.post(f"schedules/{schedule.pk}/swap", body)
    assert made.status_code == 201, made.content
    assert [(row["user"], row["end"]) for row in made.json()["overrides"]] == [("bob", TOMORROW), ("alice", AFTER)]
    found = manager.get(f"schedules/{schedule.pk}/shifts?from=2026-10-14T02:00:00Z&to={AFTER}").json()
    assert [row["user"] for row in found] == ["bob", "alice"]


def test_shifts_that_are_none_cannot_be_swapped(manager, schedule):
    path = f"schedules/{schedule.pk}/swap"
    assert manager.post(path, {"first": TOMORROW, "second": "2026-10-15T01:00:00Z"}).status_code == 409
    same = manager.post(path, {"first": TOMORROW, "second": "2026-10-17T00:00:00Z"})
    assert mistakes_of(same) == [("second", "Choose shifts of two people.")]
    assert [field for field, _ in mistakes_of(manager.post(path, {"first": TOMORROW}))] == ["second"]


# ---- absences ------------------------------------------------------------------------------------------------------


def test_somebody_says_when_they_are_away_and_reads_what_that_concerns(api, schedule):
    body = {"start": "2026-10-15T12:00:00Z", "end": "2026-10-16T12:00:00Z", "note": "Hiking"}
    answer = api.post("absences", body)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    conflicts = [{"schedule": schedule.pk, "start": AFTER, "end": "2026-10-16T12:00:00Z"}]
    assert made == {"id": made["id"], "user": "alice", **body, "conflicts": conflicts}
    assert api.items("absences") == [made] == [api.get(f"absences/{made['id']}").json()]
    assert api.delete(f"absences/{made['id']}").status_code == 204
    assert not Absence.objects.exists()


def test_the_note_is_for_the_person_and_their_managers(alice, charlie, bob, manager):
    row = absences.enter(alice, start=NOW, end=NOW + HOUR, by=alice, note="Ill")
    for caller, note in ((manager, "Ill"), (Caller(charlie, "read"), None), (Caller(bob, "write"), None)):
        assert [each["note"] for each in caller.items("absences")] == [note]
        assert caller.get(f"absences/{row.pk}").json()["note"] == note


def test_managers_enter_absences_of_their_people_and_colleagues_do_not(api, alice, bob):
    body = {"user": "bob", "start": TOMORROW, "end": AFTER}
    assert api.post("absences", body).status_code == 403
    make.team("crew", bob, managers=(alice,))
    made = api.post("absences", body)
    assert (made.status_code, made.json()["user"]) == (201, "bob")
    assert Caller(make.user("dora"), "write").delete(f"absences/{made.json()['id']}").status_code == 403
    assert api.items("absences?user=alice") == []
    assert len(api.items("absences?user=bob")) == 1


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"end": TODAY}, "end"),
        ({"start": "2025-01-01T00:00:00Z", "end": "2025-01-02T00:00:00Z"}, "end"),
        ({"end": "2027-10-17T00:00:00Z"}, "end"),
        ({"start": "9998-01-01T00:00:00Z", "end": "9998-02-01T00:00:00Z"}, "start"),
        ({"user": "nobody"}, "user"),
        ({"reason": "x"}, "reason"),
    ],
)
def test_what_is_wrong_with_an_absence_is_named(api, change, where):
    answer = api.post("absences", {"start": TOMORROW, "end": AFTER} | change)
    assert where in [field for field, _ in mistakes_of(answer)]


def test_an_absence_concerns_shifts_that_come_from_a_calendar(alice):
    draft = make.layer(name="Calendar", calendar_url="https://calendar.example/a.ics")
    schedule = make.schedule("Desk", draft)
    schedule.calendar_sources.get().turns.create(user=alice, starts_at=NOW, ends_at=NOW + HOUR)
    row = absences.enter(alice, start=NOW, end=NOW + timedelta(days=1), by=alice)
    assert [(each.schedule, each.end) for each in absences.conflicts([row], now=NOW)] == [(schedule, NOW + HOUR)]


def test_page_and_api_ask_the_same_function(alice, bob, schedule, api):
    row = cover.ask(schedule, start=NOW, end=NOW + HOUR, by=alice)
    assert [each["id"] for each in api.items("cover-requests")] == [row.pk]
