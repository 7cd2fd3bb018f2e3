"""Schedules, shifts, who is on call and overrides over the API."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Role
from oncall.models import Override, Schedule
from oncall.windows import DAYS
from tests import make
from tests.api.caller import Caller, fields_of
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
    assert made.pop("warnings") == []
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
    assert (answer.status_code, answer.json()["steps"][0]["targets"]) == (201, steps[0]["targets"]), answer.content


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


# ---- layers from calendars -----------------------------------------------------------------------------------------

CALENDAR = {"name": "Nights", "calendar_url": "https://calendar.example/secret.ics?key=1"}


def test_a_layer_from_a_calendar_is_written_and_shown_to_who_may_change_it(manager, people, charlie):
    made = manager.post("schedules", NEW | {"layers": [LAYER, CALENDAR]})
    assert made.status_code == 201, made.content
    layers = made.json()["layers"]
    assert layers == [{**LAYER, "ends_on": None, "restrictions": []}, CALENDAR]
    assert [row.url for row in Schedule.objects.get().calendar_sources.all()] == [CALENDAR["calendar_url"]]
    pk = made.json()["id"]
    hidden = [layers[0], {"name": "Nights", "calendar_url": None}]
    for caller in (Caller(charlie, "write"), Caller(manager.user, "read")):
        assert caller.get(f"schedules/{pk}").json()["layers"] == hidden
        assert "secret" not in caller.get("schedules").content.decode()


def test_a_change_of_layers_keeps_the_calendar_and_what_was_read_from_it(manager, alice, bob):
    pk = manager.post("schedules", NEW | {"layers": [LAYER, CALENDAR]}).json()["id"]
    source = Schedule.objects.get().calendar_sources.get()
    source.turns.create(user=bob, starts_at=NOW, ends_at=NOW + MINUTE)
    layers = manager.get(f"schedules/{pk}").json()["layers"]
    changed = manager.patch(f"schedules/{pk}", {"layers": [{**layers[0], "participants": ["alice"]}, layers[1]]})
    assert changed.json()["layers"][1] == CALENDAR
    on_call = manager.get(f"on-call?schedule={pk}&at=2026-10-14T01:47:30Z").json()[0]
    assert (on_call["user"], on_call["layer"]) == ("bob", "Nights")


@pytest.mark.parametrize(
    ("layer", "where"),
    [
        (LAYER | {"calendar_url": CALENDAR["calendar_url"]}, "layers.0.participants"),
        (CALENDAR | {"rotation": {"unit": "day", "length": 1}}, "layers.0.rotation"),
        (CALENDAR | {"calendar_url": "ftp://calendar.example/x"}, "layers.0.calendar_url"),
        (CALENDAR | {"calendar_url": "http://["}, "layers.0.calendar_url"),
        (CALENDAR | {"calendar_url": "calendar"}, "layers.0.calendar_url"),
        (CALENDAR | {"calendar_url": "https://x.example/" + "x" * 500}, "layers.0.calendar_url"),
        (CALENDAR | {"calendar_url": None}, "layers.0.rotation"),
        ({"name": "x"}, "layers.0.rotation"),
        (LAYER | {"starts_on": None}, "layers.0.starts_on"),
        (LAYER | {"people": []}, "layers.0.people"),
    ],
)
def test_a_layer_that_is_neither_or_both_is_named(manager, people, layer, where):
    answer = manager.post("schedules", NEW | {"layers": [layer]})
    assert where in fields_of(answer)
    assert answer.status_code == 422
    assert not Schedule.objects.exists()


CLOCKS = st.times().map(lambda clock: f"{clock:%H:%M}")
DATES = st.dates(date(1971, 1, 1), date(2998, 12, 31))
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=120)
RESTRICTIONS = st.fixed_dictionaries(
    {"days": st.sets(st.sampled_from(DAYS), min_size=1).map(lambda days: sorted(days, key=DAYS.index))}
    | {"from": CLOCKS, "to": CLOCKS}
)
TURNS = st.builds(
    lambda starts_on, more, **layer: (
        layer
        | {"starts_on": starts_on.isoformat()}
        | {"ends_on": min(starts_on + timedelta(days=more), date(2998, 12, 31)).isoformat() if more else None}
    ),
    name=NAMES,
    rotation=st.fixed_dictionaries({"unit": st.sampled_from(["hour", "day", "week"]), "length": st.integers(1, 365)}),
    handoff=CLOCKS,
    starts_on=DATES,
    more=st.integers(0, 400),
    participants=st.lists(st.sampled_from(["alice", "bob"]), min_size=1, max_size=5),
    restrictions=st.lists(RESTRICTIONS, max_size=3),
)
CALENDARS = st.fixed_dictionaries(
    {"name": NAMES, "calendar_url": st.integers(0, 3).map(lambda number: f"https://calendar.example/{number}.ics")}
)


@settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(layers=st.lists(TURNS | CALENDARS, max_size=5))
def test_what_is_read_is_what_was_sent_and_can_be_sent_again(manager, people, layers):
    made = manager.post("schedules", NEW | {"layers": layers})
    assert made.status_code == 201, made.content
    warnings, shown = {"warnings": made.json().pop("warnings")}, manager.get(f"schedules/{made.json()['id']}").json()
    pk = shown.pop("id")
    assert shown["layers"] == layers
    assert manager.patch(f"schedules/{pk}", shown).json() == {"id": pk, **shown, **warnings}
    manager.delete(f"schedules/{pk}")
    again = manager.post("schedules", shown).json()
    assert manager.delete(f"schedules/{again.pop('id')}").status_code == 204
    assert again == shown | warnings


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"starts_on": "1970-12-31"}, ["layers.0.starts_on"]),
        ({"ends_on": "9999-12-31"}, ["layers.0.ends_on"]),
        ({"starts_on": "9999-12-31"}, ["layers.0.starts_on"]),
    ],
)
def test_days_without_a_moment_after_them_are_refused(manager, people, change, where):
    answer = manager.post("schedules", NEW | {"layers": [LAYER | change]})
    assert (answer.status_code, fields_of(answer)) == (422, where)


def test_400_days_are_answered_and_a_second_more_is_not(manager, people):
    pk = manager.post("schedules", NEW).json()["id"]
    path = f"schedules/{pk}/shifts?from=2026-04-06T07:00:00Z&to=2027-05-11T07:00:0"
    found = manager.get(f"{path}0Z").json()
    assert isinstance(found, list)
    assert (found[0]["start"], found[-1]["end"]) == ("2026-04-06T07:00:00Z", "2027-05-11T07:00:00Z")
    assert fields_of(manager.get(f"{path}1Z")) == ["to"]


def test_what_is_not_there_is_not_found(manager, people):
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/shifts?from=x"), ("POST", "/take")):
        answer = manager.call(method, f"schedules/999999{path}", {} if method == "PATCH" else None)
        assert answer.status_code == (422 if "from" in path else 404), path
    stretch = "?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"
    assert manager.get(f"schedules/999999/shifts{stretch}").status_code == 404
    assert manager.delete("overrides/999999").status_code == 404


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"schedule": 999_999}, ["schedule"]),
        ({"user": "nobody"}, ["user"]),
        ({"end": "2026-03-24T00:00:00Z"}, ["end"]),
        ({"end": "2027-03-26T00:00:00Z"}, ["end"]),
        ({"start": "2026-03-24"}, ["start"]),
        ({"layer": "x"}, ["layer"]),
        ({"start": "9998-01-01T00:00:00Z", "end": "9998-01-02T00:00:00Z"}, ["start", "end"]),
    ],
)
def test_what_is_wrong_with_an_override_is_named(manager, people, change, where):
    pk = manager.post("schedules", NEW).json()["id"]
    body = {"schedule": pk, "user": "bob", "start": "2026-03-24T00:00:00Z", "end": "2026-03-25T00:00:00Z"}
    answer = manager.post("overrides", body | change)
    assert (answer.status_code, fields_of(answer)) == (422, where)


# ---- who is on call, as text ---------------------------------------------------------------------------------------


def test_until_is_when_the_shift_ends_also_where_an_override_begins_before(manager, people, bob):
    pk = manager.post("schedules", NEW).json()["id"]
    start = NOW.replace(hour=12, minute=0, second=0)
    make.override(Schedule.objects.get(), bob, start, start + 60 * MINUTE)
    row = manager.get(f"on-call?schedule={pk}&at=2026-10-14T08:00:00Z").json()[0]
    assert (row["until"], row["layer"]) == ("2026-10-14T12:00:00Z", "Weekly")
    before = manager.get(f"on-call?schedule={pk}&at=2026-03-23T07:00:00Z").json()[0]
    assert (before["user"], before["until"]) == (None, "2026-03-23T08:00:00Z")


def test_who_is_on_call_as_text_for_slack(manager, alice, bob, time_machine):
    time_machine.move_to(NOW, tick=False)
    manager.user.time_zone = "Europe/Berlin"
    manager.user.save()
    bob.name = "Bob <!channel> & Sons"
    bob.save()
    make.schedule("A & <B>\n@here", make.layer(bob, alice, starts_on=NOW.date()))
    make.schedule("Nights", make.layer(alice, starts_on=date(2026, 10, 15)))
    make.schedule("Whole", make.layer(alice))
    answer = manager.get("on-call?format=slack")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert answer.content.decode() == (
        "*On call* on Wed 14 Oct 03:47 (Europe/Berlin)\n"
        "*A &amp; &lt;B&gt; @\u200bhere*: Bob &lt;!channel&gt; &amp; Sons until Thu 15 Oct 02:00, then Alice\n"
        "*Nights*: nobody until Thu 15 Oct 02:00, then Alice\n"
        "*Whole*: Alice\n"
    )
    client = Client()
    client.force_login(manager.user)
    page = client.get("/on-call/text")
    assert (page["Content-Type"], page.content) == (answer["Content-Type"], answer.content)
    assert b'href="/on-call/text"' in client.get("/on-call/").content
    assert manager.get("on-call?format=xml").status_code == 422


def test_text_says_so_where_there_is_nothing_to_say(manager, time_machine):
    time_machine.move_to(NOW, tick=False)
    text = manager.get("on-call?format=slack").content.decode()
    assert text == "*On call* on Wed 14 Oct 01:47 (UTC)\nThere are no schedules yet.\n"


def test_nobody_says_what_comes_next_where_it_was_not_looked_ahead(manager, alice):
    for number in range(61):
        make.schedule(f"S{number}", make.layer(alice))
    assert {row["until"] for row in manager.get("on-call").json()} == {None}
    client = Client()
    client.force_login(manager.user)
    assert b"until" not in client.get("/on-call/").content.partition(b'class="mu-now"')[2]
