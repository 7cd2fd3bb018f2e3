"""Schedules, shifts, who is on call and overrides over the API."""

from __future__ import annotations

from datetime import date, time

import pytest

from accounts.models import Role
from oncall.models import Override, Schedule
from tests import make
from tests.api.caller import Caller
from tests.make import MINUTE, NOW

pytestmark = pytest.mark.django_db

LAYER = {
    "name": "Weekly",
    "rotation": {"unit": "week", "length": 1},
    "handoff": "09:00",
    "starts_on": "2026-03-23",
    "participants": ["alice", "bob"],
}
NEW = {"name": "Platform", "time_zone": "Europe/Berlin", "layers": [LAYER]}


@pytest.fixture
def people(alice, bob):
    return alice, bob


@pytest.fixture
def manager(db):
    return Caller(make.user("meg", role=Role.MANAGER), "admin")


def test_a_schedule_is_made_and_shown_as_it_was_sent(manager, people):
    office = {
        **LAYER,
        "name": "Office",
        "ends_on": "2027-01-31",
        "restrictions": [{"days": ["mon", "fri"], "from": "09:00", "to": "17:00"}],
    }
    answer = manager.post("schedules", NEW | {"layers": [LAYER, office]})
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert made == manager.get(f"schedules/{made['id']}").json()
    assert made["layers"] == [{**LAYER, "ends_on": None, "restrictions": []}, office]


def test_shifts_of_a_week_with_23_hours_less_one(manager, people):
    pk = manager.post("schedules", NEW).json()["id"]
    path = f"schedules/{pk}/shifts?from=2026-03-29T00:00:00Z&to=2026-04-07T00:00:00%2B02:00"
    assert manager.get(path).json() == [
        {"user": "alice", "start": "2026-03-29T00:00:00Z", "end": "2026-03-30T07:00:00Z", "layer": "Weekly"},
        {"user": "bob", "start": "2026-03-30T07:00:00Z", "end": "2026-04-06T07:00:00Z", "layer": "Weekly"},
        {"user": "alice", "start": "2026-04-06T07:00:00Z", "end": "2026-04-06T22:00:00Z", "layer": "Weekly"},
    ]
    assert manager.get(path.replace("%2B", "+")).json() == manager.get(path).json()


def test_a_gap_has_no_user(manager, people):
    pk = manager.post("schedules", NEW).json()["id"]
    found = manager.get(f"schedules/{pk}/shifts?from=2026-03-23T00:00:00Z&to=2026-03-23T12:00:00Z").json()
    assert [(row["user"], row["layer"], row["end"]) for row in found] == [
        (None, "", "2026-03-23T08:00:00Z"),
        ("alice", "Weekly", "2026-03-23T12:00:00Z"),
    ]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?from=2026-01-01T00:00:00Z",
        "?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
        "?from=2026-01-01T00:00:00Z&to=2027-02-06T00:00:00Z",
        "?from=2026-01-01&to=2026-01-02",
        "?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&x=1",
    ],
)
def test_a_stretch_that_is_none_is_a_422(manager, people, query):
    pk = manager.post("schedules", NEW).json()["id"]
    assert manager.get(f"schedules/{pk}/shifts{query}").status_code == 422


def test_who_is_on_call(manager, people):
    pk = manager.post("schedules", NEW).json()["id"]
    assert manager.get(f"on-call?schedule={pk}&at=2026-03-30T07:00:00Z").json() == [
        {"schedule": pk, "name": "Platform", "user": "bob", "layer": "Weekly", "until": "2026-04-06T07:00:00Z"}
    ]
    assert manager.get("on-call?at=2026-01-01T00:00:00Z").json() == [
        {"schedule": pk, "name": "Platform", "user": None, "layer": "", "until": None}
    ]
    assert manager.get("on-call?schedule=999").status_code == 422


def test_an_override_lies_above_the_layers(manager, people):
    pk = manager.post("schedules", NEW).json()["id"]
    body = {"schedule": pk, "user": "bob", "start": "2026-03-24T00:00:00Z", "end": "2026-03-25T00:00:00Z"}
    answer = manager.post("overrides", body)
    assert answer.status_code == 201, answer.content
    found = manager.get(f"schedules/{pk}/shifts?from=2026-03-23T08:00:00Z&to=2026-03-26T00:00:00Z").json()
    assert [(row["user"], row["layer"], row["start"]) for row in found] == [
        ("alice", "Weekly", "2026-03-23T08:00:00Z"),
        ("bob", "Override", "2026-03-24T00:00:00Z"),
        ("alice", "Weekly", "2026-03-25T00:00:00Z"),
    ]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"name": ""}, "name"),
        ({"layers": [LAYER | {"participants": ["nobody"]}]}, "layers.0.participants.0"),
        ({"layers": [LAYER | {"participants": []}]}, "layers.0.participants"),
        ({"layers": [LAYER | {"handoff": "9:00"}]}, "layers.0.handoff"),
        ({"layers": [LAYER | {"starts_on": "2026-02-30"}]}, "layers.0.starts_on"),
        ({"layers": [LAYER | {"ends_on": "2026-03-22"}]}, "layers.0.ends_on"),
        ({"layers": [LAYER | {"rotation": {"unit": "month", "length": 1}}]}, "layers.0.rotation.unit"),
        ({"layers": [LAYER | {"rotation": {"unit": "day", "length": 0}}]}, "layers.0.rotation.length"),
        (
            {"layers": [LAYER | {"restrictions": [{"days": ["sunday"], "from": "09:00", "to": "10:00"}]}]},
            "layers.0.restrictions.0.days.0",
        ),
    ],
)
def test_what_is_wrong_is_named(manager, people, change, where):
    answer = manager.post("schedules", NEW | change)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [where]
    assert not Schedule.objects.exists()


def test_two_schedules_cannot_have_one_name(manager, people):
    manager.post("schedules", NEW)
    assert manager.post("schedules", NEW).status_code == 422


def test_layers_are_replaced_and_the_rest_stays(manager, people):
    pk = manager.post("schedules", NEW).json()["id"]
    changed = manager.patch(f"schedules/{pk}", {"layers": [LAYER | {"participants": ["bob"]}]}).json()
    assert (changed["name"], changed["layers"][0]["participants"]) == ("Platform", ["bob"])


def test_a_schedule_that_a_policy_pages_cannot_be_deleted(manager, alice):
    schedule = make.schedule("Platform", make.layer(alice))
    make.escalation_policy(schedule, name="Primary")
    answer = manager.delete(f"schedules/{schedule.pk}")
    assert (answer.status_code, "Primary" in answer.content.decode()) == (422, True)


def test_a_policy_names_schedules_by_their_id(manager, alice):
    schedule = make.schedule("Platform", make.layer(alice))
    steps = [{"delay_minutes": 0, "targets": [{"type": "schedule", "id": schedule.pk}]}]
    answer = manager.post("escalation-policies", {"name": "Primary", "steps": steps})
    assert (answer.status_code, answer.json()["steps"]) == (201, steps), answer.content


# ---- rights --------------------------------------------------------------------------------------------------------


def test_responders_take_shifts_themselves_and_give_them_to_nobody(api, alice, bob):
    schedule = make.schedule("Platform", make.layer(bob))
    span = {"schedule": schedule.pk, "start": "2026-10-14T00:00:00Z", "end": "2026-10-15T00:00:00Z"}
    assert api.post("overrides", span | {"user": "alice"}).status_code == 201
    assert api.post("overrides", span | {"user": "bob"}).status_code == 403
    assert api.post("schedules", NEW).status_code == 403
    assert api.patch(f"schedules/{schedule.pk}", {"name": "Mine"}).status_code == 403


def test_managers_of_a_team_change_its_schedules_and_no_others(api, alice, bob):
    crew = make.team("crew", managers=(alice,))
    mine = make.schedule("Mine", make.layer(bob), team=crew)
    assert api.patch(f"schedules/{mine.pk}", {"description": "Ours"}).status_code == 200
    assert api.patch(f"schedules/{mine.pk}", {"team": None}).status_code == 403
    assert api.post("schedules", NEW | {"team": "crew"}).status_code == 201


def test_an_override_that_runs_ends_now_and_one_to_come_is_gone(manager, alice, time_machine):
    time_machine.move_to(NOW, tick=False)
    schedule = make.schedule("Platform", make.layer(alice))
    running = make.override(schedule, alice, NOW - MINUTE, NOW + MINUTE)
    coming = make.override(schedule, alice, NOW + MINUTE, NOW + 2 * MINUTE)
    assert [manager.delete(f"overrides/{row.pk}").status_code for row in (running, coming)] == [204, 204]
    assert list(Override.objects.values_list("pk", "ends_at")) == [(running.pk, NOW)]


def test_times_of_day_and_dates_are_kept_exactly(manager, people):
    pk = manager.post("schedules", NEW | {"layers": [LAYER | {"handoff": "23:45"}]}).json()["id"]
    row = Schedule.objects.get(pk=pk).layers.get()
    assert (row.handoff, row.starts_on) == (time(23, 45), date(2026, 3, 23))
